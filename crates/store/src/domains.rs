//! Mail domains.

use crate::value::Row;
use crate::{Conn, Listed, Page, StoreError, confirmation};
use model::address::{Address, DomainName};
use model::domain::{DomainLimits, DomainUse, MailDomain};
use model::ids::{DomainId, ProviderId};
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, name, active, max_mailboxes, default_quota, max_quota, domain_quota, role_target, \
         provider, used_mailboxes, used_quota, confirm_within, confirm_since, created, modified"
    };
}

statements! {
    INSERT = "INSERT INTO domains (name, active, max_mailboxes, default_quota, max_quota,
            domain_quota, role_target, created, modified)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id";
    BY_ID = concat!("SELECT ", columns!(), " FROM domains WHERE id = $1");
    BY_NAME = concat!("SELECT ", columns!(), " FROM domains WHERE name = $1");
    LIST = concat!("SELECT ", columns!(), " FROM domains WHERE name >= $1 AND name < $2
        ORDER BY name LIMIT $3");
    LIST_BACK = concat!("SELECT ", columns!(), " FROM domains WHERE name >= $1 AND name < $2
        ORDER BY name DESC LIMIT $3");
    COUNT = "SELECT value FROM counters WHERE name = 'domains'";
    UPDATE = "UPDATE domains SET active = $1, max_mailboxes = $2, default_quota = $3,
            max_quota = $4, domain_quota = $5, role_target = $6,
            modified = CASE WHEN modified < $7 THEN $7 ELSE modified + 1 END
        WHERE id = $8 AND modified = COALESCE($9, modified)";
    BIND = "UPDATE domains SET provider = $1,
            modified = CASE WHEN modified < $2 THEN $2 ELSE modified + 1 END
        WHERE id = $3 AND modified = COALESCE($4, modified)";
    BOUND_TO = "SELECT id, name FROM domains WHERE provider = $1 ORDER BY name LIMIT $2";
    ANY_BOUND = "SELECT id FROM domains WHERE provider IS NOT NULL LIMIT 1";
    DELETE = "DELETE FROM domains WHERE id = $1";
}

/// What a new domain is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDomain {
    /// Its name.
    pub name: DomainName,
    /// Switched on.
    pub active: bool,
    /// What its mailboxes may take.
    pub limits: DomainLimits,
    /// Where mail for role addresses goes.
    pub role_target: Address,
}

/// Adds a domain.
///
/// # Errors
/// [`crate::Taken::Domain`] if it exists.
pub async fn insert(
    sql: &mut Conn,
    domain: &NewDomain,
    now: Timestamp,
) -> Result<DomainId, StoreError> {
    let limits = &domain.limits;
    let values = [
        (&domain.name).into(),
        domain.active.into(),
        limits.max_mailboxes.into(),
        limits.default_quota.into(),
        limits.max_quota.into(),
        limits.domain_quota.into(),
        (&domain.role_target).into(),
        now.into(),
    ];
    let id = sql.insert(INSERT, &values).await?;
    Ok(DomainId(id))
}

/// A domain.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: DomainId) -> Result<Option<MailDomain>, StoreError> {
    Ok(use_by_id(sql, id).await?.map(|(domain, _)| domain))
}

/// A domain by its name.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_name(sql: &mut Conn, name: &DomainName) -> Result<Option<MailDomain>, StoreError> {
    Ok(with_use(sql, name).await?.map(|(domain, _)| domain))
}

/// A domain by its name, with what its mailboxes take.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn with_use(
    sql: &mut Conn,
    name: &DomainName,
) -> Result<Option<(MailDomain, DomainUse)>, StoreError> {
    let row = sql.one(BY_NAME, &[name.into()]).await?;
    row.as_ref().map(domain_and_use).transpose()
}

/// A domain with what its mailboxes take. Exact inside a write: limits are judged by it.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn use_by_id(
    sql: &mut Conn,
    id: DomainId,
) -> Result<Option<(MailDomain, DomainUse)>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(domain_and_use).transpose()
}

