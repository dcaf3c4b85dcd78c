//! Web sessions of people and administrators.

use crate::admins::Admin;
use crate::provider_calls::Identity;
use crate::sign_in::{FLOW_LIFETIME, ReturnTo, SignedIn};
use crate::{App, Client, Problem};
use model::domain::MailDomain;
use model::ids::{MailboxId, SessionId};
use model::mailbox::Mailbox;
use model::provider::Provider;
use model::random;
use model::session::{Principal, ProviderSession, Session};
use model::time::Timestamp;
use secrecy::SecretString;
use std::time::Duration;
use store::Conn;
use store::link_proofs::Proof;

/// The time of last use is kept to the minute, so that reading a page writes nothing.
const TOUCH_AFTER: Duration = Duration::from_secs(60);

/// Who is signed in, read anew at every request: a disabled mailbox's sessions end at once.
#[derive(Debug, Clone)]
pub enum Who {
    /// The owner of a mailbox.
    Person {
        /// The mailbox.
        mailbox: Box<Mailbox>,
        /// Its domain.
        domain: Box<MailDomain>,
    },
    /// A local administrator.
    Admin(Admin),
}

impl Who {
    /// What they are called on pages: the address, or the administrator's name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Person { mailbox, .. } => mailbox.address.to_string(),
            Self::Admin(admin) => admin.name.clone(),
        }
    }
}

/// A good session.
#[derive(Debug, Clone)]
pub struct Current {
    /// The session.
    pub session: Session,
    /// Who.
    pub who: Who,
    /// The session's form token: an HMAC over the session, constant while it lives.
    pub form_token: String,
}

impl App {
    /// The session of a cookie's token; `Ok(None)` if it is not good (unknown, ended, idle too
    /// long, mailbox or domain switched off).
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only.
    pub async fn session(&self, token: &str) -> Result<Option<Current>, Problem> {
        let now = self.clock.now();
        let tag = self.session_tag(token);
        let found = {
            let mut read = self.store.read()?;
            let Some(session) = store::sessions::by_tag(&mut read, &tag).await? else {
                return Ok(None);
            };
            let who = match session.principal {
                Principal::Person(id) => person(&mut read, id).await?,
                Principal::Admin(id) => store::admins::by_id(&mut read, id)
                    .await?
                    .map(|row| Who::Admin(row.into())),
            };
            who.map(|who| (session, who))
        };
        let Some((session, who)) = found.filter(|(session, _)| self.permits(session, now)) else {
            return Ok(None);
        };
        if now.since(session.last_used) >= TOUCH_AFTER {
            self.touch_session(session.id, now);
        }
        let form_token = hex::encode(self.keys.form.tag(&[b"form", token.as_bytes()]));
        Ok(Some(Current {
            session,
            who,
            form_token,
        }))
    }

    /// The good sessions of somebody, newest first.
    pub async fn sessions_of(&self, principal: Principal) -> Result<Vec<Session>, Problem> {
        let now = self.clock.now();
        let mut read = self.store.read()?;
        let mut all = store::sessions::list(&mut read, principal).await?;
        all.retain(|session| self.permits(session, now));
        Ok(all)
    }

    /// Ends one of somebody's sessions.
    pub async fn end_session(&self, principal: Principal, id: SessionId) -> Result<(), Problem> {
        let ended = self
            .store
            .write(async move |tx: &mut Conn| {
                Ok::<_, Problem>(store::sessions::delete(tx, id, principal).await?)
            })
            .await?;
        if ended {
            Ok(())
        } else {
            Err(Problem::NotFound(
                "such session; it may have ended".to_owned(),
            ))
        }
    }

    /// Ends all but one; tells how many.
    pub async fn end_other_sessions(
        &self,
        principal: Principal,
        keep: SessionId,
    ) -> Result<u64, Problem> {
        self.store
            .write(async move |tx: &mut Conn| {
                Ok::<_, Problem>(store::sessions::delete_others(tx, principal, keep).await?)
            })
            .await
    }

    /// Opens a session for a fresh administrator or a proven one.
    pub(crate) async fn open_admin_session(
        &self,
        admin: Admin,
        client: &Client,
    ) -> Result<SignedIn, Problem> {
        let new = self.new_session(Principal::Admin(admin.id), None, client);
        let token = new.token.clone();
        self.store
            .write(async move |tx: &mut Conn| Ok::<_, Problem>(new.insert(tx).await?))
            .await?;
        Ok(SignedIn {
            token,
            who: Who::Admin(admin),
            return_to: ReturnTo::Home,
            created: false,
            notice: None,
        })
    }

    /// A session to be inserted in the caller's transaction.
    pub(crate) fn new_session(
        &self,
        principal: Principal,
        standing: Option<Standing>,
        client: &Client,
    ) -> NewSession {
        let token = random::token(self.random.as_ref());
        let now = self.clock.now();
        let tag = self.session_tag(&token);
        let hint = standing.as_ref().and_then(|at| at.hint.as_ref());
        let proved_before = standing.as_ref().and_then(|at| at.proved_before);
        NewSession {
            proved: now.minus(proved_before.unwrap_or_default()),
            id_token: hint.and_then(|hint| self.sealed_hint(&tag, hint)),
            at: standing.map(|standing| standing.at),
            tag,
            token: SecretString::from(token),
            principal,
            now,
            ends: now.plus(self.config.lifetime(principal).absolute),
            client: client.clone(),
        }
    }

