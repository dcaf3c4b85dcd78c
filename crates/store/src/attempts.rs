//! Recorded attempts to sign in.

use crate::page::SCAN;
use crate::value::{self, Row, unreadable};
use crate::{Conn, Listed, Page, StoreError, Taken, Value};
use model::attempt::{Attempt, Door, Reference};
use model::ids::{OauthAppId, ProviderId};
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use model::time::Timestamp;

macro_rules! columns {
    () => {
        "id, reference, at, door, provider, app, mailbox, address, ip, user_agent, code, facts, \
         notice, trace, count"
    };
}

macro_rules! insert {
    ($on_conflict:literal) => {
        concat!(
            "INSERT INTO attempts (reference, at, door, provider, app, mailbox, address, ip,
                user_agent, code, facts, notice, trace, count, bucket)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            $on_conflict
        )
    };
}

statements! {
    INSERT = insert!(" ON CONFLICT (reference) DO NOTHING");
    ADD_TO = "UPDATE attempts SET count = count + 1, at = $1 WHERE reference = $2";
    UPSERT = insert!(" ON CONFLICT (bucket) DO UPDATE
        SET count = attempts.count + excluded.count, at = excluded.at");
    BY_REFERENCE = concat!("SELECT ", columns!(), " FROM attempts WHERE reference = $1");
    LIST = concat!("SELECT ", columns!(), " FROM attempts WHERE id < $1
        ORDER BY id DESC LIMIT $2");
    LIST_OF_APP = concat!("SELECT ", columns!(), " FROM attempts
        WHERE app = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    LIST_REFUSED = concat!("SELECT ", columns!(), " FROM attempts
        WHERE code IS NOT NULL AND id < $1 ORDER BY id DESC LIMIT $2");
    LIST_OF_ADDRESS = concat!("SELECT ", columns!(), " FROM attempts
        WHERE address = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    AFTER = concat!("SELECT ", columns!(), " FROM attempts WHERE id > $1
        ORDER BY id LIMIT $2");
    PRUNE_WEB = "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts
        WHERE (bucket IS NULL) = TRUE AND at < $1 ORDER BY at LIMIT $2)";
    PRUNE_MAIL = "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts
        WHERE (bucket IS NULL) = FALSE AND at < $1 ORDER BY at LIMIT $2)";
}

/// Which attempts a list shows. Everything set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttemptFilter {
    /// Refused ones only.
    pub refused_only: bool,
    /// Refused with this code.
    pub code: Option<Code>,
    /// About exactly this address.
    pub address: Option<String>,
    /// By this provider.
    pub provider: Option<ProviderId>,
    /// To sign in to this app.
    pub app: Option<OauthAppId>,
}

/// Records an attempt on the web.
///
/// # Errors
/// [`crate::Taken::Token`] if its reference exists: try again with another one, in the same
/// transaction if you like.
pub async fn insert(sql: &mut Conn, attempt: &Attempt) -> Result<(), StoreError> {
    match sql.execute(INSERT, &values(attempt, None)?).await? {
        0 => Err(StoreError::Taken(Taken::Token)),
        _ => Ok(()),
    }
}

/// Counts one more attempt in the row of a like one; `false` if that is gone.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn add_to(
    sql: &mut Conn,
    reference: &Reference,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let values = [at.into(), reference.as_str().into()];
    Ok(sql.execute(ADD_TO, &values).await? == 1)
}

/// Records attempts of mail programs that are alike: those with the same `bucket` (account,
/// network, code, minute) add up in one row, under the reference of the first.
///
/// # Errors
/// As [`insert()`].
pub async fn upsert_mail(
    sql: &mut Conn,
    attempt: &Attempt,
    bucket: &str,
) -> Result<(), StoreError> {
    sql.execute(UPSERT, &values(attempt, Some(bucket))?).await?;
    Ok(())
}

/// An attempt by its reference.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn by_reference(
    sql: &mut Conn,
    reference: &Reference,
) -> Result<Option<Attempt>, StoreError> {
    let row = sql.one(BY_REFERENCE, &[reference.as_str().into()]).await?;
    row.as_ref().map(attempt).transpose()
}

/// A page of attempts, newest first. Pages narrowed by code or provider may be short and still have
/// a next one.
///
/// # Errors
/// [`StoreError::Cursor`].
pub async fn list(
    sql: &mut Conn,
    page: &Page,
    filter: &AttemptFilter,
) -> Result<Listed<Attempt>, StoreError> {
    let mut before = page.before_id()?;
    let mut shown = Vec::new();
    for _ in 0..SCAN.div_ceil(page.rows()) {
        let rows = walk(sql, filter, before, page.fetch()).await?;
        for row in &rows {
            if filter.fits(row)? {
                if shown.len() == page.rows() {
                    return Ok(Listed {
                        rows: shown,
                        next: Some(before.to_string()),
                        previous: None,
                    });
                }
                shown.push(attempt(row)?);
            }
            before = row.get("id")?;
        }
        if (rows.len() as i64) < page.fetch() {
            return Ok(Listed {
                rows: shown,
                next: None,
                previous: None,
            });
        }
    }
    Ok(Listed {
        rows: shown,
        next: Some(before.to_string()),
        previous: None,
    })
}

/// The latest attempts about an address.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_address(
    sql: &mut Conn,
    address: &str,
    limit: u32,
) -> Result<Vec<Attempt>, StoreError> {
    let filter = AttemptFilter {
        address: Some(address.to_owned()),
        ..AttemptFilter::default()
    };
    let rows = walk(sql, &filter, i64::MAX, i64::from(limit)).await?;
    rows.iter().map(attempt).collect()
}

