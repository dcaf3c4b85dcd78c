//! `gatepost mailbox`

mod block;
mod method;
mod text;

use std::process::ExitCode;

use app::mailboxes::{MailboxEdit, MailboxFilter};
use model::address::{Address, DomainName};
use model::protocol::Protocols;
use model::tag::{Tag, Tags};

use super::input::{Leave, PasswordSource};
use super::office::{Listing, Office, Verbs};
use super::{output, values};
use crate::administration::Request;
use crate::administration::mailboxes::{MailboxRequest, NewMailbox, SignIn};

/// Mailboxes.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost mailbox add alice@example.org --provider example-sso --quota 5G
  gatepost mailbox method bob@example.org provider example-sso")]
pub(super) enum Verb {
    /// Add a mailbox, perhaps ahead of its person's first sign-in; it receives mail at once.
    Add(Add),
    /// Print mailboxes.
    List(List),
    /// Print one mailbox with everything.
    Show {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
    },
    /// Change what is named; the rest stays.
    Edit(Edit),
    /// Switch a mailbox off: sessions and live mail sessions end, mail is still received.
    Disable {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
        /// Why, for the next administrator who looks.
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
        /// The people linked to it may not come back: see "gatepost mailbox block --help".
        #[arg(long)]
        block: bool,
    },
    /// Switch a mailbox on again.
    Enable {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
    },
    /// Delete a mailbox; its mail is kept for 30 days and never shown to a later owner.
    Delete {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
        /// The people linked to it may not come back: see "gatepost mailbox block --help".
        #[arg(long)]
        block: bool,
        #[command(flatten)]
        leave: Leave,
    },
    /// Keep the people linked to a mailbox from coming back by their provider.
    ///
    /// Their sign-in is refused (SSO-504) and they are given no new mailbox, whatever becomes of this
    /// one, until they are unblocked. Their web sessions end. The mailbox itself, its app passwords and
    /// its local password are left alone: switch it off to end those too.
    Block(block::Block),
    /// Let people come again who were blocked with a mailbox, which may be gone.
    Unblock(block::Unblock),
    /// Print who is blocked, the newest first.
    Blocks(block::Blocks),
    /// Switch how its owner signs in.
    Method(method::Arguments),
    /// Set the local password; under a provider it lies dormant.
    Password {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Remove the link to a person at a provider.
    Unlink {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
        /// The provider.
        #[arg(value_name = "SLUG")]
        provider: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Its address.
    #[arg(value_parser = values::address)]
    address: Address,
    /// The person's name.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    name: String,
    /// Quota; the template's by default, else the domain's.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    quota: Option<i64>,
    /// What mail programs may speak; the template's by default, else everything.
    #[arg(long, value_name = "LIST", value_parser = values::protocols)]
    protocols: Option<Protocols>,
    /// The template.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Tags, separated by commas: they say which apps its person may use.
    #[arg(
        long,
        value_name = "LIST",
        value_parser = values::tags,
        default_value = "",
        hide_default_value = true
    )]
    tags: Tags,
    /// Its person will sign in by this provider and take it over.
    #[arg(
        long,
        value_name = "SLUG",
        conflicts_with_all = ["password", "password_stdin", "password_file"]
    )]
    provider: Option<String>,
    /// The only person who may take it over, as the provider calls them.
    #[arg(long, value_name = "SUBJECT", requires = "provider")]
    subject: Option<String>,
    /// Its person signs in by a local password, which is asked for.
    #[arg(long)]
    password: bool,
    #[command(flatten)]
    source: PasswordSource,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only those whose address, domain or a word of the name starts so.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    search: String,
    /// Of this domain only.
    #[arg(long, value_name = "DOMAIN", value_parser = values::domain)]
    domain: Option<DomainName>,
    /// With this template only.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// With this tag only.
    #[arg(long, value_name = "TAG", value_parser = values::tag)]
    tag: Option<Tag>,
    /// Switched on only.
    #[arg(long, conflicts_with = "off")]
    on: bool,
    /// Switched off only.
    #[arg(long)]
    off: bool,
    /// Signing in by a provider only.
    #[arg(long, conflicts_with = "local")]
    by_provider: bool,
    /// Signing in by a local password only.
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, clap::Args)]
pub(super) struct Edit {
    /// Its address.
    #[arg(value_parser = values::address)]
    address: Address,
    /// The person's name.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Quota; no longer follows the template then.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    quota: Option<i64>,
    /// What mail programs may speak; no longer follows the template then.
    #[arg(long, value_name = "LIST", value_parser = values::protocols)]
    protocols: Option<Protocols>,
    /// The template.
    #[arg(long, value_name = "NAME", conflicts_with = "no_template")]
    template: Option<String>,
    /// No template.
    #[arg(long)]
    no_template: bool,
    /// All the tags it shall have, separated by commas; others are taken away.
    #[arg(long, value_name = "LIST", value_parser = values::tags, conflicts_with = "no_tags")]
    tags: Option<Tags>,
    /// No tags.
    #[arg(long)]
    no_tags: bool,
    /// Every field follows the template again.
    #[arg(long)]
    follow_template: bool,
}

