//! Forward-only migrations, embedded from `migrations/sqlite/NNNN_name.sql`.
//!
//! Each runs in a transaction of its own together with its row in `schema_history`, so that an
//! interrupted migration leaves the version before it. A file of a newer version is refused, and
//! so is one whose applied migrations are not ours.

use crate::error::{StoreError, Unavailable};
use crate::sqlite;
use aws_lc_rs::digest;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One step of the schema.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
        }),*]
    };
}

/// All migrations, in order and without gaps from 1.
const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_main_job"
    2 "0002_domain_counter"
    3 "0003_secret_origin"
    4 "0004_helpdesk_notices"
    5 "0005_rules"
    6 "0006_domain_provider"
    7 "0007_relinks"
    8 "0008_alerts_and_counts"
    9 "0009_provider_sessions"
    10 "0010_refresh_tokens"
    11 "0011_confirmation"
    12 "0012_warned"
    13 "0013_blocks"
    14 "0014_departures"
    15 "0015_sessions_by_sid"
    16 "0016_apps"
    17 "0017_mailbox_tags"
    18 "0018_ways_back"
    19 "0019_app_sessions"
    20 "0020_devices"
    21 "0021_tags_by_hand"
    22 "0022_replaced_sessions"
    23 "0023_app_pauses"
};

/// The schema version of this program.
pub(crate) const CURRENT: i64 = MIGRATIONS.len() as i64;

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (
    version  INTEGER NOT NULL PRIMARY KEY,
    name     TEXT    NOT NULL,
    checksum TEXT    NOT NULL
) STRICT";

/// What [`migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The schema version found.
    pub from: i64,
    /// The schema version now.
    pub to: i64,
    /// The names of the migrations applied.
    pub applied: Vec<&'static str>,
}

/// Why a database was not migrated. It is as it was after the last complete migration.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The file is of a newer version of Gatepost.
    #[error(
        "the database has schema {found}, but this version of Gatepost knows only up to {known}: \
         install the newer version again, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The file's schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An SQLite file of some other program.
    #[error("{0} is not a database of Gatepost")]
    Foreign(String),
    /// A migration applied to the file is not the one of this version.
    #[error("migration {0} was applied to this database in another form")]
    Changed(&'static str),
    /// The file cannot be opened, or a step failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings an existing database to this program's schema. Runs before either worker starts.
///
/// # Errors
/// [`MigrateError`]; a missing file is refused too, since a new store is made together with its
/// key only ([`crate::MasterKey::create_with_new_store`]).
pub fn migrate(file: &Path) -> Result<Report, MigrateError> {
    let mut connection = sqlite::open_writer(file)?;
    run(&mut connection, file, MIGRATIONS, &[])
}

/// Makes the schema in an empty file; `settings` become rows of `meta` in the same transaction as
/// the first migration, so that no store ever lacks them.
pub(crate) fn create(file: &Path, settings: &[(&str, &str)]) -> Result<Report, MigrateError> {
    let mut connection = sqlite::open_writer(file)?;
    run(&mut connection, file, MIGRATIONS, settings)
}

/// Whether the file holds a schema: `false` for an empty file that an interrupted creation left.
pub(crate) fn has_schema(file: &Path) -> Result<bool, StoreError> {
    let connection = sqlite::open_reader(file)?;
    sqlite::header(&connection).map(|header| header != (0, 0))
}

fn run(
    connection: &mut Connection,
    file: &Path,
    migrations: &[Migration],
    settings: &[(&str, &str)],
) -> Result<Report, MigrateError> {
    let known = migrations.len() as i64;
    let (application, found) = sqlite::header(connection)?;
    if application != sqlite::APPLICATION_ID && !is_empty(connection)? {
        return Err(MigrateError::Foreign(file.display().to_string()));
    }
    if found > known {
        return Err(MigrateError::Newer { found, known });
    }
    check_history(connection, migrations, found)?;
    let mut report = Report {
        from: found,
        to: found,
        applied: Vec::new(),
    };
    for migration in migrations.iter().filter(|m| m.version > found) {
        apply(connection, migration, settings).map_err(|e| sqlite::error(&e))?;
        report.to = migration.version;
        report.applied.push(migration.name);
    }
    Ok(report)
}

fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    connection
        .query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |r| {
            r.get(0)
        })
        .map_err(|e| sqlite::error(&e))
}

fn check_history(
    connection: &Connection,
    migrations: &[Migration],
    found: i64,
) -> Result<(), MigrateError> {
    for migration in migrations.iter().filter(|m| m.version <= found) {
        let same = connection
            .query_row(
                "SELECT checksum = ?2 FROM schema_history WHERE version = ?1",
                (migration.version, checksum(migration)),
                |row| row.get(0),
            )
            .or_else(|e| match e {
                rusqlite::Error::QueryReturnedNoRows => Ok(false),
                other => Err(sqlite::error(&other)),
            })?;
        if !same {
            return Err(MigrateError::Changed(migration.name));
        }
    }
    Ok(())
}

