//! Applications that somebody else wrote sign people in at a provider that somebody else wrote: what
//! they refuse here is the provider's mistake anywhere.

#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};
use testkit::browser::{Browser, Tab};
use testkit::provider::{OidcProvider, RealProvider as _, Setup};
use testkit::relying_party::{
    Apache, Endpoints, Mailbox, Registration, RelyingPartyError, Roundcube, Strict, or_skip,
    question, sign_in,
};
use url::Url;

const CALLBACK: &str = "http://127.0.0.1:9/callback";
/// Letters and hyphens: Authlib does not percent-encode it for Basic, as RFC 6749 2.3.1 demands.
const SECRET: &str = "a-secret-without-reserved-characters";
const SCOPE: &str = "openid profile email offline_access";

fn setup(redirect_uri: &str) -> Setup {
    let alice = json!({
        "name": "Alice Example",
        "email": "alice@example.test",
        "email_verified": true,
    });
    Setup::default()
        .client("wiki", SECRET, "client_secret_basic", &[redirect_uri])
        .client_with(
            "grant_types",
            json!(["authorization_code", "refresh_token"]),
        )
        .person("alice", alice)
}

fn registration(provider: &OidcProvider) -> Registration {
    Registration {
        issuer: provider.issuer().to_owned(),
        client_id: "wiki".to_owned(),
        client_secret: SECRET.to_owned(),
    }
}

/// Signs Alice in with this client; `answer` may change what comes back.
async fn outcome(
    client: Strict,
    scope: &str,
    setup: Setup,
    answer: impl FnOnce(Url) -> Url,
) -> Option<Result<Value, RelyingPartyError>> {
    let provider = OidcProvider::start_or_skip(setup).await.unwrap()?;
    let registration = registration(&provider);
    let mut tab = Browser::new().unwrap().tab();
    let signed_in = sign_in(client, &registration, CALLBACK, scope, async |url: &str| {
        answer(provider.sign_in(&mut tab, url, "alice").await.unwrap())
    });
    match or_skip(signed_in.await) {
        Ok(saw) => saw.map(Ok),
        Err(error) => Some(Err(error)),
    }
}

/// The URL with one parameter of another value.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(
        pairs
            .iter()
            .map(|(known, old)| (known, if known == name { value } else { old })),
    );
    changed
}

fn refusal(outcome: Result<Value, RelyingPartyError>) -> String {
    match outcome.unwrap_err() {
        RelyingPartyError::Refused(reason) => reason,
        other => other.to_string(),
    }
}

#[tokio::test]
async fn authlib_signs_in_and_uses_the_tokens_up() {
    let setup = setup(CALLBACK);
    let Some(saw) = outcome(Strict::Authlib, SCOPE, setup, |url| url).await else {
        return;
    };
    let saw = saw.unwrap();
    assert_eq!(saw["id_token"]["sub"], "alice");
    assert_eq!(saw["algorithm"], "RS256");
    assert_eq!(saw["userinfo"]["email"], "alice@example.test");
    assert_eq!(saw["answer_names_issuer"], true);
    assert_eq!(saw["introspection"]["client_id"], "wiki");
    assert_eq!(saw["after_revocation"], "invalid_grant");
}

#[tokio::test]
async fn the_openidconnect_crate_signs_in_with_either_algorithm() {
    for algorithm in ["RS256", "ES256"] {
        let setup = setup(CALLBACK).client_with("id_token_signed_response_alg", algorithm);
        let client = Strict::Openidconnect;
        let Some(saw) = outcome(client, "openid profile email", setup, |url| url).await else {
            return;
        };
        let saw = saw.unwrap();
        assert_eq!(saw["algorithm"], algorithm);
        assert_eq!(saw["id_token"]["sub"], "alice");
        assert_eq!(saw["userinfo"]["name"], "Alice Example");
    }
}

#[tokio::test]
async fn strict_clients_refuse_answers_that_are_not_theirs() {
    for client in [Strict::Authlib, Strict::Openidconnect] {
        for (name, value, words) in [
            ("iss", "https://elsewhere.example", "another issuer"),
            ("state", "a-state-of-somebody-else", "state is not mine"),
            ("code", "a-code-that-nobody-issued", "invalid_grant"),
        ] {
            let answer = |url: Url| with(&url, name, value);
            let Some(outcome) = outcome(client, "openid", setup(CALLBACK), answer).await else {
                return;
            };
            let reason = refusal(outcome);
            assert!(reason.contains(words), "{client:?}, {name}: {reason}");
        }
    }
}

