//! What administrators fill in and see of a mailbox.

use model::address::{Address, DomainName};
use model::app_password::{AppPassword, LastUse};
use model::block::Block;
use model::link::{Link, PendingLink};
use model::mailbox::Mailbox;
use model::protocol::Protocols;
use model::rules::confirmation::Standing;
use model::rules::fields::FieldLine;
use model::tag::{Tag, Tags};
use model::time::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A mailbox to add, perhaps ahead of its person's first sign-in.
#[derive(Debug, Clone)]
pub struct NewMailboxForm {
    /// Address. Role addresses are allowed here.
    pub address: Address,
    /// The person's name.
    pub name: String,
    /// Quota in bytes; `None` takes the template's, else the domain's default.
    pub quota: Option<i64>,
    /// Protocols; `None` takes the template's, else all.
    pub protocols: Option<Protocols>,
    /// Template by name.
    pub template: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// How its person will sign in.
    pub sign_in: NewSignIn,
}

/// How the person of a new mailbox will sign in.
#[derive(Debug, Clone)]
pub enum NewSignIn {
    /// By this local password.
    Local(SecretString),
    /// By a provider: leaves a pending link.
    Provider {
        /// The provider's slug.
        provider: String,
        /// The only subject that may take it.
        expected_subject: Option<String>,
    },
    /// Not yet: it receives mail only.
    None,
}

/// What an administrator may change; `None` leaves a field alone. Changing a field that a template
/// governs marks it as overridden; `follow_template` clears all marks and applies the template.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MailboxEdit {
    /// The person's name.
    pub name: Option<String>,
    /// Quota in bytes, 0 unlimited.
    pub quota: Option<i64>,
    /// Protocols.
    pub protocols: Option<Protocols>,
    /// Template by name; empty for none.
    pub template: Option<String>,
    /// All tags it shall have. No template governs them, and nothing ends when one is taken away:
    /// who may use an app is asked at each use.
    pub tags: Option<Tags>,
    /// Clears the marks of overridden fields.
    pub follow_template: bool,
}

/// A switch of the sign-in method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "to")]
pub enum MethodSwitch {
    /// To the local password, which revives if one is dormant.
    Local,
    /// To a provider. The local password stays, dormant.
    Provider {
        /// The provider's slug.
        provider: String,
        /// The only subject that may take the mailbox.
        expected_subject: Option<String>,
        /// Until when the password still opens mail programs; `None` ends it at once.
        keep_password_until: Option<Timestamp>,
    },
}

/// How long mail programs may keep the password after a switch, unless told otherwise: 14 days.
pub const DEFAULT_PASSWORD_GRACE_DAYS: u64 = 14;

/// Everything an administrator sees of a mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailboxView {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// The template's name.
    pub template: Option<String>,
    /// Its fields beside what the template says; empty without a template.
    pub fields: Vec<FieldLine>,
    /// People linked to it, with the provider's name.
    pub links: Vec<(Link, String)>,
    /// Those of them who may not come back.
    pub blocks: Vec<Block>,
    /// A link that waits, with the provider's name.
    pub pending: Option<(PendingLink, String)>,
    /// Aliases that deliver to it.
    pub aliases: Vec<Address>,
    /// Mail programs that used the local password in the last 30 days.
    pub password_uses: Vec<LastUse>,
    /// App passwords that are not revoked.
    pub devices: Vec<AppPassword>,
    /// Whether providers stand by its person.
    pub standing: Option<Standing>,
}

impl MailboxView {
    /// The block of a linked person.
    #[must_use]
    pub fn block_of(&self, link: &Link) -> Option<&Block> {
        let mut blocks = self.blocks.iter();
        blocks.find(|block| block.is_of(&link.namespace, &link.subject))
    }
}

/// Which mailboxes a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MailboxFilter {
    /// Of this domain only.
    pub domain: Option<DomainName>,
    /// Switched on, or off, only.
    pub active: Option<bool>,
    /// Signing in by a provider (true) or locally (false) only.
    pub by_provider: Option<bool>,
    /// With this template only.
    pub template: Option<String>,
    /// With this tag only.
    pub tag: Option<Tag>,
}
