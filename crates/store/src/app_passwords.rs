//! App passwords: found by their tag, one indexed look-up a mail login.

use crate::confirmation::{self, standing_columns};
use crate::value::Row;
use crate::{Conn, StoreError};
use model::address::Address;
use model::app_password::{AppPassword, LastUse};
use model::ids::{AppPasswordId, MailboxId};
use model::protocol::{Protocol, Protocols};
use model::rules::confirmation::Standing;
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, mailbox, name, protocols, ends, created, revoked, last_used, last_used_protocol, \
         last_used_ip"
    };
}

macro_rules! credential {
    ($key:literal) => {
        concat!(
            "SELECT ",
            standing_columns!(),
            ", p.id, p.mailbox, p.name, p.protocols, p.ends, p.revoked, m.address,
                m.active AS mailbox_active, m.protocols AS mailbox_protocols, m.generation,
                d.active AS domain_active
            FROM app_passwords AS p
                JOIN mailboxes AS m ON m.id = p.mailbox
                JOIN domains AS d ON d.id = m.domain
            WHERE ",
            $key,
            " = $1"
        )
    };
}

statements! {
    INSERT = "INSERT INTO app_passwords (mailbox, tag, name, protocols, ends, created)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    BY_TAG = credential!("p.tag");
    BY_ID = credential!("p.id");
    LIST = concat!("SELECT ", columns!(), " FROM app_passwords WHERE mailbox = $1
        ORDER BY id DESC LIMIT 1000");
    COUNT = "SELECT count(*) AS number FROM app_passwords
        WHERE mailbox = $1 AND revoked IS NULL";
    REVOKE = "UPDATE app_passwords SET revoked = $1
        WHERE id = $2 AND mailbox = $3 AND revoked IS NULL";
    RECORD_USE = "UPDATE app_passwords
        SET last_used = $1, last_used_protocol = $2, last_used_ip = $3
        WHERE id = $4 AND COALESCE(last_used, 0) < $1";
    FORGET_REVOKED = "DELETE FROM app_passwords WHERE id IN (SELECT id FROM app_passwords
        WHERE revoked IS NOT NULL AND revoked <= $1 ORDER BY revoked LIMIT $2)";
}

/// An app password with everything by which a login is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// The app password.
    pub id: AppPasswordId,
    /// The mailbox it opens.
    pub mailbox: MailboxId,
    /// The mailbox's address.
    pub address: Address,
    /// The person's name for the device.
    pub name: String,
    /// The protocols it opens.
    pub protocols: Protocols,
    /// When it stops working.
    pub ends: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Whether the mailbox is switched on.
    pub mailbox_active: bool,
    /// The protocols the mailbox allows.
    pub mailbox_protocols: Protocols,
    /// The generation of the mailbox's credentials.
    pub generation: i64,
    /// Whether the mailbox's domain is switched on.
    pub domain_active: bool,
    /// Whether a provider stands by the mailbox's person.
    pub standing: Standing,
}

/// Adds an app password by its tag.
///
/// # Errors
/// [`StoreError::Missing`] if the mailbox is gone.
pub async fn insert(
    sql: &mut Conn,
    mailbox: MailboxId,
    tag: &[u8],
    name: &str,
    protocols: Protocols,
    ends: Option<Timestamp>,
    now: Timestamp,
) -> Result<AppPasswordId, StoreError> {
    let values = [
        mailbox.into(),
        tag.into(),
        name.into(),
        protocols.into(),
        ends.into(),
        now.into(),
    ];
    sql.insert(INSERT, &values).await.map(AppPasswordId)
}

/// The app password with this tag, revoked and ended ones included: they are refused by name.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_tag(sql: &mut Conn, tag: &[u8]) -> Result<Option<CredentialRow>, StoreError> {
    let row = sql.one(BY_TAG, &[tag.into()]).await?;
    row.as_ref().map(credential).transpose()
}

/// The same by its id, to judge again what was granted earlier.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id_for_recheck(
    sql: &mut Conn,
    id: AppPasswordId,
) -> Result<Option<CredentialRow>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(credential).transpose()
}

/// The app passwords of a mailbox, newest first, revoked ones that are still kept included.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn list(sql: &mut Conn, mailbox: MailboxId) -> Result<Vec<AppPassword>, StoreError> {
    let rows = sql.all(LIST, &[mailbox.into()]).await?;
    rows.iter().map(app_password).collect()
}

/// How many app passwords of a mailbox are not revoked.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count(sql: &mut Conn, mailbox: MailboxId) -> Result<i64, StoreError> {
    let row = sql.one(COUNT, &[mailbox.into()]).await?;
    row.map_or(Ok(0), |row| row.get("number"))
}

/// Revokes an app password of a mailbox. `false` if it has none of that id that still works.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn revoke(
    sql: &mut Conn,
    id: AppPasswordId,
    mailbox: MailboxId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [now.into(), id.into(), mailbox.into()];
    Ok(sql.execute(REVOKE, &values).await? == 1)
}

/// Notes a use, unless a later one is noted already.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn record_use(
    sql: &mut Conn,
    id: AppPasswordId,
    last: &LastUse,
) -> Result<(), StoreError> {
    let values = [
        last.at.into(),
        last.protocol.into(),
        last.ip.into(),
        id.into(),
    ];
    sql.execute(RECORD_USE, &values).await?;
    Ok(())
}

/// Forgets some of those that were revoked before `before`; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn forget_revoked(
    sql: &mut Conn,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    sql.execute(FORGET_REVOKED, &[before.into(), i64::from(limit).into()])
        .await
}

fn credential(row: &Row) -> Result<CredentialRow, StoreError> {
    Ok(CredentialRow {
        id: row.get("id")?,
        mailbox: row.get("mailbox")?,
        address: row.get("address")?,
        name: row.get("name")?,
        protocols: row.get("protocols")?,
        ends: row.get("ends")?,
        revoked: row.get("revoked")?,
        mailbox_active: row.get("mailbox_active")?,
        mailbox_protocols: row.get("mailbox_protocols")?,
        generation: row.get("generation")?,
        domain_active: row.get("domain_active")?,
        standing: confirmation::standing(row)?,
    })
}

fn app_password(row: &Row) -> Result<AppPassword, StoreError> {
    let last: Option<(Timestamp, Protocol)> = row
        .get::<Option<_>>("last_used")?
        .zip(row.get::<Option<_>>("last_used_protocol")?);
    let last_used = match last {
        None => None,
        Some((at, protocol)) => Some(LastUse {
            at,
            protocol,
            ip: row.get("last_used_ip")?,
        }),
    };
    Ok(AppPassword {
        id: row.get("id")?,
        mailbox: row.get("mailbox")?,
        name: row.get("name")?,
        protocols: row.get("protocols")?,
        ends: row.get("ends")?,
        created: row.get("created")?,
        last_used,
        revoked: row.get("revoked")?,
    })
}
