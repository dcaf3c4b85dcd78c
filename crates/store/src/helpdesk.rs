//! Helpdesk notices, by domain and code.

use crate::{Conn, StoreError, value};
use model::helpdesk::Notice;
use model::ids::DomainId;
use model::outcome::Code;

statements! {
    GET = "SELECT people, more, sent FROM helpdesk_notices WHERE domain = $1 AND code = $2";
    PUT = "INSERT INTO helpdesk_notices (domain, code, people, more, sent)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (domain, code) DO UPDATE SET people = $3, more = $4, sent = $5";
}

/// The notice of a domain about a code, empty if there was none.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(sql: &mut Conn, domain: DomainId, code: Code) -> Result<Notice, StoreError> {
    let Some(row) = sql.one(GET, &[domain.into(), code.id().into()]).await? else {
        return Ok(Notice::new(code));
    };
    Ok(Notice {
        code,
        people: row.json("people")?,
        more: row.get("more")?,
        sent: row.get("sent")?,
    })
}

/// Stores the notice of a domain, in place of the one it has about the same code.
///
/// # Errors
/// [`StoreError::Missing`] if the domain is gone.
pub async fn put(sql: &mut Conn, domain: DomainId, notice: &Notice) -> Result<(), StoreError> {
    let values = [
        domain.into(),
        notice.code.id().into(),
        value::json(&notice.people)?,
        notice.more.into(),
        notice.sent.into(),
    ];
    sql.execute(PUT, &values).await?;
    Ok(())
}
