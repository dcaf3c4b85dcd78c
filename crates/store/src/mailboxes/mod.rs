//! Mailboxes.

mod deleted;
mod list;
mod words;

pub use deleted::{DeletedMail, deleted_due, deleted_list, deleted_removed};
pub use list::{MailboxFilter, addresses_after, list, of_domain};

use crate::value::Row;
use crate::{Conn, StoreError, Taken, mailbox_tags};
use model::address::Address;
use model::ids::MailboxId;
use model::mailbox::{Disabled, Mailbox, NewMailbox, SignInMethods};
use model::tag::Tags;
use model::time::Timestamp;
use uuid::Uuid;

#[cfg(test)]
pub(crate) use {
    deleted::STATEMENTS as DELETED_STATEMENTS, list::STATEMENTS as LIST_STATEMENTS,
    words::STATEMENTS as WORD_STATEMENTS,
};

/// The columns of [`mailbox`].
macro_rules! columns {
    () => {
        "m.id, m.domain, m.address, m.name, m.storage, m.quota, m.protocols, m.active, \
         m.disabled_at, m.disabled_by, m.disabled_reason, m.method_local, m.method_provider, \
         m.template, m.template_seen, m.overrides, m.password IS NOT NULL AS has_password, \
         m.password_until, m.created, m.modified, m.last_sign_in, \
         (SELECT string_agg(g.tag, ',') FROM mailbox_tags AS g WHERE g.mailbox = m.id) AS tags"
    };
}
pub(crate) use columns;

statements! {
    INSERT = "INSERT INTO mailboxes (domain, address, name, storage, quota, protocols, active,
            method_local, method_provider, template, template_seen, overrides, created, modified,
            confirmed)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13
        WHERE NOT EXISTS (SELECT 1 FROM aliases WHERE address = $2)
        RETURNING id";
    BY_ID = concat!("SELECT ", columns!(), " FROM mailboxes AS m WHERE m.id = $1");
    BY_ADDRESS = concat!("SELECT ", columns!(), " FROM mailboxes AS m WHERE m.address = $1");
    COUNT = "SELECT value FROM counters WHERE name = 'mailboxes'";
    UPDATE = "UPDATE mailboxes SET name = $1, quota = $2, protocols = $3, active = $4,
            disabled_at = $5, disabled_by = $6, disabled_reason = $7, method_local = $8,
            method_provider = $9, template = $10, template_seen = $11, overrides = $12,
            password_until = $13,
            modified = CASE WHEN modified < $14 THEN $14 ELSE modified + 1 END
        WHERE id = $15 AND modified = COALESCE($16, modified)";
    NAME = "SELECT name FROM mailboxes WHERE id = $1";
    PASSWORD = "SELECT password FROM mailboxes WHERE id = $1";
    SET_PASSWORD = "UPDATE mailboxes SET password = $1, generation = generation + 1,
            modified = CASE WHEN modified < $2 THEN $2 ELSE modified + 1 END
        WHERE id = $3";
    REHASH = "UPDATE mailboxes SET password = $1 WHERE id = $2 AND password = $3";
    TOUCH_SIGN_IN = "UPDATE mailboxes SET last_sign_in = $1 WHERE id = $2";
    BUMP_GENERATION = "UPDATE mailboxes SET generation = generation + 1 WHERE id = $1";
    GENERATION = "SELECT generation FROM mailboxes WHERE id = $1";
    KEEP_MAIL = "INSERT INTO deleted_mail
            (storage, mailbox, address, deleted, deleted_by, remove_at)
        SELECT storage, id, address, $1, $2, $3 FROM mailboxes WHERE id = $4";
    DELETE = "DELETE FROM mailboxes WHERE id = $1";
}

/// Adds a mailbox without a password. Limits are the caller's to judge, in the same transaction.
///
/// # Errors
/// [`Taken::Address`] if the address is a mailbox or an alias; [`StoreError::Missing`] if its
/// domain or template is gone.
pub async fn insert(
    sql: &mut Conn,
    mailbox: &NewMailbox,
    storage: Uuid,
    now: Timestamp,
) -> Result<MailboxId, StoreError> {
    let (template, template_seen) = mailbox.template.unzip();
    let values = [
        mailbox.domain.into(),
        (&mailbox.address).into(),
        (&mailbox.name).into(),
        storage.into(),
        mailbox.quota.into(),
        mailbox.protocols.into(),
        mailbox.active.into(),
        mailbox.methods.local.into(),
        mailbox.methods.provider.into(),
        template.into(),
        template_seen.into(),
        mailbox.overrides.into(),
        now.into(),
    ];
    let inserted = sql.one(INSERT, &values).await?;
    let row = inserted.ok_or(StoreError::Taken(Taken::Address))?;
    let id = row.get("id")?;
    words::add(sql, id, &mailbox.name).await?;
    mailbox_tags::set(sql, id, &mailbox.tags).await?;
    Ok(id)
}

/// A mailbox.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: MailboxId) -> Result<Option<Mailbox>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(mailbox).transpose()
}

/// A mailbox by its address.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_address(sql: &mut Conn, address: &Address) -> Result<Option<Mailbox>, StoreError> {
    let row = sql.one(BY_ADDRESS, &[address.into()]).await?;
    row.as_ref().map(mailbox).transpose()
}

/// How many mailboxes there are, by a maintained counter.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count(sql: &mut Conn) -> Result<i64, StoreError> {
    let row = sql.one(COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.get("value"))
}

