//! Company identity providers. Their client secrets are stored sealed and read apart.

use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::ids::ProviderId;
use model::link::Namespace;
use model::provider::{Provider, ProviderSettings, SecretHint};
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, slug, namespace, settings, secret_set, secret_ends, checks_stopped, created, \
         modified"
    };
}

statements! {
    INSERT = "INSERT INTO providers
            (slug, position, active, namespace, redirect_key, settings, created, modified)
        SELECT $1, COALESCE(MAX(position), 0) + 1, $2, $3, $4, $5, $6, $6 FROM providers
        RETURNING id";
    BY_ID = concat!("SELECT ", columns!(), " FROM providers WHERE id = $1");
    BY_SLUG = concat!("SELECT ", columns!(), " FROM providers WHERE slug = $1");
    ALL = concat!("SELECT ", columns!(), " FROM providers ORDER BY position, id");
    UPDATE = "UPDATE providers SET active = $1, namespace = $2, redirect_key = $3, settings = $4,
            modified = CASE WHEN modified < $5 THEN $5 ELSE modified + 1 END
        WHERE id = $6 AND modified = COALESCE($7, modified)";
    PLACE = "UPDATE providers SET position = $1 WHERE id = $2";
    SET_SECRET = "UPDATE providers SET secret = $1, secret_set = $2, secret_ends = $3,
            secret_origin = NULL
        WHERE id = $4";
    SECRET = "SELECT secret, secret_origin FROM providers WHERE id = $1";
    BIND_SECRET = "UPDATE providers SET secret_origin = $1
        WHERE id = $2 AND secret = $3 AND secret_origin IS NULL";
    STOP_CHECKS = "UPDATE providers SET checks_stopped = $1
        WHERE id = $2 AND checks_stopped IS NULL";
    RESUME_CHECKS = "UPDATE providers SET checks_stopped = NULL, checks_resumed = $1 WHERE id = $2";
    CHECKS_RESUMED = "SELECT checks_resumed FROM providers WHERE id = $1";
    DELETE = "DELETE FROM providers WHERE id = $1";
}

/// Adds a provider without a secret, last on the sign-in page. `redirect_key` stands for the
/// redirect URL: one provider, one value.
///
/// # Errors
/// [`crate::Taken::ProviderSlug`], [`crate::Taken::Redirect`].
pub async fn insert(
    sql: &mut Conn,
    slug: &str,
    namespace: &Namespace,
    redirect_key: &str,
    settings: &ProviderSettings,
    now: Timestamp,
) -> Result<ProviderId, StoreError> {
    let values = [
        slug.into(),
        settings.active.into(),
        namespace.into(),
        redirect_key.into(),
        value::json(settings)?,
        now.into(),
    ];
    sql.insert(INSERT, &values).await.map(ProviderId)
}

/// A provider.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_id(sql: &mut Conn, id: ProviderId) -> Result<Option<Provider>, StoreError> {
    let row = sql.one(BY_ID, &[id.into()]).await?;
    row.as_ref().map(provider).transpose()
}

/// A provider by its name in paths.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_slug(sql: &mut Conn, slug: &str) -> Result<Option<Provider>, StoreError> {
    let row = sql.one(BY_SLUG, &[slug.into()]).await?;
    row.as_ref().map(provider).transpose()
}

/// All providers in the order of the sign-in page: a handful.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn all(sql: &mut Conn) -> Result<Vec<Provider>, StoreError> {
    let rows = sql.all(ALL, &[]).await?;
    rows.iter().map(provider).collect()
}

/// Changes namespace, redirect URL and settings. `false` if the provider was changed since `seen`,
/// or is gone.
///
/// # Errors
/// [`crate::Taken::Redirect`].
pub async fn update(
    sql: &mut Conn,
    provider: &Provider,
    redirect_key: &str,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [
        provider.settings.active.into(),
        (&provider.namespace).into(),
        redirect_key.into(),
        value::json(&provider.settings)?,
        now.into(),
        provider.id.into(),
        seen.into(),
    ];
    Ok(sql.execute(UPDATE, &values).await? == 1)
}

