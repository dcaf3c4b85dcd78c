//! What the discovery document says.

use super::{Found, Lines, Step, StepName, Test};
use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::Guard;
use crate::openid::metadata::{self, Places};
use crate::provider::ProviderSettings;
use model::outcome::Code;
use model::provider::ClientAuth;
use model::time::Timestamp;
use oidc::discovery::{DiscoveryError, Metadata};
use oidc::endpoint::Endpoint;
use oidc::issuer::Issuer;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

/// From how many seconds on a clock difference is worth a warning.
const CLOCK_WARN: i64 = 30;

/// The scopes of OpenID Connect Core section 5.4 that a mailbox comes from.
const STANDARD_SCOPES: [&str; 3] = ["openid", "profile", "email"];

impl Test<'_> {
    /// Fetches the document; two lines, for "is there one" and "is it this issuer's".
    pub(super) async fn discover<F: FnMut(&Step)>(
        &self,
        issuer: &Issuer,
        url: &Url,
        lines: &mut Lines<F>,
    ) -> Option<Found> {
        let started = Instant::now();
        let request = metadata::request(url);
        let answer = match self
            .upstream
            .call(self.settings, Purpose::Discovery, &request)
            .await
        {
            Ok(answer) => answer,
            Err(error) => {
                lines.add(Step::error(StepName::Discovery, &error).took(started));
                return None;
            }
        };
        let evidence = format!(
            "{url} answered {}, {}, {} bytes",
            answer.status,
            answer.content_type.as_deref().map_or_else(
                || "no content type".to_owned(),
                |kind| oidc::foreign::printable(kind, 60)
            ),
            answer.body.len()
        );
        match metadata::read(url, &answer, issuer) {
            Ok(found) => {
                lines.add(Step::ok(StepName::Discovery, evidence).took(started));
                lines.add(Step::ok(StepName::Issuer, issuer.as_str()));
                lines.add(clock(answer.date, self.upstream.clock.now()));
                Some(Found {
                    places: Places::Discovered(Arc::new(found)),
                    clock_told: true,
                })
            }
            Err(error) => {
                match differing_issuer(&error) {
                    Some(differs) => {
                        lines.add(Step::ok(StepName::Discovery, evidence).took(started));
                        lines.add(issuer_differs(differs));
                    }
                    None => {
                        lines.add(Step::error(StepName::Discovery, &error).took(started));
                    }
                }
                None
            }
        }
    }
}

fn differing_issuer(error: &UpstreamError) -> Option<&DiscoveryError> {
    match error {
        UpstreamError::Answer { fault, .. } => match fault.as_ref() {
            AnswerFault::Discovery(differs @ DiscoveryError::Issuer { .. }) => Some(differs),
            _ => None,
        },
        _ => None,
    }
}

fn issuer_differs(differs: &DiscoveryError) -> Step {
    let step = Step::failed(StepName::Issuer, Code::DiscoveryFailed, differs.to_string());
    let DiscoveryError::Issuer { answered, .. } = differs else {
        return step;
    };
    if answered.contains("{tenantid}") {
        return step.fix("This is the address for all tenants. Use the one of your own tenant.");
    }
    match differs.slash_answer() {
        Some(answered) => step.fix(format!("Use the answered issuer: {answered}")),
        None => step.fix(
            "Use the answered issuer if it is the provider you mean; else the provider sits \
             behind a proxy that does not tell it its public address.",
        ),
    }
}

/// Whether each endpoint can be used. Another host than the issuer's is only noted: Google has
/// three.
pub(super) fn endpoints(guard: &Guard, places: &Places) -> Step {
    let mut listed = vec![
        (Purpose::Authorization, places.authorization()),
        (Purpose::Token, places.token()),
    ];
    if let Some(userinfo) = places.userinfo() {
        listed.push((Purpose::UserInfo, userinfo));
    }
    if let Some(metadata) = places.metadata() {
        listed.push((Purpose::Keys, &metadata.jwks_uri));
    }
    for (purpose, endpoint) in &listed {
        if guard.is_own_url(endpoint.url()) {
            return Step::failed(
                StepName::Endpoints,
                Code::EndpointOnOwnHost,
                format!(
                    "the {} URL {endpoint} is on this mail server",
                    purpose.name()
                ),
            )
            .fix("Some published guides for mailcow print it so; use the provider's own host.");
        }
        if !is_encrypted_or_local(endpoint) {
            return Step::failed(
                StepName::Endpoints,
                Code::DiscoveryFailed,
                format!("the {} URL {endpoint} is not https:", purpose.name()),
            )
            .fix(
                "Without TLS only this machine is reached. A provider behind a proxy must be told \
                 that people reach it by https:.",
            );
        }
    }
    let mut hosts: Vec<_> = listed.iter().map(|(_, endpoint)| endpoint.host()).collect();
    hosts.sort();
    hosts.dedup();
    Step::ok(StepName::Endpoints, format!("on {}", hosts.join(", ")))
}

