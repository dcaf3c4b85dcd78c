//! Relink campaigns.

use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::address::Address;
use model::ids::{DomainId, MailboxId, ProviderId, RelinkId};
use model::link::Namespace;
use model::relink::Relink;
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, from_provider, to_provider, namespace, domains, created, created_by, ends, stopped, moved"
    };
}

statements! {
    INSERT = "INSERT INTO relinks
            (from_provider, to_provider, namespace, domains, created, created_by, ends)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    BY_ID = concat!("SELECT ", columns!(), " FROM relinks WHERE id = $1");
    LIST = concat!("SELECT ", columns!(), " FROM relinks ORDER BY id DESC LIMIT $1");
    OPEN_TO = concat!("SELECT ", columns!(), " FROM relinks
        WHERE to_provider = $1 AND ends > $2 AND stopped IS NULL ORDER BY ends");
    STOP = "UPDATE relinks SET stopped = $1 WHERE id = $2 AND stopped IS NULL AND ends > $1";
    COUNT_MOVED = "UPDATE relinks SET moved = moved + 1 WHERE id = $1";
    LINKED = "SELECT id, address FROM mailboxes
        WHERE domain = $1 AND address > $2 AND EXISTS
            (SELECT 1 FROM links WHERE links.mailbox = mailboxes.id AND links.provider = $3)
        ORDER BY address LIMIT $4";
}

/// What a new campaign is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRelink {
    /// The provider at which people are linked now.
    pub from: ProviderId,
    /// The provider by which they come.
    pub to: ProviderId,
    /// Where its subjects are unique now.
    pub namespace: Namespace,
    /// The domains it is about.
    pub domains: Vec<DomainId>,
    /// Who makes it.
    pub created_by: String,
    /// When it ends by itself.
    pub ends: Timestamp,
}

/// Adds a campaign.
///
/// # Errors
/// [`StoreError::Missing`] if a provider is gone.
pub async fn insert(
    sql: &mut Conn,
    new: &NewRelink,
    now: Timestamp,
) -> Result<RelinkId, StoreError> {
    let values = [
        new.from.into(),
        new.to.into(),
        (&new.namespace).into(),
        value::json(&new.domains)?,
        now.into(),
        new.created_by.as_str().into(),
        new.ends.into(),
    ];
    sql.insert(INSERT, &values).await.map(RelinkId)
}

/// A campaign.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: RelinkId) -> Result<Option<Relink>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(relink).transpose()
}

/// The latest campaigns, newest first; at most `most`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn list(sql: &mut Conn, most: i64) -> Result<Vec<Relink>, StoreError> {
    let rows = sql.all(LIST, &[most.into()]).await?;
    rows.iter().map(relink).collect()
}

/// The campaigns that take people over to a provider at `now`: a handful.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn open_to(
    sql: &mut Conn,
    to: ProviderId,
    now: Timestamp,
) -> Result<Vec<Relink>, StoreError> {
    let rows = sql.all(OPEN_TO, &[to.into(), now.into()]).await?;
    rows.iter().map(relink).collect()
}

/// Stops an open campaign. `false` if it is over, or there is none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn stop(sql: &mut Conn, id: RelinkId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(sql.execute(STOP, &[now.into(), id.into()]).await? == 1)
}

/// Counts one person more who was taken over.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count_moved(sql: &mut Conn, id: RelinkId) -> Result<(), StoreError> {
    sql.execute(COUNT_MOVED, &[id.into()]).await?;
    Ok(())
}

/// Mailboxes of a domain that are linked at a provider, by address, behind `after`; at most `most`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn linked(
    sql: &mut Conn,
    provider: ProviderId,
    domain: DomainId,
    after: &str,
    most: i64,
) -> Result<Vec<(MailboxId, Address)>, StoreError> {
    let values = [domain.into(), after.into(), provider.into(), most.into()];
    let rows = sql.all(LINKED, &values).await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("address")?)))
        .collect()
}

fn relink(row: &Row) -> Result<Relink, StoreError> {
    Ok(Relink {
        id: row.get("id")?,
        from: row.get("from_provider")?,
        to: row.get("to_provider")?,
        namespace: row.get("namespace")?,
        domains: row.json("domains")?,
        created: row.get("created")?,
        created_by: row.get("created_by")?,
        ends: row.get("ends")?,
        stopped: row.get("stopped")?,
        moved: row.get("moved")?,
    })
}
