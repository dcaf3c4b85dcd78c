//! Mail domains.

use crate::mailboxes::allowed_provider;
use crate::outbox::{self, Effect};
use crate::providers::allow_domain;
use crate::{App, Problem, audit};
use model::address::{Address, DomainName};
use model::audit::Actor;
use model::domain::{
    ConfirmPolicy, DomainLimits, DomainUse, LimitsError, MOST_CONFIRM_DAYS, MailDomain,
};
use model::ids::{DomainId, ProviderId};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Conn;
use store::domains::NewDomain;

/// What an administrator fills in. As JSON, absent fields take the defaults of [`DomainLimits`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DomainForm {
    /// Name (canonicalised by parsing).
    pub name: DomainName,
    /// Switched on.
    pub active: bool,
    /// Limits.
    pub limits: DomainLimits,
    /// Where postmaster and abuse go; the acting administrator's e-mail when left out.
    pub role_target: Option<Address>,
    /// In how many days a provider has to confirm people, or their mail programs stop; `None`: that
    /// is not asked.
    #[serde(default)]
    pub confirm_within: Option<u16>,
}

/// A page of a list. `next` goes back as `after`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts, if there is one.
    pub next: Option<String>,
    /// The page before this one, in lists that can be turned back; it goes back as `after` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// Which page of a list, and how much of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Page {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows, 1 to 200; 50 by default (0).
    pub limit: u32,
    /// Prefix to search for; empty for all.
    pub search: String,
}

impl DomainForm {
    fn validate(&self) -> Result<(), Problem> {
        self.limits.validate().map_err(|error| {
            let field = match error {
                LimitsError::Negative | LimitsError::AboveDomain => "domain_quota",
                LimitsError::DefaultAboveMax | LimitsError::UnlimitedDefault => "default_quota",
            };
            Problem::field(field, error)
        })?;
        match self.confirm_within {
            Some(days) if !(1..=MOST_CONFIRM_DAYS).contains(&days) => {
                let words = format!("1 to {MOST_CONFIRM_DAYS} days, or off");
                Err(Problem::field("confirm_within", words))
            }
            _ => Ok(()),
        }
    }

    /// The policy that follows from it. Days begin anew with every change, so that nobody is shut
    /// out by surprise.
    fn confirm(&self, before: Option<ConfirmPolicy>, now: Timestamp) -> Option<ConfirmPolicy> {
        let within_days = self.confirm_within?;
        let same = before.filter(|policy| policy.within_days == within_days);
        Some(same.unwrap_or(ConfirmPolicy {
            within_days,
            since: now,
        }))
    }
}

impl Page {
    pub(crate) fn keyset(&self) -> store::Page {
        let limit = if self.limit == 0 {
            50
        } else {
            self.limit.min(200)
        };
        store::Page {
            after: self.after.clone(),
            limit,
        }
    }

    pub(crate) fn prefix(&self) -> Option<&str> {
        Some(self.search.trim()).filter(|prefix| !prefix.is_empty())
    }
}

impl<T> From<store::Listed<T>> for Listed<T> {
    fn from(listed: store::Listed<T>) -> Self {
        Self {
            rows: listed.rows,
            next: listed.next,
            previous: listed.previous,
        }
    }
}

/// A domain with what it holds.
pub(crate) async fn of(
    conn: &mut Conn,
    name: &DomainName,
) -> Result<(MailDomain, DomainUse), Problem> {
    store::domains::with_use(conn, name)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("domain {name}")))
}

