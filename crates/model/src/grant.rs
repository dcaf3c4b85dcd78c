//! Grants: what a person allowed an app, once per sign-in to it, and what stands on that.

use crate::domain::MailDomain;
use crate::ids::{GrantId, MailboxId, OauthAppId, SessionId, WaitingDeviceId};
use crate::mailbox::Mailbox;
use crate::rules::confirmation::Standing;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use uuid::Uuid;

/// One sign-in of a person to an app. Codes and tokens stand on it and end with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The app.
    pub app: OauthAppId,
    /// Whose.
    pub mailbox: MailboxId,
    /// The web session it ends with; `None` for one that goes on without the person.
    pub session: Option<SessionId>,
    /// What the app knows the person's web session by.
    pub sid: String,
    /// What was granted, separated by single spaces.
    pub scopes: String,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// The claims that were asked for by name (OpenID Connect Core section 5.5), as JSON.
    pub claims: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, unless it is used before.
    pub ends: Timestamp,
}

/// What kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Opens what the app may read.
    Access,
    /// Brings new ones; each counts once.
    Refresh,
}

/// An app that a person signed in to, as *connected websites* lists it. It outlives single grants:
/// what it says was allowed is not asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The app.
    pub app: OauthAppId,
    /// Whose.
    pub mailbox: MailboxId,
    /// All that was ever granted and not taken back, separated by single spaces.
    pub scopes: String,
    /// Whether the person was asked; `false` if an administrator trusts the app.
    pub asked: bool,
    /// Since when.
    pub since: Timestamp,
    /// When the app last used it, to the hour.
    pub last_used: Timestamp,
}

/// What a token's look-up finds: everything that userinfo, profile and introspection answer from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Which kind of token it was.
    pub kind: TokenKind,
    /// The token's scopes, separated by single spaces.
    pub scopes: String,
    /// When the token was made.
    pub issued: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// When it was used up; `None` if it was not.
    pub used: Option<Timestamp>,
    /// The grant it stands on.
    pub grant: GrantId,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// What the app knows the person's web session by.
    pub sid: String,
    /// The claims that were asked for by name, as JSON.
    pub claims: Option<String>,
    /// The app.
    pub app: OauthAppId,
    /// The person.
    pub person: GrantPerson,
    /// How providers stand by the person and when they made the grant, if it goes on while they are away.
    pub away: Option<(Standing, Timestamp)>,
}

/// What apps may learn about a person, and whether they may still use anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPerson {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The storage id, of which `sub` is made: a later owner of the address has another one.
    pub storage: Uuid,
    /// The address.
    pub address: String,
    /// The mailbox's name; may be empty.
    pub name: String,
    /// Mailbox and domain are switched on.
    pub active: bool,
    /// When the mailbox was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}

impl GrantPerson {
    /// What tokens find of the owner of a mailbox.
    #[must_use]
    pub fn of(mailbox: &Mailbox, domain: &MailDomain) -> Self {
        Self {
            mailbox: mailbox.id,
            storage: mailbox.storage,
            address: mailbox.address.to_string(),
            name: mailbox.name.clone(),
            active: mailbox.active && domain.active,
            created: mailbox.created,
            modified: mailbox.modified,
        }
    }
}

/// A device that shows a code, which a person types elsewhere (RFC 8628).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDevice {
    /// Its id.
    pub id: WaitingDeviceId,
    /// The app on it.
    pub app: OauthAppId,
    /// What it asked for of the scopes there are, separated by single spaces.
    pub scopes: String,
    /// When it asked for its code.
    pub created: Timestamp,
    /// When its code ends.
    pub ends: Timestamp,
    /// From where it asked.
    pub ip: Option<IpAddr>,
    /// What became of it.
    pub answer: DeviceAnswer,
}

/// What a person said about a device, and whether the device heard it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// Nothing yet.
    Waiting,
    /// No.
    Denied,
    /// Yes.
    Granted(GrantId),
    /// Yes, and the device has its tokens.
    Used(GrantId),
}