impl Add {
    async fn form(self) -> anyhow::Result<NewMailbox> {
        let sign_in = if let Some(provider) = self.provider {
            SignIn::Provider {
                provider,
                subject: self.subject,
            }
        } else if self.password || self.source.is_named() {
            SignIn::Local(self.source.read().await?.into())
        } else {
            SignIn::None
        };
        Ok(NewMailbox {
            address: self.address,
            name: self.name,
            quota: self.quota,
            protocols: self.protocols,
            template: self.template,
            tags: self.tags,
            sign_in,
        })
    }
}

impl List {
    fn filter(&self) -> MailboxFilter {
        let either = |yes: bool, no: bool| (yes || no).then_some(yes);
        MailboxFilter {
            domain: self.domain.clone(),
            active: either(self.on, self.off),
            by_provider: either(self.by_provider, self.local),
            template: self.template.clone(),
            tag: self.tag.clone(),
        }
    }
}

impl From<Edit> for MailboxRequest {
    fn from(edit: Edit) -> Self {
        let none = edit.no_template.then(String::new);
        let untagged = edit.no_tags.then(Tags::default);
        Self::Edit {
            address: edit.address,
            edit: MailboxEdit {
                name: edit.name,
                quota: edit.quota,
                protocols: edit.protocols,
                template: edit.template.or(none),
                tags: edit.tags.or(untagged),
                follow_template: edit.follow_template,
            },
        }
    }
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Add(add) => MailboxRequest::Add(add.form().await?),
        Verb::Show { address } => MailboxRequest::Show(address),
        Verb::Edit(edit) => edit.into(),
        Verb::Disable {
            address,
            reason,
            block: true,
        } => MailboxRequest::DisableAndBlock { address, reason },
        Verb::Disable {
            address, reason, ..
        } => MailboxRequest::Disable { address, reason },
        Verb::Enable { address } => MailboxRequest::Enable(address),
        Verb::Method(arguments) => arguments.request(office).await?,
        Verb::Password { address, password } => MailboxRequest::Password {
            address,
            password: password.read().await?.into(),
        },
        Verb::Unlink { address, provider } => MailboxRequest::Unlink { address, provider },
        Verb::List(list) => {
            let page = |page| {
                let filter = list.filter();
                Request::Mailbox(MailboxRequest::List { filter, page })
            };
            let document = office
                .list("mailboxes", &list.listing, &list.search, page)
                .await?;
            return office.show_list(document, text::list);
        }
        Verb::Block(arguments) => return arguments.run(office).await,
        Verb::Unblock(arguments) => return arguments.run(office).await,
        Verb::Blocks(arguments) => return arguments.run(office).await,
        Verb::Delete {
            address,
            block,
            leave,
        } => {
            leave.to_delete("mailbox", address.as_str()).await?;
            let request = Request::Mailbox(if block {
                MailboxRequest::DeleteAndBlock(address)
            } else {
                MailboxRequest::Delete(address)
            });
            let document = office.ask(request).await?;
            return office.show(document, super::deleted);
        }
    };
    let nobody_yet = matches!(
        &request,
        MailboxRequest::Add(NewMailbox {
            sign_in: SignIn::None,
            ..
        })
    );
    let document = office.ask(Request::Mailbox(request)).await?;
    if nobody_yet {
        output::problem(
            "note: it receives mail, but nobody can sign in to it yet: see \"gatepost mailbox \
             method --help\"",
        );
    }
    office.show(document, text::one)
}