fn is_encrypted_or_local(endpoint: &Endpoint) -> bool {
    let host = endpoint.host();
    endpoint.url().scheme() == "https"
        || host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether it can do what a sign-in needs, by its own word. Silence is no fault: the test sign-in
/// tells.
pub(super) fn capabilities(settings: &ProviderSettings, places: &Places) -> Step {
    let Some(metadata) = places.metadata() else {
        return Step::skipped(StepName::Capabilities, "endpoints were typed by hand");
    };
    if metadata
        .response_types
        .as_ref()
        .is_some_and(|types| !types.iter().any(|t| t == "code"))
    {
        let step = Step::failed(
            StepName::Capabilities,
            Code::DiscoveryFailed,
            "the code flow is not among its response types",
        );
        return step.fix("Switch the authorization code flow on at the provider.");
    }
    if metadata.usable_algs().is_some_and(|algs| algs.is_empty()) {
        let step = Step::failed(
            StepName::Capabilities,
            Code::TokenRejected,
            "it signs ID tokens by no algorithm we accept",
        );
        return step.fix("Choose a signing key there: RS256, PS256, ES256, ES384 or EdDSA.");
    }
    let mut seen = vec!["code flow".to_owned(), pkce(metadata)];
    if metadata.response_iss {
        seen.push("names itself in answers".to_owned());
    }
    if metadata.backchannel_logout {
        seen.push("back-channel logout".to_owned());
    }
    let unlisted: Vec<_> = settings
        .scopes
        .iter()
        .filter(|scope| metadata.knows_scope(scope) == Some(false))
        .collect();
    if !unlisted.is_empty() {
        seen.push(format!("does not list scope {}", unlisted.join(", ")));
    }
    // Glewlwyd lists `openid` and nothing else, whatever it has; without the standard ones there
    // would be no address, so nobody is told to remove them.
    let unknown: Vec<_> = unlisted
        .into_iter()
        .filter(|scope| !STANDARD_SCOPES.contains(scope))
        .collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        let mut step = Step::warn(StepName::Capabilities, seen.join("; ")).fix(format!(
            "Some providers list fewer scopes than they have. If {unknown} is not defined there, \
             define it or remove it here: some refuse sign-ins with unknown scopes, others drop \
             them. The test sign-in tells."
        ));
        step.code = Some(Code::ScopeRefused);
        return step;
    }
    if let Some(method) = unlisted_method(settings, metadata) {
        seen.push(format!("does not list {method}"));
        return Step::warn(StepName::Capabilities, seen.join("; "))
            .fix("Set the authentication method to automatic.");
    }
    let chosen = settings.chosen_delivery();
    if let Some(way) = chosen.filter(|way| !metadata.answers_by(*way)) {
        seen.push(format!("does not list response_mode {}", way.name()));
        return Step::warn(StepName::Capabilities, seen.join("; "))
            .fix("Set how it sends its answers to automatic.");
    }
    Step::ok(StepName::Capabilities, seen.join("; "))
}

fn pkce(metadata: &Metadata) -> String {
    match &metadata.pkce_methods {
        Some(methods) if methods.iter().any(|m| m == "S256") => "PKCE S256",
        Some(_) => "PKCE S256 not listed",
        None => "PKCE not mentioned",
    }
    .to_owned()
}

fn unlisted_method(settings: &ProviderSettings, metadata: &Metadata) -> Option<&'static str> {
    let method = match settings.client_auth {
        ClientAuth::Auto => return None,
        ClientAuth::Basic => "client_secret_basic",
        ClientAuth::Body => "client_secret_post",
    };
    let listed = metadata.token_auth_methods.as_ref()?;
    (!listed.iter().any(|l| l == method)).then_some(method)
}

/// How far the two clocks are apart, by the `Date` of an answer. Its resolution is a second.
pub(super) fn clock(date: Option<Timestamp>, now: Timestamp) -> Step {
    let Some(theirs) = date else {
        return Step::skipped(StepName::Clock, "the provider sent no date");
    };
    let ahead = theirs.secs() - now.secs();
    let evidence = match ahead {
        -1..=1 => "none".to_owned(),
        ahead if ahead > 0 => format!("the provider is {ahead} s ahead of this server"),
        behind => format!("the provider is {} s behind this server", -behind),
    };
    let fix = "Check time synchronisation on both sides.";
    // Ahead: its tokens start in our future. Behind: they end early.
    if !(-60..=120).contains(&ahead) {
        return Step::failed(StepName::Clock, Code::ClockSkew, evidence).fix(fix);
    }
    if ahead.abs() >= CLOCK_WARN {
        return Step::warn(StepName::Clock, evidence).fix(fix);
    }
    Step::ok(StepName::Clock, evidence)
}
