//! The sample company keeps to the protocol, and is strict about it.

use crate::relying_party::*;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use lab::{Algorithm, ClaimsIn, Client, ClientAuth, Endpoint, Options, UserinfoAs};
use serde_json::{Value, json};
use std::time::Duration;

/// The claims of an ID token, its signature checked against the published keys by a JWT library
/// that had no part in making it.
async fn verified(lab: &lab::Handle, id_token: &Value) -> Value {
    opened(lab, id_token.as_str().unwrap(), &["exp"]).await
}

/// The claims of any signed token, these among them.
async fn opened(lab: &lab::Handle, token: &str, needed: &[&str]) -> Value {
    let discovery = format!("{}/.well-known/openid-configuration", lab.issuer());
    let discovery = json(http().get(discovery)).await;
    let keys = json(http().get(discovery["jwks_uri"].as_str().unwrap())).await;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let header = decode_header(token).unwrap();
    let key = keys.find(header.kid.as_ref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[lab.issuer()]);
    validation.set_audience(&[CLIENT]);
    validation.set_required_spec_claims(needed);
    decode(token, &DecodingKey::from_jwk(key).unwrap(), &validation)
        .unwrap()
        .claims
}

#[tokio::test]
async fn a_complete_flow_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let lab = start(
            company(),
            Options {
                algorithm,
                ..Options::default()
            },
        )
        .await;
        let mut tab = tab();
        let answer = sign_in(&mut tab, &lab).await;
        assert_eq!(
            (answer["state"].as_str(), answer["iss"].as_str()),
            (STATE, lab.issuer())
        );
        let location = tab.hops().last().unwrap().location.clone().unwrap();
        assert!(
            location.starts_with("https://mail.example.com?code="),
            "{location}"
        );

        let tokens = tokens(&lab, &answer["code"]).await;
        assert_eq!(tokens["token_type"], "Bearer");
        assert_eq!(tokens["scope"], "openid profile email mailcow_template");
        let claims = verified(&lab, &tokens["id_token"]).await;
        assert_eq!(claims["nonce"], NONCE);
        assert_eq!(claims["email"], Value::Null, "the ID token is minimal");

        let person: Value = userinfo(&lab, &tokens).await.json().await.unwrap();
        assert_eq!(
            person,
            json!({
                "sub": claims["sub"],
                "name": "Alice Aalto",
                "preferred_username": "alice",
                "email": "alice@example.test",
                "email_verified": true,
                "mailcow_template": "staff",
            })
        );
    }
}

#[tokio::test]
async fn userinfo_is_signed_where_the_options_say() {
    for algorithm in Algorithm::ALL {
        let options = Options {
            algorithm,
            userinfo_as: UserinfoAs::Signed,
            ..Options::default()
        };
        let lab = start(company(), options).await;
        let tokens = tokens(&lab, &code(&lab).await).await;
        let answer = userinfo(&lab, &tokens).await;
        assert_eq!(answer.headers()["content-type"], "application/jwt");
        let claims = opened(&lab, &answer.text().await.unwrap(), &[]).await;
        assert_eq!(claims["email"], "alice@example.test", "{algorithm:?}");
    }
}

#[tokio::test]
async fn an_answer_is_carried_by_a_form_where_the_request_says() {
    let lab = start(company(), Options::default()).await;
    let request = request_with("response_mode", "form_post");
    let mut tab = tab();
    let page = tab.open(&url(&lab, &request)).await.unwrap();
    let page = as_alice(&mut tab, &page).await;
    let form = page.form("#carry-back").unwrap();
    assert_eq!(form.value("state").as_deref(), Some(STATE));
    assert_eq!(form.value("iss").as_deref(), Some(lab.issuer()));
    let code = form.value("code").unwrap();
    assert!(tokens(&lab, &code).await["id_token"].is_string());
}

#[tokio::test]
async fn claims_appear_where_the_options_say() {
    for (claims_in, in_id_token, in_userinfo) in [
        (ClaimsIn::Userinfo, false, true),
        (ClaimsIn::IdToken, true, false),
        (ClaimsIn::Both, true, true),
    ] {
        let options = Options {
            claims_in,
            algorithm: Algorithm::Es256,
            ..Options::default()
        };
        let lab = start(company(), options).await;
        let tokens = tokens(&lab, &code(&lab).await).await;
        let token = verified(&lab, &tokens["id_token"]).await;
        let person: Value = userinfo(&lab, &tokens).await.json().await.unwrap();
        assert_eq!(
            token["mailcow_template"] == "staff",
            in_id_token,
            "{claims_in:?}"
        );
        assert_eq!(
            person["mailcow_template"] == "staff",
            in_userinfo,
            "{claims_in:?}"
        );
        assert_eq!(person["sub"], token["sub"]);
    }
}

