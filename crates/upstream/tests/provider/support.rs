//! A small honest provider, and the settings and state to meet it with.

use crate::server::{Asked, Reply, Server};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use model::ids::ProviderId;
use model::link::Namespace;
use model::outcome::Code;
use model::provider::{
    self as stored, ClientAuth, EmailTrust, EveryoneElse, Leavers, RedirectForm, TlsTrust,
};
use model::random::Random;
use model::time::{Clock, Timestamp};
use oidc::pkce::Verifier;
use oidc::redirect::RedirectUri;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use upstream::http::Lookup;
use upstream::http::client::Limits;
use upstream::{Config, ExchangeInput, Identity, ProviderSettings, Upstream, UpstreamError};

pub const NOW: i64 = 1_800_000_000;
pub const CLIENT: &str = "gatepost";
/// With characters that form encoding changes.
pub const SECRET: &str = "s3cret/with+signs=";
pub const NONCE: &str = "nonce-nonce-nonce-nonce-nonce-nonce-nonce-1";
pub const REDIRECT: &str = "https://mail.example.com";
pub const CODE: &str = "the-code";

static KEY: LazyLock<RsaKey> = LazyLock::new(|| RsaKey::generate(KeySize::Rsa2048).unwrap());
pub static OTHER_KEY: LazyLock<RsaKey> =
    LazyLock::new(|| RsaKey::generate(KeySize::Rsa2048).unwrap());

pub fn key() -> &'static RsaKey {
    &KEY
}

pub fn jwk(key: &RsaKey, id: &str) -> Value {
    let parts = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
    json!({"kty":"RSA","kid":id,"use":"sig","n":B64.encode(parts.n),"e":B64.encode(parts.e)})
}

pub fn sign(key: &RsaKey, id: &str, claims: &Value) -> String {
    sign_with(key, &json!({"alg":"RS256","kid":id}), claims)
}

pub fn sign_with(key: &RsaKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| B64.encode(serde_json::to_vec(value).unwrap());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut bytes = vec![0; key.public_modulus_len()];
    key.sign(
        &signature::RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut bytes,
    )
    .unwrap();
    format!("{signed}.{}", B64.encode(bytes))
}

/// A clock that a test sets.
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn set(&self, secs: i64) {
        self.0.store(secs, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = u8::try_from(self.0.fetch_add(1, Ordering::SeqCst) % 251).unwrap();
        }
    }
}

pub const SHORT: Limits = Limits {
    connect: Duration::from_millis(500),
    total: Duration::from_secs(1),
    body: 1 << 20,
};

pub fn clock() -> Arc<TestClock> {
    Arc::new(TestClock(AtomicI64::new(NOW)))
}

/// As in production: a busy machine must not look like a slow provider.
pub fn upstream() -> Upstream {
    upstream_with(Config::default(), clock())
}

/// For providers that keep silent: what production waits ten seconds for.
pub fn impatient() -> Upstream {
    let config = Config {
        limits: SHORT,
        ..Config::default()
    };
    upstream_with(config, clock())
}

pub fn upstream_with(config: Config, clock: Arc<TestClock>) -> Upstream {
    Upstream::new(config, clock, Arc::new(Counted(AtomicU64::new(0))))
}

pub fn upstream_resolving(config: Config, lookup: Arc<dyn Lookup>) -> Upstream {
    let random = Arc::new(Counted(AtomicU64::new(0)));
    Upstream::with_lookup(config, clock(), random, lookup)
}

/// A stored provider with everything as an administrator leaves it by default.
pub fn provider(endpoints: stored::Endpoints) -> stored::Provider {
    let namespace = match &endpoints {
        stored::Endpoints::Issuer { issuer } => issuer.clone(),
        stored::Endpoints::Manual { .. } => "urn:gatepost:provider:1".to_owned(),
    };
    stored::Provider {
        id: ProviderId(1),
        slug: "sso".into(),
        created: Timestamp(0),
        modified: Timestamp(0),
        secret: None,
        checks_stopped: None,
        namespace: Namespace(namespace),
        settings: stored::ProviderSettings {
            preset: model::preset::Preset::default(),
            name: "Example SSO".into(),
            active: true,
            endpoints,
            client_id: CLIENT.into(),
            client_auth: ClientAuth::Auto,
            redirect: RedirectForm::OwnPath,
            response_mode: model::provider::ResponseMode::default(),
            scopes: "openid profile email".into(),
            address_claim: "email".into(),
            subject_claim: None,
            email_trust: EmailTrust::AcceptAbsent,
            domains: Vec::new(),
            create: true,
            rules: Vec::new(),
            everyone_else: EveryoneElse::Refuse,
            tls: TlsTrust::Public,
            private_hosts: vec!["127.0.0.1".into()],
            leavers: Leavers::default(),
        },
    }
}

pub fn settings_of(provider: &stored::Provider) -> ProviderSettings {
    ProviderSettings::of(provider, Some(SECRET.to_owned().into())).unwrap()
}

pub fn by_issuer(issuer: &str) -> ProviderSettings {
    settings_of(&provider(stored::Endpoints::Issuer {
        issuer: issuer.into(),
    }))
}

pub fn by_endpoints(base: &str) -> ProviderSettings {
    settings_of(&provider(stored::Endpoints::Manual {
        authorize: format!("{base}/authorize"),
        token: format!("{base}/token"),
        userinfo: format!("{base}/userinfo"),
    }))
}

pub fn redirect_uri() -> RedirectUri {
    RedirectUri::parse(REDIRECT).unwrap()
}

