//! What is particular to SQLite: opening files, pragmas, values and error codes.

use crate::error::{StoreError, Taken, Unavailable};
use crate::value::Value;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, FileControl, OpenFlags, ffi};
use std::path::Path;
use std::time::Duration;

/// `Gtpt`: marks the file as Gatepost's (SQLite file format, offset 68).
pub(crate) const APPLICATION_ID: i32 = 0x4774_7074;

/// How long a writer waits for another process's write transaction: command-line tools and
/// backups end within that, anything longer answers *unavailable*.
const WRITER_PATIENCE: Duration = Duration::from_secs(5);
/// Readers wait only for another process's recovery of the log. They run on the threads that
/// serve requests.
const READER_PATIENCE: Duration = Duration::from_millis(250);
/// What the one writer may keep of the file. It alone changes it, so what it keeps stays true; with
/// SQLite's usual 2 MB it reads two or three pages anew for each exchange of a token.
const WRITER_CACHE_KIB: u32 = 8192;
/// More than all statements of all nouns, so that none is ever prepared twice.
const STATEMENTS: usize = 400;

/// Opens an existing file for writing: WAL, full durability.
pub(crate) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_PATIENCE)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|e| cannot_open(file, &e))?;
    if mode != "wal" {
        return Err(Unavailable::Open {
            path: file.display().to_string(),
            reason: "its file system does not support a write-ahead log".to_owned(),
        }
        .into());
    }
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -{WRITER_CACHE_KIB}"
        ))
        .map_err(|e| cannot_open(file, &e))?;
    // Without the -wal and -shm files a process that may not write to the directory cannot read
    // the database; a clean close of the last connection would delete them.
    let mut on = 1;
    connection
        .file_control(None::<&str>, FileControl::PersistWal(&mut on))
        .map_err(|e| cannot_open(file, &e))?;
    Ok(connection)
}

/// Opens an existing file for reading only. A connection opened so never deletes the log when it
/// closes last.
pub(crate) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_PATIENCE)?;
    connection
        .execute_batch("PRAGMA query_only = ON")
        .map_err(|e| cannot_open(file, &e))?;
    Ok(connection)
}

fn open(file: &Path, access: OpenFlags, patience: Duration) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(file, flags).map_err(|e| cannot_open(file, &e))?;
    connection
        .busy_timeout(patience)
        .map_err(|e| cannot_open(file, &e))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise a cached statement may be planned anew at each run, because a bound value could
    // make a partial index fit: three quarters of the cost of a look-up. No plan of ours needs it.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|e| cannot_open(file, &e))?;
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; \
             PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;",
        )
        .map_err(|e| cannot_open(file, &e))?;
    Ok(connection)
}

fn cannot_open(file: &Path, error: &rusqlite::Error) -> StoreError {
    Unavailable::Open {
        path: file.display().to_string(),
        reason: error.to_string(),
    }
    .into()
}

/// The application id and schema version in the file's header; both 0 in an empty file.
pub(crate) fn header(connection: &Connection) -> Result<(i32, i64), StoreError> {
    let pragma = |name: &str| -> Result<i64, StoreError> {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .map_err(|e| error(&e))
    };
    let application = pragma("application_id")?;
    Ok((
        i32::try_from(application).unwrap_or(-1),
        pragma("user_version")?,
    ))
}

pub(crate) fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        // No column of ours holds a real number; as text it is refused by every typed getter but
        // one for text, and can still be shown.
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(text.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(truth) => ValueRef::Integer(i64::from(*truth)),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Sorts SQLite's result codes into the store's outcomes.
pub(crate) fn error(error: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return Unavailable::Database(error.to_string()).into();
    };
    let message = message.as_deref().unwrap_or_default();
    match (code.extended_code, code.code) {
        (ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY, _) => taken(message)
            .map_or_else(
                || StoreError::Constraint(message.to_owned()),
                StoreError::Taken,
            ),
        (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, _) => StoreError::Missing,
        (_, ffi::ErrorCode::ConstraintViolation) => StoreError::Constraint(message.to_owned()),
        (_, ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => {
            Unavailable::Busy.into()
        }
        (_, ffi::ErrorCode::DiskFull) => Unavailable::DiskFull.into(),
        _ => Unavailable::Database(format!("{message} ({})", code.extended_code)).into(),
    }
}

/// What "UNIQUE constraint failed: TABLE.COLUMN, …" is about.
fn taken(message: &str) -> Option<Taken> {
    let columns = message.strip_prefix("UNIQUE constraint failed: ")?;
    Some(match columns {
        "mailboxes.address" | "aliases.address" => Taken::Address,
        "domains.name" => Taken::Domain,
        "templates.name_key" => Taken::TemplateName,
        "providers.slug" => Taken::ProviderSlug,
        "providers.redirect_key" => Taken::Redirect,
        "links.namespace, links.subject" => Taken::Subject,
        "links.mailbox, links.provider" => Taken::MailboxAtProvider,
        "admins.name_key" => Taken::AdminName,
        "mailboxes.storage"
        | "deleted_mail.storage"
        | "app_passwords.tag"
        | "sessions.token_tag"
        | "sign_in_flows.state_tag"
        | "link_proofs.token_tag"
        | "setup_links.token_tag"
        | "attempts.reference"
        | "oauth_apps.client_id"
        | "app_secrets.tag"
        | "app_codes.tag"
        | "app_tokens.tag"
        | "app_devices.device_tag"
        | "app_devices.user_tag"
        | "signing_keys.kid" => Taken::Token,
        _ => return None,
    })
}
