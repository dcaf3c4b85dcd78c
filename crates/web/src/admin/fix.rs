//! From a refusal to the page that mends it, and from a trace to lines on a page.

use super::list::{segment, with_query};
use super::{aliases, domains, mailboxes};
use crate::parts::{Check, Link, State as Standing, When};
use crate::shell::AdminEntry;
use model::address::Address;
use model::attempt::{Step, StepState};
use model::ids::ProviderId;
use model::outcome::{Code, Fix, Refusal};
use model::provider::Provider;

/// The provider a refusal is about: the attempt's, else the one its words name.
pub(super) fn provider_of<'p>(
    providers: &'p [Provider],
    id: Option<ProviderId>,
    refusal: &Refusal,
) -> Option<&'p Provider> {
    let name = refusal.facts.get("provider");
    let by_id = providers.iter().find(|provider| Some(provider.id) == id);
    by_id.or_else(|| {
        providers
            .iter()
            .find(|provider| Some(&provider.settings.name) == name)
    })
}

/// The button that leads to where a refusal is mended; none where nothing here can mend it.
pub(super) fn button(
    refusal: &Refusal,
    address: Option<&str>,
    provider: Option<&Provider>,
) -> Option<Link> {
    let address = address.and_then(|address| Address::parse(address).ok());
    let provider_page = |rest: &str| match provider {
        Some(provider) => format!("{}{rest}", path_of(&provider.slug)),
        None => AdminEntry::Providers.path().to_owned(),
    };
    let link = match refusal.code.entry().fix {
        Fix::Provider => match (refusal.code, refusal.facts.get("host")) {
            (Code::InternalAddress, Some(host)) => Link::new(
                with_query(&provider_page("/allow-host"), &[("host", host)]),
                format!("Allow {host} for this provider"),
            ),
            _ => Link::new(provider_page(""), "Open the provider"),
        },
        Fix::ProviderCheck => Link::new(provider_page("/check"), "Check the connection"),
        Fix::Rules => match (provider, claim_of(refusal)) {
            (Some(_), Some((claim, value))) => Link::new(
                with_query(
                    &provider_page("/rules"),
                    &[("claim", claim), ("value", value)],
                ),
                "Add a rule from these claims",
            ),
            (Some(_), None) => Link::new(provider_page("/rules"), "Open the provider's rules"),
            (None, _) => Link::new(provider_page(""), "Open the providers"),
        },
        Fix::Domain => Link::new(domains::path_of(&address?.domain()), "Open the domain"),
        Fix::AddDomain => {
            let domain = address?.domain();
            let name = [("name", domain.as_str())];
            Link::new(
                with_query("/admin/domains/new", &name),
                format!("Add {domain}"),
            )
        }
        Fix::Mailbox => Link::new(mailboxes::path_of(&address?), "Open the mailbox"),
        Fix::AddMailbox => {
            let address = address?;
            let to = with_query("/admin/mailboxes/new", &[("address", address.as_str())]);
            Link::new(to, format!("Add {address}"))
        }
        Fix::Alias => Link::new(aliases::path_of(&address?), "Open the alias"),
        Fix::Person | Fix::Server => return None,
    };
    Some(link)
}

/// The claim that decided nothing, with its value, where a refusal names them.
fn claim_of(refusal: &Refusal) -> Option<(&str, &str)> {
    let fact = |name| refusal.facts.get(name).map(String::as_str);
    fact("claim").zip(fact("value"))
}

/// Where a provider's page is.
pub(super) fn path_of(slug: &str) -> String {
    format!("{}/{}", AdminEntry::Providers.path(), segment(slug))
}

/// The help page of a code.
pub(super) fn help(code: Code) -> Link {
    Link::new(format!("/help/codes/{code}"), format!("What {code} means"))
}

/// Steps of a trace as lines; the last shut gate carries its button.
pub(super) fn lines(steps: &[Step], button: Option<&Link>) -> Vec<Check> {
    let with_button = |(n, step): (usize, &Step)| {
        let line = line(n, step);
        match button {
            Some(button) if step.state == StepState::Blocked => line.fixed_by(button.clone()),
            _ => line,
        }
    };
    steps.iter().enumerate().map(with_button).collect()
}

/// Steps of a second list on the same page.
pub(super) fn others(steps: &[Step]) -> Vec<Check> {
    let apart = |(n, step): (usize, &Step)| line(n + 100, step);
    steps.iter().enumerate().map(apart).collect()
}

/// A step as the line `n` of its list.
pub(super) fn line(n: usize, step: &Step) -> Check {
    let seen = match step.at {
        Some(at) => format!("{} ({})", step.evidence, When::exactly(at).text()),
        None => step.evidence.clone(),
    };
    let line = Check::new(n, standing(step.state), sentence(&step.gate)).seen(seen);
    match step.ms.or(step.took_ms) {
        Some(ms) => line.took(ms),
        None => line,
    }
}

const fn standing(state: StepState) -> Standing {
    match state {
        StepState::Ok => Standing::Ok,
        StepState::Blocked => Standing::Error,
        StepState::Warn => Standing::Warn,
        StepState::Note => Standing::Neutral,
        StepState::NotReached => Standing::Skipped,
    }
}

fn sentence(gate: &str) -> String {
    let mut chars = gate.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_somewhere_or_to_nobody() {
        for code in Code::ALL {
            let refusal = Refusal::new(*code).with("host", "auth.lan");
            let link = button(&refusal, Some("a+b@example.org"), None);
            let nobody = matches!(code.entry().fix, Fix::Person | Fix::Server);
            assert_eq!(link.is_none(), nobody, "{code}");
            assert!(
                link.is_none_or(|link| link.href.starts_with("/admin/")),
                "{code}"
            );
        }
    }
}