pub fn verifier() -> Verifier {
    Verifier::parse("verifier-verifier-verifier-verifier-verifier").unwrap()
}

/// Comes back from the provider with its code.
pub async fn sign_in(
    upstream: &Upstream,
    settings: &ProviderSettings,
) -> Result<Identity, UpstreamError> {
    let (redirect_uri, verifier) = (redirect_uri(), verifier());
    let input = ExchangeInput {
        code: CODE,
        redirect_uri: &redirect_uri,
        verifier: &verifier,
        nonce: NONCE,
    };
    upstream.exchange(settings, &input).await
}

/// The code and the words of a failed sign-in.
pub async fn refused(upstream: &Upstream, settings: &ProviderSettings) -> (Code, String) {
    let error = sign_in(upstream, settings).await.unwrap_err();
    (error.code(), error.refusal().admin())
}

/// What the provider does; tests change a member and sign in.
pub struct Behaviour {
    pub discovery: Reply,
    pub jwks: Reply,
    /// At `/new-keys`, where they may move.
    pub new_keys: Option<Reply>,
    /// In place of the honest token endpoint.
    pub token: Option<Reply>,
    /// The only client authentication taken: `basic`, `body`, or either.
    pub method: &'static str,
    /// Members of a good token response.
    pub tokens: Value,
    pub userinfo: Reply,
    /// For any other token than its own.
    pub userinfo_refusal: Reply,
    pub authorize: Reply,
}

/// The provider: discovery at the root, `/token`, `/userinfo`, `/jwks`, `/authorize`.
pub struct Op {
    pub server: Server,
    behaviour: Arc<Mutex<Option<Behaviour>>>,
}

impl Op {
    pub async fn start() -> Self {
        let behaviour: Arc<Mutex<Option<Behaviour>>> = Arc::default();
        let seen = behaviour.clone();
        let server = Server::start(move |asked| {
            let behaviour = seen.lock();
            respond(behaviour.as_ref().unwrap(), asked)
        })
        .await;
        *behaviour.lock() = Some(honest(&server.url()));
        Self { server, behaviour }
    }

    /// Changes what it does.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(self.behaviour.lock().as_mut().unwrap());
    }

    pub fn issuer(&self) -> String {
        self.server.url()
    }

    pub fn settings(&self) -> ProviderSettings {
        by_issuer(&self.issuer())
    }

    /// The claims of a good ID token.
    pub fn claims(&self) -> Value {
        claims(&self.issuer())
    }

    /// Sends an ID token with these claims, rightly signed.
    pub fn id_token(&self, claims: &Value) {
        let token = sign(key(), "op-1", claims);
        self.set(|b| b.tokens["id_token"] = json!(token));
    }
}

pub fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "sub": "alice-1", "aud": CLIENT, "nonce": NONCE,
        "exp": NOW + 300, "iat": NOW, "amr": ["pwd"], "email": "old@example.org"
    })
}

pub fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256"]
    })
}

fn honest(issuer: &str) -> Behaviour {
    Behaviour {
        discovery: Reply::json(200, discovery(issuer)),
        jwks: Reply::json(200, json!({"keys": [jwk(key(), "op-1")]})),
        new_keys: None,
        token: None,
        method: "either",
        tokens: json!({
            "access_token": "at-1", "token_type": "Bearer", "expires_in": 300,
            "id_token": sign(key(), "op-1", &claims(issuer))
        }),
        userinfo: Reply::json(
            200,
            json!({"sub": "alice-1", "email": "alice@example.org", "groups": ["staff"]}),
        ),
        userinfo_refusal: Reply::json(401, "{}"),
        authorize: Reply::redirect(302, "/login"),
    }
}

fn respond(op: &Behaviour, asked: &Asked) -> Reply {
    match asked.path() {
        "/.well-known/openid-configuration" => op.discovery.clone(),
        "/jwks" => op.jwks.clone(),
        "/new-keys" => op.new_keys.clone().unwrap_or_else(|| Reply::html(404)),
        "/authorize" => op.authorize.clone(),
        "/token" => op.token.clone().unwrap_or_else(|| token(op, asked)),
        "/userinfo" => match asked.headers.get("authorization").map(String::as_str) {
            Some("Bearer at-1") => op.userinfo.clone(),
            _ => op.userinfo_refusal.clone(),
        },
        _ => Reply::html(404),
    }
}

/// The token endpoint as strict providers have it: one authentication at a time, the redirect URI
/// byte for byte, the PKCE verifier of this sign-in.
fn token(op: &Behaviour, asked: &Asked) -> Reply {
    let form = asked.form();
    let field = |name: &str| form.get(name).map(String::as_str);
    let header = asked.headers.get("authorization").map(String::as_str);
    let encoded =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET)));
    let by_header = header == Some(&format!("Basic {basic}"));
    let by_body = field("client_id") == Some(CLIENT) && field("client_secret") == Some(SECRET);
    let known = match op.method {
        "basic" => by_header && field("client_secret").is_none(),
        "body" => by_body && header.is_none(),
        _ => by_header != by_body,
    };
    if !known {
        return Reply::json(401, json!({"error": "invalid_client"}));
    }
    let granted = field("grant_type") == Some("authorization_code")
        && field("code") == Some(CODE)
        && field("redirect_uri") == Some(REDIRECT)
        && field("code_verifier") == Some(verifier().expose());
    if !granted {
        return Reply::json(400, json!({"error": "invalid_grant"}));
    }
    Reply::json(200, &op.tokens)
}
