//! Which web session stands in the place of one that is gone: of tabs that sign in at once, each but
//! the first brings the token of a session that was replaced a moment ago.

use crate::{Conn, StoreError};
use model::ids::SessionId;
use model::time::Timestamp;

statements! {
    IN_PLACE_OF = "SELECT session FROM replaced_sessions WHERE token_tag = $1 AND ends > $2";
    NOTE = "INSERT INTO replaced_sessions (token_tag, session, ends)
        SELECT token_tag, $1, ends FROM sessions WHERE id = $2
        ON CONFLICT (token_tag) DO UPDATE SET session = excluded.session, ends = excluded.ends";
    STAND_IN = "INSERT INTO replaced_sessions (token_tag, session, ends) VALUES ($1, $2, $3)
        ON CONFLICT (token_tag) DO UPDATE SET session = excluded.session, ends = excluded.ends";
    PASS_ON = "UPDATE replaced_sessions SET session = $1 WHERE session = $2";
    KEEP_SOME = "DELETE FROM replaced_sessions WHERE session = $1 AND token_tag NOT IN
        (SELECT token_tag FROM replaced_sessions WHERE session = $1 ORDER BY ends DESC LIMIT 50)";
    FORGET = "DELETE FROM replaced_sessions WHERE session = $1 AND ends <= $2";
}

/// The session in the place of the one that had this tag, for as long as that would have lasted.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn in_place_of(
    sql: &mut Conn,
    token_tag: &[u8],
    now: Timestamp,
) -> Result<Option<SessionId>, StoreError> {
    let row = sql
        .one(IN_PLACE_OF, &[token_tag.into(), now.into()])
        .await?;
    row.map(|row| row.get("session")).transpose()
}

/// Notes that `fresh` takes the place of `old`, which is about to go, and of all that `old` had
/// taken the place of; the last 50 of them, for nobody has more tabs that sign in at once.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such session to take it.
pub async fn replace(
    sql: &mut Conn,
    old: SessionId,
    fresh: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql.execute(FORGET, &[old.into(), now.into()]).await?;
    sql.execute(PASS_ON, &[fresh.into(), old.into()]).await?;
    sql.execute(NOTE, &[fresh.into(), old.into()]).await?;
    sql.execute(KEEP_SOME, &[fresh.into()]).await?;
    Ok(())
}

/// Notes that `fresh` stands in the place of a session that has run out, of which there may be nothing left
/// but the tag of its token: until `ends`. What stood there before counts no more.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such session to stand there.
pub async fn stand_in(
    sql: &mut Conn,
    token_tag: &[u8],
    fresh: SessionId,
    ends: Timestamp,
) -> Result<(), StoreError> {
    let values = [token_tag.into(), fresh.into(), ends.into()];
    sql.execute(STAND_IN, &values).await?;
    Ok(())
}
