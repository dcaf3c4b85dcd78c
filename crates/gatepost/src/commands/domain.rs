//! `gatepost domain`

use std::process::ExitCode;

use model::address::{Address, DomainName};
use model::rules::limits::size;

use super::input::Leave;
use super::office::{Listing, Office, Verbs};
use super::output::{details, on_off, table, when};
use super::values;
use crate::administration::Request;
use crate::administration::domains::{
    DomainChange, DomainDocument, DomainList, DomainRequest, ProviderChoice,
};

/// Mail domains and their limits.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost domain add example.org --max-mailboxes 50 --domain-quota 400G
  gatepost domain edit example.org --active no")]
pub(super) enum Verb {
    /// Add a domain; it receives mail at once.
    Add {
        /// Such as example.org
        #[arg(value_name = "DOMAIN", value_parser = values::domain)]
        name: DomainName,
        #[command(flatten)]
        fields: Fields,
    },
    /// Print domains with what they hold.
    List {
        /// Only those whose name starts so.
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        search: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Print one domain.
    Show {
        /// The domain.
        #[arg(value_name = "DOMAIN", value_parser = values::domain)]
        name: DomainName,
    },
    /// Change what is named; the rest stays.
    #[command(before_long_help = "Examples:
  gatepost domain edit example.org --provider school-sso
  gatepost domain edit example.org --confirm-within 30")]
    Edit {
        /// The domain.
        #[arg(value_name = "DOMAIN", value_parser = values::domain)]
        name: DomainName,
        #[command(flatten)]
        fields: Fields,
        /// By which provider its people sign in: this one alone, or any that may sign them in.
        #[arg(long, value_name = "SLUG|any")]
        provider: Option<String>,
    },
    /// Delete a domain without mailboxes and aliases.
    Delete {
        /// The domain.
        #[arg(value_name = "DOMAIN", value_parser = values::domain)]
        name: DomainName,
        #[command(flatten)]
        leave: Leave,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// How many mailboxes it may hold, 0 for any number.
    #[arg(long, value_name = "N")]
    max_mailboxes: Option<i64>,
    /// Quota of a mailbox when neither template nor administrator names one.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    default_quota: Option<i64>,
    /// The largest quota of one mailbox.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    max_quota: Option<i64>,
    /// All quotas together.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    domain_quota: Option<i64>,
    /// Switched on: receives mail, lets its people sign in.
    #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
    active: Option<bool>,
    /// Where mail for postmaster and abuse goes; the first administrator by default.
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    role_target: Option<Address>,
    /// Mail programs, and apps that go on without the person, stop when no provider has confirmed the
    /// person for so many days; off for never.
    #[arg(long, value_name = "DAYS|off", value_parser = within)]
    confirm_within: Option<u16>,
}

/// Days, or `off` as 0.
fn within(text: &str) -> Result<u16, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(0);
    }
    let days = text.strip_suffix('d').unwrap_or(text);
    days.parse()
        .map_err(|_| "a number of days, or off".to_owned())
}

impl From<Fields> for DomainChange {
    fn from(fields: Fields) -> Self {
        Self {
            active: fields.active,
            max_mailboxes: fields.max_mailboxes,
            default_quota: fields.default_quota,
            max_quota: fields.max_quota,
            domain_quota: fields.domain_quota,
            role_target: fields.role_target,
            provider: None,
            confirm_within: fields.confirm_within,
        }
    }
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Add { name, fields } => DomainRequest::Add {
            name,
            change: fields.into(),
        },
        Verb::Show { name } => DomainRequest::Show(name),
        Verb::Edit {
            name,
            fields,
            provider,
        } => DomainRequest::Edit {
            name,
            change: DomainChange {
                provider: provider.map(choice),
                ..fields.into()
            },
        },
        Verb::List { search, listing } => {
            let page = |page| Request::Domain(DomainRequest::List(page));
            let document = office.list("domains", &listing, &search, page).await?;
            return office.show_list(document, list);
        }
        Verb::Delete { name, leave } => {
            leave.to_delete("domain", name.as_str()).await?;
            let request = Request::Domain(DomainRequest::Delete(name));
            let document = office.ask(request).await?;
            return office.show(document, super::deleted);
        }
    };
    let document = office.ask(Request::Domain(request)).await?;
    office.show(document, one)
}

fn choice(provider: String) -> ProviderChoice {
    match provider.as_str() {
        "any" => ProviderChoice::Any,
        _ => ProviderChoice::Only(provider),
    }
}

fn one(domain: DomainDocument) -> String {
    let (mailboxes, given_out, quota) = (mailboxes(&domain), given_out(&domain), quota(&domain));
    let confirm = domain.confirm_within.map_or_else(
        || "off".to_owned(),
        |days| format!("{days} days, or mail programs and apps stop"),
    );
    details(&[
        ("Domain", domain.name),
        ("Switched", on_off(domain.active).to_owned()),
        ("Mailboxes", mailboxes),
        ("Given out", given_out),
        ("Quota of a mailbox", quota),
        ("Role mail to", domain.role_target),
        (
            "Signs in by",
            domain.provider.unwrap_or_else(|| "any provider".to_owned()),
        ),
        ("Confirm within", confirm),
        ("Added", when(&domain.created)),
        ("Changed", when(&domain.modified)),
    ])
}

fn list(list: DomainList) -> String {
    let row = |domain: DomainDocument| {
        let switched = on_off(domain.active).to_owned();
        let (held, given) = (mailboxes(&domain), given_out(&domain));
        let quota = quota(&domain);
        [domain.name, switched, held, given, quota]
    };
    let rows: Vec<_> = list.domains.into_iter().map(row).collect();
    let heading = [
        "DOMAIN",
        "SWITCHED",
        "MAILBOXES",
        "GIVEN OUT",
        "QUOTA OF A MAILBOX",
    ];
    table(heading, &rows)
}

fn mailboxes(domain: &DomainDocument) -> String {
    match domain.max_mailboxes {
        0 => domain.mailboxes.to_string(),
        most => format!("{} of {most}", domain.mailboxes),
    }
}

fn given_out(domain: &DomainDocument) -> String {
    let given = match domain.quota_given {
        0 => "nothing".to_owned(),
        given => size(given),
    };
    match domain.domain_quota {
        0 => given,
        most => format!("{given} of {}", size(most)),
    }
}

fn quota(domain: &DomainDocument) -> String {
    format!(
        "{}, at most {}",
        size(domain.default_quota),
        size(domain.max_quota)
    )
}
