//! An app with a secret, and what the token endpoint tells it.

use super::signed_in::OUT;
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use model::audit::Actor;
use model::oauth_app::Consent;
use secrecy::ExposeSecret as _;
use serde_json::Value;

const FORM: &str = "application/x-www-form-urlencoded";

/// An answer of an endpoint.
pub(super) type Told = (StatusCode, Value);

/// An app that asks nobody, with its secret.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) app: OauthAppId,
    pub(crate) secret: String,
}

/// Adds one.
pub(crate) async fn client(
    world: &World,
    id: &'static str,
    change: impl FnOnce(&mut AppSettings),
) -> Client {
    let mut settings = AppSettings {
        name: "Files".to_owned(),
        redirects: vec![BACK.to_owned()],
        sign_out_redirects: vec![OUT.to_owned()],
        consent: Consent::Trusted,
        pkce: PkceRule::IfSent,
        ..AppCard::Generic.settings()
    };
    change(&mut settings);
    let made = world.app.add_app_as(id, settings, &Actor::CommandLine);
    let made = made.await.unwrap();
    Client {
        id,
        app: made.app.id,
        secret: made.secret.unwrap().expose_secret().to_owned(),
    }
}

impl Client {
    /// Asks the token endpoint, by HTTP Basic unless the form names the client.
    pub(super) async fn at_token(&self, world: &World, form: &[(&str, &str)]) -> Told {
        let mut asked = Request::post("/oauth/token").header(CONTENT_TYPE, FORM);
        if form.iter().all(|(name, _)| *name != "client_id") {
            let proof = format!("{}:{}", self.id, self.secret);
            asked = asked.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(proof)));
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        send(world, asked, &form).await
    }

    /// Asks for the tokens for a code.
    pub(super) async fn redeem(&self, world: &World, code: &str, more: &[(&str, &str)]) -> Told {
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
        ];
        self.at_token(world, &[&grant, more].concat()).await
    }

    /// The ID token for the code that the app is sent.
    pub(super) async fn id_token_for(&self, world: &World, page: &Page) -> String {
        is_code(world, page);
        let (status, tokens) = self.redeem(world, &answered(page)["code"], &[]).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens["id_token"].as_str().unwrap().to_owned()
    }

    /// Signs in who is in `tab`; returns the ID token.
    pub(crate) async fn id_token(&self, world: &World, tab: &mut Tab) -> String {
        let page = open(world, tab, &[("client_id", self.id)]).await;
        self.id_token_for(world, &page).await
    }
}

/// Sends a request, and reads the answer.
pub(super) async fn send(world: &World, asked: http::request::Builder, body: &str) -> Told {
    let answer = world.send(asked, body).await;
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    let told = serde_json::from_slice(&bytes.unwrap()).unwrap_or_default();
    (status, told)
}
