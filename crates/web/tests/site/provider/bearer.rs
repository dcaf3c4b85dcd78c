//! What an access token opens, and what is none.

use super::{
    CALLBACK, ERIN, Given, OPENID, Provider, basic, bearer, mailcow, public, refresh, settings,
};
use http::StatusCode;
use model::oauth_app::{AppSettings, FullName};
use std::time::Duration;

const PROFILE: &str = "/oauth/profile";
const USERINFO: &str = "/oauth/userinfo";
const TRIO: Given = Given {
    scopes: "profile",
    nonce: None,
    ..OPENID
};

#[tokio::test]
async fn mailcows_clients_get_mailcows_tokens_and_profile() {
    let provider = Provider::new().await;
    let app = provider.add("cow", mailcow()).await;
    let (code, _) = provider.code(app, TRIO).await;
    // The secret in the body, as older versions of authentik send it, and a slash at the end.
    let form = format!(
        "client_id=cow&client_secret=secret+of+cow&{}",
        super::redeem(&code)
    );
    let answer = provider.post("/oauth/token/", None, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let (access, again) = (
        answer.member("access_token"),
        answer.member("refresh_token"),
    );
    let expected = format!(
        "{{\"access_token\":\"{access}\",\"expires_in\":86400,\"token_type\":\"Bearer\",\
         \"scope\":\"profile\",\"refresh_token\":\"{again}\"}}"
    );
    assert_eq!(answer.text, expected);
    for token in [&access, &again] {
        assert!(token.len() == 40 && token.bytes().all(|b| b.is_ascii_hexdigit()));
    }

    let expected = format!(
        "{{\"success\":true,\"username\":\"{ERIN}\",\"id\":\"{ERIN}\",\"identifier\":\"{ERIN}\",\
         \"email\":\"{ERIN}\",\"full_name\":\"{ERIN}\",\"displayName\":\"{ERIN}\",\
         \"created\":\"2026-11-22 10:04:05\",\"modified\":\"\",\"active\":1}}"
    );
    let query = format!("access_token={access}");
    for path in [PROFILE, "/oauth/profile/"] {
        for answer in [
            provider.get(path, Some(&bearer(&access))).await,
            provider.get(path, Some(&format!("bEARER {access}"))).await,
            provider.get(&format!("{path}?{query}"), None).await,
            provider.post(path, None, &query).await,
        ] {
            assert_eq!((answer.status, &answer.text), (StatusCode::OK, &expected));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    // Nobody who may be known: mailcow's answer, without the type of JSON.
    provider.enable_erin(false).await;
    let off = provider.get(PROFILE, Some(&bearer(&access))).await;
    assert_eq!(
        (off.status.as_u16(), off.text.as_str()),
        (200, "{\"success\":false}")
    );
    assert_ne!(off.header("content-type"), Some("application/json"));
    provider.enable_erin(true).await;
    let narrow = provider
        .given(
            "cow",
            app,
            Given {
                scopes: "openid",
                ..TRIO
            },
        )
        .await;
    let token = bearer(&narrow.member("access_token"));
    let answer = provider.get(PROFILE, Some(&token)).await;
    assert_eq!(answer.text, "{\"success\":false}");
}

#[tokio::test]
async fn names_are_the_persons_unless_an_app_takes_addresses() {
    let provider = Provider::new().await;
    let app = provider.add("cow", mailcow()).await;
    provider
        .change_erin(|erin| erin.name = "Erin Example".to_owned())
        .await;
    let tokens = provider.given("cow", app, TRIO).await;
    let token = bearer(&tokens.member("access_token"));
    let profile = provider.get(PROFILE, Some(&token)).await.json();
    assert_eq!(profile["full_name"], "Erin Example");
    assert_eq!(profile["displayName"], "Erin Example");
    assert_eq!(profile["modified"].as_str().unwrap().len(), 19);
    provider
        .change(app, |app| app.full_name = FullName::Address)
        .await;
    let profile = provider.get(PROFILE, Some(&token)).await.json();
    assert_eq!(profile["full_name"], ERIN);
    assert_eq!(profile["displayName"], "Erin Example");
}

#[tokio::test]
async fn a_token_is_shown_once_and_where_it_may_be() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let cow = provider.add("cow", mailcow()).await;
    let strict = provider
        .given("app", app, OPENID)
        .await
        .member("access_token");
    let lenient = provider
        .given("cow", cow, OPENID)
        .await
        .member("access_token");
    let header = bearer(&lenient);
    let query = |path: &str, token: &str| format!("{path}?access_token={token}");
    for (path, auth, form, status, error) in [
        (PROFILE.to_owned(), None, "", 401, None),
        (USERINFO.to_owned(), None, "", 401, None),
        (
            PROFILE.to_owned(),
            Some("Bearer nonsense"),
            "",
            401,
            Some("invalid_token"),
        ),
        (
            USERINFO.to_owned(),
            Some("Bearer nonsense"),
            "",
            401,
            Some("invalid_token"),
        ),
        (
            PROFILE.to_owned(),
            Some("Bearer"),
            "",
            400,
            Some("invalid_request"),
        ),
        (
            PROFILE.to_owned(),
            Some("Basic YTpi"),
            "",
            400,
            Some("invalid_request"),
        ),
        (
            query(PROFILE, &lenient),
            Some(&header),
            "",
            400,
            Some("invalid_request"),
        ),
        (
            PROFILE.to_owned(),
            Some(&header),
            "access_token=x",
            400,
            Some("invalid_request"),
        ),
        // What may have been in an address opens nothing else.
        (
            USERINFO.to_owned(),
            Some(&header),
            "",
            403,
            Some("insufficient_scope"),
        ),
        // The query is for apps that are marked so, and for the profile alone.
        (
            query(PROFILE, &strict),
            None,
            "",
            400,
            Some("invalid_request"),
        ),
        (
            query(USERINFO, &strict),
            None,
            "",
            400,
            Some("invalid_request"),
        ),
        (
            query(USERINFO, &lenient),
            None,
            "",
            400,
            Some("invalid_request"),
        ),
    ] {
        let answer = provider.post(&path, auth, form).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {auth:?}");
        let scheme = answer.header("www-authenticate").unwrap();
        let expected = error.map_or_else(
            || "Bearer realm=\"Service\"".to_owned(),
            |error| format!("Bearer realm=\"Service\", error=\"{error}\", error_description="),
        );
        assert!(scheme.starts_with(&expected), "{scheme}");
        assert_eq!(scheme.contains("error"), error.is_some());
        assert_eq!(answer.text.is_empty(), error.is_none(), "{}", answer.text);
        assert!(!answer.text.contains(&lenient) && !scheme.contains(&lenient));
    }
}

#[tokio::test]
async fn scopes_are_demanded() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let email = Given {
        scopes: "email",
        ..TRIO
    };
    let token = provider
        .given("app", app, email)
        .await
        .member("access_token");
    for (path, scope) in [(PROFILE, "profile"), (USERINFO, "openid")] {
        let answer = provider.get(path, Some(&bearer(&token))).await;
        assert_eq!(answer.error(), (403, "insufficient_scope".to_owned()));
        let scheme = answer.header("www-authenticate").unwrap();
        assert!(scheme.ends_with(&format!("scope=\"{scope}\"")), "{scheme}");
    }
}

/// From its last use: whoever comes back within a month goes on.
#[tokio::test]
async fn a_refresh_token_is_good_for_31_days() {
    let provider = Provider::new().await;
    let app = provider.add("cow", mailcow()).await;
    let mut token = provider
        .given("cow", app, TRIO)
        .await
        .member("refresh_token");
    for _ in 0..2 {
        let clock = &provider.world.clock;
        clock.advance(model::time::DAY * 31 - Duration::from_secs(1));
        provider.world.app.sweep().await.unwrap();
        let next = provider.tokens("cow", &refresh(&token)).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.text);
        token = next.member("refresh_token");
    }
    provider.world.clock.advance(model::time::DAY * 31);
    let late = provider.tokens("cow", &refresh(&token)).await;
    assert_eq!(late.error(), (400, "invalid_grant".to_owned()));
}

