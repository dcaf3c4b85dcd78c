//! Checking and repairing what an administrator typed into a provider.

use crate::{FieldProblem, Problem};
use model::ids::ProviderId;
use model::link::Namespace;
use model::preset::{Preset, repair_issuer};
use model::provider::{Endpoints, EveryoneElse, ProviderSettings, RedirectForm, TlsTrust};
use model::rule::{Rule, Test};
use model::time::Timestamp;
use oidc::endpoint::Endpoint;
use oidc::issuer;
use oidc::scope::Scopes;
use std::collections::BTreeSet;
use store::Conn;
use upstream::http::certificate::Certificates;
use url::Url;

/// Most rules of one provider.
const MOST_RULES: usize = 200;

/// Checks every field and repairs what can be repaired; the repairs are told in sentences.
pub(super) fn check(
    mut settings: ProviderSettings,
    slug: &str,
    public_url: &str,
) -> Result<(ProviderSettings, Vec<String>), Problem> {
    let mut found = Found::default();
    settings.name = settings.name.trim().to_owned();
    if !(1..=64).contains(&settings.name.chars().count()) || has_control(&settings.name) {
        found.wrong("name", "1 to 64 characters");
    }
    settings.client_id = settings.client_id.trim().to_owned();
    if settings.client_id.is_empty()
        || settings.client_id.len() > 512
        || has_control(&settings.client_id)
    {
        found.wrong("client_id", "the client id that the provider gave you");
    }
    let preset = settings.preset;
    endpoints(
        &mut settings.endpoints,
        preset,
        slug,
        public_url,
        &mut found,
    );
    match Scopes::parse(&settings.scopes) {
        Ok(scopes) => {
            settings.scopes = scopes.iter().collect::<Vec<_>>().join(" ");
            if !scopes.contains("openid") {
                found.note("Without the scope openid many providers send no subject in userinfo.");
            }
        }
        Err(error) => found.wrong("scopes", error),
    }
    if settings.address_claim.trim().is_empty() {
        "email".clone_into(&mut settings.address_claim);
    }
    settings.subject_claim = settings
        .subject_claim
        .take()
        .filter(|claim| !claim.trim().is_empty());
    subject_claim(&settings, &mut found);
    rules(&settings.rules, &mut found);
    tls(&mut settings.tls, &mut found);
    for host in &settings.private_hosts {
        if check_host(host).is_err() {
            found.wrong("private_hosts", format!("{host:?} is not a host name"));
        }
    }
    if settings.domains.is_empty() {
        found.note("It may not sign in people of any domain yet; choose at least one.");
    }
    if settings.create
        && settings.rules.is_empty()
        && settings.everyone_else == EveryoneElse::Refuse
    {
        found.note("No rule gives a template yet, so nobody new gets a mailbox by it (SSO-405).");
    }
    if found.problems.is_empty() {
        Ok((settings, found.notes))
    } else {
        Err(Problem::Invalid(found.problems))
    }
}

#[derive(Default)]
struct Found {
    problems: Vec<FieldProblem>,
    notes: Vec<String>,
}

