//! A crowd in a store: one person added by the store's own functions, copied as often as wanted.
//!
//! Added one by one, half a million app passwords take many minutes. A copy differs from its model
//! only in what tells people apart: address, name and its words, storage id and tags. Triggers keep
//! the counters as they do for everybody. A test compares the crowd with people added one by one.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use model::address::{Address, DomainName};
use model::domain::{DomainLimits, GIB};
use model::ids::DomainId;
use model::mailbox::{NewMailbox, SignInMethods};
use model::protocol::Protocols;
use model::tag::Tags;
use model::template::TemplateFields;
use model::time::{Clock as _, SystemClock};
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, FileControl, Statement, params, params_from_iter};
use store::{Conn, MasterKey, PurposeKey, Store, StoreError};
use uuid::Uuid;

use crate::people::{DOMAIN, address, secret};

/// The crowd is copied in one transaction, which is in memory until it is committed.
const CACHE: &str = "PRAGMA cache_size = -1000000; PRAGMA synchronous = OFF;";

/// Adds the people to the store in `database`, which nobody else may have open.
pub(crate) fn fill(
    database: &Path,
    master: &MasterKey,
    people: u32,
    secrets_each: u32,
) -> anyhow::Result<()> {
    let tags = master.auth_keys()?.app_password;
    add(database, &tags, people.min(1), secrets_each)?;
    copy(database, &tags, people, secrets_each)
}

/// Adds people one by one, by the store's own functions.
fn add(database: &Path, tags: &PurposeKey, people: u32, secrets_each: u32) -> anyhow::Result<()> {
    let store = Store::open(database)?;
    let tags = Arc::new(tags.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(store.write(async move |tx: &mut Conn| {
        let domain = add_domain(tx).await?;
        for person in 0..people {
            add_person(tx, domain, &tags, person, secrets_each).await?;
        }
        Ok::<_, StoreError>(())
    }))?;
    Ok(())
}

async fn add_domain(tx: &mut Conn) -> Result<DomainId, StoreError> {
    let new = store::domains::NewDomain {
        name: parsed(DomainName::parse(DOMAIN))?,
        active: true,
        limits: DomainLimits::default(),
        role_target: parsed(Address::parse("root@example.net"))?,
    };
    store::domains::insert(tx, &new, SystemClock.now()).await
}

async fn add_person(
    tx: &mut Conn,
    domain: DomainId,
    tags: &PurposeKey,
    person: u32,
    secrets_each: u32,
) -> Result<(), StoreError> {
    let now = SystemClock.now();
    let new = NewMailbox {
        domain,
        address: parsed(Address::parse(&address(person)))?,
        name: name(person),
        quota: GIB,
        protocols: Protocols::ALL,
        active: true,
        methods: SignInMethods {
            local: false,
            provider: true,
        },
        template: None,
        overrides: TemplateFields::NONE,
        tags: Tags::default(),
    };
    let mailbox = store::mailboxes::insert(tx, &new, storage(person), now).await?;
    for which in 0..secrets_each {
        let tag = tag(tags, person, which);
        store::app_passwords::insert(tx, mailbox, &tag, "phone", Protocols::ALL, None, now).await?;
    }
    Ok(())
}

fn name(person: u32) -> String {
    format!("Person {person}")
}

fn storage(person: u32) -> Uuid {
    Uuid::from_u128(u128::from(person))
}

fn tag(tags: &PurposeKey, person: u32, which: u32) -> Vec<u8> {
    tags.tag(&[secret(person, which).as_bytes()])
}

/// A name of ours that does not parse is a mistake in this file.
fn parsed<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, StoreError> {
    result.map_err(|error| store::Unavailable::Database(error.to_string()).into())
}

/// Copies the first person until there are `people` of them.
fn copy(database: &Path, tags: &PurposeKey, people: u32, secrets_each: u32) -> anyhow::Result<()> {
    let mut connection = Connection::open(database)?;
    // The store's own way of closing: without the log, nobody who may only read could open it.
    connection.file_control(None::<&str>, FileControl::PersistWal(&mut 1))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(CACHE)?;
    let transaction = connection.transaction()?;
    {
        let mut mailboxes = Copier::new(&transaction, "mailboxes", people)?;
        let mut words = transaction.prepare("INSERT INTO mailbox_words VALUES (?1, ?2)")?;
        let mut passwords = Copier::new(&transaction, "app_passwords", secrets_each)?;
        for person in 1..people {
            let mailbox = mailboxes.copy(&[
                ("address", address(person).into()),
                ("name", name(person).into()),
                ("storage", storage(person).as_bytes().to_vec().into()),
            ])?;
            // The words of `name`.
            words.execute(params!["person", mailbox])?;
            words.execute(params![person.to_string(), mailbox])?;
            for which in 0..secrets_each {
                passwords.copy(&[
                    ("mailbox", mailbox.into()),
                    ("tag", tag(tags, person, which).into()),
                ])?;
            }
        }
    }
    transaction.commit()?;
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    ensure!(busy == 0, "somebody else has the store open");
    Ok(())
}

/// Copies the oldest row of a table.
struct Copier<'c> {
    insert: Option<Statement<'c>>,
    columns: Vec<String>,
    model: Vec<Value>,
    connection: &'c Connection,
}

