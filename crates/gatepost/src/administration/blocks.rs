//! Blocks of people at a provider.

use app::domains::Page;
use app::{App, Problem};
use model::address::Address;
use model::audit::Actor;
use model::block::Block;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{document, moment};

/// What is asked about blocks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockRequest {
    /// Keeps the people linked to a mailbox from coming back.
    Add {
        /// Its address.
        address: Address,
        /// Why, for the next administrator who looks.
        reason: String,
    },
    /// Lets everybody come again who was blocked with the mailbox of an address.
    Lift(Address),
    /// A page, newest first; where its search is an address, those of its mailbox.
    List(Page),
}

/// A block.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlockDocument {
    /// The mailbox the person was linked to.
    pub address: String,
    /// Who, as their provider names them.
    pub subject: String,
    /// Where the subject is unique.
    pub namespace: String,
    /// Since when.
    pub since: String,
    /// Who blocked them.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A page of blocks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BlockList {
    /// The newest first.
    pub blocks: Vec<BlockDocument>,
    /// Where the next page starts.
    pub next: Option<String>,
}

impl From<Block> for BlockDocument {
    fn from(block: Block) -> Self {
        Self {
            address: block.address,
            subject: block.subject,
            namespace: block.namespace.to_string(),
            since: moment(block.at),
            by: block.by,
            reason: block.reason,
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: BlockRequest,
) -> Result<Value, Problem> {
    let (blocks, next) = match request {
        BlockRequest::Add { address, reason } => {
            app.block_people(actor, &address, None, &reason).await?;
            (app.mailbox(&address).await?.blocks, None)
        }
        BlockRequest::Lift(address) => (app.unblock_people(actor, &address).await?, None),
        BlockRequest::List(page) => {
            let listed = app.blocks(page).await?;
            (listed.rows, listed.next)
        }
    };
    let blocks = blocks.into_iter().map(BlockDocument::from).collect();
    document(BlockList { blocks, next })
}