impl Found {
    fn wrong(&mut self, field: &str, message: impl std::fmt::Display) {
        self.problems.push(FieldProblem {
            field: field.to_owned(),
            message: message.to_string(),
        });
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

fn endpoints(
    endpoints: &mut Endpoints,
    preset: Preset,
    slug: &str,
    public_url: &str,
    found: &mut Found,
) {
    match endpoints {
        Endpoints::Issuer { issuer } => match repaired(issuer, preset, slug) {
            Ok((repaired, changes)) => {
                if !changes.is_empty() {
                    let changes = changes.join(" ");
                    found.note(format!("Issuer: {changes} It is {repaired} now."));
                }
                *issuer = repaired;
                one_url("issuer", issuer, public_url, found);
            }
            Err(words) => found.wrong("issuer", words),
        },
        Endpoints::Manual {
            authorize,
            token,
            userinfo,
        } => {
            for (field, text) in [
                ("authorize_url", authorize),
                ("token_url", token),
                ("userinfo_url", userinfo),
            ] {
                let trimmed = text.trim();
                if trimmed.len() != text.len() {
                    found.note(format!("{field}: spaces around it were removed."));
                    *text = trimmed.to_owned();
                }
                one_url(field, text, public_url, found);
            }
        }
    }
}

/// Most characters of an issuer: far more than any has, few enough to be repeated in a sentence.
const MOST_ISSUER: usize = 2048;

/// The issuer that was meant, and what was changed to get there.
fn repaired(
    pasted: &str,
    preset: Preset,
    slug: &str,
) -> Result<(String, Vec<&'static str>), String> {
    if pasted.len() > MOST_ISSUER {
        return Err(format!("at most {MOST_ISSUER} characters"));
    }
    let (issuer, repairs) = issuer::repair(pasted).map_err(|error| error.to_string())?;
    let mut changes: Vec<_> = repairs.into_iter().map(issuer::Repair::text).collect();
    let repaired = repair_issuer(preset, issuer.as_str(), slug)?;
    changes.extend(repaired.change);
    Ok((repaired.issuer, changes))
}

fn one_url(field: &str, text: &str, public_url: &str, found: &mut Found) {
    let endpoint = match Endpoint::parse(text) {
        Ok(endpoint) => endpoint,
        Err(error) => return found.wrong(field, error),
    };
    let url = endpoint.url();
    if url.port() == Some(0) {
        return found.wrong(field, "port 0 is not a port");
    }
    if url.scheme() == "http" && !is_loopback(&endpoint.host()) {
        return found.wrong(field, "http: is allowed to loopback only; use https:");
    }
    let own = Url::parse(public_url).ok();
    let at_own = own.is_some_and(|own| {
        own.host_str() == url.host_str()
            && own.port_or_known_default() == url.port_or_known_default()
    });
    if at_own {
        found.note(format!(
            "{field} points at this mail server, not at the provider: sign-ins will be refused \
             with SSO-104. Some published guides print it so; use the provider's own host name."
        ));
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn subject_claim(settings: &ProviderSettings, found: &mut Found) {
    let Some(claim) = &settings.subject_claim else {
        return;
    };
    if matches!(settings.endpoints, Endpoints::Issuer { .. }) {
        found.wrong(
            "subject_claim",
            "a provider with an issuer is known by its sub",
        );
    }
    if *claim == settings.address_claim || claim == "email" {
        found.wrong(
            "subject_claim",
            "never the address: it may be given to somebody else",
        );
    }
}

/// Checks rules by themselves, without their templates.
pub(crate) fn check_rules(all: &[Rule]) -> Result<(), Problem> {
    let mut found = Found::default();
    rules(all, &mut found);
    if found.problems.is_empty() {
        Ok(())
    } else {
        Err(Problem::Invalid(found.problems))
    }
}

fn rules(all: &[Rule], found: &mut Found) {
    if all.len() > MOST_RULES {
        found.wrong("rules", format!("at most {MOST_RULES}"));
    }
    for (n, rule) in all.iter().enumerate() {
        let field = format!("rules.{}", n + 1);
        if rule.claim.trim().is_empty() || rule.claim.len() > 200 {
            found.wrong(&field, "name the claim");
        }
        let empty = match &rule.test {
            Test::Is(value) | Test::Contains(value) | Test::StartsWith(value) => value.is_empty(),
            Test::OneOf(values) => values.is_empty() || values.iter().any(String::is_empty),
            Test::Matches(pattern) => {
                if let Err(error) = pattern.check() {
                    found.wrong(&field, error);
                }
                false
            }
            Test::Present => false,
        };
        if empty {
            found.wrong(&field, "name the value");
        }
        let twin = all[..n]
            .iter()
            .any(|other| other.claim == rule.claim && other.test == rule.test);
        if twin {
            found.wrong(
                &field,
                "an earlier rule asks exactly the same; this one would never match",
            );
        }
    }
}

fn tls(tls: &mut TlsTrust, found: &mut Found) {
    match tls {
        TlsTrust::Public => {}
        TlsTrust::Ca { pem } => {
            if let Err(error) = Certificates::parse(pem) {
                found.wrong("ca_pem", error);
            }
        }
        TlsTrust::Pinned { sha256 } => {
            *sha256 = sha256
                .chars()
                .filter(char::is_ascii_hexdigit)
                .map(|c| c.to_ascii_lowercase())
                .collect();
            if sha256.len() != 64 {
                found.wrong(
                    "pin_sha256",
                    "64 hexadecimal digits: the SHA-256 of the certificate",
                );
            }
        }
        TlsTrust::Ignore { until } => {
            found.note(
                "TLS errors are ignored: whoever sits between this server and the provider can \
                 sign in as anybody. Add the provider's CA certificate instead as soon as you can.",
            );
            if until.is_none() {
                found.note("Give this exception an end date.");
            }
        }
    }
}

/// Whether TLS errors are to be ignored that were not, or until another day. An exception that has
/// lapsed does not stand in the way of other changes.
pub(super) fn ignores_anew(
    before: Option<&ProviderSettings>,
    after: &ProviderSettings,
    now: Timestamp,
) -> Result<bool, Problem> {
    let TlsTrust::Ignore { until } = after.tls else {
        return Ok(false);
    };
    if before.is_some_and(|before| before.tls == after.tls) {
        return Ok(false);
    }
    if until.is_some_and(|until| until <= now) {
        let words = "choose a day in the future";
        return Err(Problem::field("ignore_tls_until", words));
    }
    Ok(true)
}

/// Domains, templates and other objects that the settings name must exist.
pub(crate) async fn check_references(
    tx: &mut Conn,
    settings: &ProviderSettings,
) -> Result<(), Problem> {
    let templates = store::templates::all(tx).await?;
    let known = |id| templates.iter().any(|template| template.id == id);
    for (n, rule) in settings.rules.iter().enumerate() {
        if !known(rule.template) {
            return Err(Problem::field(
                &format!("rules.{}", n + 1),
                "this template does not exist any more",
            ));
        }
    }
    if let EveryoneElse::Template(id) = settings.everyone_else
        && !known(id)
    {
        return Err(Problem::field(
            "everyone_else",
            "this template does not exist any more",
        ));
    }
    let distinct: BTreeSet<_> = settings.domains.iter().collect();
    let names = store::domains::names_of(tx, &settings.domains).await?;
    if names.len() != distinct.len() {
        return Err(Problem::field(
            "domains",
            "one of the domains does not exist any more",
        ));
    }
    Ok(())
}

/// The longest name in paths, in bytes.
const LONGEST_SLUG: usize = 40;

/// Lower-case letters and digits of a name, joined by hyphens: `Example SSO` → `example-sso`.
#[must_use]
pub fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST_SLUG);
    // After the cut, which may fall behind a hyphen.
    match slug.trim_end_matches('-') {
        "" => "sso".to_owned(),
        slug => slug.to_owned(),
    }
}

pub(super) fn check_slug(slug: &str) -> Result<(), Problem> {
    let good = (1..=LONGEST_SLUG).contains(&slug.len())
        && slug
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if !good {
        return Err(Problem::field(
            "slug",
            "1 to 40 lower-case letters, digits and hyphens",
        ));
    }
    if slug == "any" {
        let words = "“any” means every provider in commands; choose another short name";
        return Err(Problem::field("slug", words));
    }
    Ok(())
}

pub(super) fn check_host(host: &str) -> Result<(), Problem> {
    let good = !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
    if good {
        Ok(())
    } else {
        Err(Problem::field("private_hosts", "this is not a host name"))
    }
}

/// What makes the redirect URL unique: the two bare forms arrive at the same path.
pub(crate) fn redirect_key(form: RedirectForm, slug: &str) -> String {
    if form.is_bare() {
        "bare".to_owned()
    } else {
        format!("path:{slug}")
    }
}

/// Where subjects are unique: the issuer, or a name of our own for endpoints typed by hand, made
/// new each time the endpoints move.
pub(super) fn namespace(settings: &ProviderSettings, id: ProviderId, now: Timestamp) -> Namespace {
    match &settings.endpoints {
        Endpoints::Issuer { issuer } => Namespace(issuer.clone()),
        // Microseconds: two moves within one second are two namespaces.
        Endpoints::Manual { .. } => Namespace(format!("urn:gatepost:provider:{id}:{}", now.0)),
    }
}

/// Whether two settings speak of the same people: of one issuer, or of endpoints typed by hand
/// that stand at the same origins, each in its own role, and name people by the same claim.
pub(super) fn same_people(before: &ProviderSettings, after: &ProviderSettings) -> bool {
    match (&before.endpoints, &after.endpoints) {
        (Endpoints::Issuer { issuer: before }, Endpoints::Issuer { issuer: after }) => {
            before == after
        }
        (
            Endpoints::Manual {
                authorize,
                token,
                userinfo,
            },
            Endpoints::Manual {
                authorize: new_authorize,
                token: new_token,
                userinfo: new_userinfo,
            },
        ) => {
            same_origin(authorize, new_authorize)
                && same_origin(token, new_token)
                && same_origin(userinfo, new_userinfo)
                && before.subject_claim == after.subject_claim
        }
        _ => false,
    }
}

/// Whether a stored secret would go where it went before. An issuer with or without its last slash
/// has one discovery document, which decides; any other change is another place.
pub(super) fn same_place(before: &Endpoints, after: &Endpoints) -> bool {
    match (before, after) {
        (Endpoints::Issuer { issuer: before }, Endpoints::Issuer { issuer: after }) => {
            before == after
                || issuer::Issuer::parse(before)
                    .is_ok_and(|before| before.differs_by_slash_only(after))
        }
        _ => before == after,
    }
}

fn same_origin(before: &str, after: &str) -> bool {
    match (Url::parse(before), Url::parse(after)) {
        (Ok(before), Ok(after)) => before.origin() == after.origin(),
        _ => before == after,
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug_that_a_form_takes() {
        for (name, slug) in [
            ("Example SSO", "example-sso".to_owned()),
            ("  Größe & Co. ", "gr-e-co".to_owned()),
            ("…", "sso".to_owned()),
            (&"a".repeat(50), "a".repeat(40)),
            (&format!("{} b", "a".repeat(39)), "a".repeat(39)),
        ] {
            assert_eq!(slug_of(name), slug, "{name:?}");
            assert_eq!(check_slug(&slug), Ok(()), "{slug:?}");
        }
    }
}
