//! From a refusal to the page that mends it, and from a trace to lines on a page.

use super::list::{segment, with_query};
use super::mend::For;
use super::{aliases, blocks, domains, mailboxes};
use crate::parts::{Check, Link, State as Standing, When};
use crate::shell::AdminEntry;
use model::address::{Address, DomainName};
use model::attempt::{Reference, Step, StepState};
use model::ids::ProviderId;
use model::outcome::{APP_ID, Code, Fix, Refusal, Remedy};
use model::provider::{Endpoints, Provider};
use model::rules::limits::size;

/// The list of apps; the page of each is below it.
const APPS: &str = "/admin/apps";

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

/// The button that leads to where a refusal is mended; none where nothing here can mend it. The form
/// behind it is filled in for `attempt`, if the refusal is what that attempt meets.
pub(super) fn button(
    refusal: &Refusal,
    address: Option<&str>,
    provider: Option<&Provider>,
    attempt: Option<&Reference>,
) -> Option<Link> {
    // A row of mail programs that stands for many attempts names no account to clear.
    let clearable = address.is_some() || refusal.code == Code::TooManyTries;
    if let (Some(Remedy::ClearTries), Some(attempt), true) = (refusal.remedy(), attempt, clearable)
    {
        let path = format!("{}/clear", super::sign_ins::path_of(attempt));
        return Some(Link::new(path, "Clear"));
    }
    let address = address.and_then(|address| Address::parse(address).ok());
    let provider_page = |rest: &str| match provider {
        Some(provider) => format!("{}{rest}", path_of(&provider.slug)),
        None => AdminEntry::Providers.path().to_owned(),
    };
    let link = match refusal.code.entry().fix {
        Fix::Provider | Fix::ProviderCheck => return at_provider(refusal, provider, attempt),
        Fix::Rules => {
            let (field, words) = match (refusal.code, provider) {
                (_, None) => ("", "Open the providers"),
                (Code::NoMapping, _) if !refusal.facts.contains_key("claim") => {
                    ("f-everyone_else", "Choose what everyone else gets")
                }
                (Code::ClaimWithheld, _) => ("", "Open the provider's rules"),
                _ if attempt.is_none() => ("", "Open the provider's rules"),
                (Code::NoMapping, _) => ("suggested", "Add a rule from these claims"),
                (Code::NearMapping, _) => ("suggested", "Match ignoring case"),
                _ => ("suggested", "Choose another template"),
            };
            Link::new(For::path(&provider_page("/rules"), attempt, field), words)
        }
        Fix::Domain => at_domain(refusal, &address?.domain(), attempt),
        Fix::AddDomain => {
            let domain = address?.domain();
            let words = format!("Add {domain}");
            let new = "/admin/domains/new";
            let path = match attempt {
                Some(_) => For::path(new, attempt, "f-name"),
                None => with_query(new, &[("name", domain.as_str())]) + "#f-name",
            };
            Link::new(path, words)
        }
        Fix::Mailbox => Link::new(mailboxes::path_of(&address?), "Open the mailbox"),
        Fix::AddMailbox => {
            let address = address?;
            let to = with_query("/admin/mailboxes/new", &[("address", address.as_str())]);
            Link::new(to, format!("Add {address}"))
        }
        Fix::Alias => Link::new(aliases::path_of(&address?), "Open the alias"),
        Fix::Block => {
            // By the mailbox the person had, whatever they are called now.
            let had = refusal.facts.get("address").map(String::as_str);
            let who = had
                .or(address.as_ref().map(Address::as_str))
                .unwrap_or_default();
            Link::new(with_query(blocks::LIST, &[("q", who)]), "Open the block")
        }
        Fix::App => match refusal.facts.get(APP_ID) {
            Some(id) => Link::new(format!("{APPS}/{}", segment(id)), "Open the app"),
            None => Link::new(APPS, "Open the apps"),
        },
        Fix::Person | Fix::Server => return None,
    };
    Some(link)
}

/// The remedy that its button can name: without an attempt nothing is filled in behind it, so that
/// only those stay whose page needs none.
fn remedy_of(refusal: &Refusal, attempt: Option<&Reference>) -> Option<Remedy> {
    refusal.remedy().filter(|remedy| {
        let alone = matches!(
            remedy,
            Remedy::AllowHost(_) | Remedy::Endpoint(_) | Remedy::Secret | Remedy::ProviderOn
        );
        alone || attempt.is_some()
    })
}

