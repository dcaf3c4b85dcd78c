//! Mail domains.

use app::domains::{DomainForm, Page};
use app::{App, Problem};
use model::address::{Address, DomainName};
use model::audit::Actor;
use model::domain::{DomainLimits, DomainUse, MailDomain};
use model::provider::Provider;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{deleted, document, moment};

/// What is asked about domains.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainRequest {
    /// Adds one.
    Add {
        /// Its name.
        name: DomainName,
        /// What is not left at its default.
        change: DomainChange,
    },
    /// A page, by name.
    List(Page),
    /// One.
    Show(DomainName),
    /// Changes one.
    Edit {
        /// Its name.
        name: DomainName,
        /// What changes.
        change: DomainChange,
    },
    /// Deletes an empty one.
    Delete(DomainName),
}

/// What to set; `None` leaves a field alone. Sizes are bytes, 0 means no limit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DomainChange {
    /// Switched on.
    pub active: Option<bool>,
    /// How many mailboxes.
    pub max_mailboxes: Option<i64>,
    /// Quota of a mailbox when nothing else names one.
    pub default_quota: Option<i64>,
    /// The largest quota of one mailbox.
    pub max_quota: Option<i64>,
    /// All quotas together.
    pub domain_quota: Option<i64>,
    /// Where postmaster and abuse go.
    pub role_target: Option<Address>,
    /// By which provider its people sign in.
    #[serde(default)]
    pub provider: Option<ProviderChoice>,
    /// In how many days a provider has to confirm people; 0 for never.
    #[serde(default)]
    pub confirm_within: Option<u16>,
}

/// By which provider the people of a domain sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderChoice {
    /// Any that may sign them in.
    Any,
    /// The one of this slug.
    Only(String),
}

/// A domain with what it holds. Sizes are bytes, 0 means no limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DomainDocument {
    /// Its name in A-label form.
    pub name: String,
    /// Switched on.
    pub active: bool,
    /// How many mailboxes it holds.
    pub mailboxes: i64,
    /// How many it may hold.
    pub max_mailboxes: i64,
    /// Quotas given out.
    pub quota_given: i64,
    /// All quotas together may be.
    pub domain_quota: i64,
    /// Quota of a mailbox when nothing else names one.
    pub default_quota: i64,
    /// The largest quota of one mailbox.
    pub max_quota: i64,
    /// Where postmaster and abuse go.
    pub role_target: String,
    /// The slug of the one provider by which its people sign in; nothing for any.
    pub provider: Option<String>,
    /// In how many days a provider has to confirm people, or their mail programs and apps stop.
    #[serde(default)]
    pub confirm_within: Option<u16>,
    /// When it was added.
    pub created: String,
    /// When it was last changed.
    pub modified: String,
}

/// A page of domains.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DomainList {
    /// By name.
    pub domains: Vec<DomainDocument>,
    /// Where the next page starts.
    pub next: Option<String>,
}

impl DomainDocument {
    fn new((domain, used): (MailDomain, DomainUse), providers: &[Provider]) -> Self {
        let bound = providers.iter().find(|p| Some(p.id) == domain.provider);
        let DomainLimits {
            max_mailboxes,
            default_quota,
            max_quota,
            domain_quota,
        } = domain.limits;
        Self {
            name: domain.name.to_string(),
            active: domain.active,
            mailboxes: used.mailboxes,
            max_mailboxes,
            quota_given: used.quota,
            domain_quota,
            default_quota,
            max_quota,
            role_target: domain.role_target.to_string(),
            provider: bound.map(|provider| provider.slug.clone()),
            confirm_within: domain.confirm.map(|policy| policy.within_days),
            created: moment(domain.created),
            modified: moment(domain.modified),
        }
    }
}

impl DomainChange {
    /// Whether anything beside the provider changes.
    const fn is_about_the_domain(&self) -> bool {
        self.active.is_some()
            || self.max_mailboxes.is_some()
            || self.default_quota.is_some()
            || self.max_quota.is_some()
            || self.domain_quota.is_some()
            || self.role_target.is_some()
            || self.confirm_within.is_some()
    }

