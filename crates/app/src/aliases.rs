//! Aliases.

use crate::domains::{Listed, Page};
use crate::{App, Problem, audit, domains, mailboxes};
use model::address::{Address, DomainName};
use model::alias::Alias;
use model::audit::Actor;
use model::ids::MailboxId;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Conn;

/// What an administrator fills in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AliasForm {
    /// The address; nothing else may stand at it.
    pub address: Address,
    /// Mailboxes it delivers to, 1 to 50.
    pub targets: Vec<Address>,
    /// Switched on.
    pub active: bool,
}

impl App {
    /// Adds an alias, under the same conditions as a mailbox: not at a + extension of an address
    /// whose mail it would take away.
    pub async fn create_alias(&self, actor: &Actor, form: AliasForm) -> Result<Alias, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let (domain, _) = domains::of(tx, &form.address.domain()).await?;
                mailboxes::check_extension(tx, &form.address).await?;
                let targets = form.resolve(tx).await?;
                let ids: Vec<_> = targets.iter().map(|(id, _)| *id).collect();
                let id =
                    store::aliases::insert(tx, domain.id, &form.address, &ids, form.active, now)
                        .await?;
                audit::note(
                    tx,
                    now,
                    &actor,
                    "alias.create",
                    &form.address,
                    json!(form.targets),
                )
                .await?;
                Ok(Alias {
                    id,
                    domain: domain.id,
                    address: form.address.clone(),
                    targets,
                    active: form.active,
                    created: now,
                    modified: now,
                })
            })
            .await
    }
    /// One, by address.
    pub async fn alias(&self, address: &Address) -> Result<Alias, Problem> {
        of(&mut *self.store.read()?, address).await
    }
    /// A page of aliases by address.
    pub async fn aliases(
        &self,
        domain: Option<DomainName>,
        page: Page,
    ) -> Result<Listed<Alias>, Problem> {
        let mut read = self.store.read()?;
        let domain = match domain {
            Some(name) => Some(domains::of(&mut read, &name).await?.0.id),
            None => None,
        };
        Ok(
            store::aliases::list(&mut read, &page.keyset(), domain, page.prefix())
                .await?
                .into(),
        )
    }
    /// Changes targets and state.
    pub async fn edit_alias(
        &self,
        actor: &Actor,
        form: AliasForm,
        seen: Option<Timestamp>,
    ) -> Result<Alias, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let before = of(tx, &form.address).await?;
                let targets = form.resolve(tx).await?;
                let after = Alias {
                    targets,
                    active: form.active,
                    modified: now,
                    ..before.clone()
                };
                if !store::aliases::update(tx, &after, seen, now).await? {
                    return Err(Problem::Stale);
                }
                let details = json!({ "before": before, "after": after });
                audit::note(tx, now, &actor, "alias.edit", &after.address, details).await?;
                Ok(after)
            })
            .await
    }
    /// Deletes one.
    pub async fn delete_alias(&self, actor: &Actor, address: &Address) -> Result<(), Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let alias = of(tx, &address).await?;
                store::aliases::delete(tx, alias.id).await?;
                audit::note(
                    tx,
                    now,
                    &actor,
                    "alias.delete",
                    &address,
                    json!(alias.targets),
                )
                .await?;
                Ok(())
            })
            .await
    }
}

/// Most mailboxes an alias delivers to; more is a mailing list.
const MOST_TARGETS: usize = 50;

impl AliasForm {
    /// The mailboxes behind the targets; each must exist, none twice.
    async fn resolve(&self, conn: &mut Conn) -> Result<Vec<(MailboxId, Address)>, Problem> {
        let mut targets: Vec<(MailboxId, Address)> = Vec::new();
        for target in &self.targets {
            let Some(mailbox) = store::mailboxes::by_address(conn, target).await? else {
                return Err(Problem::field(
                    "targets",
                    format!("{target} is not a mailbox here"),
                ));
            };
            if targets.iter().all(|(id, _)| *id != mailbox.id) {
                targets.push((mailbox.id, mailbox.address));
            }
        }
        if targets.is_empty() || targets.len() > MOST_TARGETS {
            let words = format!("name 1 to {MOST_TARGETS} mailboxes it delivers to");
            return Err(Problem::field("targets", words));
        }
        Ok(targets)
    }
}

async fn of(conn: &mut Conn, address: &Address) -> Result<Alias, Problem> {
    store::aliases::by_address(conn, address)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("alias {address}")))
}
