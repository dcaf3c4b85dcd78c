//! A complete code flow at a provider that somebody else wrote, through its own forms.

#![expect(clippy::unwrap_used, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::HashMap;
use testkit::browser::Browser;
use testkit::provider::{OidcProvider, RealProvider as _, Setup};
use url::Url;
use url::form_urlencoded::byte_serialize;

/// Registered at its origin alone, as mailcow's guides do; the provider puts the slash in.
const REDIRECT_URI: &str = "https://mail.example.com";

const SECRET: &str = "a secret: with/reserved+characters";

// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn setup() -> Setup {
    let alice = json!({
        "email": "alice@example.test",
        "email_verified": true,
        "mailcow_template": "staff",
    });
    Setup::default()
        .client("gatepost", SECRET, "client_secret_basic", &[REDIRECT_URI])
        .person("alice", alice)
}

fn authorization_url(issuer: &str, challenge: Option<&str>) -> String {
    let mut url = Url::parse(&format!("{issuer}/auth")).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", "gatepost")
        .append_pair("redirect_uri", REDIRECT_URI)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email mailcow_template")
        .append_pair("state", "a-state-of-a-decent-length")
        .append_pair("nonce", "a-nonce-of-a-decent-length");
    if let Some(challenge) = challenge {
        url.query_pairs_mut()
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
    }
    url.into()
}

/// What the redirect carries.
fn answer(back: &Url) -> HashMap<String, String> {
    back.query_pairs().into_owned().collect()
}

async fn redeem(issuer: &str, code: &str) -> Value {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let request = client()
        .post(format!("{issuer}/token"))
        .basic_auth(encoded("gatepost"), Some(encoded(SECRET)))
        .form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ]);
    request.send().await.unwrap().json().await.unwrap()
}

async fn userinfo(issuer: &str, tokens: &Value) -> Value {
    let token = tokens["access_token"].as_str().unwrap();
    let request = client().get(format!("{issuer}/me")).bearer_auth(token);
    request.send().await.unwrap().json().await.unwrap()
}

fn client() -> reqwest::Client {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_complete_code_flow_with_pkce() {
    let Some(mut provider) = OidcProvider::start_or_skip(setup()).await.unwrap() else {
        return;
    };
    let issuer = provider.issuer().to_owned();
    let mut tab = Browser::new().unwrap().tab();

    let url = authorization_url(&issuer, Some(CHALLENGE));
    let back = provider.sign_in(&mut tab, &url, "alice").await.unwrap();
    let location = tab.hops().last().unwrap().location.clone().unwrap();
    assert!(
        location.starts_with("https://mail.example.com/?code="),
        "{location}"
    );
    let first = answer(&back);
    assert_eq!(first["state"], "a-state-of-a-decent-length");
    assert_eq!(first["iss"], issuer);

    let tokens = redeem(&issuer, &first["code"]).await;
    let payload = tokens["id_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["nonce"], "a-nonce-of-a-decent-length");
    assert_eq!(claims["email"], Value::Null, "claims belong to userinfo");
    let person = userinfo(&issuer, &tokens).await;
    assert_eq!(person["email"], "alice@example.test");
    assert_eq!(person["mailcow_template"], "staff");

    // The claim changes while the browser is signed in: the next code comes without a form.
    provider
        .set_claim("alice", "mailcow_template", "board")
        .await
        .unwrap();
    let page = tab
        .open(&authorization_url(&issuer, Some(CHALLENGE)))
        .await
        .unwrap();
    let again = redeem(&issuer, &answer(&page.location().unwrap().unwrap())["code"]).await;
    assert_eq!(userinfo(&issuer, &again).await["mailcow_template"], "board");

    assert_eq!(
        redeem(&issuer, &first["code"]).await["error"],
        "invalid_grant"
    );
}

#[tokio::test]
async fn a_request_without_pkce_comes_back_with_an_error() {
    let Some(provider) = OidcProvider::start_or_skip(setup()).await.unwrap() else {
        return;
    };
    let mut tab = Browser::new().unwrap().tab();
    tab.stop_before(REDIRECT_URI);
    let page = tab
        .open(&authorization_url(provider.issuer(), None))
        .await
        .unwrap();
    assert_eq!(
        answer(&page.location().unwrap().unwrap())["error"],
        "invalid_request"
    );
}