#[tokio::test]
async fn a_person_can_be_changed_and_leave_at_run_time() {
    let lab = start(company(), Options::default()).await;
    let company = lab.company().clone();
    let mut tab = tab();
    let first = sign_in(&mut tab, &lab).await;
    let tokens = tokens(&lab, &first["code"]).await;
    let template = async || userinfo(&lab, &tokens).await.json::<Value>().await.unwrap();

    company
        .set_claim("alice", "mailcow_template", "board")
        .unwrap();
    assert_eq!(template().await["mailcow_template"], "board");
    company
        .set_claim("alice", "email", "a.aalto@example.test")
        .unwrap();
    assert_eq!(template().await["email"], "a.aalto@example.test");
    company.remove_claim("alice", "email").unwrap();
    assert_eq!(template().await["email"], "alice@example.test");
    assert!(company.set_claim("nobody", "email", "x").is_err());

    // The browser is signed in: no form. Once she has left, nothing of hers works.
    let again = sign_in(&mut tab, &lab).await;
    assert_eq!(lab.hits(Endpoint::Login), 2);
    company.disable("alice").unwrap();
    assert_eq!(userinfo(&lab, &tokens).await.status(), 401);
    let refused = crate::relying_party::tokens(&lab, &again["code"]).await;
    assert_eq!(refused["error"], "invalid_grant");
    let page = tab.open(&url(&lab, &request())).await.unwrap();
    let form = page
        .form("#sign-in")
        .unwrap()
        .fill("username", "alice")
        .unwrap();
    let form = form.fill("password", lab::sample::PASSWORD).unwrap();
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), 403);
    assert_eq!(
        page.text_of("[role=alert]").unwrap(),
        "This account has been disabled."
    );
    company.enable("alice").unwrap();
    assert_eq!(userinfo(&lab, &tokens).await.status(), 200);
}

#[tokio::test]
async fn the_sign_in_page_offers_names_passwords_and_a_way_out() {
    let lab = start(company(), Options::default()).await;
    let mut tab = tab();
    let hinted = request_with("login_hint", "\"><b>bob");
    let page = tab.open(&url(&lab, &hinted)).await.unwrap();
    assert_eq!(page.title().unwrap(), "Sign in · Example & Co");
    let form = page.form("#sign-in").unwrap();
    assert_eq!(form.value("username").unwrap(), "\"><b>bob");

    let wrong = form
        .clone()
        .fill("username", "bob")
        .unwrap()
        .fill("password", "guess")
        .unwrap();
    let again = tab.submit(wrong).await.unwrap();
    assert_eq!(
        again.text_of("[role=alert]").unwrap(),
        "Wrong name or password."
    );

    let denied = tab.submit(
        again
            .form("#sign-in")
            .unwrap()
            .press("Say no and go back")
            .unwrap(),
    );
    let denied = answer(&denied.await.unwrap());
    assert_eq!(denied["error"], "access_denied");
    assert_eq!(denied["state"], STATE);
    let stale = tab.submit(form).await.unwrap();
    assert_eq!(stale.status(), 400);

    let page = tab.open(&url(&lab, &request())).await.unwrap();
    let person = page
        .form_with_button("Carol Costa carol@example.test")
        .unwrap();
    let code = answer(&tab.submit(person).await.unwrap())["code"].clone();
    let tokens = tokens(&lab, &code).await;
    let carol: Value = userinfo(&lab, &tokens).await.json().await.unwrap();
    assert_eq!(carol["preferred_username"], "carol");
    assert_eq!(carol.get("mailcow_template"), None);

    let lab = start(
        company(),
        Options {
            quick_sign_in: false,
            ..Options::default()
        },
    )
    .await;
    let page = tab.open(&url(&lab, &request())).await.unwrap();
    assert_eq!(page.count("#sample-people").unwrap(), 0);
    let form = page.form("#sign-in").unwrap().tamper("person", "carol");
    assert_eq!(tab.submit(form).await.unwrap().status(), 403);
}

#[tokio::test]
async fn prompt_and_max_age_are_kept() {
    let (options, clock) = at_fixed_time();
    let lab = start(company(), options).await;
    let mut tab = tab();
    let none = url(&lab, &request_with("prompt", "none"));
    assert_eq!(
        answer(&tab.open(&none).await.unwrap())["error"],
        "login_required"
    );
    sign_in(&mut tab, &lab).await;
    assert!(answer(&tab.open(&none).await.unwrap()).contains_key("code"));
    let login = tab
        .open(&url(&lab, &request_with("prompt", "login")))
        .await
        .unwrap();
    assert_eq!(login.count("#sign-in").unwrap(), 1);
    clock.advance(Duration::from_secs(61));
    let recent = tab
        .open(&url(&lab, &request_with("max_age", "60")))
        .await
        .unwrap();
    assert_eq!(recent.count("#sign-in").unwrap(), 1);
    let old = tab
        .open(&url(&lab, &request_with("max_age", "61")))
        .await
        .unwrap();
    assert!(answer(&old).contains_key("code"));
}

