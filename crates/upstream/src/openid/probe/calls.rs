//! The lines that need a call of their own.

use super::{Found, Step, StepName, StepState, Test, document};
use crate::error::{Purpose, TokenRefusal, UpstreamError};
use crate::http::{Request, Response};
use crate::openid::authorize::AuthorizeInput;
use crate::openid::jwks;
use crate::openid::metadata::Places;
use model::outcome::Code;
use model::random;
use oidc::callback::{Answer, Callback};
use oidc::pkce::Verifier;
use oidc::refusal::Meaning;
use secrecy::SecretString;
use tokio::time::Instant;
use url::Url;

/// Stands where a code or a token would: recognisable in the provider's log.
const MADE_UP: &str = "gatepost-connection-test";

impl Test<'_> {
    pub(super) async fn keys(&self, places: &Places) -> Step {
        let started = Instant::now();
        let Some(metadata) = places.metadata() else {
            return Step::skipped(StepName::Keys, "endpoints were typed by hand");
        };
        let url = metadata.jwks_uri.url();
        let answer = self
            .upstream
            .call(self.settings, Purpose::Keys, &jwks::request(url))
            .await;
        let keys = match answer.and_then(|answer| jwks::read(url, &answer)) {
            Ok(keys) => keys,
            Err(error) => return Step::error(StepName::Keys, &error).took(started),
        };
        let left_out = oidc::foreign::printable(&keys.unusable().join("; "), 400);
        if keys.is_empty() {
            let evidence = format!("no key can verify signatures ({left_out})");
            return Step::failed(StepName::Keys, Code::KeysUnavailable, evidence)
                .fix("Choose a signing key at the provider: RSA, P-256, P-384 or Ed25519.")
                .took(started);
        }
        let algs: Vec<_> = keys.algs().into_iter().map(|alg| alg.name()).collect();
        let mut evidence = format!("{} for {}", count(keys.len()), algs.join(", "));
        if !left_out.is_empty() {
            evidence = format!("{evidence}; left out: {left_out}");
        }
        Step::ok(StepName::Keys, evidence).took(started)
    }

    /// Asks for tokens with a made-up code: who refuses the code has believed the client.
    pub(super) async fn credentials(&self, places: &Places) -> Step {
        let started = Instant::now();
        let verifier = Verifier::generate(self.upstream.random.as_ref());
        let outcome = self
            .upstream
            .exchange_code(
                self.settings,
                &self.memory,
                places,
                MADE_UP,
                self.redirect_uri,
                verifier.expose(),
            )
            .await;
        let step = match outcome {
            Err(UpstreamError::Token(refusal)) => credentials(&refusal),
            Err(error) => Step::error(StepName::Credentials, &error),
            Ok(_) => Step::failed(
                StepName::Credentials,
                Code::ProviderError,
                "it gave tokens for a made-up code",
            )
            .fix("Do not trust this provider: it lets anybody in."),
        };
        step.took(started)
    }

    /// Fetches the authorization URL without a session and looks whether the provider complains.
    pub(super) async fn redirect(&self, places: &Places) -> Step {
        let started = Instant::now();
        let random = self.upstream.random.as_ref();
        let verifier = Verifier::generate(random);
        let input = AuthorizeInput {
            redirect_uri: self.redirect_uri,
            state: &random::token(random),
            nonce: &random::token(random),
            challenge: &verifier.challenge(),
            prompt: None,
            max_age: None,
            login_hint: None,
        };
        let url = match self
            .upstream
            .authorization_url(self.settings, places, &input)
        {
            Ok(departure) => departure.url,
            Err(error) => return Step::error(StepName::Redirect, &error).took(started),
        };
        let Ok(url) = Url::parse(&url) else {
            return Step::warn(StepName::Redirect, "could not tell").took(started);
        };
        let request = Request::get(&url).accept("text/html, */*;q=0.1").cut_body();
        let answer = self
            .upstream
            .call(self.settings, Purpose::Authorization, &request)
            .await;
        match answer {
            Ok(answer) => self.judge_page(&answer, &url),
            // The browser goes there, not this server: what we cannot reach, people may.
            Err(error) => Step::warn(
                StepName::Redirect,
                format!("could not tell, this server cannot fetch the sign-in page: {error}"),
            ),
        }
        .took(started)
    }

    fn judge_page(&self, answer: &Response, asked: &Url) -> Step {
        let name = StepName::Redirect;
        let sent = self.redirect_uri.as_str();
        let target = answer
            .location
            .as_deref()
            .and_then(|location| asked.join(location).ok());
        if let Some(target) = target.filter(|target| leads_back(target, sent)) {
            return self.came_back(&target);
        }
        let page = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
        let complains = |words: &[&str]| words.iter().any(|word| page.contains(word));
        match answer.status {
            400..=499 if complains(&["redirect_uri", "redirect uri", "redirect url"]) => {
                Step::failed(
                    name,
                    Code::RedirectRefused,
                    format!(
                        "the provider answered {} and complains about the redirect URL",
                        answer.status
                    ),
                )
                .fix(format!("Register exactly this at the provider: {sent}"))
            }
            400..=499 if complains(&["invalid_scope", "invalid scope"]) => Step::failed(
                name,
                Code::ScopeRefused,
                format!("the provider refuses a scope of: {}", self.settings.scopes),
            )
            .fix("Remove the scope it does not know, or define it there."),
            status @ 400.. => Step::warn(name, format!("the sign-in page answered {status}"))
                .fix("Open the test sign-in to see the provider's own message."),
            _ => Step::ok(
                name,
                format!("{sent}: no complaint; the test sign-in will prove it"),
            ),
        }
    }

    /// The provider sent us straight back, so it knows the redirect URL.
    fn came_back(&self, target: &Url) -> Step {
        let name = StepName::Redirect;
        let sent = self.redirect_uri.as_str();
        match Callback::parse(target.query().unwrap_or_default()).map(|back| back.answer) {
            Ok(Answer::Error(error)) if error.meaning() == Meaning::Scope => Step::failed(
                name,
                Code::ScopeRefused,
                format!("the provider answers {error}"),
            )
            .fix(format!(
                "Remove the scope it does not know, or define it there. Asked for: {}",
                self.settings.scopes
            )),
            Ok(Answer::Error(error)) if error.error.ends_with("_required") => {
                Step::ok(name, format!("{sent} is known there"))
            }
            Ok(Answer::Error(error)) => {
                Step::warn(name, format!("{sent} is known there; it answers {error}"))
            }
            Ok(Answer::Code(_)) | Err(_) => Step::ok(name, format!("{sent} is known there")),
        }
    }

    /// Asks userinfo with a made-up token; it must refuse. Without a discovery answer the clock is
    /// read from this one.
    pub(super) async fn userinfo(&self, found: &Found) -> Vec<Step> {
        let started = Instant::now();
        let name = StepName::UserInfo;
        let Some(endpoint) = found.places.userinfo() else {
            let why = "the provider has none; all claims must be in the ID token";
            return vec![Step::skipped(name, why)];
        };
        let token = SecretString::from(format!("Bearer {MADE_UP}"));
        let request = Request::get(endpoint.url()).authorization(Some(&token));
        let answer = self
            .upstream
            .call(self.settings, Purpose::UserInfo, &request)
            .await;
        let mut steps = Vec::new();
        if !found.clock_told {
            let date = answer.as_ref().ok().and_then(|answer| answer.date);
            steps.push(document::clock(date, self.upstream.clock.now()));
        }
        let step = match answer.map(|answer| answer.status) {
            Err(error) => Step::error(name, &error),
            Ok(401) => Step::ok(name, "refuses a made-up token (401)"),
            Ok(status @ (400 | 403)) => {
                Step::ok(name, format!("refuses a made-up token ({status})"))
            }
            Ok(404) => Step::failed(
                name,
                Code::DiscoveryFailed,
                format!("{endpoint} answers 404"),
            )
            .fix("Check the userinfo URL."),
            Ok(status) => Step::warn(
                name,
                format!("answers {status} to a made-up token, 401 expected"),
            ),
        };
        steps.push(step.took(started));
        steps
    }
}

