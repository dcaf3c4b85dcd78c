//! To which apps a person signed in during a web session. When the session ends, a trigger of the
//! schema leaves word for each of them ([`crate::app_logouts`]).

use crate::{Conn, StoreError};
use model::ids::{MailboxId, OauthAppId, SessionId};
use uuid::Uuid;

statements! {
    NOTE = "INSERT INTO app_sessions (session, app, sid, storage) VALUES ($1, $2, $3, $4)
        ON CONFLICT (session, app, sid) DO NOTHING";
    // It signs in again under the same name: an end of before, not told yet, would end that too.
    RECALL = "DELETE FROM app_logouts WHERE app = $1 AND sid = $2";
    MOVE = "UPDATE app_sessions SET session = $1 WHERE session = $2";
    TELL_OF_PERSON = "INSERT INTO app_logouts (app, sid, storage)
        SELECT s.app, s.sid, s.storage FROM sessions AS w
            JOIN app_sessions AS s ON s.session = w.id AND s.app = $1
            JOIN oauth_apps AS a ON a.id = s.app
        WHERE w.mailbox = $2 AND a.back_channel = TRUE
        ON CONFLICT (app, sid) DO NOTHING";
    TELL = "INSERT INTO app_logouts (app, sid, storage)
        SELECT s.app, s.sid, s.storage FROM app_sessions AS s JOIN oauth_apps AS a ON a.id = s.app
        WHERE s.app = $1 AND a.back_channel = TRUE
        ON CONFLICT (app, sid) DO NOTHING";
    FORGET_OF_PERSON = "DELETE FROM app_sessions WHERE app = $1 AND session IN
        (SELECT id FROM sessions WHERE mailbox = $2)";
    FORGET = "DELETE FROM app_sessions WHERE app = $1";
}

/// Notes that the owner of a mailbox signs in to an app.
///
/// # Errors
/// [`StoreError::Missing`] if session or app is gone.
pub(crate) async fn note(
    sql: &mut Conn,
    session: SessionId,
    app: OauthAppId,
    sid: &str,
    storage: Uuid,
) -> Result<(), StoreError> {
    sql.execute(RECALL, &[app.into(), sid.into()]).await?;
    let values = [session.into(), app.into(), sid.into(), storage.into()];
    sql.execute(NOTE, &values).await?;
    Ok(())
}

/// Has the apps of one web session told when another ends.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such session.
pub(crate) async fn move_to(
    sql: &mut Conn,
    from: SessionId,
    to: SessionId,
) -> Result<(), StoreError> {
    sql.execute(MOVE, &[to.into(), from.into()]).await?;
    Ok(())
}

/// Has an app told that its sessions ended although the web sessions go on: those of a person, or of
/// everybody.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn end(
    sql: &mut Conn,
    app: OauthAppId,
    person: Option<MailboxId>,
) -> Result<(), StoreError> {
    match person {
        Some(person) => {
            let values = [app.into(), person.into()];
            sql.execute(TELL_OF_PERSON, &values).await?;
            sql.execute(FORGET_OF_PERSON, &values).await?;
        }
        None => {
            sql.execute(TELL, &[app.into()]).await?;
            sql.execute(FORGET, &[app.into()]).await?;
        }
    }
    Ok(())
}
