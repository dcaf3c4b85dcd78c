//! The side beside it: `oidc-provider` from npm, one process of Node, everything in its memory.

use anyhow::Context as _;
use model::oauth_app::IdTokenAlg;
use serde_json::json;
use testkit::browser::Browser;
use testkit::provider::{OidcProvider, ProviderError, RealProvider as _, Setup};

use super::party::{CALLBACK, Party, Paths, client_id, secret};

const LOGIN: &str = "person";
/// Its session, and the signature of that.
const COOKIES: [&str; 2] = ["_session", "_session.sig"];

/// The running provider.
pub(super) struct Anchor {
    pub(super) party: Party,
    _provider: OidcProvider,
}

impl Anchor {
    /// Starts it and signs somebody in to both apps. An error for people, where it is not installed.
    pub(super) async fn start() -> anyhow::Result<Result<Self, String>> {
        let person = json!({
            "name": "Person 1",
            "preferred_username": "person1@example.test",
            "email": "person1@example.test",
            "email_verified": true,
        });
        let basic = "client_secret_basic";
        let [first, second] = IdTokenAlg::ALL;
        let setup = Setup::default()
            .for_load()
            .person(LOGIN, person)
            .client(&client_id(first), &secret(first), basic, &[CALLBACK])
            .client_with("id_token_signed_response_alg", first.name())
            // Signs by RS256, which is the usual there.
            .client(&client_id(second), &secret(second), basic, &[CALLBACK])
            .client_with(
                "grant_types",
                json!(["authorization_code", "refresh_token"]),
            );
        let provider = match OidcProvider::start(setup).await {
            Ok(provider) => provider,
            Err(ProviderError::NotInstalled(what)) => {
                return Ok(Err(ProviderError::NotInstalled(what).to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        let issuer = provider.issuer().to_owned();
        let mut party = Party {
            name: "oidc-provider",
            authority: issuer.trim_start_matches("http://").to_owned(),
            pid: provider.id(),
            paths: Paths {
                authorize: "/auth",
                token: "/token",
                userinfo: "/me",
                introspect: "/token/introspection",
                jwks: "/jwks",
                has_profile: false,
                has_tags: false,
            },
            cookies: Vec::new(),
        };
        let browser = Browser::new()?;
        for alg in IdTokenAlg::ALL {
            let url = format!("{issuer}{}", party.authorize_target(alg));
            provider.sign_in(&mut browser.tab(), &url, LOGIN).await?;
        }
        let mut pairs = Vec::new();
        for name in COOKIES {
            let value = browser.cookie(&issuer, name)?.context("no session there")?;
            pairs.push(format!("{name}={value}"));
        }
        party.cookies.push(pairs.join("; "));
        party.look()?;
        Ok(Ok(Self {
            party,
            _provider: provider,
        }))
    }
}