/// A page of domains in the order of their names, those that start with `prefix`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn list(
    sql: &mut Conn,
    page: &Page,
    prefix: Option<&str>,
) -> Result<Listed<(MailDomain, DomainUse)>, StoreError> {
    let prefix = prefix.unwrap_or_default();
    let key = |row: &(MailDomain, DomainUse)| row.0.name.to_string();
    let Some(mut listed) = Listed::turned(fetch(sql, page, prefix).await?, page, key) else {
        let first = Page::first(page.limit);
        return Ok(Listed::cut(fetch(sql, &first, prefix).await?, &first, key));
    };
    if let (Some(_), Some(next)) = (page.before(), &listed.next)
        && fetch(sql, &page.following(next.clone()), prefix)
            .await?
            .is_empty()
    {
        // What followed was deleted meanwhile.
        listed.next = None;
    }
    Ok(listed)
}

async fn fetch(
    sql: &mut Conn,
    page: &Page,
    prefix: &str,
) -> Result<Vec<(MailDomain, DomainUse)>, StoreError> {
    let statement = if page.before().is_some() {
        LIST_BACK
    } else {
        LIST
    };
    let (start, end) = page.range(prefix);
    let rows = sql
        .all(statement, &[start.into(), end.into(), page.fetch().into()])
        .await?;
    rows.iter().map(domain_and_use).collect()
}

/// How many domains there are, by a maintained counter.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn count(sql: &mut Conn) -> Result<i64, StoreError> {
    let row = sql.one(COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.get("value"))
}

/// The names of some domains, in the order of `ids`; those that are gone are left out.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn names_of(sql: &mut Conn, ids: &[DomainId]) -> Result<Vec<DomainName>, StoreError> {
    let mut names = Vec::with_capacity(ids.len());
    for id in ids {
        names.extend(by_id(sql, *id).await?.map(|domain| domain.name));
    }
    Ok(names)
}

/// Changes everything but the name. `false` if the domain was changed since `seen`, or is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn update(
    sql: &mut Conn,
    domain: &MailDomain,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let limits = &domain.limits;
    let values = [
        domain.active.into(),
        limits.max_mailboxes.into(),
        limits.default_quota.into(),
        limits.max_quota.into(),
        limits.domain_quota.into(),
        (&domain.role_target).into(),
        now.into(),
        domain.id.into(),
        seen.into(),
    ];
    let changed = sql.execute(UPDATE, &values).await?;
    Ok(changed == 1)
}

/// Binds a domain to a provider, or frees it. `false` if the domain was changed since `seen`, or is
/// gone.
///
/// # Errors
/// [`StoreError::Missing`] if the provider is gone.
pub async fn bind(
    sql: &mut Conn,
    id: DomainId,
    provider: Option<ProviderId>,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [provider.into(), now.into(), id.into(), seen.into()];
    Ok(sql.execute(BIND, &values).await? == 1)
}

/// The domains that are bound to a provider, by name; at most `most`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn bound_to(
    sql: &mut Conn,
    provider: ProviderId,
    most: i64,
) -> Result<Vec<(DomainId, DomainName)>, StoreError> {
    let rows = sql.all(BOUND_TO, &[provider.into(), most.into()]).await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("name")?)))
        .collect()
}

/// Whether any domain is bound to a provider.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn any_bound(sql: &mut Conn) -> Result<bool, StoreError> {
    Ok(sql.one(ANY_BOUND, &[]).await?.is_some())
}

/// Deletes an empty domain. `false` if there was none.
///
/// # Errors
/// [`StoreError::NotEmpty`] while mailboxes or aliases exist.
pub async fn delete(sql: &mut Conn, id: DomainId) -> Result<bool, StoreError> {
    match sql.execute(DELETE, &[id.into()]).await {
        Ok(deleted) => Ok(deleted == 1),
        Err(StoreError::Missing) => Err(StoreError::NotEmpty),
        Err(other) => Err(other),
    }
}

fn domain_and_use(row: &Row) -> Result<(MailDomain, DomainUse), StoreError> {
    let domain = MailDomain {
        id: row.get("id")?,
        name: row.get("name")?,
        active: row.get("active")?,
        limits: DomainLimits {
            max_mailboxes: row.get("max_mailboxes")?,
            default_quota: row.get("default_quota")?,
            max_quota: row.get("max_quota")?,
            domain_quota: row.get("domain_quota")?,
        },
        role_target: row.get("role_target")?,
        provider: row.get("provider")?,
        confirm: confirmation::policy(row)?,
        created: row.get("created")?,
        modified: row.get("modified")?,
    };
    let used = DomainUse {
        mailboxes: row.get("used_mailboxes")?,
        quota: row.get("used_quota")?,
    };
    Ok((domain, used))
}
