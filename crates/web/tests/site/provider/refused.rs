//! What the token endpoint refuses, and how it says so: RFC 6749 section 5.2, and mailcow's ways for
//! mailcow's clients.

use super::{
    CALLBACK, CHALLENGE, FORM, Given, OPENID, Provider, VERIFIER, basic, bearer, mailcow, public,
    redeem, refresh, secret_of, settings,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode};
use model::oauth_app::AppAccess;
use std::collections::BTreeSet;
use std::time::Duration;

const TOKEN: &str = "/oauth/token";

/// Asks with a verifier.
fn with_verifier(code: &str, verifier: &str) -> String {
    format!("{}&code_verifier={verifier}", redeem(code))
}

fn by_body(client: &str, form: &str) -> String {
    let secret = secret_of(client).replace(' ', "+");
    format!("{form}&client_id={client}&client_secret={secret}")
}

#[tokio::test]
async fn tokens_are_given_by_post_and_form_only() {
    let provider = Provider::new().await;
    provider.add("app", settings()).await;
    for path in [TOKEN, "/oauth/token/"] {
        let get = provider.get(path, Some(&basic("app"))).await;
        assert_eq!(get.error(), (405, "invalid_request".to_owned()));
        assert_eq!(get.header("allow"), Some("POST"));
        assert_eq!(get.header("cache-control"), Some("no-store"));
        for kind in ["application/json", "text/plain", "multipart/form-data"] {
            let request = Request::builder()
                .method(Method::POST)
                .uri(path)
                .header("authorization", basic("app"))
                .header("content-type", kind);
            let form = "grant_type=authorization_code&code=x";
            let answer = provider.send(request, form).await;
            assert_eq!(answer.error(), (400, "invalid_request".to_owned()));
        }
    }
    let request = Request::builder()
        .method(Method::POST)
        .uri(TOKEN)
        .header("authorization", basic("app"))
        .header("authorization", basic("app"))
        .header("content-type", FORM);
    let twice = provider.send(request, "grant_type=refresh_token").await;
    assert_eq!(twice.error(), (400, "invalid_request".to_owned()));
}