/// Sets where a provider stands on the sign-in page. What an open form shows stays as it is.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn place(sql: &mut Conn, id: ProviderId, position: i64) -> Result<(), StoreError> {
    sql.execute(PLACE, &[position.into(), id.into()]).await?;
    Ok(())
}

/// A sealed client secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// The origin at which it was first used; `None` until then.
    pub origin: Option<String>,
}

/// Sets the sealed client secret with what may be shown of it, or clears it. It is bound to no
/// origin yet.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn set_secret(
    sql: &mut Conn,
    id: ProviderId,
    secret: Option<(&[u8], &str)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (sealed, ends) = secret.unzip();
    let set = secret.map(|_| now);
    let values = [sealed.into(), set.into(), ends.into(), id.into()];
    sql.execute(SET_SECRET, &values).await?;
    Ok(())
}

/// The sealed client secret.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn sealed_secret(
    sql: &mut Conn,
    id: ProviderId,
) -> Result<Option<SealedSecret>, StoreError> {
    let Some(row) = sql.one(SECRET, &[id.into()]).await? else {
        return Ok(None);
    };
    let origin = row.get("secret_origin")?;
    let sealed = row.get::<Option<_>>("secret")?;
    Ok(sealed.map(|sealed| SealedSecret { sealed, origin }))
}

/// Binds a secret to the origin at which it is about to be used for the first time. `false` if the
/// secret was changed meanwhile, or is bound.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn bind_secret(
    sql: &mut Conn,
    id: ProviderId,
    sealed: &[u8],
    origin: &str,
) -> Result<bool, StoreError> {
    let values = [origin.into(), id.into(), sealed.into()];
    Ok(sql.execute(BIND_SECRET, &values).await? == 1)
}

/// Notes that nobody is asked about in the background any more.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn stop_checks(sql: &mut Conn, id: ProviderId, now: Timestamp) -> Result<(), StoreError> {
    sql.execute(STOP_CHECKS, &[now.into(), id.into()]).await?;
    Ok(())
}

/// Notes that people are asked about again.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn resume_checks(
    sql: &mut Conn,
    id: ProviderId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.execute(RESUME_CHECKS, &[now.into(), id.into()]).await?;
    Ok(())
}

/// When that was last; who became unconfirmed before counts no more.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn checks_resumed(
    sql: &mut Conn,
    id: ProviderId,
) -> Result<Option<Timestamp>, StoreError> {
    let row = sql.one(CHECKS_RESUMED, &[id.into()]).await?;
    row.map_or(Ok(None), |row| row.get("checks_resumed"))
}

/// Deletes a provider that nobody is linked through, with its pending links, sign-ins under way and
/// sessions. `false` if there was none.
///
/// # Errors
/// [`StoreError::InUse`] while links exist.
pub async fn delete(sql: &mut Conn, id: ProviderId) -> Result<bool, StoreError> {
    match sql.execute(DELETE, &[id.into()]).await {
        Ok(deleted) => Ok(deleted == 1),
        Err(StoreError::Missing) => Err(StoreError::InUse),
        Err(other) => Err(other),
    }
}

fn provider(row: &Row) -> Result<Provider, StoreError> {
    let secret = row.get::<Option<Timestamp>>("secret_set")?;
    Ok(Provider {
        id: row.get("id")?,
        slug: row.get("slug")?,
        created: row.get("created")?,
        modified: row.get("modified")?,
        secret: match secret {
            None => None,
            Some(set) => Some(SecretHint {
                set,
                ends: row.get::<Option<_>>("secret_ends")?.unwrap_or_default(),
            }),
        },
        checks_stopped: row.get("checks_stopped")?,
        namespace: row.get("namespace")?,
        settings: row.json("settings")?,
    })
}