/// Changes everything that can be changed but the password. `false` if the mailbox was changed
/// since `seen`, or is gone.
///
/// # Errors
/// [`StoreError::Missing`] if its template is gone.
pub async fn update(
    sql: &mut Conn,
    mailbox: &Mailbox,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(before) = sql.one(NAME, &[mailbox.id.into()]).await? else {
        return Ok(false);
    };
    let disabled = mailbox.disabled.as_ref();
    let values = [
        (&mailbox.name).into(),
        mailbox.quota.into(),
        mailbox.protocols.into(),
        mailbox.active.into(),
        disabled.map(|d| d.at).into(),
        disabled.map(|d| &d.by).into(),
        disabled.map(|d| &d.reason).into(),
        mailbox.methods.local.into(),
        mailbox.methods.provider.into(),
        mailbox.template.into(),
        mailbox.template_seen.into(),
        mailbox.overrides.into(),
        mailbox.password_until.into(),
        now.into(),
        mailbox.id.into(),
        seen.into(),
    ];
    let changed = sql.execute(UPDATE, &values).await?;
    if changed == 0 {
        return Ok(false);
    }
    let before: String = before.get("name")?;
    if before != mailbox.name {
        words::remove(sql, mailbox.id, &before).await?;
        words::add(sql, mailbox.id, &mailbox.name).await?;
    }
    mailbox_tags::set(sql, mailbox.id, &mailbox.tags).await?;
    Ok(true)
}

/// The stored hash of the local password, in use or dormant.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn password_hash(sql: &mut Conn, id: MailboxId) -> Result<Option<String>, StoreError> {
    let row = sql.one(PASSWORD, &[id.into()]).await?;
    row.map_or(Ok(None), |row| row.get("password"))
}

/// Sets or removes the local password and raises the generation. `false` if the mailbox is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn set_password(
    sql: &mut Conn,
    id: MailboxId,
    hash: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [hash.into(), now.into(), id.into()];
    let changed = sql.execute(SET_PASSWORD, &values).await?;
    Ok(changed == 1)
}

/// Puts a better hash of the same password in place of `old`, unless the password was changed
/// meanwhile. Verdicts stay good: the generation is not raised.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn rehash(
    sql: &mut Conn,
    id: MailboxId,
    old: &str,
    new: &str,
) -> Result<bool, StoreError> {
    let values = [new.into(), id.into(), old.into()];
    let changed = sql.execute(REHASH, &values).await?;
    Ok(changed == 1)
}

/// Notes that the owner signed in to the web pages.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn touch_sign_in(
    sql: &mut Conn,
    id: MailboxId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.execute(TOUCH_SIGN_IN, &[now.into(), id.into()]).await?;
    Ok(())
}

/// Ends every verdict derived from the mailbox's credentials.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn bump_generation(sql: &mut Conn, id: MailboxId) -> Result<(), StoreError> {
    sql.execute(BUMP_GENERATION, &[id.into()]).await?;
    Ok(())
}

/// The generation that verdicts are tied to; `None` if the mailbox is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn generation(sql: &mut Conn, id: MailboxId) -> Result<Option<i64>, StoreError> {
    let row = sql.one(GENERATION, &[id.into()]).await?;
    row.map(|row| row.get("generation")).transpose()
}

/// Deletes a mailbox with its links, app passwords and sessions. Its mail is kept under its storage
/// id until `remove_at`. Aliases that deliver to nobody else are the caller's to look for first
/// ([`crate::aliases::only_target`]). `false` if there was none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(
    sql: &mut Conn,
    id: MailboxId,
    by: &str,
    now: Timestamp,
    remove_at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(row) = sql.one(NAME, &[id.into()]).await? else {
        return Ok(false);
    };
    words::remove(sql, id, &row.get::<String>("name")?).await?;
    let keep = [now.into(), by.into(), remove_at.into(), id.into()];
    sql.execute(KEEP_MAIL, &keep).await?;
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

pub(crate) fn mailbox(row: &Row) -> Result<Mailbox, StoreError> {
    let disabled = match row.get("disabled_at")? {
        None => None,
        Some(at) => Some(Disabled {
            at,
            by: row.get::<Option<_>>("disabled_by")?.unwrap_or_default(),
            reason: row.get::<Option<_>>("disabled_reason")?.unwrap_or_default(),
        }),
    };
    Ok(Mailbox {
        id: row.get("id")?,
        domain: row.get("domain")?,
        address: row.get("address")?,
        name: row.get("name")?,
        storage: row.get("storage")?,
        quota: row.get("quota")?,
        protocols: row.get("protocols")?,
        active: row.get("active")?,
        disabled,
        methods: SignInMethods {
            local: row.get("method_local")?,
            provider: row.get("method_provider")?,
        },
        template: row.get("template")?,
        template_seen: row.get("template_seen")?,
        overrides: row.get("overrides")?,
        tags: tags(row)?,
        has_password: row.get("has_password")?,
        password_until: row.get("password_until")?,
        created: row.get("created")?,
        modified: row.get("modified")?,
        last_sign_in: row.get("last_sign_in")?,
    })
}

/// No tag holds a comma.
fn tags(row: &Row) -> Result<Tags, StoreError> {
    let list: Option<String> = row.get("tags")?;
    let tags = Tags::parse(list.as_deref().unwrap_or_default());
    tags.map_err(|error| StoreError::Constraint(error.to_string()))
}
