//! What the engines ask about addresses: one statement an answer, nothing that scans.

use crate::confirmation::{self, standing_columns};
use crate::value::Row;
use crate::{Conn, StoreError};
use model::address::{Address, DomainName};
use model::ids::MailboxId;
use model::mailbox::SignInMethods;
use model::protocol::Protocols;
use model::rules::confirmation::Standing;
use model::time::Timestamp;
use uuid::Uuid;

statements! {
    DOMAIN_ACTIVE = "SELECT active FROM domains WHERE name = $1";
    ROLE_TARGET = "SELECT role_target FROM domains WHERE name = $1 AND active = TRUE";
    FIRST_ROLE_TARGET = "SELECT role_target FROM domains
        WHERE active = TRUE ORDER BY id LIMIT 1";
    RECIPIENT = "SELECT m.id FROM mailboxes AS m JOIN domains AS d ON d.id = m.domain
        WHERE m.address = $1 AND d.active = TRUE";
    SENDERS = "SELECT m.address, -1 AS position FROM mailboxes AS m WHERE m.address = $1
        UNION ALL
        SELECT m.address, t.position FROM aliases AS a
            JOIN alias_targets AS t ON t.alias = a.id
            JOIN mailboxes AS m ON m.id = t.mailbox
            JOIN domains AS d ON d.id = a.domain
        WHERE a.address = $1 AND a.active = TRUE AND d.active = TRUE
        ORDER BY position";
    USERDB = "SELECT m.id, m.storage, m.quota, m.active, d.active AS domain_active
        FROM mailboxes AS m JOIN domains AS d ON d.id = m.domain WHERE m.address = $1";
    LOGIN = concat!("SELECT ", standing_columns!(), ", m.id, m.address, m.active, d.active AS domain_active, m.protocols,
            m.method_local, m.password, m.password_until, m.generation,
            m.storage, m.quota
        FROM mailboxes AS m JOIN domains AS d ON d.id = m.domain WHERE m.address = $1");
}

/// A mailbox that receives mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipientRow {
    /// The mailbox.
    pub mailbox: MailboxId,
}

/// What is needed to open a mailbox's mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserRow {
    /// The mailbox.
    pub id: MailboxId,
    /// Names the directory of its mail.
    pub storage: Uuid,
    /// Quota in bytes; 0 is unlimited.
    pub quota: i64,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether its domain is switched on.
    pub domain_active: bool,
}

/// Everything by which a login with the local password is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// The mailbox.
    pub id: MailboxId,
    /// Its address.
    pub address: Address,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether its domain is switched on.
    pub domain_active: bool,
    /// The protocols it allows.
    pub protocols: Protocols,
    /// How its owner may sign in.
    pub methods: SignInMethods,
    /// The stored hash of the local password, in use or dormant.
    pub password: Option<String>,
    /// Until when a dormant password still opens mail programs.
    pub password_until: Option<Timestamp>,
    /// The generation that verdicts are tied to.
    pub generation: i64,
    /// Names the directory of its mail.
    pub storage: Uuid,
    /// Quota in bytes; 0 is unlimited.
    pub quota: i64,
    /// Whether a provider stands by its person.
    pub standing: Standing,
}

impl LoginRow {
    /// Whether the local password opens mail programs at `now`, by the rule of
    /// [`model::mailbox::Mailbox::password_opens_mail`].
    #[must_use]
    pub fn password_opens_mail(&self, now: Timestamp) -> bool {
        self.password.is_some()
            && (self.methods.local || self.password_until.is_some_and(|until| now < until))
    }
}

/// Whether a domain is switched on; `None` if it is not ours.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn domain_active(
    sql: &mut Conn,
    domain: &DomainName,
) -> Result<Option<bool>, StoreError> {
    let row = sql.one(DOMAIN_ACTIVE, &[domain.into()]).await?;
    row.map(|row| row.get("active")).transpose()
}

/// Where mail for the role addresses of a domain, switched on, goes.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn role_target(
    sql: &mut Conn,
    domain: &DomainName,
) -> Result<Option<Address>, StoreError> {
    let row = sql.one(ROLE_TARGET, &[domain.into()]).await?;
    row.map(|row| row.get("role_target")).transpose()
}

/// The same of the oldest domain that is switched on.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn first_role_target(sql: &mut Conn) -> Result<Option<Address>, StoreError> {
    let row = sql.one(FIRST_ROLE_TARGET, &[]).await?;
    row.map(|row| row.get("role_target")).transpose()
}

/// The mailbox that receives mail for exactly this address. One that is switched off still does;
/// none of a domain that is switched off does.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn recipient(
    sql: &mut Conn,
    address: &Address,
) -> Result<Option<RecipientRow>, StoreError> {
    let row = sql.one(RECIPIENT, &[address.into()]).await?;
    row.map(|row| {
        Ok(RecipientRow {
            mailbox: row.get("id")?,
        })
    })
    .transpose()
}

/// The logins that own an address: the mailbox itself, and those an alias of a domain that is
/// switched on delivers to.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn senders(sql: &mut Conn, address: &Address) -> Result<Vec<Address>, StoreError> {
    let rows = sql.all(SENDERS, &[address.into()]).await?;
    rows.iter().map(|row| row.get("address")).collect()
}

/// What is needed to open a mailbox's mail, whatever its state.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn userdb(sql: &mut Conn, address: &Address) -> Result<Option<UserRow>, StoreError> {
    let row = sql.one(USERDB, &[address.into()]).await?;
    row.map(|row| {
        Ok(UserRow {
            id: row.get("id")?,
            storage: row.get("storage")?,
            quota: row.get("quota")?,
            active: row.get("active")?,
            domain_active: row.get("domain_active")?,
        })
    })
    .transpose()
}

/// Everything by which a login with the local password is judged.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn login(sql: &mut Conn, address: &Address) -> Result<Option<LoginRow>, StoreError> {
    let row = sql.one(LOGIN, &[address.into()]).await?;
    row.as_ref().map(login_row).transpose()
}

fn login_row(row: &Row) -> Result<LoginRow, StoreError> {
    Ok(LoginRow {
        id: row.get("id")?,
        address: row.get("address")?,
        active: row.get("active")?,
        domain_active: row.get("domain_active")?,
        protocols: row.get("protocols")?,
        methods: SignInMethods {
            local: row.get("method_local")?,
            provider: row.get("method_provider")?,
        },
        password: row.get("password")?,
        password_until: row.get("password_until")?,
        generation: row.get("generation")?,
        storage: row.get("storage")?,
        quota: row.get("quota")?,
        standing: confirmation::standing(row)?,
    })
}
