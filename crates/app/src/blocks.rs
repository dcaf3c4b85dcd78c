//! Blocks: keeping people from coming back by their provider, and letting them again.

use crate::domains::{Listed, Page};
use crate::mailboxes::by_address;
use crate::{App, Problem, audit, revoke};
use model::address::Address;
use model::audit::Actor;
use model::block::Block;
use model::ids::{BlockId, ProviderId};
use model::link::Link;
use model::mailbox::Mailbox;
use model::time::Timestamp;
use serde_json::json;
use store::{Conn, StoreError};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 200;

/// Why nobody can be blocked with a mailbox.
pub(crate) const NOBODY_LINKED: &str = "nobody at a provider is linked to this mailbox";

impl App {
    /// Keeps the people linked to a mailbox from signing in by their providers, or only the one at
    /// `provider`: whatever becomes of the mailbox, they get in no more and are given no new one.
    /// Their web sessions end. The mailbox itself, its app passwords and its local password are left
    /// alone: see [`App::disable_mailbox`]. Who is blocked already stays so.
    ///
    /// # Errors
    /// A problem of the field `address` if nobody is linked there.
    pub async fn block_people(
        &self,
        actor: &Actor,
        address: &Address,
        provider: Option<ProviderId>,
        reason: &str,
    ) -> Result<(), Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        let reason = reason.to_owned();
        self.store
            .write(async move |tx: &mut Conn| {
                let mailbox = by_address(tx, &address).await?;
                let mut links = store::links::of_mailbox(tx, mailbox.id).await?;
                links.retain(|link| provider.is_none_or(|only| link.provider == only));
                if links.is_empty() {
                    return Err(Problem::field("address", NOBODY_LINKED));
                }
                revoke::end_web(tx, mailbox.id).await?;
                Ok(block(tx, now, &actor, &mailbox, &links, &reason).await?)
            })
            .await
    }

    /// Lets a person come again, as anybody else: what was taken from them is not given back.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn unblock(&self, actor: &Actor, id: BlockId) -> Result<Block, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let found = store::blocks::by_id(tx, id).await?;
                let block = found.ok_or_else(|| Problem::NotFound(format!("block {id}")))?;
                lift(tx, now, &actor, &block).await?;
                Ok(block)
            })
            .await
    }

    /// Lets everybody come again who was blocked with the mailbox of an address, which may be gone.
    ///
    /// # Errors
    /// [`Problem::NotFound`] if nobody was.
    pub async fn unblock_people(
        &self,
        actor: &Actor,
        address: &Address,
    ) -> Result<Vec<Block>, Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let blocks = store::blocks::of_address(tx, address.as_str()).await?;
                if blocks.is_empty() {
                    let what = format!("blocked person who had the mailbox {address}");
                    return Err(Problem::NotFound(what));
                }
                for block in &blocks {
                    lift(tx, now, &actor, block).await?;
                }
                Ok(blocks)
            })
            .await
    }

    /// A block.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn block(&self, id: BlockId) -> Result<Block, Problem> {
        store::blocks::by_id(&mut *self.store.read()?, id)
            .await?
            .ok_or_else(|| Problem::NotFound(format!("block {id}")))
    }

    /// A page of blocks, newest first; where `page.search` is an address, those of its mailbox.
    pub async fn blocks(&self, page: Page) -> Result<Listed<Block>, Problem> {
        let mut read = self.store.read()?;
        if page.search.trim().is_empty() {
            return Ok(store::blocks::list(&mut read, &page.keyset()).await?.into());
        }
        let address = Address::parse(page.search.trim());
        let address = address.map_err(|error| Problem::field("search", error))?;
        Ok(Listed {
            rows: store::blocks::of_address(&mut read, address.as_str()).await?,
            next: None,
            previous: None,
        })
    }
}

/// Blocks linked people of a mailbox, in the transaction that does whatever else is to be done.
pub(crate) async fn block(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    mailbox: &Mailbox,
    links: &[Link],
    reason: &str,
) -> Result<(), StoreError> {
    let reason: String = reason.trim().chars().take(LONGEST_REASON).collect();
    for link in links {
        let block = Block {
            id: BlockId(0),
            namespace: link.namespace.clone(),
            subject: link.subject.clone(),
            address: mailbox.address.to_string(),
            reason: reason.clone(),
            at: now,
            by: actor.name().to_owned(),
        };
        if store::blocks::insert(tx, &block).await? {
            let details = json!({
                "namespace": block.namespace, "subject": block.subject, "reason": block.reason,
            });
            audit::note(tx, now, actor, "mailbox.block", &mailbox.address, details).await?;
        }
    }
    Ok(())
}

async fn lift(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    block: &Block,
) -> Result<(), StoreError> {
    store::blocks::delete(tx, block.id).await?;
    let details = json!({ "namespace": block.namespace, "subject": block.subject });
    audit::note(tx, now, actor, "mailbox.unblock", &block.address, details).await
}
