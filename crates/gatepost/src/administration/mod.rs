//! Administration from the command line: the one place where its verbs meet use cases.
//!
//! ```text
//! gatepost domain add …  ──►  Request  ──►  answer(app, actor, request)  ──►  document (JSON)
//! ```
//! With a server running, the request travels over the admin socket ([`Connection`], [`serve`]) and
//! the web worker answers; without one, the command locks the data directory and answers itself.
//! Either way it is [`answer`] that runs. Answers are documents with stable field names, which
//! `--json` prints as they are and the commands turn into text; times in them are RFC 3339 in UTC,
//! sizes are bytes. Long work tells its lines as it goes ([`Progress`]).
//!
//! To add a verb: a variant of its noun's request, an arm in that file's `answer`, and the command
//! in [`crate::commands`].

pub mod activity;
pub mod admins;
pub mod aliases;
pub mod apps;
pub mod attempts;
pub mod blocks;
mod client;
pub mod devices;
pub mod domains;
pub mod events;
pub mod imports;
pub mod mailboxes;
mod place;
pub mod providers;
pub mod relinks;
pub mod rules;
mod server;
pub mod settings;
pub mod status;
pub mod templates;
pub mod test_sign_ins;
pub mod why;
mod wire;

pub use client::{AskError, Connection, OpenError};
pub use server::serve;

use app::{App, Problem};
use model::audit::Actor;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a command asks for. Secrets in it do not print.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A new one-time set-up link.
    SetupLink,
    /// Local administrators.
    Admin(admins::AdminRequest),
    /// Mail domains.
    Domain(domains::DomainRequest),
    /// Mailbox templates.
    Template(templates::TemplateRequest),
    /// Mailboxes.
    Mailbox(mailboxes::MailboxRequest),
    /// Aliases.
    Alias(aliases::AliasRequest),
    /// People who may not come back.
    Block(blocks::BlockRequest),
    /// Identity providers.
    Provider(providers::ProviderRequest),
    /// Campaigns that move people from one provider to another.
    Relink(relinks::RelinkRequest),
    /// The rules of a provider.
    Rule(rules::RuleRequest),
    /// Apps: OAuth clients.
    App(apps::AppRequest),
    /// App passwords of a mailbox.
    Device(devices::DeviceRequest),
    /// Recorded attempts.
    Attempt(attempts::AttemptRequest),
    /// Alerts.
    Alert(activity::AlertRequest),
    /// How many signed in and why others were refused.
    Activity(app::activity::Range),
    /// What happened.
    Events(events::EventRequest),
    /// Settings that are changed while the server runs.
    Settings(settings::SettingsRequest),
    /// Why an address can or cannot sign in.
    Why(why::WhyRequest),
    /// Mailboxes from a file.
    Import(imports::ImportRequest),
    /// How the server is.
    Status,
}

/// Takes the lines of long work, each a document of its own.
pub type Progress<'a> = &'a mut (dyn FnMut(Value) + Send);

/// Does what is asked, in the name of `actor`.
///
/// # Errors
/// [`Problem`], from the use case.
pub async fn answer(
    app: &App,
    actor: &Actor,
    request: Request,
    progress: Progress<'_>,
) -> Result<Value, Problem> {
    match request {
        Request::SetupLink => admins::setup_link(app).await,
        Request::Admin(request) => admins::answer(app, actor, request).await,
        Request::Domain(request) => domains::answer(app, actor, request).await,
        Request::Template(request) => templates::answer(app, actor, request).await,
        Request::Mailbox(request) => mailboxes::answer(app, actor, request).await,
        Request::Alias(request) => aliases::answer(app, actor, request).await,
        Request::Block(request) => blocks::answer(app, actor, request).await,
        Request::Provider(request) => providers::answer(app, actor, request, progress).await,
        Request::Relink(request) => relinks::answer(app, actor, request).await,
        Request::Rule(request) => rules::answer(app, actor, request).await,
        Request::App(request) => apps::answer(app, actor, request).await,
        Request::Device(request) => devices::answer(app, actor, request).await,
        Request::Attempt(request) => attempts::answer(app, actor, request).await,
        Request::Alert(request) => activity::alerts(app, actor, request).await,
        Request::Activity(range) => activity::activity(app, range).await,
        Request::Events(request) => events::answer(app, request).await,
        Request::Settings(request) => settings::answer(app, actor, request).await,
        Request::Why(request) => why::answer(app, request).await,
        Request::Import(request) => imports::answer(app, actor, request, progress).await,
        Request::Status => status::answer(app).await,
    }
}

/// A document as it is printed.
fn document(document: impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(document).map_err(|error| Problem::Unavailable(error.to_string()))
}

/// An object that is gone now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deleted {
    /// Its name.
    pub deleted: String,
    /// Mailboxes: until when its mail is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_kept_until: Option<String>,
}

fn deleted(name: impl std::fmt::Display) -> Result<Value, Problem> {
    document(Deleted {
        deleted: name.to_string(),
        mail_kept_until: None,
    })
}

/// An instant as documents write it.
fn moment(at: Timestamp) -> String {
    at.rfc3339()
}
