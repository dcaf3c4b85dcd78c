//! Whom an app means: hints of addresses, aliases and ID tokens; and what it asks for with `prompt`.

use super::client::client;
use super::*;
use crate::id_token::claims;
use model::oauth_app::Consent;

/// With a token of hers she is answered in silence; with somebody else's nobody is passed off as them.
#[tokio::test]
async fn a_hint_of_an_id_token_is_about_its_person_alone() {
    let world = world().await;
    let app = client(&world, "cloud", |_| {}).await;
    let other = client(&world, "other", |_| {}).await;
    world.local_mailbox("frank@example.org").await;
    let cloud = ("client_id", "cloud");
    let mut franks = tab(&world);
    world
        .sign_in(&mut franks, "frank@example.org", crate::world::PASSWORD)
        .await;
    let frank = app.id_token(&world, &mut franks).await;

    let mut tab = erin(&world).await;
    let own = app.id_token(&world, &mut tab).await;
    let silent = ("prompt", "none");
    let page = open(&world, &mut tab, &[cloud, silent, ("id_token_hint", &own)]).await;
    let again = claims(&app.id_token_for(&world, &page).await);
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
    let his = claims(&app.id_token_for(&world, &page).await);
    assert_eq!(his["sub"], claims(&frank)["sub"]);

    // What is no token of ours for this app says nothing about anybody.
    let mut spoiled = own.clone();
    spoiled.replace_range(own.len() - 4.., "AAAA");
    let mut erin = super::erin(&world).await;
    let others = other.id_token(&world, &mut erin).await;
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
