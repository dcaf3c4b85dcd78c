//! A relying party as small as one can be, and as trusting: it reports, the tests judge.

use lab::{Client, Company, Handle, Options};
use reqwest::RequestBuilder;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use testkit::browser::{Browser, Page, Tab};
use testkit::clock::FixedClock;
use tokio::net::TcpListener;
use url::Url;
use url::form_urlencoded::byte_serialize;

pub const CLIENT: &str = "mail";
pub const SECRET: &str = "reserved: + % & = characters";
pub const REDIRECT_URI: &str = "https://mail.example.com";
pub const STATE: &str = "a-state-of-a-decent-length";
pub const NONCE: &str = "a-nonce-of-a-decent-length";

// The example of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The sample company with one client.
pub fn company() -> Company {
    let company = lab::sample::company("example.test");
    company.add_client(Client::new(CLIENT, SECRET, REDIRECT_URI));
    company
}

pub async fn start(company: Company, options: Options) -> Handle {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    lab::serve(listener, company, options).await.unwrap()
}

/// Options with a clock that stands still, and that clock.
pub fn at_fixed_time() -> (Options, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::default());
    (
        Options {
            clock: clock.clone(),
            ..Options::default()
        },
        clock,
    )
}

/// The parameters of a flawless authorization request.
pub fn request() -> Vec<(&'static str, String)> {
    [
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid profile email mailcow_template"),
        ("state", STATE),
        ("nonce", NONCE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// The flawless request with one parameter changed, added or (by an empty value) left out.
pub fn request_with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut request = request();
    request.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        request.push((name, value.to_owned()));
    }
    request
}

pub fn url(lab: &Handle, request: &[(&str, String)]) -> String {
    Url::parse_with_params(&lab.authorization_endpoint(), request)
        .unwrap()
        .into()
}

/// A tab that stops before it leaves the provider.
pub fn tab() -> Tab {
    let mut tab = Browser::new().unwrap().tab();
    tab.stop_before(REDIRECT_URI);
    tab
}

/// Opens the request and signs Alice in by name and password.
pub async fn sign_in(tab: &mut Tab, lab: &Handle) -> HashMap<String, String> {
    let page = tab.open(&url(lab, &request())).await.unwrap();
    if page.location().unwrap().is_some() {
        return answer(&page);
    }
    answer(&as_alice(tab, &page).await)
}

/// Signs Alice in by name and password; what comes then.
pub async fn as_alice(tab: &mut Tab, page: &Page) -> Page {
    let form = page.form("#sign-in").unwrap();
    let form = form.fill("username", "alice").unwrap();
    let form = form.fill("password", lab::sample::PASSWORD).unwrap();
    tab.submit(form).await.unwrap()
}

/// What the redirect to the client carries.
pub fn answer(page: &Page) -> HashMap<String, String> {
    let location = page.location().unwrap();
    let location = location.unwrap_or_else(|| panic!("no redirect: {page:?}"));
    location.query_pairs().into_owned().collect()
}

/// A code, fresh from Alice's sign-in with a new browser.
pub async fn code(lab: &Handle) -> String {
    sign_in(&mut tab(), lab).await["code"].clone()
}

/// A flawless token request's form.
pub fn exchange(code: &str) -> Vec<(&'static str, String)> {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

pub fn basic(request: RequestBuilder, id: &str, secret: &str) -> RequestBuilder {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    request.basic_auth(encoded(id), Some(encoded(secret)))
}

/// Exchanges a code as the client has registered.
pub async fn tokens(lab: &Handle, code: &str) -> Value {
    let request = basic(http().post(lab.token_endpoint()), CLIENT, SECRET);
    json(request.form(&exchange(code))).await
}

pub async fn userinfo(lab: &Handle, tokens: &Value) -> reqwest::Response {
    let token = tokens["access_token"].as_str().unwrap();
    http()
        .get(lab.userinfo_endpoint())
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
}

pub async fn json(request: RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

/// An HTTP client that follows no redirect.
pub fn http() -> reqwest::Client {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy();
    client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}
