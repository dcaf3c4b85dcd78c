//! What opens something is nowhere to be found, and what apps send gets into no header.

use super::round::{Round, is_invalid_grant};
use super::*;
use http::Request;
use oidc::callback::Delivery;

/// S25 of the abuse catalogue: the store's file is worth nothing to who reads it.
#[tokio::test]
async fn nothing_that_opens_something_is_in_the_store() {
    let round = Round::new(Delivery::Query).await;
    let mut tab = erin(&round.world).await;
    let scope = [("scope", "openid email offline_access")];
    let page = round.ask(&mut tab, &scope).await;
    let page = allow(&mut tab, &page).await;
    let tokens = round.tokens(&page).await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let has = |what: &str| {
        let files = round.world.picture();
        let mut files = files.iter();
        files.any(|bytes| {
            bytes
                .windows(what.len())
                .any(|part| part == what.as_bytes())
        })
    };
    assert!(has("erin@example.org") && has("openid email offline_access"));
    for secret in [
        round.client.secret.clone(),
        round.code(&page),
        text("access_token"),
        text("refresh_token"),
        text("id_token"),
    ] {
        assert!(secret.len() >= 40 && !has(&secret), "{secret}");
    }
}

/// S5: `plain` is for mailcow's clients alone, and is held to.
#[tokio::test]
async fn mailcows_clients_may_use_plain_challenges() {
    const PLAIN: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let round = Round::with(Delivery::Query, |s| s.mailcow = true).await;
    let mut tab = erin(&round.world).await;
    for method in ["plain", ""] {
        let plain = [
            ("code_challenge", PLAIN),
            ("code_challenge_method", method),
            ("prompt", "consent"),
        ];
        let page = round.ask(&mut tab, &plain).await;
        let code = round.code(&allow(&mut tab, &page).await);
        is_invalid_grant(&round.redeem(&code, &[]).await);
        is_invalid_grant(&round.redeem(&code, &[("code_verifier", CHALLENGE)]).await);
        let (status, told) = round.redeem(&code, &[("code_verifier", PLAIN)]).await;
        assert_eq!(status, StatusCode::OK, "{told}");
    }
}

/// S7: whatever is in a state or a name, headers stay as many as they are.
#[tokio::test]
async fn line_ends_get_into_no_header() {
    let round = Round::new(Delivery::Query).await;
    let (mut tab, _) = round.allowed().await;
    for sent in ["a\r\nSet-Cookie: x=1", "a\nb", "\r", "\0", "a\u{0}b"] {
        let page = round.ask(&mut tab, &[("state", sent)]).await;
        let said = answered(&page);
        assert_eq!(said["error"], "invalid_request", "{sent:?}");
        assert!(!said.contains_key("state") && !said.contains_key("code"));
        let cookie = page.header("set-cookie").unwrap_or_default();
        assert!(!cookie.contains("x=1"), "{cookie}");
        for name in ["nonce", "scope", "prompt", "claims", "login_hint"] {
            let page = round.ask(&mut tab, &[(name, sent)]).await;
            if page.status() == StatusCode::SEE_OTHER {
                let said = answered(&page);
                assert!(said.contains_key("error"), "{name} {sent:?}");
                assert!(!said.values().any(|value| value.contains("Set-Cookie")));
            }
        }
    }
    // What a state may hold comes back as it was.
    let odd = "\u{202e}ä \"<>;,&=+%41";
    let page = round.ask(&mut tab, &[("state", odd)]).await;
    assert_eq!(answered(&page)["state"], odd);
}

/// RFC 9700 section 4.3: pages of other sites read nothing here, and learn nothing of where one came from.
#[tokio::test]
async fn the_way_is_closed_to_pages_of_other_sites() {
    let round = Round::new(Delivery::Query).await;
    let question = round.question(&[]);
    let at = question.strip_prefix(&round.world.url).unwrap();
    for path in [at, "/oauth/authorize", "/oauth/end-session", "/connect"] {
        let asked = Request::get(path).header("origin", "https://files.example.com");
        let answer = round.world.send(asked, "").await;
        let headers = answer.headers();
        let allowed = headers.get("access-control-allow-origin");
        assert_eq!(allowed, None, "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    let page = round.ask(&mut tab(&round.world), &[]).await;
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}
