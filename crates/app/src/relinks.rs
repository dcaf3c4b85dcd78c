//! Relink campaigns: taking people of one provider over to another.

use crate::providers::by_slug;
use crate::step_up::Doer;
use crate::{App, Problem, audit};
use model::address::{Address, DomainName};
use model::audit::Actor;
use model::domain::MailDomain;
use model::ids::RelinkId;
use model::mailbox::Mailbox;
use model::provider::Provider;
use model::relink::Relink;
use model::rules::provision::relink::{VERIFIED_CLAIM, about};
use model::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use store::relinks::NewRelink;
use store::{Conn, StoreError};

/// The longest a campaign may run.
pub const LONGEST: Duration = Duration::from_secs(90 * DAY.as_secs());

/// Mailboxes looked at for a preview; beyond, it says "more than".
const LOOKED_AT: usize = 2000;
/// Addresses shown of each kind.
const SHOWN: usize = 50;
/// Campaigns listed.
const LISTED: i64 = 100;

/// What an administrator fills in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelinkForm {
    /// The provider at which people are linked now, by slug.
    pub from: String,
    /// The provider by which they come, by slug.
    pub to: String,
    /// The domains it is about.
    pub domains: Vec<DomainName>,
    /// When it ends by itself.
    pub ends: Timestamp,
}

/// What a campaign would do, as far as that can be told before anybody comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelinkPreview {
    /// Mailboxes that their people can take over, once they come with a verified address.
    pub movable: usize,
    /// The first of them.
    pub addresses: Vec<String>,
    /// Mailboxes linked at the provider that stay as they are, counted by why.
    pub left: BTreeMap<String, usize>,
    /// The first of those.
    pub left_addresses: Vec<String>,
    /// There are more mailboxes than were looked at.
    pub more: bool,
    /// What to know before starting.
    pub notes: Vec<String>,
}

/// A campaign with the names of what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRelink {
    /// The campaign.
    pub relink: Relink,
    /// Slug and name of the provider left behind.
    pub from: (String, String),
    /// Slug and name of the other one.
    pub to: (String, String),
    /// The names of its domains.
    pub domains: Vec<DomainName>,
}

/// A form that was looked at.
struct Checked {
    from: Provider,
    domains: Vec<MailDomain>,
    new: NewRelink,
    notes: Vec<String>,
}

impl App {
    /// What a campaign would do; nothing is stored.
    ///
    /// # Errors
    /// Problems of the fields, as [`App::start_relink`] has them.
    pub async fn preview_relink(&self, form: &RelinkForm) -> Result<RelinkPreview, Problem> {
        let now = self.clock.now();
        let mut read = self.store.read()?;
        let checked = check(&mut read, form, now).await?;
        let mut preview = RelinkPreview {
            movable: 0,
            addresses: Vec::new(),
            left: BTreeMap::new(),
            left_addresses: Vec::new(),
            more: false,
            notes: checked.notes.clone(),
        };
        let relink = checked.ahead(now);
        let mut looked_at = 0;
        for domain in &checked.domains {
            let room = i64::try_from(LOOKED_AT + 1 - looked_at).unwrap_or(0);
            let found =
                store::relinks::linked(&mut read, checked.from.id, domain.id, "", room).await?;
            for (id, address) in found {
                if looked_at == LOOKED_AT {
                    preview.more = true;
                    return Ok(preview);
                }
                looked_at += 1;
                let Some(mailbox) = store::mailboxes::by_id(&mut read, id).await? else {
                    continue;
                };
                preview
                    .count(&mut read, &relink, &mailbox, &address, now)
                    .await?;
            }
        }
        Ok(preview)
    }

    /// Starts a campaign. It hands mailboxes to people of another provider, so it asks for the
    /// administrator's own password ([`crate::step_up`]).
    ///
    /// # Errors
    /// Problems of the fields `from`, `to`, `domains`, `ends`, or of the own password.
    pub async fn start_relink(
        &self,
        doer: impl Into<Doer>,
        form: &RelinkForm,
    ) -> Result<KnownRelink, Problem> {
        let doer = doer.into();
        // What cannot be right is told before a password is asked for.
        check(&mut *self.store.read()?, form, self.clock.now()).await?;
        self.demand_step_up(&doer).await?;
        let (now, actor, form) = (self.clock.now(), doer.actor, form.clone());
        let id = self
            .store
            .write(async move |tx: &mut Conn| {
                let mut new = check(tx, &form, now).await?.new;
                new.created_by = actor.name().to_owned();
                let id = store::relinks::insert(tx, &new, now).await?;
                let details = json!({ "form": form, "namespace": new.namespace });
                audit::note(tx, now, &actor, "relink.start", id, details).await?;
                Ok::<_, Problem>(id)
            })
            .await?;
        self.relink(id).await
    }

