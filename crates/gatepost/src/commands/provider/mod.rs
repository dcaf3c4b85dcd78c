//! `gatepost provider`

mod fields;
mod relink;
mod test_sign_ins;
mod text;

use std::process::ExitCode;

use app::test_provider::{CheckLine, CheckState};
use model::preset::Preset;

use self::fields::Fields;
use super::input::{ClientSecretSource, Leave};
use super::office::{Office, Verbs};
use super::output;
use crate::administration::Request;
use crate::administration::providers::{
    CheckReport, ProviderChange, ProviderDocument, ProviderRequest,
};
use crate::administration::test_sign_ins::TestList;
use crate::exit;
use crate::wiring::WireSecret;

/// Identity providers of the company.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost provider add SSO --preset authelia --issuer https://auth.example.org --domain example.org
  gatepost provider check sso")]
pub(super) enum Verb {
    /// Add a provider. Its client secret is asked for, or read from where the options say.
    Add(Box<Add>),
    /// Print all providers.
    List,
    /// Print one provider with its redirect URL.
    Show {
        /// The provider.
        slug: String,
    },
    /// Change what is named; the rest stays.
    Edit(Box<Edit>),
    /// Check the connection with the code of a sign-in, step by step. Exit code 7 if a step fails.
    #[command(before_long_help = "Examples:
  gatepost provider check example-sso
  gatepost provider check example-sso --json")]
    Check {
        /// The provider.
        slug: String,
    },
    /// Print what to do at the provider's side, with what to paste there.
    #[command(before_long_help = "Examples:
  gatepost provider instructions authelia
  gatepost provider instructions authelia --new-secret")]
    Instructions {
        /// The provider.
        slug: String,
        /// Make a new client secret in place of the stored one; it stands in the output this once.
        #[arg(long)]
        new_secret: bool,
    },
    /// Replace the client secret, or remove it.
    Secret {
        /// The provider.
        slug: String,
        /// Remove it.
        #[arg(long, conflicts_with_all = ["secret_stdin", "secret_file"])]
        clear: bool,
        #[command(flatten)]
        source: ClientSecretSource,
    },
    /// Allow a host to have private addresses, for this provider.
    AllowHost {
        /// The provider.
        slug: String,
        /// The host's name.
        host: String,
    },
    /// Set a provider known by three endpoints to its issuer; people linked so far stay linked.
    #[command(before_long_help = "Examples:
  gatepost provider learn-issuer example-sso --issuer https://auth.example.org
  gatepost provider learn-issuer example-sso --issuer https://auth.example.org/application/o/mail/")]
    LearnIssuer {
        /// The provider.
        slug: String,
        /// The issuer, or the address of its discovery document.
        #[arg(long, value_name = "URL")]
        issuer: String,
    },
    /// Let background checks go on after they stopped because too many people were said to be gone.
    #[command(before_long_help = "Examples:
  gatepost provider check example-sso
  gatepost provider resume-checks example-sso")]
    ResumeChecks {
        /// The provider.
        slug: String,
    },
    /// Print where an administrator tests a sign-in by a provider, on or off; nothing is saved.
    #[command(before_long_help = "Examples:
  gatepost provider test example-sso
  gatepost provider tests example-sso")]
    Test {
        /// The provider.
        slug: String,
    },
    /// Print what the test sign-ins of the last half hour showed. Exit code 7 if the last one was
    /// refused.
    #[command(before_long_help = "Examples:
  gatepost provider tests example-sso
  gatepost provider tests example-sso --json")]
    Tests {
        /// The provider.
        slug: String,
        /// With the values of private claims too; that they were asked for is on record.
        #[arg(long)]
        open: bool,
    },
    /// Switch a provider on, after a test sign-in that passed with it as it is set up now.
    #[command(before_long_help = "Examples:
  gatepost provider enable example-sso
  gatepost provider enable example-sso --untested")]
    Enable {
        /// The provider.
        slug: String,
        /// Without a test sign-in; this is remembered.
        #[arg(long)]
        untested: bool,
    },
    /// Switch a provider off: nobody signs in by it, links stay, domains stay bound to it.
    #[command(before_long_help = "Examples:
  gatepost provider disable example-sso
  gatepost provider disable example-sso --json")]
    Disable {
        /// The provider.
        slug: String,
    },
    /// Move a provider to another place on the sign-in page; prints the new order.
    #[command(before_long_help = "Examples:
  gatepost provider move school-sso 1
  gatepost provider move school-sso 2 --json")]
    Move {
        /// The provider.
        slug: String,
        /// The place, counted from 1.
        number: usize,
    },
    /// Start to move people from one provider to another; they keep their mailboxes.
    Relink(relink::Arguments),
    /// Print the campaigns that move people, newest first.
    #[command(before_long_help = "Examples:
  gatepost provider relinks
  gatepost provider relinks --json")]
    Relinks,
    /// Stop moving people; who was moved stays.
    #[command(before_long_help = "Examples:
  gatepost provider relinks
  gatepost provider stop-relink 1")]
    StopRelink {
        /// The campaign's number.
        number: i64,
    },
    /// Delete a provider that nobody is linked to and no domain is bound to.
    Delete {
        /// The provider.
        slug: String,
        #[command(flatten)]
        leave: Leave,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The words on the button: "Continue with NAME".
    name: String,
    /// Its name in paths and commands; made from NAME by default.
    #[arg(long, default_value = "", hide_default_value = true)]
    slug: String,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    secret: ClientSecretSource,
}

#[derive(Debug, clap::Args)]
pub(super) struct Edit {
    /// The provider.
    slug: String,
    /// The words on the button.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Add(add) => {
            let mut change = add.fields.change().await?;
            change.name = Some(add.name);
            let made_here = change.preset.is_some_and(Preset::makes_client_here);
            let secret = if made_here && !add.secret.is_named() {
                None
            } else {
                add.secret.read().await?.map(WireSecret::from)
            };
            ProviderRequest::Add {
                slug: add.slug,
                change: Box::new(change),
                secret,
            }
        }
        Verb::Show { slug } => ProviderRequest::Show(slug),
        Verb::Edit(edit) => {
            let mut change = edit.fields.change().await?;
            change.name = edit.name;
            ProviderRequest::Edit {
                slug: edit.slug,
                change: Box::new(change),
            }
        }
        Verb::Secret {
            slug,
            clear,
            source,
        } => {
            let secret = if clear {
                None
            } else {
                Some(source.required().await?)
            };
            ProviderRequest::Secret {
                slug,
                secret: secret.map(WireSecret::from),
            }
        }
        Verb::AllowHost { slug, host } => ProviderRequest::AllowHost { slug, host },
        Verb::LearnIssuer { slug, issuer } => ProviderRequest::LearnIssuer { slug, issuer },
        Verb::ResumeChecks { slug } => ProviderRequest::ResumeChecks(slug),
        Verb::Enable { slug, untested } => switch(slug, true, untested),
        Verb::Disable { slug } => switch(slug, false, false),
        Verb::Test { slug } => {
            let request = Request::Provider(ProviderRequest::Tests { slug, open: false });
            let document = office.ask(request).await?;
            return office.show(document, test_sign_ins::where_to);
        }
        Verb::Tests { slug, open } => return test_results(office, slug, open).await,
        Verb::Instructions { slug, new_secret } => {
            let request = ProviderRequest::Instructions { slug, new_secret };
            let document = office.ask(Request::Provider(request)).await?;
            return office.show(document, text::instructions);
        }
        Verb::Check { slug } => return check(office, slug).await,
        Verb::Relink(arguments) => return relink::run(office, arguments).await,
        Verb::Relinks => return relink::list(office).await,
        Verb::StopRelink { number } => return relink::stop(office, number).await,
        Verb::List => return list(office, ProviderRequest::List).await,
        Verb::Move { slug, number } => {
            return list(office, ProviderRequest::Move { slug, number }).await;
        }
        Verb::Delete { slug, leave } => {
            leave.to_delete("provider", &slug).await?;
            let request = Request::Provider(ProviderRequest::Delete(slug));
            let document = office.ask(request).await?;
            return office.show(document, super::deleted);
        }
    };
    let document = office.ask(Request::Provider(request)).await?;
    if !office.json {
        let saved: ProviderDocument = serde_json::from_value(document.clone())?;
        for note in &saved.notes {
            output::problem(&format!("note: {note}"));
        }
    }
    office.show(document, text::one)
}

