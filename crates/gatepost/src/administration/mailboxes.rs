//! Mailboxes.

use app::domains::Page;
use app::mailboxes::{
    MailboxEdit, MailboxFilter, MailboxView, MethodSwitch, NewMailboxForm, NewSignIn,
};
use app::{App, Problem};
use model::address::Address;
use model::audit::Actor;
use model::mailbox::Mailbox;
use model::protocol::Protocols;
use model::rules::fields::FieldLine;
use model::tag::Tags;
use model::template::TemplateFields;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::devices::{DeviceDocument, UseDocument};
use super::{Deleted, document, moment, templates};
use crate::wiring::WireSecret;

/// What is asked about mailboxes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailboxRequest {
    /// Adds one, perhaps ahead of its person's first sign-in.
    Add(NewMailbox),
    /// A page, by address.
    List {
        /// Which ones.
        filter: MailboxFilter,
        /// Which page; its search is the start of an address, a domain or a word of a name.
        page: Page,
    },
    /// One with everything.
    Show(Address),
    /// Changes one.
    Edit {
        /// Its address.
        address: Address,
        /// What changes.
        edit: MailboxEdit,
    },
    /// Switches one off.
    Disable {
        /// Its address.
        address: Address,
        /// Why, for the next administrator who looks.
        reason: String,
    },
    /// The same, and the people linked to it may not come back.
    DisableAndBlock {
        /// Its address.
        address: Address,
        /// Why, for the next administrator who looks.
        reason: String,
    },
    /// Switches one on.
    Enable(Address),
    /// Switches how its owner signs in.
    Method {
        /// Its address.
        address: Address,
        /// To what.
        switch: MethodSwitch,
    },
    /// Sets the local password.
    Password {
        /// Its address.
        address: Address,
        /// The password.
        password: WireSecret,
    },
    /// Removes the link to a person at a provider.
    Unlink {
        /// Its address.
        address: Address,
        /// The provider's slug.
        provider: String,
    },
    /// Deletes one; its mail is kept for 30 days.
    Delete(Address),
    /// The same, and the people linked to it may not come back.
    DeleteAndBlock(Address),
}

/// A mailbox to add.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewMailbox {
    /// Address.
    pub address: Address,
    /// The person's name.
    pub name: String,
    /// Quota in bytes.
    pub quota: Option<i64>,
    /// Protocols.
    pub protocols: Option<Protocols>,
    /// Template by name.
    pub template: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
    /// How its person will sign in.
    pub sign_in: SignIn,
}

/// How the person of a new mailbox will sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// By this local password.
    Local(WireSecret),
    /// By a provider.
    Provider {
        /// Its slug.
        provider: String,
        /// The only subject that may take the mailbox.
        subject: Option<String>,
    },
    /// Not yet: it receives mail only.
    None,
}

/// A mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailboxDocument {
    /// Its address.
    pub address: String,
    /// The person's name.
    pub name: String,
    /// Switched on.
    pub active: bool,
    /// Quota in bytes, 0 unlimited.
    pub quota: i64,
    /// What mail programs may speak.
    pub protocols: Protocols,
    /// The owner signs in by a local password.
    pub local: bool,
    /// The owner signs in by a provider.
    pub provider: bool,
    /// The template's name.
    pub template: Option<String>,
    /// Words that say which apps its person may use.
    #[serde(default)]
    pub tags: Tags,
    /// When it was added.
    pub created: String,
    /// When it was last changed.
    pub modified: String,
    /// The owner's last sign-in to the pages.
    pub last_sign_in: Option<String>,
}

/// A mailbox with everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailboxDetails {
    /// The mailbox.
    #[serde(flatten)]
    pub mailbox: MailboxDocument,
    /// When, by whom and why it was switched off.
    pub disabled: Option<DisabledDocument>,
    /// Fields of the template that an administrator set otherwise.
    pub overrides: TemplateFields,
    /// Its fields beside what the template says; empty without a template.
    pub fields: Vec<FieldLine>,
    /// There is a local password, in use or dormant.
    pub has_password: bool,
    /// Until when a dormant password opens mail programs.
    pub password_until: Option<String>,
    /// When its mail programs and apps stop, unless a provider confirms the person before.
    #[serde(default)]
    pub mail_stops: Option<String>,
    /// When the person was told of it by mail.
    #[serde(default)]
    pub warned: Option<String>,
    /// People linked to it.
    pub links: Vec<LinkDocument>,
    /// The person it waits for.
    pub waits_for: Option<WaitDocument>,
    /// Aliases that deliver to it.
    pub aliases: Vec<String>,
    /// App passwords that are not revoked.
    pub devices: Vec<DeviceDocument>,
    /// Mail programs that used the local password in the last 30 days.
    pub password_uses: Vec<UseDocument>,
}

/// When, by whom and why a mailbox was switched off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DisabledDocument {
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A person linked to a mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkDocument {
    /// The provider's name.
    pub provider: String,
    /// Where the subject is unique.
    pub namespace: String,
    /// Who.
    pub subject: String,
    /// When the link was made.
    pub created: String,
    /// The last sign-in by it.
    pub last_sign_in: Option<String>,
    /// When the provider last stood by the person.
    #[serde(default)]
    pub confirmed: Option<String>,
    /// Since when it does not.
    #[serde(default)]
    pub unconfirmed: Option<String>,
    /// Since when the person may not come back.
    #[serde(default)]
    pub blocked: Option<String>,
}

