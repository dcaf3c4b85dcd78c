//! `gatepost mailbox block`, `unblock` and `blocks`

use std::process::ExitCode;

use model::address::Address;

use crate::administration::Request;
use crate::administration::blocks::{BlockDocument, BlockList, BlockRequest};
use crate::commands::office::{Listing, Office};
use crate::commands::output::{table, when};
use crate::commands::values;

/// Whom.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost mailbox block alice@example.org --reason \"left on Friday\"
  gatepost mailbox disable alice@example.org --block")]
pub(in crate::commands) struct Block {
    /// The mailbox's address.
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
}

/// Whom.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost mailbox unblock alice@example.org
  gatepost mailbox unblock alice@example.org --json")]
pub(in crate::commands) struct Unblock {
    /// The address of the mailbox they had.
    #[arg(value_parser = values::address)]
    address: Address,
}

/// Which ones.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Examples:
  gatepost mailbox blocks
  gatepost mailbox blocks --address alice@example.org --json")]
pub(in crate::commands) struct Blocks {
    /// Only those who had this mailbox.
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    address: Option<Address>,
    #[command(flatten)]
    listing: Listing,
}

impl Block {
    pub(super) async fn run(self, office: &mut Office) -> anyhow::Result<ExitCode> {
        let Self { address, reason } = self;
        let request = Request::Block(BlockRequest::Add { address, reason });
        let document = office.ask(request).await?;
        office.show(document, text)
    }
}

impl Unblock {
    pub(super) async fn run(self, office: &mut Office) -> anyhow::Result<ExitCode> {
        let request = Request::Block(BlockRequest::Lift(self.address));
        let document = office.ask(request).await?;
        office.show(document, |list: BlockList| {
            let lifted = list.blocks.iter();
            let lines = lifted.map(|block| {
                format!(
                    "not blocked any more: {} at {}\n",
                    block.subject, block.namespace
                )
            });
            lines.collect()
        })
    }
}

impl Blocks {
    pub(super) async fn run(self, office: &mut Office) -> anyhow::Result<ExitCode> {
        let search = self.address.map_or_else(String::new, String::from);
        let page = |page| Request::Block(BlockRequest::List(page));
        let document = office.list("blocks", &self.listing, &search, page).await?;
        office.show_list(document, text)
    }
}

fn text(list: BlockList) -> String {
    let row = |block: BlockDocument| {
        [
            block.address,
            block.subject,
            block.namespace,
            when(&block.since),
            block.by,
            block.reason,
        ]
    };
    let rows: Vec<_> = list.blocks.into_iter().map(row).collect();
    let heading = ["HAD THE MAILBOX", "SUBJECT", "AT", "SINCE", "BY", "REASON"];
    table(heading, &rows)
}