/// `targets.md` S23: each kind of secret opens what it is for, and nothing else.
#[tokio::test]
async fn one_kind_of_token_is_never_another() {
    let provider = Provider::new().await;
    let app = provider.add("app", mailcow()).await;
    let (code, _) = provider.code(app, OPENID).await;
    let tokens = provider.given("app", app, OPENID).await;
    let (id, again) = (tokens.member("id_token"), tokens.member("refresh_token"));
    for wrong in [&id, &again, &code, &"secret".to_owned()] {
        for path in [PROFILE, USERINFO] {
            let answer = provider.get(path, Some(&bearer(wrong))).await;
            assert_eq!(answer.error(), (401, "invalid_token".to_owned()));
        }
    }
    for wrong in [&tokens.member("access_token"), &id, &code] {
        let answer = provider.tokens("app", &refresh(wrong)).await;
        assert_eq!(answer.error(), (400, "invalid_grant".to_owned()));
    }
}

/// Everything that ends an access token, at every place where it counts.
#[tokio::test]
async fn a_token_that_has_ended_opens_nothing_anywhere() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let offline = Given {
        scopes: "openid profile offline_access",
        ..OPENID
    };
    let dead = async |token: &str, why: &str| {
        for path in [PROFILE, USERINFO] {
            let answer = provider.get(path, Some(&bearer(token))).await;
            assert_eq!(
                answer.error(),
                (401, "invalid_token".to_owned()),
                "{why} {path}"
            );
        }
        let worth = provider.introspected("app", token).await;
        assert_eq!(worth, serde_json::json!({"active": false}), "{why}");
    };
    let fresh = async || {
        let tokens = provider.given("app", app, offline.clone()).await;
        (
            tokens.member("access_token"),
            tokens.member("refresh_token"),
        )
    };
    let revoke = async |token: &str| {
        let form = format!("token={token}");
        let answer = provider
            .post("/oauth/revoke", Some(&basic("app")), &form)
            .await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    };

    let (access, again) = fresh().await;
    revoke(&access).await;
    dead(&access, "revoked").await;
    let next = provider.tokens("app", &refresh(&again)).await;
    assert_eq!(next.status, StatusCode::OK, "an access token goes alone");

    revoke(&next.member("refresh_token")).await;
    dead(
        &next.member("access_token"),
        "its refresh token was revoked",
    )
    .await;

    let (access, again) = fresh().await;
    let next = provider.tokens("app", &refresh(&again)).await;
    let reused = provider.tokens("app", &refresh(&again)).await;
    assert_eq!(reused.error(), (400, "invalid_grant".to_owned()));
    dead(&access, "its refresh token was used twice").await;
    dead(&next.member("access_token"), "so was that of its sister").await;
    let last = provider
        .tokens("app", &refresh(&next.member("refresh_token")))
        .await;
    assert_eq!(last.error(), (400, "invalid_grant".to_owned()));

    let (access, _) = fresh().await;
    provider.enable_erin(false).await;
    dead(&access, "the person is switched off").await;
    provider.enable_erin(true).await;
    provider.change(app, |app| app.active = false).await;
    dead(&access, "the app is switched off").await;
    provider.change(app, |app| app.active = true).await;
    provider.world.clock.advance(Duration::from_secs(3600));
    dead(&access, "it has ended").await;
    provider.world.app.sweep().await.unwrap();
    dead(&access, "it was swept away").await;
}