/// To the setting of a provider that mends a refusal, or to the check that shows which one does.
fn at_provider(
    refusal: &Refusal,
    provider: Option<&Provider>,
    attempt: Option<&Reference>,
) -> Option<Link> {
    let Some(provider) = provider else {
        return Some(Link::new(
            AdminEntry::Providers.path(),
            "Open the providers",
        ));
    };
    let path = path_of(&provider.slug);
    let field = |name: &str| For::path(&path, attempt, &format!("f-{name}"));
    let by_hand = matches!(provider.settings.endpoints, Endpoints::Manual { .. });
    let link = match (remedy_of(refusal, attempt), refusal.code) {
        (Some(Remedy::AllowHost(host)), _) => Link::new(
            with_query(&format!("{path}/allow-host"), &[("host", &host)]),
            format!("Allow {host} for this provider"),
        ),
        (Some(Remedy::Issuer(_)), _) => Link::new(field("issuer"), "Use the answered issuer"),
        (Some(Remedy::Endpoint(endpoint)), _) if by_hand => {
            let name = match endpoint.as_str() {
                "token" => "token_url",
                "userinfo" => "userinfo_url",
                _ => "authorize_url",
            };
            Link::new(field(name), format!("Change the {endpoint} endpoint"))
        }
        (Some(Remedy::Endpoint(_)), _) => Link::new(field("issuer"), "Change the issuer"),
        (Some(Remedy::Secret), _) => Link::new(field("client_secret"), "Set the client secret"),
        (Some(Remedy::Scopes { refused, .. }), _) => {
            Link::new(field("scopes"), format!("Remove the scope {refused}"))
        }
        (Some(Remedy::AcceptAbsent), _) => {
            Link::new(field("email_trust"), "Accept an absent value")
        }
        (Some(Remedy::DomainOfProvider(domain)), _) => Link::new(
            field("domains"),
            format!("Allow {domain} for this provider"),
        ),
        (Some(Remedy::ProviderOn), _) => Link::new(format!("{path}/switch"), "Switch it on"),
        (_, Code::ScopeRefused) => Link::new(field("scopes"), "Change the scopes"),
        (_, Code::ProviderTls) => Link::new(field("tls"), "Change how its certificate is trusted"),
        (_, Code::EmailUnverified) => {
            Link::new(field("email_trust"), "Open what is believed of it")
        }
        (_, Code::EmailMissing | Code::AddressUnusable) => Link::new(
            field("address_claim"),
            "Choose another claim for the address",
        ),
        (_, code) if code.entry().fix == Fix::ProviderCheck => {
            Link::new(format!("{path}/check"), "Check the connection")
        }
        _ => Link::new(path, "Open the provider"),
    };
    Some(link)
}

/// To the setting of a domain that mends a refusal.
fn at_domain(refusal: &Refusal, domain: &DomainName, attempt: Option<&Reference>) -> Link {
    let path = domains::path_of(domain);
    let field = |name: &str| For::path(&path, attempt, &format!("f-{name}"));
    match (remedy_of(refusal, attempt), refusal.code) {
        (Some(Remedy::DomainOn), _) => Link::new(field("active"), format!("Switch {domain} on")),
        (Some(Remedy::Mailboxes(most)), _) => {
            Link::new(field("max_mailboxes"), format!("Raise to {most} mailboxes"))
        }
        (Some(Remedy::DomainQuota(bytes)), _) => {
            Link::new(field("domain_quota"), format!("Raise to {}", size(bytes)))
        }
        (Some(Remedy::LargestQuota(bytes)), _) => {
            Link::new(field("max_quota"), format!("Raise to {}", size(bytes)))
        }
        (_, Code::DomainBound) => {
            Link::new(format!("{path}#f-provider"), "Change the domain's choice")
        }
        _ => Link::new(path, "Open the domain"),
    }
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
    fn without_an_attempt_no_button_names_what_would_be_filled_in() {
        let full = Refusal::new(Code::DomainFull)
            .with("domain", "example.org")
            .with("max", 50)
            .with("used", 50)
            .with("limit", 50);
        let link = button(&full, Some("a@example.org"), None, None).unwrap();
        assert_eq!(link.text, "Open the domain");
        assert!(!link.href.contains("for="), "{}", link.href);
    }

    #[test]
    fn every_code_leads_somewhere_or_to_nobody() {
        for code in Code::ALL {
            let refusal = Refusal::new(*code).with("host", "auth.lan");
            let link = button(&refusal, Some("a+b@example.org"), None, None);
            let nobody = matches!(code.entry().fix, Fix::Person | Fix::Server);
            assert_eq!(link.is_none(), nobody, "{code}");
            assert!(
                link.is_none_or(|link| link.href.starts_with("/admin/")),
                "{code}"
            );
        }
    }
}
