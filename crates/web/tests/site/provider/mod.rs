//! Gatepost as provider: what apps send to the endpoints they speak to by themselves.

mod bearer;
mod keys;
mod pages;
mod preflights;
mod races;
mod received;
mod recorded;
mod refused;
mod taken_away;
mod tokens;

use crate::world::World;
use axum::body::to_bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, StatusCode, header};
use model::ids::{GrantId, OauthAppId};
use model::mailbox::Mailbox;
use model::oauth_app::{AppCard, AppKind, AppSettings, PkceRule, RefreshRule};
use serde_json::Value;
use std::time::Duration;
use store::app_codes::Code;
use store::app_grants::NewGrant;
use store::{Conn, PurposeKeys, Store, StoreError};

const FORM: &str = "application/x-www-form-urlencoded";
const CALLBACK: &str = "https://app.example.net/cb";
const ERIN: &str = "erin@example.org";
/// A verifier and its challenge: RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A world with a store beside it, in which apps and codes are made.
struct Provider {
    world: World,
    store: Store,
    keys: PurposeKeys,
}

/// A confidential app as `client_secret` clients are.
fn settings() -> AppSettings {
    AppSettings {
        name: "An app".to_owned(),
        redirects: vec![CALLBACK.to_owned()],
        pkce: PkceRule::IfSent,
        ..AppCard::Generic.settings()
    }
}

/// As mailcow's clients are.
fn mailcow() -> AppSettings {
    AppSettings {
        mailcow: true,
        token_in_query: true,
        refresh: RefreshRule::Always,
        ..settings()
    }
}

fn public() -> AppSettings {
    AppSettings {
        kind: AppKind::Public,
        pkce: PkceRule::Required,
        ..settings()
    }
}

/// What a code was given for.
#[derive(Clone)]
struct Given {
    scopes: &'static str,
    challenge: Option<&'static str>,
    nonce: Option<&'static str>,
    claims: Option<&'static str>,
    redirect: Option<&'static str>,
}

const OPENID: Given = Given {
    scopes: "openid profile email",
    challenge: None,
    nonce: Some("n-0S6_WzA2Mj"),
    claims: None,
    redirect: Some(CALLBACK),
};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    /// The status with the code of the error.
    fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.member("error"))
    }
}

impl Provider {
    async fn new() -> Self {
        Self::in_world(World::new().await)
    }

    fn in_world(world: World) -> Self {
        let (store, keys) = (world.store(), world.purpose_keys());
        Self { world, store, keys }
    }

