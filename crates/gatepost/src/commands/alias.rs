//! `gatepost alias`

use std::process::ExitCode;

use app::aliases::AliasForm;
use model::address::{Address, DomainName};

use super::input::Leave;
use super::office::{Listing, Office, Verbs};
use super::output::{details, on_off, table, when};
use super::values;
use crate::administration::Request;
use crate::administration::aliases::{AliasDocument, AliasList, AliasRequest};

/// Aliases: addresses that deliver to mailboxes.
#[derive(Debug, clap::Subcommand)]
#[command(before_long_help = "Examples:
  gatepost alias add info@example.org alice@example.org bob@example.org
  gatepost alias edit info@example.org --active no")]
pub(super) enum Verb {
    /// Add an alias.
    Add {
        /// Its address; nothing else may stand there.
        #[arg(value_parser = values::address)]
        address: Address,
        /// Mailboxes it delivers to.
        #[arg(required = true, value_name = "MAILBOX", value_parser = values::address)]
        targets: Vec<Address>,
    },
    /// Print aliases.
    List {
        /// Of this domain only.
        #[arg(long, value_name = "DOMAIN", value_parser = values::domain)]
        domain: Option<DomainName>,
        /// Only those whose address starts so.
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
    /// Print one alias.
    Show {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
    },
    /// Change targets or state.
    Edit {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
        /// Mailboxes it delivers to, in place of those it has.
        #[arg(long = "to", value_name = "MAILBOX", value_parser = values::address)]
        targets: Vec<Address>,
        /// Switched on.
        #[arg(long, value_name = "yes|no", value_parser = values::yes_no(), hide_possible_values = true)]
        active: Option<bool>,
    },
    /// Delete an alias.
    Delete {
        /// Its address.
        #[arg(value_parser = values::address)]
        address: Address,
        #[command(flatten)]
        leave: Leave,
    },
}

pub(super) fn run(arguments: Verbs<Verb>) -> anyhow::Result<ExitCode> {
    arguments.run(act)
}

async fn act(office: &mut Office, verb: Verb) -> anyhow::Result<ExitCode> {
    let request = match verb {
        Verb::Add { address, targets } => AliasRequest::Add(AliasForm {
            address,
            targets,
            active: true,
        }),
        Verb::Show { address } => AliasRequest::Show(address),
        Verb::Edit {
            address,
            targets,
            active,
        } => AliasRequest::Edit {
            address,
            targets: Some(targets).filter(|targets| !targets.is_empty()),
            active,
        },
        Verb::List {
            domain,
            search,
            listing,
        } => {
            let page = |page| {
                let domain = domain.clone();
                Request::Alias(AliasRequest::List { domain, page })
            };
            let document = office.list("aliases", &listing, &search, page).await?;
            return office.show_list(document, list);
        }
        Verb::Delete { address, leave } => {
            leave.to_delete("alias", address.as_str()).await?;
            let request = Request::Alias(AliasRequest::Delete(address));
            let document = office.ask(request).await?;
            return office.show(document, super::deleted);
        }
    };
    let document = office.ask(Request::Alias(request)).await?;
    office.show(document, one)
}

fn one(alias: AliasDocument) -> String {
    details(&[
        ("Alias", alias.address),
        ("Delivers to", alias.targets.join("\n")),
        ("Switched", on_off(alias.active).to_owned()),
        ("Added", when(&alias.created)),
        ("Changed", when(&alias.modified)),
    ])
}

fn list(list: AliasList) -> String {
    let row = |alias: AliasDocument| {
        let switched = on_off(alias.active).to_owned();
        [alias.address, switched, alias.targets.join(", ")]
    };
    let rows: Vec<_> = list.aliases.into_iter().map(row).collect();
    table(["ALIAS", "SWITCHED", "DELIVERS TO"], &rows)
}
