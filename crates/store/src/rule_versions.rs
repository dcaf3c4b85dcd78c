//! The states in which a provider's rules were saved.

use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::audit::Actor;
use model::ids::{ProviderId, RuleVersionId};
use model::rules::versions::{RuleSet, RuleVersion};
use model::time::Timestamp;

/// How many are kept of a provider; the oldest go first.
pub const KEPT: u32 = 100;

macro_rules! columns {
    () => {
        "id, provider, at, actor, rules, everyone_else"
    };
}

statements! {
    INSERT = "INSERT INTO rule_versions (provider, at, actor, rules, everyone_else)
        VALUES ($1, $2, $3, $4, $5) RETURNING id";
    PRUNE = "DELETE FROM rule_versions WHERE provider = $1 AND id IN
        (SELECT id FROM rule_versions WHERE provider = $1 AND id <= $2 ORDER BY id LIMIT 10)";
    NEWEST = concat!("SELECT ", columns!(), " FROM rule_versions WHERE provider = $1
        ORDER BY id DESC LIMIT $2");
    BY_ID = concat!("SELECT ", columns!(), " FROM rule_versions WHERE id = $1 AND provider = $2");
}

/// Adds a state, the newest of its provider.
///
/// # Errors
/// [`StoreError::Missing`] if the provider is gone.
pub async fn insert(
    sql: &mut Conn,
    provider: ProviderId,
    actor: &Actor,
    set: &RuleSet,
    now: Timestamp,
) -> Result<RuleVersionId, StoreError> {
    let values = [
        provider.into(),
        now.into(),
        value::json(actor)?,
        value::json(&set.rules)?,
        value::json(&set.everyone_else)?,
    ];
    let id = sql.insert(INSERT, &values).await.map(RuleVersionId)?;
    let kept = newest(sql, provider, KEPT + 1).await?;
    if let Some(oldest) = kept.get(KEPT as usize) {
        sql.execute(PRUNE, &[provider.into(), oldest.id.into()])
            .await?;
    }
    Ok(id)
}

/// The newest states of a provider, the one in force first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn newest(
    sql: &mut Conn,
    provider: ProviderId,
    most: u32,
) -> Result<Vec<RuleVersion>, StoreError> {
    let values = [provider.into(), i64::from(most).into()];
    let rows = sql.all(NEWEST, &values).await?;
    rows.iter().map(version).collect()
}

/// One state of a provider.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(
    sql: &mut Conn,
    provider: ProviderId,
    id: RuleVersionId,
) -> Result<Option<RuleVersion>, StoreError> {
    let row = sql.one(BY_ID, &[id.into(), provider.into()]).await?;
    row.as_ref().map(version).transpose()
}

fn version(row: &Row) -> Result<RuleVersion, StoreError> {
    Ok(RuleVersion {
        id: row.get("id")?,
        provider: row.get("provider")?,
        at: row.get("at")?,
        actor: row.json("actor")?,
        set: RuleSet {
            rules: row.json("rules")?,
            everyone_else: row.json("everyone_else")?,
        },
    })
}
