//! Devices and mail programs: a person's app passwords.

use crate::outbox::{self, Effect};
use crate::{App, FieldProblem, Problem, audit};
use model::app_password::{self, AppPassword, NAME_CHARS};
use model::audit::Actor;
use model::ids::{AppPasswordId, MailboxId};
use model::protocol::{Protocol, Protocols};
use model::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Conn;

/// What to type into a mail program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServerSettings {
    /// One entry a listener, in display order.
    pub servers: Vec<MailServer>,
}

/// One server as mail programs ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailServer {
    /// Which protocol.
    pub protocol: Protocol,
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `SSL/TLS` or `STARTTLS`, as mail programs call them.
    pub security: String,
}

/// A device to add.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewDevice {
    /// The person's name for it: 1 to 64 characters.
    pub name: String,
    /// Protocols, at least one, within those the mailbox allows.
    pub protocols: Protocols,
    /// End date; in the future.
    pub ends: Option<Timestamp>,
}

/// A made app password with its secret, shown once.
#[derive(Debug, Clone)]
pub struct MadeDevice {
    /// The app password.
    pub device: AppPassword,
    /// Its secret, 32 characters without hyphens; [`model::app_password::grouped`] for people.
    pub secret: SecretString,
}

impl App {
    /// Makes an app password. At most 100 per mailbox that are not revoked.
    pub async fn create_device(
        &self,
        actor: &Actor,
        mailbox: MailboxId,
        new: NewDevice,
    ) -> Result<MadeDevice, Problem> {
        let now = self.clock.now();
        let new = new.validated(now)?;
        let secret = app_password::generate(self.random.as_ref());
        let tag = self
            .keys
            .app_password
            .tag(&[secret.expose_secret().as_bytes()]);
        let actor = actor.clone();
        let device = self
            .store
            .write(async move |tx: &mut Conn| {
                let row = store::mailboxes::by_id(tx, mailbox)
                    .await?
                    .ok_or_else(gone)?;
                let refused = Protocol::ALL
                    .into_iter()
                    .find(|p| new.protocols.contains(*p) && !row.protocols.contains(*p));
                if let Some(protocol) = refused {
                    let words = format!("{protocol} is not allowed for this mailbox");
                    return Err(Problem::field("protocols", words));
                }
                if store::app_passwords::count(tx, mailbox).await? >= MOST {
                    let words = format!("there are {MOST} already; revoke one you no longer use");
                    return Err(Problem::InUse(words));
                }
                let id = store::app_passwords::insert(
                    tx,
                    mailbox,
                    &tag,
                    &new.name,
                    new.protocols,
                    new.ends,
                    now,
                )
                .await?;
                let details = json!({ "name": new.name, "protocols": new.protocols });
                audit::note(tx, now, &actor, "device.create", &row.address, details).await?;
                Ok(AppPassword {
                    id,
                    mailbox,
                    name: new.name.clone(),
                    protocols: new.protocols,
                    ends: new.ends,
                    created: now,
                    last_used: None,
                    revoked: None,
                })
            })
            .await?;
        Ok(MadeDevice { device, secret })
    }
    /// The app passwords of a mailbox, newest first, revoked ones left out.
    pub async fn devices_of(&self, mailbox: MailboxId) -> Result<Vec<AppPassword>, Problem> {
        let mut read = self.store.read()?;
        let mut all = store::app_passwords::list(&mut read, mailbox).await?;
        all.retain(|device| device.revoked.is_none());
        Ok(all)
    }
    /// Revokes one: new logins are refused at once and live IMAP sessions end.
    pub async fn revoke_device(
        &self,
        actor: &Actor,
        mailbox: MailboxId,
        id: AppPasswordId,
    ) -> Result<(), Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let row = store::mailboxes::by_id(tx, mailbox)
                .await?
                .ok_or_else(gone)?;
            if !store::app_passwords::revoke(tx, id, mailbox, now).await? {
                return Err(Problem::NotFound(
                    "such app password; it may be revoked already".to_owned(),
                ));
            }
            outbox::put(
                tx,
                &Effect::Kick {
                    address: row.address.clone(),
                },
                now,
            )
            .await?;
            audit::note(
                tx,
                now,
                &actor,
                "device.revoke",
                &row.address,
                json!({ "id": id }),
            )
            .await?;
            Ok(())
        })
        .await
    }
    /// Server settings to copy.
    #[must_use]
    pub fn server_settings(&self) -> &ServerSettings {
        &self.config.servers
    }
}

/// Most app passwords of one mailbox at a time.
const MOST: i64 = 100;

impl NewDevice {
    fn validated(self, now: Timestamp) -> Result<Self, Problem> {
        let name = self.name.trim().to_owned();
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            problems.push(FieldProblem {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        if !(1..=NAME_CHARS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            wrong("name", "name the device in 1 to 64 characters");
        }
        if self.protocols.is_empty() {
            wrong("protocols", "choose at least one");
        }
        if self.ends.is_some_and(|ends| ends <= now) {
            wrong("ends", "choose a day in the future, or none");
        }
        if problems.is_empty() {
            Ok(Self { name, ..self })
        } else {
            Err(Problem::Invalid(problems))
        }
    }
}

fn gone() -> Problem {
    Problem::NotFound("such mailbox".to_owned())
}