fn apply(
    connection: &mut Connection,
    migration: &Migration,
    settings: &[(&str, &str)],
) -> rusqlite::Result<()> {
    // A migration that rebuilds a table drops the old one; the references are checked afterwards.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(HISTORY)?;
    transaction.execute_batch(migration.sql)?;
    if migration.version == 1 {
        for (name, value) in settings {
            transaction.execute(
                "INSERT INTO meta (name, value) VALUES (?1, ?2)",
                (name, value),
            )?;
        }
    }
    transaction.execute(
        "INSERT INTO schema_history (version, name, checksum) VALUES (?1, ?2, ?3)",
        (migration.version, migration.name, checksum(migration)),
    )?;
    transaction.pragma_update(None, "application_id", sqlite::APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migration.version)?;
    if transaction
        .prepare("PRAGMA foreign_key_check")?
        .exists([])?
    {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY),
            Some(format!("{} breaks references", migration.name)),
        ));
    }
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn checksum(migration: &Migration) -> String {
    hex::encode(digest::digest(&digest::SHA256, migration.sql.as_bytes()))
}

/// Refuses a connection whose file has another schema than this program.
pub(crate) fn check(connection: &Connection, file: &Path) -> Result<(), StoreError> {
    let (application, found) = sqlite::header(connection)?;
    if application != sqlite::APPLICATION_ID && found != 0 {
        return Err(Unavailable::Open {
            path: file.display().to_string(),
            reason: "it is not a database of Gatepost".to_owned(),
        }
        .into());
    }
    if found != CURRENT {
        return Err(Unavailable::Schema {
            found,
            needed: CURRENT,
        }
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration {
        version: 1,
        name: "0001_first",
        sql: "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT); CREATE TABLE a (x INTEGER);",
    };
    const SECOND: Migration = Migration {
        version: 2,
        name: "0002_second",
        sql: "CREATE TABLE b (x INTEGER); INSERT INTO b VALUES (1);",
    };
    const BROKEN: Migration = Migration {
        version: 2,
        name: "0002_broken",
        sql: "CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);",
    };
    const EDITED: Migration = Migration {
        version: 1,
        name: "0001_first",
        sql: "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT); CREATE TABLE c (x INTEGER);",
    };

    fn empty() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("g.db");
        std::fs::File::create(&file).unwrap();
        (dir, file)
    }

    fn migrate_with(file: &Path, migrations: &[Migration]) -> Result<Report, MigrateError> {
        let mut connection = sqlite::open_writer(file)?;
        run(&mut connection, file, migrations, &[("key", "1")])
    }

    #[test]
    fn migrates_step_by_step_and_then_does_nothing() {
        let (_dir, file) = empty();
        let first = migrate_with(&file, &[FIRST]).unwrap();
        assert_eq!((first.from, first.to), (0, 1));
        let second = migrate_with(&file, &[FIRST, SECOND]).unwrap();
        assert_eq!(second.applied, ["0002_second"]);
        let third = migrate_with(&file, &[FIRST, SECOND]).unwrap();
        assert_eq!((third.from, third.to, third.applied.len()), (2, 2, 0));
    }

    #[test]
    fn a_failed_migration_leaves_the_version_before_it() {
        let (_dir, file) = empty();
        migrate_with(&file, &[FIRST]).unwrap();
        migrate_with(&file, &[FIRST, BROKEN]).unwrap_err();
        let connection = sqlite::open_reader(&file).unwrap();
        assert_eq!(sqlite::header(&connection).unwrap().1, 1);
        assert!(connection.prepare("SELECT x FROM b").is_err());
        drop(connection);
        migrate_with(&file, &[FIRST, SECOND]).unwrap();
    }

    #[test]
    fn refuses_a_newer_schema_and_says_what_to_do() {
        let (_dir, file) = empty();
        migrate_with(&file, &[FIRST, SECOND]).unwrap();
        let error = migrate_with(&file, &[FIRST]).unwrap_err();
        assert!(matches!(error, MigrateError::Newer { found: 2, known: 1 }));
        assert!(error.to_string().contains("install the newer version"));
    }

    #[test]
    fn refuses_a_migration_that_was_edited_after_it_was_applied() {
        let (_dir, file) = empty();
        migrate_with(&file, &[FIRST]).unwrap();
        let error = migrate_with(&file, &[EDITED]).unwrap_err();
        assert!(matches!(error, MigrateError::Changed("0001_first")));
    }

    #[test]
    fn refuses_the_database_of_another_program() {
        let (_dir, file) = empty();
        let other = Connection::open(&file).unwrap();
        other.execute_batch("CREATE TABLE notes (x)").unwrap();
        drop(other);
        let error = migrate(&file).unwrap_err();
        assert!(matches!(error, MigrateError::Foreign(_)), "{error}");
    }

    #[test]
    fn every_migration_is_embedded_and_numbered_without_gaps() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut files: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let embedded: Vec<_> = MIGRATIONS
            .iter()
            .map(|m| format!("{}.sql", m.name))
            .collect();
        assert_eq!(files, embedded);
        for (at, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, at as i64 + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", at + 1)));
        }
    }
}
