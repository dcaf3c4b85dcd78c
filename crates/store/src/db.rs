//! The connection that noun functions take, whatever database is behind it.

use crate::error::{StoreError, Unavailable};
use crate::sqlite;
use crate::value::{Row, Value, unreadable};
use serde::de::DeserializeOwned;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// Of how many bytes of JSON a connection remembers the meaning. An app's settings have one kilobyte, or
/// seventy if it has a CA of its own of the largest size.
const REMEMBERED_BYTES: usize = 512 * 1024;

/// A connection to the store: a pooled reader, or the transaction of a write.
///
/// Statements use `$1`, `$2` … in order of first appearance and are prepared once a connection.
/// The functions are `async` so that a client of a database server can stand behind them too; on
/// SQLite they never wait.
#[derive(Debug)]
pub struct Conn {
    backend: Backend,
    /// Column names of each statement, by the address and length of its text.
    columns: HashMap<(usize, usize), Arc<[String]>>,
    /// What texts of JSON mean, by the text.
    meanings: HashMap<String, Arc<dyn Any + Send + Sync>>,
    /// How long those texts are together.
    remembered_bytes: usize,
    /// Why the database could not answer a statement, last.
    failure: Option<Unavailable>,
}

#[derive(Debug)]
enum Backend {
    Sqlite(rusqlite::Connection),
    /// Taken away by the pool.
    Gone,
}

impl Conn {
    pub(crate) fn sqlite(connection: rusqlite::Connection) -> Self {
        Self::over(Backend::Sqlite(connection))
    }

    fn over(backend: Backend) -> Self {
        Self {
            backend,
            columns: HashMap::new(),
            meanings: HashMap::new(),
            remembered_bytes: 0,
            failure: None,
        }
    }

    /// Leaves an unusable connection behind.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::over(Backend::Gone))
    }

    /// The first row of an answer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], or the constraint that the statement met.
    pub async fn one(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let mut first = None;
        let done = self.rows(sql, params, |row| first = first.take().or(Some(row)));
        self.noted(done).map(|()| first)
    }

    /// All rows of an answer. The statement bounds their number.
    ///
    /// # Errors
    /// As [`Conn::one`].
    pub async fn all(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let mut all = Vec::new();
        let done = self.rows(sql, params, |row| all.push(row));
        self.noted(done).map(|()| all)
    }

    /// Runs a statement without an answer; returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Conn::one`].
    pub async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        let changed = self
            .connection()
            .and_then(|connection| bound(connection, sql, params))
            .and_then(|mut statement| statement.raw_execute().map_err(|e| sqlite::error(&e)));
        self.noted(changed).map(|rows| rows as u64)
    }

    /// Runs `INSERT … RETURNING id` and returns the id.
    ///
    /// # Errors
    /// As [`Conn::one`]; [`StoreError::Missing`] if nothing was inserted.
    pub async fn insert(&mut self, sql: &'static str, params: &[Value]) -> Result<i64, StoreError> {
        self.one(sql, params)
            .await?
            .ok_or(StoreError::Missing)?
            .get("id")
    }

    /// As [`Row::json`], for a column that says the same in row after row: what a text means is
    /// found out once.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub(crate) fn json<T: DeserializeOwned + Send + Sync + 'static>(
        &mut self,
        row: &Row,
        column: &'static str,
    ) -> Result<Arc<T>, StoreError> {
        let text = row
            .text(column)
            .ok_or_else(|| unreadable(column, "JSON of this version"))?;
        let known = self.meanings.get(text).map(Arc::clone);
        if let Some(Ok(meaning)) = known.map(Arc::downcast) {
            return Ok(meaning);
        }
        let meaning: Arc<T> = Arc::new(row.json(column)?);
        self.remembered_bytes += text.len();
        if self.remembered_bytes > REMEMBERED_BYTES {
            self.meanings.clear();
            self.remembered_bytes = text.len();
        }
        self.meanings
            .insert(text.to_owned(), Arc::<T>::clone(&meaning));
        Ok(meaning)
    }

    /// Hands every row to `each`. The statement is run to its end: one with RETURNING that is left
    /// early may leave work undone.
    fn rows(
        &mut self,
        sql: &'static str,
        params: &[Value],
        mut each: impl FnMut(Row),
    ) -> Result<(), StoreError> {
        let Backend::Sqlite(connection) = &self.backend else {
            return Err(gone());
        };
        let mut statement = bound(connection, sql, params)?;
        let columns = self
            .columns
            .entry((sql.as_ptr().addr(), sql.len()))
            .or_insert_with(|| statement.column_names().map(str::to_owned).collect())
            .clone();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|e| sqlite::error(&e))? {
            let values = (0..columns.len())
                .map(|at| row.get_ref(at).map(sqlite::value))
                .collect::<Result<_, _>>()
                .map_err(|e| sqlite::error(&e))?;
            let columns = Arc::clone(&columns);
            each(Row { columns, values });
        }
        Ok(())
    }

    /// Remembers a failure, for those who only see that the transaction is gone.
    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Unavailable(failure)) = &result {
            self.failure = Some(failure.clone());
        }
        result
    }

    /// Whether the database has answered every statement so far.
    pub(crate) const fn is_sound(&self) -> bool {
        self.failure.is_none()
    }

    /// Why the database could not answer, last.
    pub(crate) fn failure(&mut self) -> Unavailable {
        self.failure
            .take()
            .unwrap_or_else(|| Unavailable::Database("the transaction was ended".to_owned()))
    }

    /// Statements that are not part of a noun: pragmas, transactions, migrations.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        let connection = self.connection()?;
        connection.execute_batch(sql).map_err(|e| sqlite::error(&e))
    }

    /// As [`Conn::batch`], for one statement that comes again and again.
    pub(crate) fn control(&self, sql: &'static str) -> Result<(), StoreError> {
        bound(self.connection()?, sql, &[])?
            .raw_execute()
            .map(drop)
            .map_err(|e| sqlite::error(&e))
    }

    /// Whether a transaction is open. SQLite ends it by itself after some errors (disk full).
    pub(crate) fn in_transaction(&self) -> bool {
        self.connection().is_ok_and(|c| !c.is_autocommit())
    }

    fn connection(&self) -> Result<&rusqlite::Connection, StoreError> {
        match &self.backend {
            Backend::Sqlite(connection) => Ok(connection),
            Backend::Gone => Err(gone()),
        }
    }
}

fn gone() -> StoreError {
    Unavailable::Database("the connection was given back".to_owned()).into()
}

/// The prepared statement with its parameters. `$n` are named parameters to SQLite, numbered by
/// first appearance; the test of all statements sees to it that both orders agree.
fn bound<'c>(
    connection: &'c rusqlite::Connection,
    sql: &str,
    params: &[Value],
) -> Result<rusqlite::CachedStatement<'c>, StoreError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(|e| sqlite::error(&e))?;
    if statement.parameter_count() != params.len() {
        return Err(StoreError::Constraint(format!(
            "{} parameters for a statement of {}: {sql}",
            params.len(),
            statement.parameter_count()
        )));
    }
    for (at, value) in params.iter().enumerate() {
        statement
            .raw_bind_parameter(at + 1, value)
            .map_err(|e| sqlite::error(&e))?;
    }
    Ok(statement)
}