impl App {
    /// Adds a domain.
    pub async fn create_domain(
        &self,
        actor: &Actor,
        form: DomainForm,
    ) -> Result<MailDomain, Problem> {
        self.create_domain_for(actor, form, Vec::new()).await
    }
    /// Adds a domain whose people these providers, by their slugs, may sign in.
    ///
    /// # Errors
    /// [`Problem::NotFound`] for a provider that is none; no domain is added then.
    pub async fn create_domain_for(
        &self,
        actor: &Actor,
        form: DomainForm,
        providers: Vec<String>,
    ) -> Result<MailDomain, Problem> {
        form.validate()?;
        let role_target = self.role_target(actor, form.role_target.clone()).await?;
        let (now, actor) = (self.clock.now(), actor.clone());
        let confirm = form.confirm(None, now);
        let new = NewDomain {
            name: form.name,
            active: form.active,
            limits: form.limits,
            role_target,
        };
        self.store
            .write(async move |tx: &mut Conn| {
                let id = store::domains::insert(tx, &new, now).await?;
                let details = json!({ "limits": new.limits, "role_target": new.role_target });
                audit::note(tx, now, &actor, "domain.create", &new.name, details).await?;
                store::confirmation::set_policy(tx, id, confirm).await?;
                for slug in &providers {
                    allow_domain(tx, now, &actor, slug, id).await?;
                }
                let (domain, _) = of(tx, &new.name).await?;
                Ok(MailDomain { id, ..domain })
            })
            .await
    }
    /// One domain with what it holds.
    pub async fn domain(&self, name: &DomainName) -> Result<(MailDomain, DomainUse), Problem> {
        of(&mut *self.store.read()?, name).await
    }
    /// The names of domains by their ids; ids of domains that are gone are left out.
    pub async fn domain_names(&self, ids: &[DomainId]) -> Result<Vec<DomainName>, Problem> {
        Ok(store::domains::names_of(&mut *self.store.read()?, ids).await?)
    }
    /// A page of domains by name.
    pub async fn domains(&self, page: Page) -> Result<Listed<(MailDomain, DomainUse)>, Problem> {
        let mut read = self.store.read()?;
        let listed = store::domains::list(&mut read, &page.keyset(), page.prefix()).await?;
        Ok(listed.into())
    }
    /// How many there are, from the maintained counter.
    pub async fn domain_count(&self) -> Result<i64, Problem> {
        Ok(store::domains::count(&mut *self.store.read()?).await?)
    }
    /// Changes a domain; the name stays. `seen` is the `modified` the form was made from; `None`
    /// skips the check (CLI). Switching off ends the web and live mail sessions of its people.
    pub async fn edit_domain(
        &self,
        actor: &Actor,
        form: DomainForm,
        seen: Option<Timestamp>,
    ) -> Result<MailDomain, Problem> {
        form.validate()?;
        let (now, actor) = (self.clock.now(), actor.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let (before, _) = of(tx, &form.name).await?;
            let after = MailDomain {
                active: form.active,
                limits: form.limits,
                confirm: form.confirm(before.confirm, now),
                role_target: form
                    .role_target
                    .clone()
                    .unwrap_or_else(|| before.role_target.clone()),
                modified: now,
                ..before.clone()
            };
            if !store::domains::update(tx, &after, seen, now).await? {
                return Err(Problem::Stale);
            }
            if before.confirm != after.confirm {
                store::confirmation::set_policy(tx, after.id, after.confirm).await?;
            }
            let details = json!({ "before": before, "after": after });
            audit::note(tx, now, &actor, "domain.edit", &after.name, details).await?;
            if before.active && !after.active {
                let (domain, name) = (after.id, after.name.clone());
                outbox::put(tx, &Effect::SignOutDomain { domain }, now).await?;
                outbox::put(tx, &Effect::KickDomain { domain: name }, now).await?;
            }
            Ok(after)
        })
        .await
    }
    /// Binds a domain to the one provider by which its people sign in, by slug; `None` frees it for
    /// every provider that may sign them in. Local passwords and administrators are not touched, and
    /// who is signed in stays so. `seen` as in [`App::edit_domain`].
    ///
    /// # Errors
    /// A problem of the field `provider` if there is none, or it may not sign in people of this
    /// domain.
    pub async fn bind_domain(
        &self,
        actor: &Actor,
        name: &DomainName,
        provider: Option<&str>,
        seen: Option<Timestamp>,
    ) -> Result<MailDomain, Problem> {
        let (now, actor, name) = (self.clock.now(), actor.clone(), name.clone());
        let provider = provider.map(ToOwned::to_owned);
        self.store
            .write(async move |tx: &mut Conn| {
                let (before, _) = of(tx, &name).await?;
                let bound = match &provider {
                    Some(slug) => Some(allowed_provider(tx, slug, before.id).await?.id),
                    None => None,
                };
                if !store::domains::bind(tx, before.id, bound, seen, now).await? {
                    return Err(Problem::Stale);
                }
                let (after, _) = of(tx, &name).await?;
                let details = json!({ "before": before.provider, "after": after.provider });
                audit::note(tx, now, &actor, "domain.bind", &name, details).await?;
                Ok(after)
            })
            .await
    }

    /// The domains that are bound to a provider, by name.
    pub async fn domains_bound_to(&self, provider: ProviderId) -> Result<Vec<DomainName>, Problem> {
        let mut read = self.store.read()?;
        let bound = store::domains::bound_to(&mut read, provider, i64::MAX).await?;
        Ok(bound.into_iter().map(|(_, name)| name).collect())
    }
    /// Deletes an empty domain: nobody is left whose sessions could go on, since each mailbox took
    /// its own along.
    pub async fn delete_domain(&self, actor: &Actor, name: &DomainName) -> Result<(), Problem> {
        let (now, actor, name) = (self.clock.now(), actor.clone(), name.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let (domain, _) = of(tx, &name).await?;
                store::domains::delete(tx, domain.id).await?;
                audit::note(tx, now, &actor, "domain.delete", &name, Value::Null).await?;
                Ok(())
            })
            .await
    }

    /// Where role mail goes: as typed, else to the acting administrator, else to the first one.
    async fn role_target(&self, actor: &Actor, typed: Option<Address>) -> Result<Address, Problem> {
        if let Some(typed) = typed {
            return Ok(typed);
        }
        let admins = self.admins().await?;
        let admin = match actor {
            Actor::Admin { id, .. } => admins.iter().find(|admin| admin.id == *id),
            _ => admins.first(),
        };
        admin
            .and_then(|admin| Address::parse(&admin.email).ok())
            .ok_or_else(|| {
                Problem::field(
                    "role_target",
                    "say where mail for postmaster and abuse goes",
                )
            })
    }
}