#[tokio::test]
async fn an_unproven_client_or_redirect_uri_is_never_redirected_to() {
    let lab = start(company(), Options::default()).await;
    for (name, value) in [
        ("client_id", "stranger"),
        ("client_id", ""),
        ("redirect_uri", "https://mail.example.com/"),
        ("redirect_uri", "https://MAIL.example.com"),
        ("redirect_uri", "https://mail.example.com.evil.example"),
        ("redirect_uri", ""),
    ] {
        let page = tab()
            .open(&url(&lab, &request_with(name, value)))
            .await
            .unwrap();
        assert_eq!(page.status(), 400, "{name}={value}");
        assert_eq!(page.location().unwrap(), None);
    }
    let mut twice = request();
    twice.push(("redirect_uri", REDIRECT_URI.to_owned()));
    assert_eq!(tab().open(&url(&lab, &twice)).await.unwrap().status(), 400);
}

#[tokio::test]
async fn faulty_authorization_requests_come_back_with_an_error() {
    let lab = start(company(), Options::default()).await;
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("state", "short", "invalid_request"),
        ("state", "", "invalid_request"),
        ("nonce", "short", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "too-short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("request", "eyJ", "request_not_supported"),
        ("max_age", "-1", "invalid_request"),
    ] {
        let page = tab()
            .open(&url(&lab, &request_with(name, value)))
            .await
            .unwrap();
        assert_eq!(answer(&page)["error"], error, "{name}={value}");
    }
    let mut twice = request();
    twice.push(("nonce", NONCE.to_owned()));
    let page = tab().open(&url(&lab, &twice)).await.unwrap();
    assert_eq!(answer(&page)["error"], "invalid_request");
}

