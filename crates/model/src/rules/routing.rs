//! Which provider somebody goes to, told by the domain of an address alone: nothing about accounts
//! can be learned from the answer.

use crate::domain::MailDomain;
use crate::ids::DomainId;
use crate::provider::Provider;
use std::collections::BTreeSet;

/// The providers by which people of a domain may come, in the order of the sign-in page. None for a
/// domain that is not served, as for one without a provider.
#[must_use]
pub fn of_domain<'p>(domain: Option<&MailDomain>, providers: &'p [Provider]) -> Vec<&'p Provider> {
    let Some(domain) = domain else {
        return Vec::new();
    };
    let here = |provider: &&Provider| {
        provider.settings.active
            && provider.settings.domains.contains(&domain.id)
            && domain.provider.is_none_or(|bound| bound == provider.id)
    };
    providers.iter().filter(here).collect()
}

/// Whether the sign-in page asks for an address first: several providers are on, and an address can
/// tell which of them is meant. `bound` says whether any domain is bound to a provider.
#[must_use]
pub fn asks_address(providers: &[Provider], bound: bool) -> bool {
    let mut on = providers.iter().filter(|p| p.settings.active);
    let set = |p: &Provider| {
        p.settings
            .domains
            .iter()
            .copied()
            .collect::<BTreeSet<DomainId>>()
    };
    let Some(first) = on.next().map(set) else {
        return false;
    };
    let mut others = on.peekable();
    others.peek().is_some() && (bound || others.any(|p| set(p) != first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, DomainName};
    use crate::domain::DomainLimits;
    use crate::ids::ProviderId;
    use crate::link::Namespace;
    use crate::preset::Preset;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn provider(id: i64, domains: &[i64]) -> Provider {
        let mut settings = Preset::default().settings();
        settings.active = true;
        settings.domains = domains.iter().map(|id| DomainId(*id)).collect();
        Provider {
            checks_stopped: None,
            id: ProviderId(id),
            slug: format!("p{id}"),
            created: NOW,
            modified: NOW,
            secret: None,
            namespace: Namespace(format!("https://p{id}.example")),
            settings,
        }
    }

    fn domain(id: i64, bound: Option<i64>) -> MailDomain {
        MailDomain {
            confirm: None,
            id: DomainId(id),
            name: DomainName::parse("example.org").unwrap(),
            active: true,
            limits: DomainLimits::default(),
            role_target: Address::parse("root@example.net").unwrap(),
            provider: bound.map(ProviderId),
            created: NOW,
            modified: NOW,
        }
    }

    fn ids(found: &[&Provider]) -> Vec<i64> {
        found.iter().map(|p| p.id.0).collect()
    }

    #[test]
    fn a_domain_leads_to_the_providers_that_may_sign_its_people_in() {
        let mut off = provider(3, &[1, 2]);
        off.settings.active = false;
        let all = [provider(2, &[1, 2]), provider(1, &[1]), off];
        for (domain, want) in [
            (Some(domain(1, None)), vec![2, 1]),
            (Some(domain(2, None)), vec![2]),
            (Some(domain(1, Some(1))), vec![1]),
            // Bound to one that is switched off: nobody else steps in.
            (Some(domain(1, Some(3))), vec![]),
            (Some(domain(9, None)), vec![]),
            (None, vec![]),
        ] {
            assert_eq!(ids(&of_domain(domain.as_ref(), &all)), want, "{domain:?}");
        }
    }

    #[test]
    fn an_address_is_asked_for_only_where_it_decides() {
        let off = |mut p: Provider| {
            p.settings.active = false;
            p
        };
        for (all, bound, want) in [
            (vec![], false, false),
            (vec![provider(1, &[1])], true, false),
            (
                vec![provider(1, &[1, 2]), provider(2, &[2, 1])],
                false,
                false,
            ),
            (vec![provider(1, &[1, 2]), provider(2, &[2, 1])], true, true),
            (vec![provider(1, &[1]), provider(2, &[2])], false, true),
            (vec![provider(1, &[1]), off(provider(2, &[2]))], true, false),
        ] {
            assert_eq!(asks_address(&all, bound), want, "{all:?} {bound}");
        }
    }
}