/// Whether `target` is our redirect URI with an answer. An origin's slash does not count here:
/// some providers insert it.
fn leads_back(target: &Url, redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|ours| {
        ours.origin() == target.origin()
            && ours.path() == target.path()
            && target
                .query_pairs()
                .any(|(name, _)| name == "error" || name == "code")
    })
}

fn credentials(refusal: &TokenRefusal) -> Step {
    let name = StepName::Credentials;
    let method = refusal.methods.join(", then ");
    let evidence = format!("{method}: {refusal}");
    match refusal.error.meaning() {
        Meaning::Code => Step::ok(
            name,
            format!(
                "{} accepted; a made-up code was refused as it should be",
                refusal.methods.last().copied().unwrap_or("client")
            ),
        ),
        Meaning::Client => Step::failed(name, Code::ClientRejected, evidence).fix(format!(
            "Compare client id {:?} and secret with the provider's{}. authentik and Glewlwyd \
             answer the same when the redirect URL is not registered: {}",
            refusal.client_id,
            refusal.encoding_hint(),
            refusal.redirect_uri,
        )),
        Meaning::Redirect => Step::failed(name, Code::RedirectRefused, evidence).fix(format!(
            "Register exactly this at the provider: {}",
            refusal.redirect_uri
        )),
        _ => {
            let mut step = Step::new(name, StepState::Warn, format!("could not tell: {evidence}"));
            step.fix = Some("The test sign-in will prove it.".to_owned());
            step
        }
    }
}

fn count(keys: usize) -> String {
    match keys {
        1 => "1 key".to_owned(),
        many => format!("{many} keys"),
    }
}
