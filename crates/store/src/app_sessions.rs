//! To which apps a person signed in during a web session. When the session ends, a trigger of the
//! schema leaves word for each of them ([`crate::app_logouts`]).

use crate::app_grants::NewGrant;
use crate::{Conn, StoreError};
use model::ids::{MailboxId, OauthAppId, SessionId};

/// Leaves word of sessions that apps know by name: `s` is an app's part in a web session.
macro_rules! of_sessions {
    ($from:literal, $which:literal) => {
        concat!(
            "INSERT INTO app_logouts (app, sid, storage)
            SELECT s.app, s.sid, s.storage FROM ",
            $from,
            " JOIN oauth_apps AS a ON a.id = s.app
            WHERE ",
            $which,
            " AND a.back_channel = TRUE ON CONFLICT (app, storage, sid) DO NOTHING"
        )
    };
}

/// Leaves word that all sessions of people ended: `c` is what somebody allowed an app.
macro_rules! of_people {
    ($which:literal) => {
        concat!(
            "INSERT INTO app_logouts (app, sid, storage)
            SELECT c.app, '', m.storage FROM app_connections AS c
                JOIN oauth_apps AS a ON a.id = c.app
                JOIN mailboxes AS m ON m.id = c.mailbox
            WHERE ",
            $which,
            " AND a.back_channel = TRUE ON CONFLICT (app, storage, sid) DO NOTHING"
        )
    };
}

statements! {
    NOTE = "INSERT INTO app_sessions (session, app, sid, storage) VALUES ($1, $2, $3, $4)
        ON CONFLICT (session, app, sid) DO NOTHING";
    SID = "SELECT sid FROM app_sessions WHERE session = $1 AND app = $2 ORDER BY sid LIMIT 1";
    KNOWN = "SELECT app FROM app_sessions WHERE session = $1 AND app = $2 AND sid = $3";
    MOVE = "UPDATE app_sessions SET session = $1 WHERE session = $2";
    TELL_SESSIONS = of_sessions!("app_sessions AS s", "s.app = $1");
    TELL_SESSIONS_OF_PERSON = of_sessions!(
        "sessions AS w JOIN app_sessions AS s ON s.session = w.id AND s.app = $1",
        "w.mailbox = $2"
    );
    TELL_EVERYBODY = of_people!("c.app = $1");
    TELL_PERSON = of_people!("c.app = $1 AND c.mailbox = $2");
    TELL_PERSON_EVERYWHERE = of_people!("c.mailbox = $1");
    FORGET_OF_PERSON = "DELETE FROM app_sessions WHERE app = $1 AND session IN
        (SELECT id FROM sessions WHERE mailbox = $2)";
    FORGET = "DELETE FROM app_sessions WHERE app = $1";
}

/// What the app of a new grant knows this web session by: the name it has already, or the grant's,
/// which is noted.
///
/// # Errors
/// [`StoreError::Missing`] if session or app is gone.
pub(crate) async fn sid(
    sql: &mut Conn,
    session: SessionId,
    new: &NewGrant<'_>,
) -> Result<String, StoreError> {
    let known = sql.one(SID, &[session.into(), new.app.into()]).await?;
    if let Some(row) = known {
        return row.get("sid");
    }
    let values = [
        session.into(),
        new.app.into(),
        new.sid.into(),
        new.storage.into(),
    ];
    sql.execute(NOTE, &values).await?;
    Ok(new.sid.to_owned())
}

/// Whether an app knows this web session by this name.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn is_known(
    sql: &mut Conn,
    session: SessionId,
    app: OauthAppId,
    sid: &str,
) -> Result<bool, StoreError> {
    let values = [session.into(), app.into(), sid.into()];
    Ok(sql.one(KNOWN, &values).await?.is_some())
}

/// Has every app that a person connected told that all of their sessions ended, also those that
/// began in a web session of which nothing is left.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub(crate) async fn tell_of_person(sql: &mut Conn, mailbox: MailboxId) -> Result<(), StoreError> {
    sql.execute(TELL_PERSON_EVERYWHERE, &[mailbox.into()])
        .await?;
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
            sql.execute(TELL_PERSON, &values).await?;
            sql.execute(TELL_SESSIONS_OF_PERSON, &values).await?;
            sql.execute(FORGET_OF_PERSON, &values).await?;
        }
        None => {
            sql.execute(TELL_EVERYBODY, &[app.into()]).await?;
            sql.execute(TELL_SESSIONS, &[app.into()]).await?;
            sql.execute(FORGET, &[app.into()]).await?;
        }
    }
    Ok(())
}
