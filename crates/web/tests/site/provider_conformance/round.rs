//! An app with a secret that asks in one way, and the whole way from its question to userinfo.

use super::client::{Client, Told, client};
use super::*;
use http::Request;
use http::header::AUTHORIZATION;
use model::oauth_app::Consent;
use oidc::callback::Delivery;
use serde_json::{Map, Value};

pub(super) const ERIN: &str = "erin@example.org";

pub(super) struct Round {
    pub(super) world: World,
    mode: Delivery,
    pub(super) client: Client,
}

impl Round {
    pub(super) async fn new(mode: Delivery) -> Self {
        Self::with(mode, |_| {}).await
    }

    pub(super) async fn with(mode: Delivery, change: impl FnOnce(&mut AppSettings)) -> Self {
        let world = World::new().await;
        let client = client(&world, "files", |s| {
            s.consent = Consent::Ask;
            change(s);
        })
        .await;
        Self {
            world,
            mode,
            client,
        }
    }

    /// The app's question, with further or other parameters.
    pub(super) fn question(&self, other: &[(&str, &str)]) -> String {
        let mut all = other.to_vec();
        if self.mode == Delivery::FormPost {
            all.push(("response_mode", self.mode.name()));
        }
        request(&self.world, &all)
    }

    pub(super) async fn ask(&self, tab: &mut Tab, other: &[(&str, &str)]) -> Page {
        tab.open(&self.question(other)).await.unwrap()
    }

    /// What the app is sent in the way it asked for, with everything that belongs to each answer.
    fn said(&self, page: &Page) -> HashMap<String, String> {
        let said = match self.mode {
            Delivery::Query => answered(page),
            Delivery::FormPost => carried(page),
        };
        assert_eq!(said["iss"], self.world.url);
        assert_eq!(said["state"], "st ate&1");
        said
    }

    pub(super) fn error(&self, page: &Page) -> String {
        let said = self.said(page);
        assert!(!said.contains_key("code"), "{said:?}");
        said["error"].clone()
    }

    pub(super) fn code(&self, page: &Page) -> String {
        let said = self.said(page);
        assert!(!said.contains_key("error"), "{said:?}");
        said["code"].clone()
    }

    /// Erin, who allowed it, with the tokens it got.
    pub(super) async fn allowed(&self) -> (Tab, Value) {
        self.allowed_with(&[]).await
    }

    pub(super) async fn allowed_with(&self, other: &[(&str, &str)]) -> (Tab, Value) {
        let mut tab = erin(&self.world).await;
        let page = self.ask(&mut tab, other).await;
        let page = allow(&mut tab, &page).await;
        let tokens = self.tokens(&page).await;
        (tab, tokens)
    }

    /// The tokens for the code that the app is sent.
    pub(super) async fn tokens(&self, page: &Page) -> Value {
        let (status, tokens) = self.redeem(&self.code(page), &[]).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens
    }

    pub(super) async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Told {
        self.client.redeem(&self.world, code, more).await
    }

    pub(super) async fn refresh(&self, token: &str) -> Told {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.at_token(&grant).await
    }

    pub(super) async fn at_token(&self, form: &[(&str, &str)]) -> Told {
        self.client.at_token(&self.world, form).await
    }

    /// The claims of an ID token, checked with the published keys.
    pub(super) async fn id_token(&self, tokens: &Value) -> Map<String, Value> {
        let token = tokens["id_token"].as_str().unwrap();
        crate::id_token::verified(&self.world, token).await
    }

    pub(super) async fn userinfo(&self, tokens: &Value) -> Told {
        let asked = Request::get("/oauth/userinfo").header(AUTHORIZATION, bearer(tokens));
        self.send(asked, "").await
    }

    /// The names of the claims of userinfo.
    pub(super) async fn claims(&self, tokens: &Value) -> Vec<String> {
        let (status, about) = self.userinfo(tokens).await;
        assert_eq!(status, StatusCode::OK, "{about}");
        about.as_object().unwrap().keys().cloned().collect()
    }

    pub(super) async fn send(&self, asked: http::request::Builder, body: &str) -> Told {
        super::client::send(&self.world, asked, body).await
    }
}

/// The header that shows an access token.
pub(super) fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().unwrap())
}

/// That an endpoint refuses what it was offered.
pub(super) fn is_invalid_grant((status, told): &Told) {
    assert_eq!(*status, StatusCode::BAD_REQUEST, "{told}");
    assert_eq!(told["error"], "invalid_grant");
}

/// What a page carries to the app by a form.
fn carried(page: &Page) -> HashMap<String, String> {
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let form = page.form("form[data-onward]").unwrap();
    assert_eq!(form.action().as_str(), BACK);
    let names = ["code", "state", "iss", "error", "error_description"];
    let fields = names.into_iter().filter_map(|name| {
        let value = form.value(name)?;
        Some((name.to_owned(), value))
    });
    fields.collect()
}
