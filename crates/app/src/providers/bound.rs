//! Domains that are bound to a provider: what becomes of them when it changes.

use super::{by_slug, form};
use crate::{App, Problem, audit};
use model::address::DomainName;
use model::audit::Actor;
use model::ids::{DomainId, ProviderId};
use model::provider::{Provider, ProviderSettings};
use model::time::Timestamp;
use serde_json::json;
use store::Conn;

/// Names in a sentence; more are only counted.
const NAMED: usize = 5;

/// A provider keeps the domains that are bound to it: nobody of theirs could sign in any more.
pub(super) async fn check_kept(
    tx: &mut Conn,
    provider: ProviderId,
    settings: &ProviderSettings,
) -> Result<(), Problem> {
    let mut lost = store::domains::bound_to(tx, provider, i64::MAX).await?;
    lost.retain(|(id, _)| !settings.domains.contains(id));
    if lost.is_empty() {
        return Ok(());
    }
    Err(Problem::field("domains", free_first(&lost)))
}

/// A provider that domains are bound to is not deleted.
pub(super) async fn check_free(tx: &mut Conn, provider: ProviderId) -> Result<(), Problem> {
    let bound = store::domains::bound_to(tx, provider, i64::MAX).await?;
    if bound.is_empty() {
        return Ok(());
    }
    Err(Problem::InUse(free_first(&bound)))
}

fn free_first(bound: &[(DomainId, DomainName)]) -> String {
    let names: Vec<_> = bound.iter().map(|(_, name)| name.clone()).collect();
    format!(
        "{} to this provider; let its people sign in by any provider first",
        are_bound(&names)
    )
}

/// Lets a provider sign in people of a domain that was just added.
pub(crate) async fn allow_domain(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    slug: &str,
    domain: DomainId,
) -> Result<(), Problem> {
    let before = by_slug(tx, slug).await?;
    let mut after = before.clone();
    after.settings.domains.push(domain);
    let key = form::redirect_key(after.settings.redirect, slug);
    if !store::providers::update(tx, &after, &key, Some(before.modified), now).await? {
        return Err(Problem::Stale);
    }
    let details = json!({
        "before": before.settings,
        "after": after.settings,
        "secret_changed": false,
    });
    audit::note(tx, now, actor, "provider.edit", slug, details).await?;
    Ok(())
}

impl App {
    /// What switching a provider off means for domains bound to it.
    pub(super) async fn bound_note(&self, provider: &Provider) -> Result<Option<String>, Problem> {
        let names = self.domains_bound_to(provider.id).await?;
        Ok((!names.is_empty()).then(|| {
            format!(
                "{} to it: nobody there signs in by a provider until it is switched on again or \
                 the domain is free.",
                are_bound(&names)
            )
        }))
    }
}

/// `example.org is bound`, `a.test, b.test and 4 more are bound`.
fn are_bound(names: &[DomainName]) -> String {
    let shown: Vec<_> = names.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{}{more} {verb} bound", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_few() {
        let names = |count| -> Vec<DomainName> {
            (0..count)
                .map(|n| DomainName::parse(&format!("d{n}.test")).unwrap())
                .collect()
        };
        assert_eq!(are_bound(&names(1)), "d0.test is bound");
        assert_eq!(are_bound(&names(2)), "d0.test, d1.test are bound");
        assert_eq!(
            are_bound(&names(7)),
            "d0.test, d1.test, d2.test, d3.test, d4.test and 2 more are bound"
        );
    }
}