/// The row of the endpoints in `targets.md` section 12: bytes that are no form.
#[tokio::test]
async fn bodies_that_are_no_form_are_refused_and_named() {
    let provider = Provider::new().await;
    provider.add("app", settings()).await;
    let long = format!(
        "grant_type=refresh_token&refresh_token={}",
        "x".repeat(70_000)
    );
    let cases: [(&[u8], &str); 9] = [
        (
            b"grant_type=refresh_token&refresh_token=\xff\xfe",
            "invalid_request",
        ),
        (
            b"grant_type=refresh_token&refresh_token=%ff",
            "invalid_request",
        ),
        (
            b"grant_type=refresh_token&refresh_token=%00",
            "invalid_request",
        ),
        (
            b"grant_type=refresh_token&refresh_token=a%0d%0ab",
            "invalid_request",
        ),
        (b"\0", "invalid_request"),
        (b"&&&=&=", "invalid_request"),
        (
            b"grant_type=refresh_token&refresh_token=x&token=y&token=y",
            "invalid_grant",
        ),
        (b"{\"grant_type\":\"refresh_token\"}", "invalid_request"),
        (long.as_bytes(), "invalid_request"),
    ];
    for (body, error) in cases {
        let request = Request::builder()
            .method(Method::POST)
            .uri(TOKEN)
            .header("authorization", basic("app"))
            .header("content-type", FORM);
        let answer = provider.send_bytes(request, body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
        assert_eq!(answer.error(), (400, error.to_owned()), "{shown}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for path in [
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/device_authorization",
    ] {
        for body in [
            b"token=\xff".as_slice(),
            b"token=%00",
            b"token=a&token=b",
            b"scope=\xff",
        ] {
            let request = Request::builder()
                .method(Method::POST)
                .uri(path)
                .header("authorization", basic("app"))
                .header("content-type", FORM);
            let answer = provider.send_bytes(request, body.to_vec()).await;
            let status = answer.status.as_u16();
            assert_eq!(status, 400, "{path} {}", String::from_utf8_lossy(body));
        }
    }
}

#[tokio::test]
async fn who_does_not_prove_it_is_told_in_the_way_it_tried() {
    let provider = Provider::new().await;
    provider.add("app", settings()).await;
    provider.add("other", settings()).await;
    provider.add("tv", public()).await;
    provider.add("cow", mailcow()).await;
    let header = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let form = refresh("x");
    let body = |extra: &str| format!("{form}&{extra}");
    // Header, form, status, error, and whether the scheme is named.
    for (auth, form, status, error, named) in [
        (None, form.clone(), 401, "invalid_client", false),
        (
            Some(header("app:wrong")),
            form.clone(),
            401,
            "invalid_client",
            true,
        ),
        (
            Some(header("app:")),
            form.clone(),
            401,
            "invalid_client",
            true,
        ),
        (
            Some(header("nobody:x")),
            form.clone(),
            401,
            "invalid_client",
            true,
        ),
        (
            Some(header("app:secret of other")),
            form.clone(),
            401,
            "invalid_client",
            true,
        ),
        (
            Some("Basic !!!".to_owned()),
            form.clone(),
            401,
            "invalid_client",
            true,
        ),
        (Some(bearer("x")), form.clone(), 401, "invalid_client", true),
        (
            None,
            body("client_id=app&client_secret=wrong"),
            401,
            "invalid_client",
            false,
        ),
        (None, body("client_id=app"), 401, "invalid_client", false),
        (None, body("client_id=nobody"), 401, "invalid_client", false),
        (
            None,
            body("client_id=tv&client_secret=x"),
            401,
            "invalid_client",
            false,
        ),
        (
            None,
            body("client_id=cow&client_secret=x"),
            400,
            "invalid_client",
            false,
        ),
        (
            Some(header("cow:x")),
            form.clone(),
            400,
            "invalid_client",
            false,
        ),
        (
            Some(basic("app")),
            by_body("app", &form),
            400,
            "invalid_request",
            false,
        ),
        (
            Some(basic("app")),
            body("client_id=other"),
            400,
            "invalid_request",
            false,
        ),
        (
            None,
            body("client_id=app&client_assertion=x"),
            401,
            "invalid_client",
            false,
        ),
        // Known, so it is the token that is wrong.
        (
            Some(basic("app")),
            form.clone(),
            400,
            "invalid_grant",
            false,
        ),
        (None, by_body("app", &form), 400, "invalid_grant", false),
        (None, body("client_id=tv"), 400, "invalid_grant", false),
    ] {
        let answer = provider.post(TOKEN, auth.as_deref(), &form).await;
        assert_eq!(
            answer.error(),
            (status, error.to_owned()),
            "{auth:?} {form}"
        );
        let scheme = answer.header("www-authenticate");
        assert_eq!(
            scheme.is_some_and(|s| s.starts_with("Basic")),
            named,
            "{auth:?} {form}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn wrong_secrets_are_limited_and_a_right_one_always_passes() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let guess = "grant_type=refresh_token&refresh_token=x&client_id=app&client_secret=guess";
    for _ in 0..20 {
        assert_eq!(provider.post(TOKEN, None, guess).await.status.as_u16(), 401);
    }
    let answer = provider.post(TOKEN, None, guess).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let elsewhere = provider.post("/oauth/revoke", None, guess).await;
    assert_eq!(elsewhere.status, StatusCode::TOO_MANY_REQUESTS);
    provider.given("app", app, OPENID).await;
    provider.world.clock.advance(Duration::from_secs(60));
    assert_eq!(provider.post(TOKEN, None, guess).await.status.as_u16(), 401);
}

#[tokio::test]
async fn a_replaced_secret_counts_until_its_end() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let (now, tag) = (provider.world.app.now(), provider.client_tag("fresh"));
    provider
        .write(async move |tx| {
            let new = store::oauth_apps::add_secret(tx, app, &tag, "fresh", now).await?;
            let ends = now.plus(Duration::from_secs(3600));
            store::oauth_apps::end_secrets(tx, app, new, ends).await
        })
        .await;
    let fresh = format!("Basic {}", STANDARD.encode("app:fresh"));
    let try_one = async |auth: &str| {
        provider
            .post(TOKEN, Some(auth), &refresh("x"))
            .await
            .error()
    };
    let (known, unknown) = (
        (400, "invalid_grant".to_owned()),
        (401, "invalid_client".to_owned()),
    );
    assert_eq!(try_one(&basic("app")).await, known);
    assert_eq!(try_one(&fresh).await, known);
    provider.world.clock.advance(Duration::from_secs(3600));
    assert_eq!(try_one(&basic("app")).await, unknown);
    assert_eq!(try_one(&fresh).await, known);
}

#[tokio::test]
async fn other_grants_are_none() {
    let provider = Provider::new().await;
    provider.add("app", settings()).await;
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        (
            "grant_type=password&username=erin%40example.org&password=x",
            "unsupported_grant_type",
        ),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        (
            "grant_type=authorization_code&code=a&code=b",
            "invalid_request",
        ),
    ] {
        let answer = provider.tokens("app", form).await;
        assert_eq!(answer.error(), (400, error.to_owned()), "{form}");
    }
}

#[tokio::test]
async fn a_code_is_bound_to_app_redirect_challenge_and_time() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    provider.add("other", settings()).await;
    let cow = provider.add("cow", mailcow()).await;
    let refused = |error: &str| (400, error.to_owned());
    let plain = OPENID;
    let challenged = Given {
        challenge: Some(CHALLENGE),
        ..OPENID
    };
    let silent = Given {
        redirect: None,
        ..OPENID
    };

    let (code, _) = provider.code(app, plain.clone()).await;
    let other = provider.tokens("other", &redeem(&code)).await;
    assert_eq!(other.error(), refused("invalid_grant"));
    let form = |uri: &str| format!("grant_type=authorization_code&code={code}{uri}");
    for uri in [
        "",
        "&redirect_uri=https%3A%2F%2Fapp.example.net%2Fcb%2F",
        "&redirect_uri=https%3A%2F%2FAPP.example.net%2Fcb",
        "&redirect_uri=https%3A%2F%2Fapp.example.net%2Fcb%3Fx",
    ] {
        let answer = provider.tokens("app", &form(uri)).await;
        assert_eq!(answer.error(), refused("invalid_grant"), "{uri}");
    }
    // A verifier without a challenge: somebody took the challenge away.
    let downgrade = provider
        .tokens("app", &with_verifier(&code, VERIFIER))
        .await;
    assert_eq!(downgrade.error(), refused("invalid_grant"));
    let right = provider.tokens("app", &redeem(&code)).await;
    assert_eq!(
        right.status,
        StatusCode::OK,
        "nothing was used up: {}",
        right.text
    );

    let (code, _) = provider.code(cow, plain.clone()).await;
    let none = format!("grant_type=authorization_code&code={code}");
    let answer = provider.tokens("cow", &none).await;
    assert_eq!(answer.error(), refused("redirect_uri_mismatch"));

    let (code, _) = provider.code(app, challenged.clone()).await;
    let long = "a".repeat(129);
    for form in [
        redeem(&code),
        with_verifier(&code, CHALLENGE),
        with_verifier(&code, &VERIFIER[1..]),
        with_verifier(&code, &long),
    ] {
        let answer = provider.tokens("app", &form).await;
        assert_eq!(answer.error(), refused("invalid_grant"));
    }
    let right = provider
        .tokens("app", &with_verifier(&code, VERIFIER))
        .await;
    assert_eq!(right.status, StatusCode::OK);

    let (code, _) = provider.code(app, silent.clone()).await;
    let evil = format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fevil");
    assert_eq!(
        provider.tokens("app", &evil).await.error(),
        refused("invalid_grant")
    );
    let none = format!("grant_type=authorization_code&code={code}");
    assert_eq!(provider.tokens("app", &none).await.status, StatusCode::OK);

    let (code, _) = provider.code(app, plain).await;
    provider.world.clock.advance(Duration::from_secs(60));
    let late = provider.tokens("app", &redeem(&code)).await;
    assert_eq!(late.error(), refused("invalid_grant"));
    let never = provider.tokens("app", &redeem("never")).await;
    assert_eq!(never.error(), refused("invalid_grant"));
}

#[tokio::test]
async fn who_may_not_any_more_gets_nothing_and_uses_nothing_up() {
    let provider = Provider::new().await;
    let app = provider.add("app", mailcow()).await;
    let (code, _) = provider.code(app, OPENID).await;
    let first = provider.given("app", app, OPENID).await;
    let forms = [redeem(&code), refresh(&first.member("refresh_token"))];
    let all_refused = async |why: &str| {
        for form in &forms {
            let answer = provider.tokens("app", form).await;
            assert_eq!(answer.error(), (400, "invalid_grant".to_owned()), "{why}");
        }
    };
    provider.enable_erin(false).await;
    all_refused("the person is switched off").await;
    provider.enable_erin(true).await;
    provider.change(app, |app| app.active = false).await;
    all_refused("the app is switched off").await;
    provider.change(app, |app| app.active = true).await;
    let nobody = AppAccess::Only {
        domains: BTreeSet::new(),
        tags: BTreeSet::from(["staff".to_owned()]),
    };
    provider.change(app, |app| app.access = nobody).await;
    all_refused("not for this person").await;
    let domain = provider.erin().await.domain;
    let ours = AppAccess::Only {
        domains: BTreeSet::from([domain]),
        tags: BTreeSet::new(),
    };
    provider.change(app, |app| app.access = ours).await;
    for form in &forms {
        let answer = provider.tokens("app", form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
}

#[tokio::test]
async fn scopes_shrink_and_never_grow() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let offline = Given {
        scopes: "openid email offline_access",
        ..OPENID
    };
    let first = provider.given("app", app, offline).await;
    let narrow = |token: &str, scope: &str| format!("{}&scope={scope}", refresh(token));
    let token = first.member("refresh_token");
    for scope in ["profile", "openid+profile", "openid+admin"] {
        let answer = provider.tokens("app", &narrow(&token, scope)).await;
        assert_eq!(answer.error(), (400, "invalid_scope".to_owned()), "{scope}");
    }
    let less = provider.tokens("app", &narrow(&token, "email")).await;
    assert_eq!(less.member("scope"), "email");
    assert_eq!(less.json().get("id_token"), None);
    let all = provider
        .tokens("app", &refresh(&less.member("refresh_token")))
        .await;
    assert_eq!(all.member("scope"), "openid email offline_access");
    assert!(all.json().get("id_token").is_some());
    assert!(!all.text.contains(CALLBACK));
}
