//! A person who signed in to an app that got its tokens, for tests of signing out.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use model::audit::Actor;
use model::oauth_app::Consent;
use secrecy::ExposeSecret as _;

pub(crate) const OUT: &str = "https://files.example.com/out?from=gatepost";

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
    /// Signs in who is in `tab`; returns the ID token.
    pub(crate) async fn id_token(&self, world: &World, tab: &mut Tab) -> String {
        let page = open(world, tab, &[("client_id", self.id)]).await;
        let code = answered(&page)["code"].clone();
        let basic = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, format!("Basic {basic}"));
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code)
            .append_pair("redirect_uri", BACK)
            .finish();
        let answer = world.send(request, &form).await;
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
        let body: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
        body["id_token"].as_str().unwrap().to_owned()
    }
}

/// The URL of a request to sign out.
pub(crate) fn end_session(world: &World, parameters: &[(&str, &str)]) -> String {
    let at = world.at(app::oauth::paths::END_SESSION);
    match parameters {
        [] => at,
        some => Url::parse_with_params(&at, some).unwrap().into(),
    }
}

/// The claims of a token, unchecked.
pub(crate) fn claims(token: &str) -> serde_json::Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Whether whoever was in `tab` still is.
pub(crate) async fn is_in(world: &World, tab: &mut Tab) -> bool {
    let page = tab.open(&world.at("/home")).await.unwrap();
    page.url().path() == "/home"
}