    /// Ends the session that a browser had before `fresh`: whoever knew its token is not carried along.
    /// What the same person opened in it for apps goes on in the new one: they did not sign out. Only
    /// if both stand on the same provider, whose word about them ends what was opened.
    ///
    /// A tab that was slower than another one brings the token of a session that is gone already, or had
    /// run out before. The one in its place ends then, as far as it is the same person's.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only.
    pub async fn replace_session(&self, old: &str, fresh: &str) -> Result<(), Problem> {
        let (old, fresh) = (self.session_tag(old), self.session_tag(fresh));
        let (now, lifetimes) = (self.clock.now(), self.config.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let fresh = store::sessions::by_tag(tx, &fresh).await?;
                let lives = |one: &Session| lifetimes.lifetime(one.principal).permits(one, now);
                let mut had = store::sessions::by_tag(tx, &old).await?.filter(lives);
                if let (None, Some(fresh)) = (&had, &fresh) {
                    had = in_place_of(tx, &old, fresh, now).await?.filter(lives);
                }
                let Some(old) = had else {
                    // It opened nothing any more, and its apps are not told. A sign-in that is under way
                    // in another tab may bring the same token.
                    if let Some(fresh) = fresh {
                        let ends = now.plus(FLOW_LIFETIME);
                        store::replaced_sessions::stand_in(tx, &old, fresh.id, ends).await?;
                    }
                    return Ok(());
                };
                if let Some(fresh) = fresh {
                    if (fresh.principal, fresh.provider) == (old.principal, old.provider) {
                        store::app_grants::move_to(tx, old.id, fresh.id).await?;
                    }
                    store::replaced_sessions::replace(tx, old.id, fresh.id, now).await?;
                }
                store::sessions::delete(tx, old.id, old.principal).await?;
                Ok::<_, Problem>(())
            })
            .await
    }

    fn permits(&self, session: &Session, now: Timestamp) -> bool {
        self.config
            .lifetime(session.principal)
            .permits(session, now)
    }

    pub(crate) fn session_tag(&self, token: &str) -> Vec<u8> {
        self.keys.tag.tag(&[b"session", token.as_bytes()])
    }

    /// Leaves the new time of last use with the writer, without waiting for it.
    fn touch_session(&self, id: SessionId, now: Timestamp) {
        let store = self.store.clone();
        tokio::spawn(async move {
            let touched = store
                .write_statistics(async move |tx: &mut Conn| {
                    store::sessions::touch(tx, id, now).await
                })
                .await;
            if let Err(error) = touched {
                tracing::warn!(%error, "the last use of a session could not be stored");
            }
        });
    }
}

/// A session about to be made.
#[derive(Clone)]
pub(crate) struct NewSession {
    /// For the cookie.
    pub token: SecretString,
    tag: Vec<u8>,
    principal: Principal,
    at: Option<ProviderSession>,
    id_token: Option<Vec<u8>>,
    now: Timestamp,
    proved: Timestamp,
    ends: Timestamp,
    client: Client,
}

/// On what a session by a provider stands, and what signing out there will need.
pub(crate) struct Standing {
    at: ProviderSession,
    hint: Option<SecretString>,
    /// How long before the person had proved who they are there; `None` where nobody says.
    proved_before: Option<Duration>,
}

impl Standing {
    /// After a sign-in at the provider.
    pub(crate) fn of(provider: &Provider, identity: &Identity) -> Self {
        let hint = provider.settings.leavers.sign_out_there;
        Self {
            at: ProviderSession {
                provider: provider.id,
                namespace: identity.namespace.clone(),
                subject: identity.subject.clone(),
                sid: identity.sid.clone(),
            },
            hint: identity.id_token.clone().filter(|_| hint),
            proved_before: identity.proved_before,
        }
    }

    /// After the proof of a local password that followed one.
    pub(crate) fn proven(proof: &Proof) -> Self {
        Self {
            at: ProviderSession {
                provider: proof.provider,
                namespace: proof.namespace.clone(),
                subject: proof.subject.clone(),
                sid: None,
            },
            hint: None,
            proved_before: None,
        }
    }
}

impl NewSession {
    pub(crate) async fn insert(&self, tx: &mut Conn) -> Result<SessionId, store::StoreError> {
        let user_agent: String = self.client.user_agent.chars().take(200).collect();
        let new = store::sessions::NewSession {
            token_tag: &self.tag,
            principal: self.principal,
            at: self.at.as_ref(),
            id_token: self.id_token.as_deref(),
            now: self.now,
            proved: self.proved,
            ends: self.ends,
            ip: self.client.ip,
            user_agent: &user_agent,
        };
        store::sessions::insert(tx, &new).await
    }

    /// The same session for a mailbox that the transaction itself creates or finds.
    pub(crate) const fn for_person(mut self, mailbox: MailboxId) -> Self {
        self.principal = Principal::Person(mailbox);
        self
    }
}

/// What stands in the place of a session that is gone, by the tag of its token, if it is of the same
/// person as `fresh`: such a token has no power over anybody else's.
async fn in_place_of(
    tx: &mut Conn,
    tag: &[u8],
    fresh: &Session,
    now: Timestamp,
) -> Result<Option<Session>, Problem> {
    let Some(id) = store::replaced_sessions::in_place_of(tx, tag, now).await? else {
        return Ok(None);
    };
    let found = store::sessions::by_id(tx, id).await?;
    Ok(found.filter(|found| found.id != fresh.id && found.principal == fresh.principal))
}

/// The person of a mailbox that is switched on, in a domain that is.
async fn person(conn: &mut Conn, id: MailboxId) -> Result<Option<Who>, Problem> {
    let Some(mailbox) = store::mailboxes::by_id(conn, id).await? else {
        return Ok(None);
    };
    let Some(domain) = store::domains::by_id(conn, mailbox.domain).await? else {
        return Ok(None);
    };
    let good = mailbox.active && domain.active;
    Ok(good.then(|| Who::Person {
        mailbox: Box::new(mailbox),
        domain: Box::new(domain),
    }))
}