    async fn write<T, F>(&self, job: F) -> T
    where
        F: AsyncFn(&mut Conn) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.store.write(job).await.unwrap()
    }

    /// Adds an app whose secret is `secret of CLIENT`.
    async fn add(&self, client: &'static str, settings: AppSettings) -> OauthAppId {
        let now = self.world.app.now();
        let tag = self.client_tag(&secret_of(client));
        self.write(async move |tx: &mut Conn| {
            let app = store::oauth_apps::insert(tx, client, &settings, now).await?;
            if settings.kind == AppKind::Confidential {
                store::oauth_apps::add_secret(tx, app, &tag, "lient", now).await?;
            }
            Ok(app)
        })
        .await
    }

    fn client_tag(&self, secret: &str) -> Vec<u8> {
        self.keys.tag.tag(&[b"app-secret", secret.as_bytes()])
    }

    async fn change(&self, app: OauthAppId, change: impl FnOnce(&mut AppSettings)) {
        let now = self.world.app.now();
        let found = {
            let mut read = self.store.read().unwrap();
            store::oauth_apps::by_id(&mut read, app).await.unwrap()
        };
        let mut settings = found.unwrap().settings;
        change(&mut settings);
        let done = self
            .write(async move |tx: &mut Conn| {
                store::oauth_apps::update(tx, app, &settings, None, now).await
            })
            .await;
        assert!(done);
    }

    async fn erin(&self) -> Mailbox {
        self.mailbox(ERIN).await
    }

    async fn mailbox(&self, address: &str) -> Mailbox {
        let address = address.parse().unwrap();
        let mut read = self.store.read().unwrap();
        let found = store::mailboxes::by_address(&mut read, &address).await;
        found.unwrap().unwrap()
    }

    /// A code for Erin, as the authorization endpoint leaves it.
    async fn code(&self, app: OauthAppId, given: Given) -> (String, GrantId) {
        self.code_for(ERIN, app, given).await
    }

    /// The same for somebody else.
    async fn code_for(&self, who: &str, app: OauthAppId, given: Given) -> (String, GrantId) {
        let code = model::random::token(&store::OsRandom);
        let tag = self.keys.tag.tag(&[b"app-code", code.as_bytes()]);
        let (person, now) = (self.mailbox(who).await, self.world.app.now());
        let ends = now.plus(Duration::from_secs(60));
        let grant = self
            .write(async move |tx: &mut Conn| {
                let grant = NewGrant {
                    app,
                    mailbox: person.id,
                    session: None,
                    begun_in: None,
                    sid: "a-session",
                    storage: person.storage,
                    scopes: given.scopes,
                    auth_time: now,
                    claims: given.claims,
                    now,
                    ends,
                };
                let grant = store::app_grants::insert(tx, &grant).await?;
                let code = Code {
                    grant,
                    redirect: given.redirect.map(str::to_owned),
                    challenge: given.challenge.map(str::to_owned),
                    plain: false,
                    nonce: given.nonce.map(str::to_owned),
                    ends,
                    used: None,
                };
                store::app_codes::insert(tx, &tag, &code).await?;
                Ok(grant)
            })
            .await;
        (code, grant)
    }

    async fn call(&self, method: Method, path: &str, auth: Option<&str>, form: &str) -> Answer {
        let mut request = Request::builder().method(&method).uri(path);
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, FORM);
        }
        if let Some(auth) = auth {
            request = request.header(header::AUTHORIZATION, auth);
        }
        self.send(request, form).await
    }

    async fn send(&self, request: http::request::Builder, body: &str) -> Answer {
        self.send_bytes(request, body.as_bytes().to_vec()).await
    }

    async fn send_bytes(&self, request: http::request::Builder, body: Vec<u8>) -> Answer {
        let (parts, body) = self.world.send_bytes(request, body).await.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }

    async fn get(&self, path: &str, auth: Option<&str>) -> Answer {
        self.call(Method::GET, path, auth, "").await
    }

    async fn post(&self, path: &str, auth: Option<&str>, form: &str) -> Answer {
        self.call(Method::POST, path, auth, form).await
    }

    /// Asks for tokens as `client` with its secret in the header.
    async fn tokens(&self, client: &str, form: &str) -> Answer {
        self.post("/oauth/token", Some(&basic(client)), form).await
    }

    /// The tokens for a fresh code.
    async fn given(&self, client: &'static str, app: OauthAppId, given: Given) -> Answer {
        let (code, _) = self.code(app, given).await;
        let answer = self.tokens(client, &redeem(&code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer
    }

    /// Changes Erin's mailbox without the use cases, which would end her grants besides.
    async fn change_erin(&self, change: impl FnOnce(&mut Mailbox)) {
        let mut erin = self.erin().await;
        change(&mut erin);
        let now = self.world.app.now().plus(Duration::from_secs(1));
        self.write(async move |tx: &mut Conn| store::mailboxes::update(tx, &erin, None, now).await)
            .await;
    }

    async fn enable_erin(&self, active: bool) {
        self.change_erin(|erin| erin.active = active).await;
    }

    /// What the introspection endpoint says to `client`.
    async fn introspected(&self, client: &str, token: &str) -> Value {
        let form = format!("token={token}&token_type_hint=refresh_token");
        let answer = self
            .post("/oauth/introspect", Some(&basic(client)), &form)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }
}

fn secret_of(client: &str) -> String {
    format!("secret of {client}")
}

fn basic(client: &str) -> String {
    let pair = format!("{client}:{}", secret_of(client).replace(' ', "%20"));
    format!("Basic {}", STANDARD.encode(pair))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn redeem(code: &str) -> String {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ];
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn refresh(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}")
}