#[tokio::test]
async fn a_code_is_bound_to_its_request_and_works_once() {
    let (options, clock) = at_fixed_time();
    let lab = start(company(), options).await;
    lab.company()
        .add_client(Client::new("other", SECRET, REDIRECT_URI));
    for (name, value) in [
        ("redirect_uri", "https://mail.example.com/"),
        ("redirect_uri", ""),
        ("code_verifier", ""),
        (
            "code_verifier",
            "another-verifier-that-has-more-than-43-characters",
        ),
        ("code", "made-up"),
    ] {
        let mut form = exchange(&code(&lab).await);
        form.retain(|(known, _)| *known != name);
        form.push((name, value.to_owned()));
        let request = basic(http().post(lab.token_endpoint()), CLIENT, SECRET).form(&form);
        assert_eq!(
            json(request).await["error"],
            "invalid_grant",
            "{name}={value}"
        );
    }
    let stolen = exchange(&code(&lab).await);
    let request = basic(http().post(lab.token_endpoint()), "other", SECRET).form(&stolen);
    assert_eq!(json(request).await["error"], "invalid_grant");

    let late = code(&lab).await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(tokens(&lab, &late).await["error"], "invalid_grant");

    let code = code(&lab).await;
    let good = tokens(&lab, &code).await;
    assert_eq!(userinfo(&lab, &good).await.status(), 200);
    assert_eq!(tokens(&lab, &code).await["error"], "invalid_grant");
    assert_eq!(userinfo(&lab, &good).await.status(), 401, "reuse revokes");
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused_where_pkce_is_optional() {
    let company = company();
    company.add_client(Client::new(CLIENT, SECRET, REDIRECT_URI).without_pkce());
    let lab = start(company, Options::default()).await;
    let mut bare = request_with("code_challenge", "");
    bare.retain(|(name, _)| *name != "code_challenge_method");
    let mut tab = tab();
    let page = tab.open(&url(&lab, &bare)).await.unwrap();
    let form = page
        .form_with_button("Alice Aalto alice@example.test")
        .unwrap();
    let code = answer(&tab.submit(form).await.unwrap())["code"].clone();
    assert_eq!(tokens(&lab, &code).await["error"], "invalid_grant");
    let code = answer(&tab.open(&url(&lab, &bare)).await.unwrap())["code"].clone();
    let mut form = exchange(&code);
    form.retain(|(name, _)| *name != "code_verifier");
    let request = basic(http().post(lab.token_endpoint()), CLIENT, SECRET).form(&form);
    assert!(json(request).await["access_token"].is_string());
}

#[tokio::test]
async fn a_client_authenticates_as_registered_or_not_at_all() {
    let lab = start(company(), Options::default()).await;
    let body = |mut form: Vec<(&'static str, String)>| {
        form.extend([
            ("client_id", CLIENT.to_owned()),
            ("client_secret", SECRET.to_owned()),
        ]);
        form
    };
    let ask = async |how: &str, code: &str| {
        let post = http().post(lab.token_endpoint());
        let request = match how {
            "basic" => basic(post, CLIENT, SECRET).form(&exchange(code)),
            "not urlencoded" => post.basic_auth(CLIENT, Some(SECRET)).form(&exchange(code)),
            "wrong" => basic(post, CLIENT, "guess").form(&exchange(code)),
            "stranger" => basic(post, "stranger", SECRET).form(&exchange(code)),
            "post" => post.form(&body(exchange(code))),
            "both" => basic(post, CLIENT, SECRET).form(&body(exchange(code))),
            _ => post.form(&exchange(code)),
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(
            status == 401,
            response.headers().contains_key("www-authenticate")
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        let error = response.json::<Value>().await.unwrap()["error"].clone();
        (status, error.as_str().unwrap_or("fine").to_owned())
    };
    for (auth, how, expected) in [
        (ClientAuth::Basic, "basic", (200, "fine")),
        (ClientAuth::Basic, "post", (401, "invalid_client")),
        (ClientAuth::Basic, "not urlencoded", (401, "invalid_client")),
        (ClientAuth::Basic, "wrong", (401, "invalid_client")),
        (ClientAuth::Basic, "stranger", (401, "invalid_client")),
        (ClientAuth::Basic, "none", (401, "invalid_client")),
        (ClientAuth::Post, "post", (200, "fine")),
        (ClientAuth::Post, "basic", (401, "invalid_client")),
        (ClientAuth::Either, "post", (200, "fine")),
        (ClientAuth::Either, "basic", (200, "fine")),
        (ClientAuth::Either, "both", (400, "invalid_request")),
    ] {
        lab.company()
            .add_client(Client::new(CLIENT, SECRET, REDIRECT_URI).with_auth(auth));
        let (status, error) = ask(how, &code(&lab).await).await;
        assert_eq!((status, error.as_str()), expected, "{auth:?} by {how}");
    }
}

#[tokio::test]
async fn discovery_lies_under_the_issuer_and_keys_can_be_rotated() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let issuer = format!("{origin}/application/o/mail/");
    let options = Options {
        issuer: Some(issuer.clone()),
        ..Options::default()
    };
    let lab = lab::serve(listener, company(), options).await.unwrap();
    assert_eq!(lab.issuer(), issuer);
    let document = format!("{}.well-known/openid-configuration", lab.issuer());
    let discovery = json(http().get(document)).await;
    assert_eq!(discovery["issuer"], issuer);
    assert_eq!(
        discovery["authorization_response_iss_parameter_supported"],
        true
    );
    assert_eq!(answer_issuer(&lab).await, issuer);

    let keys = async || json(http().get(discovery["jwks_uri"].as_str().unwrap())).await;
    let before = keys().await;
    assert_eq!(before, keys().await);
    lab.rotate_keys().unwrap();
    assert_ne!(before, keys().await);
    assert_eq!(lab.hits(Endpoint::Jwks), 3);
}

async fn answer_issuer(lab: &lab::Handle) -> String {
    sign_in(&mut tab(), lab).await["iss"].clone()
}

#[tokio::test]
async fn sign_out_ends_the_session_and_returns_only_to_registered_places() {
    let company = company();
    let back = "https://mail.example.com/signed-out";
    company
        .add_client(Client::new(CLIENT, SECRET, REDIRECT_URI).with_post_logout_redirect_uri(back));
    let lab = start(company, Options::default()).await;
    let mut tab = tab();
    let tokens = tokens(&lab, &sign_in(&mut tab, &lab).await["code"]).await;
    let home = tab.open(lab.issuer()).await.unwrap();
    assert_eq!(home.text_of("main strong").unwrap(), "Alice Aalto");

    let end = |target: &str| {
        let hint = tokens["id_token"].as_str().unwrap();
        let query = [
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", target),
            ("state", "s"),
        ];
        let endpoint = format!("{}/end-session", lab.issuer());
        String::from(url::Url::parse_with_params(&endpoint, query).unwrap())
    };
    let page = tab
        .open(&end("https://mail.example.com/elsewhere"))
        .await
        .unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "Signed out");
    let page = tab.open(&end(back)).await.unwrap();
    assert_eq!(
        page.location().unwrap().unwrap().as_str(),
        format!("{back}?state=s")
    );
    let page = tab.open(&url(&lab, &request())).await.unwrap();
    assert_eq!(page.count("#sign-in").unwrap(), 1);
}

#[tokio::test]
async fn a_stopped_provider_is_gone() {
    let lab = start(company(), Options::default()).await;
    let issuer = lab.issuer().to_owned();
    lab.stop().await;
    assert!(http().get(issuer).send().await.unwrap_err().is_connect());
}
