//! Aliases and the mailboxes they deliver to.

use crate::value::Row;
use crate::{Conn, Listed, Page, StoreError, Taken, Value};
use model::address::Address;
use model::alias::Alias;
use model::ids::{AliasId, DomainId, MailboxId};
use model::time::Timestamp;

statements! {
    INSERT = "INSERT INTO aliases (domain, address, active, created, modified)
        SELECT $1, $2, $3, $4, $4 WHERE NOT EXISTS (SELECT 1 FROM mailboxes WHERE address = $2)
        RETURNING id";
    ADD_TARGET = "INSERT INTO alias_targets (alias, position, mailbox) VALUES ($1, $2, $3)";
    REMOVE_TARGETS = "DELETE FROM alias_targets WHERE alias = $1";
    BY_ID = "SELECT id, domain, address, active, created, modified FROM aliases WHERE id = $1";
    BY_ADDRESS = "SELECT id, domain, address, active, created, modified FROM aliases
        WHERE address = $1";
    LIST = "SELECT id, domain, address, active, created, modified FROM aliases
        WHERE address >= $1 AND address < $2 ORDER BY address LIMIT $3";
    LIST_OF_DOMAIN = "SELECT id, domain, address, active, created, modified FROM aliases
        WHERE domain = $1 AND address >= $2 AND address < $3 ORDER BY address LIMIT $4";
    LIST_BACK = "SELECT id, domain, address, active, created, modified FROM aliases
        WHERE address >= $1 AND address < $2 ORDER BY address DESC LIMIT $3";
    LIST_OF_DOMAIN_BACK = "SELECT id, domain, address, active, created, modified FROM aliases
        WHERE domain = $1 AND address >= $2 AND address < $3 ORDER BY address DESC LIMIT $4";
    TARGETS = "SELECT t.mailbox, m.address FROM alias_targets AS t
        JOIN mailboxes AS m ON m.id = t.mailbox WHERE t.alias = $1 ORDER BY t.position";
    UPDATE = "UPDATE aliases SET active = $1,
            modified = CASE WHEN modified < $2 THEN $2 ELSE modified + 1 END
        WHERE id = $3 AND modified = COALESCE($4, modified)";
    DELETE = "DELETE FROM aliases WHERE id = $1";
    OF_MAILBOX = "SELECT a.address FROM alias_targets AS t JOIN aliases AS a ON a.id = t.alias
        WHERE t.mailbox = $1 AND a.active = TRUE ORDER BY a.address";
    ONLY_TARGET = "SELECT a.address FROM alias_targets AS t JOIN aliases AS a ON a.id = t.alias
        WHERE t.mailbox = $1 AND NOT EXISTS (SELECT 1 FROM alias_targets AS other
            WHERE other.alias = t.alias AND other.mailbox <> t.mailbox)
        ORDER BY a.address LIMIT 1";
    TARGETS_BY_ADDRESS = "SELECT m.address FROM aliases AS a
        JOIN domains AS d ON d.id = a.domain
        JOIN alias_targets AS t ON t.alias = a.id
        JOIN mailboxes AS m ON m.id = t.mailbox
        WHERE a.address = $1 AND a.active = TRUE AND d.active = TRUE
        ORDER BY t.position";
}

/// Adds an alias that delivers to `targets`, in that order.
///
/// # Errors
/// [`Taken::Address`] if the address is an alias or a mailbox; [`StoreError::Missing`] if a target
/// or the domain is gone.
pub async fn insert(
    sql: &mut Conn,
    domain: DomainId,
    address: &Address,
    targets: &[MailboxId],
    active: bool,
    now: Timestamp,
) -> Result<AliasId, StoreError> {
    let values = [domain.into(), address.into(), active.into(), now.into()];
    let row = sql
        .one(INSERT, &values)
        .await?
        .ok_or(StoreError::Taken(Taken::Address))?;
    let id = row.get("id")?;
    add_targets(sql, id, targets).await?;
    Ok(id)
}

/// An alias.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: AliasId) -> Result<Option<Alias>, StoreError> {
    match sql.one(BY_ID, &[id.into()]).await? {
        Some(row) => alias(sql, &row).await.map(Some),
        None => Ok(None),
    }
}

/// An alias by its address.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_address(sql: &mut Conn, address: &Address) -> Result<Option<Alias>, StoreError> {
    match sql.one(BY_ADDRESS, &[address.into()]).await? {
        Some(row) => alias(sql, &row).await.map(Some),
        None => Ok(None),
    }
}