    fn over(&self, limits: DomainLimits) -> DomainLimits {
        DomainLimits {
            max_mailboxes: self.max_mailboxes.unwrap_or(limits.max_mailboxes),
            default_quota: self.default_quota.unwrap_or(limits.default_quota),
            max_quota: self.max_quota.unwrap_or(limits.max_quota),
            domain_quota: self.domain_quota.unwrap_or(limits.domain_quota),
        }
    }

    /// The limits of a new domain: defaults shrink to what was typed, so that they never
    /// contradict it.
    fn limits(&self) -> DomainLimits {
        let within = |limit: i64, outer: Option<i64>| match outer {
            Some(outer) if outer > 0 => limit.min(outer),
            _ => limit,
        };
        let defaults = DomainLimits::default();
        let max_quota = within(defaults.max_quota, self.domain_quota);
        let largest = self.max_quota.or(Some(max_quota));
        let default_quota = within(within(defaults.default_quota, largest), self.domain_quota);
        self.over(DomainLimits {
            default_quota,
            max_quota,
            ..defaults
        })
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: DomainRequest,
) -> Result<Value, Problem> {
    match request {
        DomainRequest::Add { name, change } => {
            if matches!(change.provider, Some(ProviderChoice::Only(_))) {
                let words = "a new domain is on no provider's list yet: add it, let the provider \
                             sign in its people, then choose";
                return Err(Problem::field("provider", words));
            }
            let form = DomainForm {
                name: name.clone(),
                active: change.active.unwrap_or(true),
                limits: change.limits(),
                role_target: change.role_target,
                confirm_within: change.confirm_within.filter(|days| *days > 0),
            };
            app.create_domain(actor, form).await?;
            show(app, &name).await
        }
        DomainRequest::List(page) => {
            let listed = app.domains(page).await?;
            let providers = app.providers().await?;
            let one = |row| DomainDocument::new(row, &providers);
            document(DomainList {
                domains: listed.rows.into_iter().map(one).collect(),
                next: listed.next,
            })
        }
        DomainRequest::Show(name) => show(app, &name).await,
        DomainRequest::Edit { name, change } => {
            // First, since it may be refused.
            if let Some(choice) = &change.provider {
                let slug = match choice {
                    ProviderChoice::Any => None,
                    ProviderChoice::Only(slug) => Some(slug.as_str()),
                };
                app.bind_domain(actor, &name, slug, None).await?;
                if !change.is_about_the_domain() {
                    return show(app, &name).await;
                }
            }
            let (before, _) = app.domain(&name).await?;
            let form = DomainForm {
                name: name.clone(),
                active: change.active.unwrap_or(before.active),
                limits: change.over(before.limits),
                role_target: change.role_target,
                confirm_within: match change.confirm_within {
                    Some(days) => Some(days).filter(|days| *days > 0),
                    None => before.confirm.map(|policy| policy.within_days),
                },
            };
            app.edit_domain(actor, form, Some(before.modified)).await?;
            show(app, &name).await
        }
        DomainRequest::Delete(name) => {
            app.delete_domain(actor, &name).await?;
            deleted(name)
        }
    }
}

async fn show(app: &App, name: &DomainName) -> Result<Value, Problem> {
    let providers = app.providers().await?;
    document(DomainDocument::new(app.domain(name).await?, &providers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::domain::GIB;

    #[test]
    fn defaults_of_a_new_domain_fit_what_was_typed() {
        let typed = [
            DomainChange::default(),
            DomainChange {
                domain_quota: Some(20 * GIB),
                ..DomainChange::default()
            },
            DomainChange {
                max_quota: Some(GIB),
                ..DomainChange::default()
            },
            DomainChange {
                domain_quota: Some(GIB),
                max_quota: Some(0),
                ..DomainChange::default()
            },
        ];
        for change in typed {
            let limits = change.limits();
            assert_eq!(limits.validate(), Ok(()), "{change:?} → {limits:?}");
        }
        let contradiction = DomainChange {
            max_quota: Some(GIB),
            default_quota: Some(2 * GIB),
            ..DomainChange::default()
        };
        assert!(contradiction.limits().validate().is_err());
    }
}