async fn list(office: &mut Office, request: ProviderRequest) -> anyhow::Result<ExitCode> {
    let document = office.ask(Request::Provider(request)).await?;
    office.show(document, text::list)
}

fn switch(slug: String, active: bool, untested: bool) -> ProviderRequest {
    let change = ProviderChange {
        active: Some(active),
        untested,
        ..ProviderChange::default()
    };
    ProviderRequest::Edit {
        slug,
        change: Box::new(change),
    }
}

async fn test_results(office: &mut Office, slug: String, open: bool) -> anyhow::Result<ExitCode> {
    let request = Request::Provider(ProviderRequest::Tests { slug, open });
    let document = office.ask(request).await?;
    let list: TestList = serde_json::from_value(document.clone())?;
    let refused = list.tests.first().is_some_and(|last| !last.passed);
    let shown = office.show(document, test_sign_ins::all)?;
    Ok(if refused {
        ExitCode::from(exit::PROBLEMS_FOUND)
    } else {
        shown
    })
}

/// Prints the lines as they come.
async fn check(office: &mut Office, slug: String) -> anyhow::Result<ExitCode> {
    let json = office.json;
    let name = slug.clone();
    let mut each = |line| {
        if let Ok(line) = serde_json::from_value::<CheckLine>(line)
            && !json
        {
            output::line(&text::check(&name, &line));
        }
    };
    let request = Request::Provider(ProviderRequest::Check(slug));
    let document = office.ask_telling(request, &mut each).await?;
    if json {
        output::line(&serde_json::to_string_pretty(&document)?);
    }
    let report: CheckReport = serde_json::from_value(document)?;
    let failed = report
        .checks
        .iter()
        .any(|line| line.state == CheckState::Failed);
    Ok(if failed {
        ExitCode::from(exit::PROBLEMS_FOUND)
    } else {
        ExitCode::SUCCESS
    })
}