/// A page of aliases in the order of their addresses: those that start with `prefix`, of one
/// domain or of all.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn list(
    sql: &mut Conn,
    page: &Page,
    domain: Option<DomainId>,
    prefix: Option<&str>,
) -> Result<Listed<Alias>, StoreError> {
    let prefix = prefix.unwrap_or_default();
    let key = |alias: &Alias| alias.address.to_string();
    let rows = fetch(sql, page, domain, prefix).await?;
    let Some(mut listed) = Listed::turned(rows, page, key) else {
        let first = Page::first(page.limit);
        let rows = fetch(sql, &first, domain, prefix).await?;
        return Ok(Listed::cut(rows, &first, key));
    };
    if let (Some(_), Some(next)) = (page.before(), &listed.next) {
        let following = page.following(next.clone());
        if fetch(sql, &following, domain, prefix).await?.is_empty() {
            // What followed was deleted meanwhile.
            listed.next = None;
        }
    }
    Ok(listed)
}

async fn fetch(
    sql: &mut Conn,
    page: &Page,
    domain: Option<DomainId>,
    prefix: &str,
) -> Result<Vec<Alias>, StoreError> {
    let (start, end) = page.range(prefix);
    let range = [start.into(), end.into(), page.fetch().into()];
    let back = page.before().is_some();
    let rows = match domain {
        None => {
            let statement = if back { LIST_BACK } else { LIST };
            sql.all(statement, &range).await?
        }
        Some(domain) => {
            let values: Vec<Value> = [domain.into()].into_iter().chain(range).collect();
            let statement = if back {
                LIST_OF_DOMAIN_BACK
            } else {
                LIST_OF_DOMAIN
            };
            sql.all(statement, &values).await?
        }
    };
    let mut aliases = Vec::with_capacity(rows.len());
    for row in &rows {
        aliases.push(alias(sql, row).await?);
    }
    Ok(aliases)
}

/// Changes the switch and the targets. `false` if the alias was changed since `seen`, or is gone.
///
/// # Errors
/// [`StoreError::Missing`] if a target is gone.
pub async fn update(
    sql: &mut Conn,
    alias: &Alias,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [
        alias.active.into(),
        now.into(),
        alias.id.into(),
        seen.into(),
    ];
    if sql.execute(UPDATE, &values).await? == 0 {
        return Ok(false);
    }
    sql.execute(REMOVE_TARGETS, &[alias.id.into()]).await?;
    let targets: Vec<_> = alias.targets.iter().map(|(id, _)| *id).collect();
    add_targets(sql, alias.id, &targets).await?;
    Ok(true)
}

/// Deletes an alias. `false` if there was none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn delete(sql: &mut Conn, id: AliasId) -> Result<bool, StoreError> {
    Ok(sql.execute(DELETE, &[id.into()]).await? == 1)
}

/// The addresses of the aliases, switched on, that deliver to a mailbox.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_mailbox(sql: &mut Conn, id: MailboxId) -> Result<Vec<Address>, StoreError> {
    addresses(sql, OF_MAILBOX, id.into()).await
}

/// An alias that would deliver to nobody without this mailbox.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn only_target(sql: &mut Conn, id: MailboxId) -> Result<Option<Address>, StoreError> {
    Ok(addresses(sql, ONLY_TARGET, id.into()).await?.pop())
}

/// Where mail for an address goes, if it is an alias, switched on, of a domain that is.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn targets_by_address(
    sql: &mut Conn,
    address: &Address,
) -> Result<Vec<Address>, StoreError> {
    addresses(sql, TARGETS_BY_ADDRESS, address.into()).await
}

async fn addresses(
    sql: &mut Conn,
    statement: &'static str,
    key: Value,
) -> Result<Vec<Address>, StoreError> {
    let rows = sql.all(statement, &[key]).await?;
    rows.iter().map(|row| row.get("address")).collect()
}

async fn add_targets(sql: &mut Conn, id: AliasId, targets: &[MailboxId]) -> Result<(), StoreError> {
    for (position, target) in targets.iter().enumerate() {
        // The same mailbox twice would be the same mail twice.
        if !targets[..position].contains(target) {
            let values = [id.into(), (position as i64).into(), (*target).into()];
            sql.execute(ADD_TARGET, &values).await?;
        }
    }
    Ok(())
}

async fn alias(sql: &mut Conn, row: &Row) -> Result<Alias, StoreError> {
    let id: AliasId = row.get("id")?;
    let targets = sql.all(TARGETS, &[id.into()]).await?;
    Ok(Alias {
        id,
        domain: row.get("domain")?,
        address: row.get("address")?,
        targets: targets
            .iter()
            .map(|target| Ok((target.get("mailbox")?, target.get("address")?)))
            .collect::<Result<_, StoreError>>()?,
        active: row.get("active")?,
        created: row.get("created")?,
        modified: row.get("modified")?,
    })
}
