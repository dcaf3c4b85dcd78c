//! Whom an app means: hints of addresses, aliases and ID tokens; and what it asks for with `prompt`.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use model::oauth_app::Consent;
use serde_json::Value;

/// A trusted app that proves itself by a secret.
async fn trusted(world: &World, client: &'static str) {
    let id = add(world, client, |s| s.consent = Consent::Trusted).await;
    let secret = format!("secret-of-{client}");
    let tag = world
        .purpose_keys()
        .tag
        .tag(&[b"app-secret", secret.as_bytes()]);
    let now = world.app.now();
    let store = world.store();
    let added = store.write(async move |tx: &mut store::Conn| {
        store::oauth_apps::add_secret(tx, id, &tag, "hint", now).await
    });
    added.await.unwrap();
}

/// The ID token for the code that the app is sent.
async fn id_token(world: &World, client: &str, page: &Page) -> String {
    is_code(world, page);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("redirect_uri", BACK)
        .append_pair("code", &answered(page)["code"])
        .finish();
    let proof = STANDARD.encode(format!("{client}:secret-of-{client}"));
    let asked = Request::post("/oauth/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, format!("Basic {proof}"));
    let answer = world.send(asked, &form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    let told: Value = serde_json::from_slice(&bytes.unwrap()).unwrap();
    told["id_token"].as_str().unwrap().to_owned()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// With a token of hers she is answered in silence; with somebody else's nobody is passed off as them.
#[tokio::test]
async fn a_hint_of_an_id_token_is_about_its_person_alone() {
    let world = world().await;
    trusted(&world, "cloud").await;
    trusted(&world, "other").await;
    world.local_mailbox("frank@example.org").await;
    let cloud = ("client_id", "cloud");
    let mut franks = tab(&world);
    world
        .sign_in(&mut franks, "frank@example.org", crate::world::PASSWORD)
        .await;
    let page = open(&world, &mut franks, &[cloud]).await;
    let frank = id_token(&world, "cloud", &page).await;

    let mut tab = erin(&world).await;
    let page = open(&world, &mut tab, &[cloud]).await;
    let own = id_token(&world, "cloud", &page).await;
    let silent = ("prompt", "none");
    let page = open(&world, &mut tab, &[cloud, silent, ("id_token_hint", &own)]).await;
    let again = claims(&id_token(&world, "cloud", &page).await);
    assert_eq!(again["sub"], claims(&own)["sub"]);
    assert_eq!(again["auth_time"], claims(&own)["auth_time"]);
    // An old one names her all the same.
    world
        .clock
        .advance(std::time::Duration::from_secs(2 * 3600));
    let page = open(&world, &mut tab, &[cloud, silent, ("id_token_hint", &own)]).await;
    is_code(&world, &page);

    let page = open(
        &world,
        &mut tab,
        &[cloud, silent, ("id_token_hint", &frank)],
    )
    .await;
    assert_eq!(error(&world, &page), "login_required");
    let page = open(&world, &mut tab, &[cloud, ("id_token_hint", &frank)]).await;
    assert!(page.text().contains("Sign in again"), "{}", page.text());
    // It is still her: the app is told so, and gets nobody.
    let page = basic::signs_in(&mut tab, &page).await;
    assert_eq!(error(&world, &page), "login_required");
    // The one who is meant signs in.
    let page = open(&world, &mut tab, &[cloud, ("id_token_hint", &frank)]).await;
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill("name", "frank@example.org").unwrap();
    let form = form.fill("password", crate::world::PASSWORD).unwrap();
    tab.submit(form).await.unwrap();
    let page = tab.follow("Continue").await.unwrap();
    let his = claims(&id_token(&world, "cloud", &page).await);
    assert_eq!(his["sub"], claims(&frank)["sub"]);

    // What is no token of ours for this app says nothing about anybody.
    let mut spoiled = own.clone();
    spoiled.replace_range(own.len() - 4.., "AAAA");
    let mut erin = super::erin(&world).await;
    let page = open(&world, &mut erin, &[("client_id", "other")]).await;
    let others = id_token(&world, "other", &page).await;
    for token in [spoiled.as_str(), "a.b.c", "x", &others] {
        let page = open(&world, &mut tab, &[cloud, silent, ("id_token_hint", token)]).await;
        is_code(&world, &page);
    }
}

#[tokio::test]
async fn an_alias_means_its_mailbox() {
    let world = world().await;
    add(&world, "cloud", |s| s.consent = Consent::Trusted).await;
    world.local_mailbox("frank@example.org").await;
    let command = model::audit::Actor::CommandLine;
    for (alias, targets, active) in [
        ("e.rin@example.org", vec!["erin@example.org"], true),
        (
            "office@example.org",
            vec!["frank@example.org", "erin@example.org"],
            true,
        ),
        ("franky@example.org", vec!["frank@example.org"], true),
        ("old@example.org", vec!["erin@example.org"], false),
    ] {
        let form = app::aliases::AliasForm {
            address: alias.parse().unwrap(),
            targets: targets.iter().map(|to| to.parse().unwrap()).collect(),
            active,
        };
        world.app.create_alias(&command, form).await.unwrap();
    }
    let mut tab = erin(&world).await;
    for (hint, hers) in [
        ("erin@example.org", true),
        ("E.Rin@example.org", true),
        ("office@example.org", true),
        ("franky@example.org", false),
        ("old@example.org", false),
        ("nobody@example.org", false),
        ("not an address", true),
    ] {
        let asked = [("client_id", "cloud"), ("login_hint", hint)];
        let page = open(&world, &mut tab, &[asked[0], asked[1], ("prompt", "none")]).await;
        let shown = open(&world, &mut tab, &asked).await;
        if hers {
            is_code(&world, &page);
            is_code(&world, &shown);
        } else {
            assert_eq!(error(&world, &page), "login_required", "{hint}");
            assert!(shown.text().contains("expects somebody else"), "{hint}");
        }
    }
}

#[tokio::test]
async fn each_prompt_and_max_age_does_what_it_says() {
    let world = world().await;
    add(&world, "cloud", |s| s.consent = Consent::Trusted).await;
    let mut tab = erin(&world).await;
    let code = "code";
    for (name, value, answer) in [
        ("prompt", "login", "Sign in again to go on to Files."),
        ("prompt", "consent", "Not you?"),
        ("prompt", "select_account", "Not you?"),
        ("prompt", "select_account consent", "Not you?"),
        (
            "prompt",
            "consent login",
            "Sign in again to go on to Files.",
        ),
        ("prompt", "none", code),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "select_account none", "invalid_request"),
        ("prompt", "none consent", "invalid_request"),
        ("prompt", "create", "invalid_request"),
        ("max_age", "0", "Sign in again to go on to Files."),
        ("max_age", "00", "Sign in again to go on to Files."),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("max_age", "1e3", "invalid_request"),
        ("max_age", "60", code),
        ("max_age", "18446744073709551615", code),
        ("max_age", "18446744073709551616", "invalid_request"),
    ] {
        let page = open(&world, &mut tab, &[("client_id", "cloud"), (name, value)]).await;
        match answer {
            "code" => is_code(&world, &page),
            "invalid_request" => assert_eq!(error(&world, &page), answer, "{value}"),
            words => assert!(page.text().contains(words), "{value}: {}", page.text()),
        }
    }
    // A number that no provider would read is asked of none.
    let mut fresh = super::tab(&world);
    let page = open(&world, &mut fresh, &[("max_age", "18446744073709551615")]).await;
    let page = basic::signs_in(&mut fresh, &page).await;
    assert!(page.text().contains("Not you?"), "{}", page.text());
}
