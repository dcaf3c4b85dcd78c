//! Headers: what apps send gets into none, and ours let pages of other sites neither read nor frame.

use super::round::Round;
use super::*;
use http::Request;
use oidc::callback::Delivery;

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
            assert_eq!(round.error(&page), "invalid_request", "{name} {sent:?}");
            let said = answered(&page);
            assert!(!said.values().any(|value| value.contains("Set-Cookie")));
            let cookie = page.header("set-cookie").unwrap_or_default();
            assert!(!cookie.contains("x=1"), "{name}: {cookie}");
        }
        // What decides where the answer goes is answered by a page.
        for name in ["client_id", "redirect_uri"] {
            let page = round.ask(&mut tab, &[(name, sent)]).await;
            assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{name} {sent:?}");
            assert_eq!(page.location().unwrap(), None, "{name} {sent:?}");
            let cookie = page.header("set-cookie").unwrap_or_default();
            assert!(!cookie.contains("x=1"), "{name}: {cookie}");
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