    /// Stops a campaign: nobody is taken over from then on; who was stays.
    ///
    /// # Errors
    /// [`Problem::NotFound`], or [`Problem::InUse`] if it is over already.
    pub async fn stop_relink(&self, actor: &Actor, id: RelinkId) -> Result<KnownRelink, Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                if store::relinks::stop(tx, id, now).await? {
                    let nothing = serde_json::Value::Null;
                    audit::note(tx, now, &actor, "relink.stop", id, nothing).await?;
                    return Ok(());
                }
                Err(match store::relinks::by_id(tx, id).await? {
                    Some(_) => Problem::InUse("the campaign is over already".to_owned()),
                    None => Problem::NotFound(format!("campaign {id}")),
                })
            })
            .await?;
        self.relink(id).await
    }

    /// One campaign.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn relink(&self, id: RelinkId) -> Result<KnownRelink, Problem> {
        let mut read = self.store.read()?;
        let relink = store::relinks::by_id(&mut read, id)
            .await?
            .ok_or_else(|| Problem::NotFound(format!("campaign {id}")))?;
        let providers = store::providers::all(&mut read).await?;
        Ok(known(&mut read, relink, &providers).await?)
    }

    /// The latest campaigns, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn relinks(&self) -> Result<Vec<KnownRelink>, Problem> {
        let mut read = self.store.read()?;
        let providers = store::providers::all(&mut read).await?;
        let mut all = Vec::new();
        for relink in store::relinks::list(&mut read, LISTED).await? {
            all.push(known(&mut read, relink, &providers).await?);
        }
        Ok(all)
    }
}

impl Checked {
    /// The campaign as it would be.
    fn ahead(&self, now: Timestamp) -> Relink {
        Relink {
            id: RelinkId(0),
            from: self.new.from,
            to: self.new.to,
            namespace: self.new.namespace.clone(),
            domains: self.new.domains.clone(),
            created: now,
            created_by: String::new(),
            ends: self.new.ends,
            stopped: None,
            moved: 0,
        }
    }
}

impl RelinkPreview {
    async fn count(
        &mut self,
        read: &mut Conn,
        relink: &Relink,
        mailbox: &Mailbox,
        address: &Address,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let links = store::links::of_mailbox(read, mailbox.id).await?;
        let pending = store::links::pending_of(read, mailbox.id).await?;
        let here = (relink.to, &relink.namespace);
        let shown = match about(relink, here, mailbox, &links, pending.as_ref(), now) {
            Ok(()) => {
                self.movable += 1;
                &mut self.addresses
            }
            Err(why) => {
                *self.left.entry(why.to_string()).or_default() += 1;
                &mut self.left_addresses
            }
        };
        if shown.len() < SHOWN {
            shown.push(address.to_string());
        }
        Ok(())
    }
}

async fn check(conn: &mut Conn, form: &RelinkForm, now: Timestamp) -> Result<Checked, Problem> {
    let from = named(conn, "from", &form.from).await?;
    let to = named(conn, "to", &form.to).await?;
    if from.id == to.id {
        return Err(Problem::field("to", "name two different providers"));
    }
    if to.settings.address_claim != VERIFIED_CLAIM {
        let words = format!(
            "{} takes addresses from the claim {}, and only those of the claim email can be \
             verified",
            to.settings.name, to.settings.address_claim
        );
        return Err(Problem::field("to", words));
    }
    if form.domains.is_empty() {
        return Err(Problem::field("domains", "name at least one domain"));
    }
    if form.ends <= now {
        return Err(Problem::field("ends", "this day is over"));
    }
    if form.ends > now.plus(LONGEST) {
        return Err(Problem::field(
            "ends",
            "a campaign runs for 90 days at most",
        ));
    }
    let mut domains: Vec<MailDomain> = Vec::new();
    let mut notes = Vec::new();
    for name in &form.domains {
        let missing = || Problem::field("domains", format!("there is no domain {name}"));
        let domain = store::domains::by_name(conn, name)
            .await?
            .ok_or_else(missing)?;
        if !to.settings.domains.contains(&domain.id) {
            let words = format!(
                "{} may not sign in people of {name}; allow that in the provider first",
                to.settings.name
            );
            return Err(Problem::field("domains", words));
        }
        if domain.provider.is_some_and(|bound| bound != to.id) {
            notes.push(format!(
                "{name} is bound to another provider: nobody there comes by {} until that is \
                 changed.",
                to.settings.name
            ));
        }
        if domains.iter().all(|known| known.id != domain.id) {
            domains.push(domain);
        }
    }
    if !to.settings.active {
        notes.push(format!(
            "{} is switched off: nobody comes by it yet.",
            to.settings.name
        ));
    }
    notes.push(format!(
        "{} must say email_verified: true for each of them; nobody is taken over without it.",
        to.settings.name
    ));
    Ok(Checked {
        new: NewRelink {
            from: from.id,
            to: to.id,
            namespace: to.namespace.clone(),
            domains: domains.iter().map(|domain| domain.id).collect(),
            created_by: String::new(),
            ends: form.ends,
        },
        from,
        domains,
        notes,
    })
}

async fn named(conn: &mut Conn, field: &str, slug: &str) -> Result<Provider, Problem> {
    match by_slug(conn, slug).await {
        Err(Problem::NotFound(what)) => Err(Problem::field(field, format!("there is no {what}"))),
        other => other,
    }
}

async fn known(
    read: &mut Conn,
    relink: Relink,
    providers: &[Provider],
) -> Result<KnownRelink, StoreError> {
    // A campaign goes with either of its providers.
    let name = |id| {
        let found = providers.iter().find(|p| p.id == id);
        found.map_or_else(Default::default, |p| {
            (p.slug.clone(), p.settings.name.clone())
        })
    };
    Ok(KnownRelink {
        from: name(relink.from),
        to: name(relink.to),
        domains: store::domains::names_of(read, &relink.domains).await?,
        relink,
    })
}