impl<'c> Copier<'c> {
    /// For `wanted` rows of `table`; without any, there is no model either.
    fn new(connection: &'c Connection, table: &str, wanted: u32) -> anyhow::Result<Self> {
        let mut copier = Self {
            insert: None,
            columns: Vec::new(),
            model: Vec::new(),
            connection,
        };
        if wanted == 0 {
            return Ok(copier);
        }
        let mut oldest =
            connection.prepare(&format!("SELECT * FROM {table} ORDER BY id LIMIT 1"))?;
        copier.columns = oldest.column_names().map(str::to_owned).collect();
        let count = copier.columns.len();
        copier.model = oldest.query_row([], |row| {
            (0..count).map(|at| row.get(at)).collect::<Result<_, _>>()
        })?;
        let marks = vec!["?"; count].join(", ");
        let insert = format!(
            "INSERT INTO {table} ({}) VALUES ({marks})",
            copier.columns.join(", ")
        );
        copier.insert = Some(connection.prepare(&insert)?);
        Ok(copier)
    }

    /// A copy with a new id and these values; returns the id.
    fn copy(&mut self, changes: &[(&str, Value)]) -> anyhow::Result<i64> {
        for (name, value) in changes.iter().chain(&[("id", Value::Null)]) {
            let at = self.columns.iter().position(|column| column == name);
            let place = at.and_then(|at| self.model.get_mut(at));
            *place.with_context(|| format!("no column {name}"))? = value.clone();
        }
        let insert = self.insert.as_mut().context("nothing to copy")?;
        insert.execute(params_from_iter(&self.model))?;
        Ok(self.connection.last_insert_rowid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::OsRandom;

    /// Every row of the tables that hold people, but for when it was made.
    fn rows(database: &Path) -> Vec<String> {
        let connection = Connection::open(database).unwrap();
        let mut all = Vec::new();
        for table in [
            "domains",
            "mailboxes",
            "mailbox_words",
            "app_passwords",
            "counters",
        ] {
            let mut select = connection
                .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
                .unwrap();
            let columns: Vec<String> = select.column_names().map(str::to_owned).collect();
            let mut found = select.query([]).unwrap();
            while let Some(row) = found.next().unwrap() {
                let values = columns
                    .iter()
                    .filter(|column| {
                        !["created", "modified", "confirmed"].contains(&column.as_str())
                    })
                    .map(|column| row.get::<_, Value>(column.as_str()).unwrap());
                all.push(format!("{table} {:?}", values.collect::<Vec<_>>()));
            }
        }
        all
    }

    #[test]
    fn a_copied_crowd_is_what_the_store_writes_one_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("db");
        let key = directory.path().join("key");
        let master = MasterKey::create_with_new_store(&key, &database, &OsRandom).unwrap();
        let empty = directory.path().join("empty");
        std::fs::copy(&database, &empty).unwrap();
        fill(&database, &master, 12, 2).unwrap();
        add(&empty, &master.auth_keys().unwrap().app_password, 12, 2).unwrap();
        let copied = rows(&database);
        assert_eq!(copied.len(), 1 + 12 + 24 + 24 + 2);
        assert_eq!(copied, rows(&empty));
    }
}
