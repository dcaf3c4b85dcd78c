//! The claims with which each linked person came last, and going through all people of a provider.

use crate::mailboxes;
use crate::value::{self, Row};
use crate::{Conn, StoreError};
use model::ids::{LinkId, ProviderId};
use model::link::Link;
use model::mailbox::Mailbox;
use model::rules::claims::Claims;
use model::time::Timestamp;

statements! {
    PUT = "INSERT INTO link_claims (link, claims, left_out, since) VALUES ($1, $2, $3, $4)
        ON CONFLICT (link) DO UPDATE SET claims = excluded.claims, left_out = excluded.left_out,
            since = excluded.since
        WHERE claims <> excluded.claims OR left_out <> excluded.left_out";
    OF_LINK = "SELECT claims, left_out, since FROM link_claims WHERE link = $1";
    PEOPLE = concat!("SELECT ", mailboxes::columns!(), ", l.id AS link, l.provider, l.namespace,
            l.subject, l.origin, l.created AS linked, l.last_sign_in AS link_used, l.confirmed, l.unconfirmed,
            c.claims, c.left_out, c.since
        FROM links AS l CROSS JOIN mailboxes AS m ON m.id = l.mailbox
            LEFT JOIN link_claims AS c ON c.link = l.id
        WHERE l.provider = $1 AND l.id > $2 ORDER BY l.id LIMIT $3");
}

/// Claims as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClaims {
    /// The claims.
    pub claims: Claims,
    /// Names of claims that were too large.
    pub left_out: Vec<String>,
    /// When the person first came with just these.
    pub since: Timestamp,
}

/// A person linked through a provider.
#[derive(Debug, Clone)]
pub struct LinkedPerson {
    /// The link.
    pub link: Link,
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The claims of the last sign-in; `None` if the person has not come since they are kept.
    pub kept: Option<KeptClaims>,
}

/// Keeps claims in place of earlier ones. Nothing is written if they are the same.
///
/// # Errors
/// [`StoreError::Missing`] if the link is gone.
pub async fn put(
    sql: &mut Conn,
    link: LinkId,
    claims: &Claims,
    left_out: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        link.into(),
        value::json(claims)?,
        value::json(&left_out)?,
        now.into(),
    ];
    sql.execute(PUT, &values).await?;
    Ok(())
}

/// The claims of a link.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn of_link(sql: &mut Conn, link: LinkId) -> Result<Option<KeptClaims>, StoreError> {
    let row = sql.one(OF_LINK, &[link.into()]).await?;
    row.as_ref().map(kept).transpose()
}

/// People linked through a provider, in the order of their links, those after `after`.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn people(
    sql: &mut Conn,
    provider: ProviderId,
    after: LinkId,
    most: u32,
) -> Result<Vec<LinkedPerson>, StoreError> {
    let values = [provider.into(), after.into(), i64::from(most).into()];
    let rows = sql.all(PEOPLE, &values).await?;
    rows.iter().map(person).collect()
}

fn kept(row: &Row) -> Result<KeptClaims, StoreError> {
    Ok(KeptClaims {
        claims: row.json("claims")?,
        left_out: row.json("left_out")?,
        since: row.get("since")?,
    })
}

fn person(row: &Row) -> Result<LinkedPerson, StoreError> {
    let mailbox = mailboxes::mailbox(row)?;
    let known = row.get::<Option<Timestamp>>("since")?.is_some();
    Ok(LinkedPerson {
        link: Link {
            id: row.get("link")?,
            mailbox: mailbox.id,
            provider: row.get("provider")?,
            namespace: row.get("namespace")?,
            subject: row.get("subject")?,
            origin: row.named("origin")?,
            created: row.get("linked")?,
            last_sign_in: row.get("link_used")?,
            confirmed: row.get("confirmed")?,
            unconfirmed: row.get("unconfirmed")?,
        },
        kept: known.then(|| kept(row)).transpose()?,
        mailbox,
    })
}
