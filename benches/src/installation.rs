//! Gatepost's own data: a store of the current schema with the people of a bench in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::address::{Address, DomainName};
use model::domain::{DomainLimits, GIB};
use model::ids::DomainId;
use model::mailbox::{NewMailbox, SignInMethods};
use model::protocol::Protocols;
use model::template::TemplateFields;
use model::time::{Clock as _, SystemClock};
use store::{Conn, MasterKey, OsRandom, PurposeKey, Store, StoreError};
use uuid::Uuid;

use crate::people::{DOMAIN, address, secret};

/// Mailboxes added by one transaction.
const CHUNK: u32 = 1_000;

/// A data directory, laid out as `gatepost serve` lays out its own, and the one writer of its store:
/// like a real one, the store is open for writing while others read it.
pub(crate) struct Installation {
    pub(crate) store: Store,
    directory: tempfile::TempDir,
}

impl Installation {
    /// A new store below `parent` with `people` mailboxes that take app passwords only,
    /// `secrets_each` of them.
    pub(crate) fn new(parent: &Path, people: u32, secrets_each: u32) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("gpb").tempdir_in(parent)?;
        fs::create_dir_all(store_directory(directory.path()))?;
        let database = database(directory.path());
        let master =
            MasterKey::create_with_new_store(&key(directory.path()), &database, &OsRandom)?;
        fill(&database, &master, people, secrets_each)?;
        Ok(Self {
            store: Store::open(&database)?,
            directory,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory, its store closed.
    pub(crate) fn close(self) -> tempfile::TempDir {
        drop(self.store);
        self.directory
    }
}

/// The database of the data directory `data`.
pub(crate) fn database(data: &Path) -> PathBuf {
    store_directory(data).join("gatepost.db")
}

/// The master key of the data directory `data`.
pub(crate) fn key(data: &Path) -> PathBuf {
    store_directory(data).join("master.key")
}

fn store_directory(data: &Path) -> PathBuf {
    data.join("store")
}

/// Adds the people to an existing store, and closes it again so that nothing is left in its log.
pub(crate) fn fill(
    database: &Path,
    master: &MasterKey,
    people: u32,
    secrets_each: u32,
) -> anyhow::Result<()> {
    let tags = Arc::new(master.auth_keys()?.app_password);
    let store = Store::open(database)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let domain = store
            .write(async |tx: &mut Conn| add_domain(tx).await)
            .await?;
        for first in (0..people).step_by(CHUNK as usize) {
            let tags = Arc::clone(&tags);
            let chunk = first..people.min(first + CHUNK);
            store
                .write(async move |tx: &mut Conn| {
                    for person in chunk.clone() {
                        add_person(tx, domain, &tags, person, secrets_each).await?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await?;
        }
        Ok(())
    })
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
        name: format!("Person {person}"),
        quota: GIB,
        protocols: Protocols::ALL,
        active: true,
        methods: SignInMethods {
            local: false,
            provider: true,
        },
        template: None,
        overrides: TemplateFields::NONE,
    };
    let storage = Uuid::from_u128(u128::from(person));
    let mailbox = store::mailboxes::insert(tx, &new, storage, now).await?;
    for which in 0..secrets_each {
        let tag = tags.tag(&[secret(person, which).as_bytes()]);
        store::app_passwords::insert(tx, mailbox, &tag, "phone", Protocols::ALL, None, now).await?;
    }
    Ok(())
}

/// A name of ours that does not parse is a mistake in this file.
fn parsed<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, StoreError> {
    result.map_err(|error| store::Unavailable::Database(error.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_by_their_secrets() {
        let parent = tempfile::tempdir().unwrap();
        let installation = Installation::new(parent.path(), 3, 2).unwrap();
        let data = installation.path();
        let master = MasterKey::load(&key(data), &database(data)).unwrap();
        let tag = |text: &str| {
            let key = master.auth_keys().unwrap().app_password;
            key.tag(&[text.as_bytes()])
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let found = |text: &str| {
            let mut read = installation.store.read().unwrap();
            let tag = tag(text);
            runtime
                .block_on(store::app_passwords::by_tag(&mut read, &tag))
                .unwrap()
                .map(|row| row.address.to_string())
        };
        assert_eq!(found(&secret(2, 1)), Some(address(2)));
        assert_eq!(found(&secret(2, 2)), None);
    }
}