#[tokio::test]
async fn an_app_learns_what_its_own_tokens_are_worth() {
    let provider = Provider::new().await;
    let by_header_alone = AppSettings {
        token_in_query: false,
        ..mailcow()
    };
    let app = provider.add("app", by_header_alone).await;
    provider.add("other", settings()).await;
    provider.add("tv", public()).await;
    let tokens = provider.given("app", app, OPENID).await;
    let access = tokens.member("access_token");
    let worth = provider.introspected("app", &access).await;
    let now = provider.world.app.now().secs();
    assert_eq!(worth["active"], true);
    assert_eq!(worth["scope"], "openid profile email");
    assert_eq!(
        (&worth["client_id"], &worth["aud"]),
        (&"app".into(), &"app".into())
    );
    assert_eq!(worth["username"], ERIN);
    assert_eq!(worth["iss"], provider.world.url.as_str());
    assert_eq!(
        (&worth["iat"], &worth["exp"]),
        (&now.into(), &(now + 86_400).into())
    );
    let about = provider.get(USERINFO, Some(&bearer(&access))).await.json();
    assert_eq!(worth["sub"], about["sub"]);
    let again = provider
        .introspected("app", &tokens.member("refresh_token"))
        .await;
    assert_eq!(again["active"], true);
    assert_eq!(again.get("token_type"), None);

    let nothing = serde_json::json!({"active": false});
    assert_eq!(provider.introspected("other", &access).await, nothing);
    let id = tokens.member("id_token");
    assert_eq!(provider.introspected("app", &id).await, nothing);
    let form = format!("token={access}");
    let answer = provider
        .post("/oauth/revoke", Some(&basic("other")), &form)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(provider.introspected("app", &access).await["active"], true);
    for (path, form, status) in [
        ("/oauth/introspect", form.as_str(), 401),
        ("/oauth/introspect", &format!("{form}&client_id=tv"), 401),
        ("/oauth/revoke", form.as_str(), 401),
        ("/oauth/revoke", "client_id=tv&token=unknown", 200),
        ("/oauth/revoke", "client_id=tv", 400),
    ] {
        let answer = provider.post(path, None, form).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {form}");
    }
    assert!(!worth.to_string().contains(CALLBACK));
}
