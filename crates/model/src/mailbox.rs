//! Mailboxes and how their owners may sign in.

use crate::address::Address;
use crate::ids::{DomainId, MailboxId, TemplateId};
use crate::protocol::Protocols;
use crate::tag::Tags;
use crate::template::TemplateFields;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// The mail domain it belongs to.
    pub domain: DomainId,
    /// Its address.
    pub address: Address,
    /// The person's name; may be empty.
    pub name: String,
    /// Names the directory its mail lives in; never reused, so a later owner of the address never
    /// sees this mail.
    pub storage: Uuid,
    /// Quota in bytes; 0 is unlimited.
    pub quota: i64,
    /// The protocols its app passwords may use at most.
    pub protocols: Protocols,
    /// Switched on: its owner may sign in. A switched-off mailbox still receives mail.
    pub active: bool,
    /// Why and by whom it was switched off, when an administrator did it.
    pub disabled: Option<Disabled>,
    /// How its owner may sign in.
    pub methods: SignInMethods,
    /// The template assigned last.
    pub template: Option<TemplateId>,
    /// When that template's content was applied last (its `modified` then).
    pub template_seen: Option<Timestamp>,
    /// The fields an administrator set by hand; templates leave them alone.
    pub overrides: TemplateFields,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
    /// Whether a local password is stored, in use or dormant.
    pub has_password: bool,
    /// Until when the dormant local password still opens mail programs after a switch to a
    /// provider.
    pub password_until: Option<Timestamp>,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed; forms carry it to notice concurrent edits.
    pub modified: Timestamp,
    /// When its owner last signed in to the web pages.
    pub last_sign_in: Option<Timestamp>,
}

/// Who switched a mailbox off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When.
    pub at: Timestamp,
    /// The administrator's name, or `command line`.
    pub by: String,
    /// In the administrator's words; may be empty.
    pub reason: String,
}

/// How the owner of a mailbox may sign in. Which provider is told by the mailbox's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInMethods {
    /// By the local password.
    pub local: bool,
    /// By a linked (or pending) provider.
    pub provider: bool,
}

impl SignInMethods {
    /// Local password only.
    pub const LOCAL: Self = Self {
        local: true,
        provider: false,
    };
    /// Provider only.
    pub const PROVIDER: Self = Self {
        local: false,
        provider: true,
    };

    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match (self.local, self.provider) {
            (true, false) => "local password",
            (false, true) => "provider",
            (true, true) => "local password or provider",
            (false, false) => "none",
        }
    }
}

impl Mailbox {
    /// Whether the local password (not app passwords) opens mail programs at `now`: local
    /// mailboxes, and mailboxes switched to a provider within their grace period (decision 9).
    #[must_use]
    pub fn password_opens_mail(&self, now: Timestamp) -> bool {
        self.has_password
            && (self.methods.local || self.password_until.is_some_and(|until| now < until))
    }

    /// The directory of its mail below the mail root: two hex digits, then the storage id.
    #[must_use]
    pub fn directory(&self) -> String {
        directory_of(self.storage)
    }
}

/// The directory below the mail root that belongs to a storage id. The two leading digits are the
/// id's last ones, which are random; its first ones are the time.
#[must_use]
pub fn directory_of(storage: Uuid) -> String {
    let text = storage.simple().to_string();
    format!("{}/{}", &text[30..], text)
}

/// What a new mailbox is made of; ids, storage and times are added by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMailbox {
    /// The mail domain.
    pub domain: DomainId,
    /// The address; its domain is `domain`'s name.
    pub address: Address,
    /// The person's name; may be empty.
    pub name: String,
    /// Quota in bytes; 0 is unlimited.
    pub quota: i64,
    /// Allowed protocols.
    pub protocols: Protocols,
    /// Switched on.
    pub active: bool,
    /// Sign-in methods.
    pub methods: SignInMethods,
    /// The assigned template and its `modified`.
    pub template: Option<(TemplateId, Timestamp)>,
    /// Fields set by hand.
    pub overrides: TemplateFields,
    /// Its tags.
    pub tags: Tags,
}