/// From the application's page to the provider, and back with the answer.
async fn through(tab: &mut Tab, page: &str, provider: &OidcProvider) -> testkit::browser::Page {
    let question = question(tab, page, provider.issuer()).await.unwrap();
    let answer = provider.sign_in(tab, &question, "alice").await.unwrap();
    tab.stop_nowhere();
    tab.open(answer.as_str()).await.unwrap()
}

#[tokio::test]
async fn apache_shows_its_page_to_whom_the_provider_signed_in() {
    let Some(mut apache) = or_skip(Apache::new()).unwrap() else {
        return;
    };
    let setup = setup(&apache.redirect_uri())
        .told_of_departures(&apache.backchannel_logout_uri(), &apache.page());
    let Some(provider) = OidcProvider::start_or_skip(setup).await.unwrap() else {
        return;
    };
    apache.start(&registration(&provider)).await.unwrap();
    let mut tab = Browser::new().unwrap().tab();
    let page = through(&mut tab, &apache.page(), &provider).await;
    let text = page.body();
    for line in [
        "OIDC_CLAIM_sub=alice\n",
        "OIDC_CLAIM_email=alice@example.test\n",
        "OIDC_CLAIM_name=Alice Example\n",
    ] {
        assert!(text.contains(line), "{line}{text}\n{}", apache.output());
    }
    let again = tab.open(&apache.page()).await.unwrap();
    assert_eq!(again.status(), 200, "the session stays");

    // She signs out at the provider, which tells the application.
    let leave = format!("{}/session/end", provider.issuer());
    let ask = tab.open(&leave).await.unwrap();
    let form = ask.form_with_button("Yes, sign me out").unwrap();
    let left = tab.submit(form).await.unwrap();
    assert_eq!(left.status(), 200, "{}", left.text());
    let stranger = question(&mut tab, &apache.page(), provider.issuer()).await;
    let said = format!("{}\n{}", apache.output(), provider.output());
    assert!(stranger.is_ok(), "still signed in\n{said}");
}

/// Signs Alice in to Roundcube, whose mail asks `userinfo` of the provider about tokens: the title
/// of the page where she arrives, and whose mailbox was opened.
async fn at_roundcube(userinfo: &str) -> Option<(String, Vec<String>)> {
    let mut roundcube = or_skip(Roundcube::new()).unwrap()?;
    // It is one of those that know nothing of PKCE, and send their secret in the form.
    let setup = setup(&roundcube.redirect_uri())
        .client_with("token_endpoint_auth_method", "client_secret_post")
        .pkce_optional();
    let provider = OidcProvider::start_or_skip(setup).await.unwrap()?;
    let at = |path: &str| format!("{}{path}", provider.issuer());
    let endpoints = Endpoints {
        authorize: at("/auth"),
        token: at("/token"),
        profile: at("/me"),
    };
    let mailbox = Mailbox::serve(&at(userinfo)).await.unwrap();
    let registration = registration(&provider);
    let started = roundcube.start(&registration, &endpoints, mailbox.address());
    started.await.unwrap();
    let mut tab = Browser::new().unwrap().tab();
    let page = through(&mut tab, &roundcube.sign_in_page(), &provider).await;
    Some((page.title().unwrap(), mailbox.opened()))
}

#[tokio::test]
async fn roundcube_opens_the_mailbox_of_whom_the_provider_signed_in() {
    let Some((title, opened)) = at_roundcube("/me").await else {
        return;
    };
    assert!(title.contains("Inbox"), "{title}");
    assert_eq!(opened.first().unwrap(), "alice@example.test");
}

#[tokio::test]
async fn roundcube_signs_nobody_in_whose_token_opens_no_mailbox() {
    let Some((title, opened)) = at_roundcube("/nowhere").await else {
        return;
    };
    assert!(title.contains("Welcome to Roundcube"), "{title}");
    assert_eq!(opened, Vec::<String>::new());
}