/// A person that a mailbox waits for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaitDocument {
    /// The provider's name.
    pub provider: String,
    /// The only subject that may take it.
    pub subject: Option<String>,
    /// Until when.
    pub ends: String,
}

/// A page of mailboxes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailboxList {
    /// By address.
    pub mailboxes: Vec<MailboxDocument>,
    /// Where the next page starts.
    pub next: Option<String>,
}

impl MailboxDocument {
    fn new(mailbox: &Mailbox, template: Option<String>) -> Self {
        Self {
            address: mailbox.address.to_string(),
            name: mailbox.name.clone(),
            active: mailbox.active,
            quota: mailbox.quota,
            protocols: mailbox.protocols,
            local: mailbox.methods.local,
            provider: mailbox.methods.provider,
            template,
            tags: mailbox.tags.clone(),
            created: moment(mailbox.created),
            modified: moment(mailbox.modified),
            last_sign_in: mailbox.last_sign_in.map(moment),
        }
    }
}

impl From<MailboxView> for MailboxDetails {
    fn from(view: MailboxView) -> Self {
        let links = view.links.iter().map(|(link, provider)| LinkDocument {
            blocked: view.block_of(link).map(|block| moment(block.at)),
            provider: provider.clone(),
            namespace: link.namespace.to_string(),
            subject: link.subject.clone(),
            created: moment(link.created),
            last_sign_in: link.last_sign_in.map(moment),
            confirmed: link.confirmed.map(moment),
            unconfirmed: link.unconfirmed.map(moment),
        });
        let links = links.collect();
        let (mailbox, standing) = (view.mailbox, view.standing);
        Self {
            mailbox: MailboxDocument::new(&mailbox, view.template),
            disabled: mailbox.disabled.map(|disabled| DisabledDocument {
                at: moment(disabled.at),
                by: disabled.by,
                reason: disabled.reason,
            }),
            overrides: mailbox.overrides,
            fields: view.fields,
            has_password: mailbox.has_password,
            password_until: mailbox.password_until.map(moment),
            mail_stops: standing.and_then(|it| it.deadline()).map(moment),
            warned: standing.and_then(|it| it.told()).map(moment),
            links,
            waits_for: view.pending.map(|(pending, provider)| WaitDocument {
                provider,
                subject: pending.expected_subject,
                ends: moment(pending.ends),
            }),
            aliases: view.aliases.iter().map(ToString::to_string).collect(),
            devices: view.devices.into_iter().map(DeviceDocument::from).collect(),
            password_uses: view
                .password_uses
                .into_iter()
                .map(UseDocument::from)
                .collect(),
        }
    }
}

impl From<NewMailbox> for NewMailboxForm {
    fn from(new: NewMailbox) -> Self {
        Self {
            address: new.address,
            name: new.name,
            quota: new.quota,
            protocols: new.protocols,
            template: new.template,
            tags: new.tags,
            sign_in: match new.sign_in {
                SignIn::Local(password) => NewSignIn::Local(password.into_inner()),
                SignIn::Provider { provider, subject } => NewSignIn::Provider {
                    provider,
                    expected_subject: subject,
                },
                SignIn::None => NewSignIn::None,
            },
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: MailboxRequest,
) -> Result<Value, Problem> {
    let address = match request {
        MailboxRequest::Add(new) => app.create_mailbox(actor, new.into()).await?.address,
        MailboxRequest::List { filter, page } => return list(app, filter, page).await,
        MailboxRequest::Show(address) => address,
        MailboxRequest::Edit { address, edit } => {
            app.edit_mailbox(actor, &address, edit, None).await?;
            address
        }
        MailboxRequest::Disable { address, reason } => {
            app.disable_mailbox(actor, &address, &reason).await?;
            address
        }
        MailboxRequest::DisableAndBlock { address, reason } => {
            app.disable_mailbox_and_block(actor, &address, &reason)
                .await?;
            address
        }
        MailboxRequest::Enable(address) => {
            app.enable_mailbox(actor, &address).await?;
            address
        }
        MailboxRequest::Method { address, switch } => {
            app.switch_method(actor, &address, switch).await?;
            address
        }
        MailboxRequest::Password { address, password } => {
            app.set_mailbox_password(actor, &address, password.into_inner())
                .await?;
            address
        }
        MailboxRequest::Unlink { address, provider } => {
            let provider = app.provider(&provider).await?;
            app.unlink(actor, &address, provider.id).await?;
            address
        }
        MailboxRequest::Delete(address) => {
            let kept_until = app.delete_mailbox(actor, &address).await?;
            return gone(&address, kept_until);
        }
        MailboxRequest::DeleteAndBlock(address) => {
            let kept_until = app.delete_mailbox_and_block(actor, &address).await?;
            return gone(&address, kept_until);
        }
    };
    document(MailboxDetails::from(app.mailbox(&address).await?))
}

fn gone(address: &Address, mail_kept_until: Timestamp) -> Result<Value, Problem> {
    document(Deleted {
        deleted: address.to_string(),
        mail_kept_until: Some(moment(mail_kept_until)),
    })
}

async fn list(app: &App, filter: MailboxFilter, page: Page) -> Result<Value, Problem> {
    let listed = app.mailboxes(filter, page).await?;
    let names = templates::names(app).await?;
    let rows = listed.rows.into_iter().map(|mailbox| {
        let template = mailbox.template.and_then(|id| names.get(&id).cloned());
        MailboxDocument::new(&mailbox, template)
    });
    document(MailboxList {
        mailboxes: rows.collect(),
        next: listed.next,
    })
}