/// Attempts after an id, oldest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn after(sql: &mut Conn, id: i64, limit: u32) -> Result<Vec<Attempt>, StoreError> {
    let rows = sql
        .all(AFTER, &[id.into(), i64::from(limit).into()])
        .await?;
    rows.iter().map(attempt).collect()
}

/// The latest attempts, newest first.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn latest(sql: &mut Conn, limit: u32) -> Result<Vec<Attempt>, StoreError> {
    let rows = walk(sql, &AttemptFilter::default(), i64::MAX, i64::from(limit)).await?;
    rows.iter().map(attempt).collect()
}

/// Removes some of the attempts on the web older than `before`; returns how many.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn prune_web(sql: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(PRUNE_WEB, &[before.into(), i64::from(limit).into()])
        .await
}

/// Removes some of the attempts of mail programs older than `before`; returns how many rows.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn prune_mail(sql: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql.execute(PRUNE_MAIL, &[before.into(), i64::from(limit).into()])
        .await
}

/// Rows before an id, by the index that serves the filter best.
async fn walk(
    sql: &mut Conn,
    filter: &AttemptFilter,
    before: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let (before, limit) = (before.into(), limit.into());
    match (&filter.address, filter.app) {
        (Some(address), _) => {
            sql.all(LIST_OF_ADDRESS, &[address.into(), before, limit])
                .await
        }
        (None, Some(app)) => sql.all(LIST_OF_APP, &[app.into(), before, limit]).await,
        (None, None) if filter.refused_only || filter.code.is_some() => {
            sql.all(LIST_REFUSED, &[before, limit]).await
        }
        (None, None) => sql.all(LIST, &[before, limit]).await,
    }
}

impl AttemptFilter {
    fn fits(&self, row: &Row) -> Result<bool, StoreError> {
        let code: Option<String> = row.get("code")?;
        let provider: Option<ProviderId> = row.get("provider")?;
        let app: Option<OauthAppId> = row.get("app")?;
        Ok((code.is_some() || !self.refused_only)
            && self
                .code
                .is_none_or(|wanted| code.as_deref() == Some(wanted.id()))
            && self.provider.is_none_or(|wanted| provider == Some(wanted))
            && self.app.is_none_or(|wanted| app == Some(wanted)))
    }
}

fn values(attempt: &Attempt, bucket: Option<&str>) -> Result<[Value; 15], StoreError> {
    let refusal = attempt.refusal.as_ref();
    Ok([
        attempt.reference.as_str().into(),
        attempt.at.into(),
        door_name(attempt.door).into(),
        attempt.provider.into(),
        attempt.app.into(),
        attempt.mailbox.into(),
        attempt.address.as_deref().into(),
        attempt.ip.into(),
        (&attempt.user_agent).into(),
        refusal.map(|refusal| refusal.code.id()).into(),
        refusal
            .map(|refusal| value::json(&refusal.facts))
            .transpose()?
            .into(),
        attempt.notice.map(Code::id).into(),
        value::json(&attempt.trace)?,
        attempt.count.into(),
        bucket.into(),
    ])
}

fn attempt(row: &Row) -> Result<Attempt, StoreError> {
    let reference: String = row.get("reference")?;
    let door: String = row.get("door")?;
    let refusal = match code(row, "code")? {
        None => None,
        Some(code) => Some(Refusal {
            code,
            facts: row.json("facts")?,
        }),
    };
    Ok(Attempt {
        id: row.get("id")?,
        reference: Reference::parse(&reference)
            .ok_or_else(|| unreadable("reference", "a reference"))?,
        at: row.get("at")?,
        door: door_of(&door).ok_or_else(|| unreadable("door", "a door"))?,
        provider: row.get("provider")?,
        app: row.get("app")?,
        mailbox: row.get("mailbox")?,
        address: row.get("address")?,
        ip: row.get("ip")?,
        user_agent: row.get("user_agent")?,
        refusal,
        notice: code(row, "notice")?,
        trace: row.json("trace")?,
        count: row.get("count")?,
    })
}

fn code(row: &Row, column: &'static str) -> Result<Option<Code>, StoreError> {
    code_of(row.get(column)?, column)
}

pub(crate) fn code_of(
    text: Option<String>,
    column: &'static str,
) -> Result<Option<Code>, StoreError> {
    text.map(|code| code.parse())
        .transpose()
        .map_err(|_| unreadable(column, "a code of this version"))
}

const fn door_name(door: Door) -> &'static str {
    match door {
        Door::Provider => "provider",
        Door::Local => "local",
        Door::App => "app",
        Door::Mail(protocol) => protocol.name(),
    }
}

pub(crate) fn door_of(name: &str) -> Option<Door> {
    match name {
        "provider" => Some(Door::Provider),
        "local" => Some(Door::Local),
        "app" => Some(Door::App),
        protocol => protocol.parse::<Protocol>().ok().map(Door::Mail),
    }
}
