//! Signing in at `oidc-provider`, which somebody else wrote, beside the sample company.

use crate::testing::picture;
use crate::world::{ACTOR, BROWSER, PUBLIC, SECRET, World, address, quota, secret, untested};
use app::Client;
use app::providers::SecretChange;
use app::sign_in::{Arrived, Ended, ReturnTo, SignedIn};
use app::templates::TemplateForm;
use app::test_sign_in::{TestBegun, TestSignIn};
use model::domain::GIB;
use model::outcome::Code;
use model::provider::{ClientAuth, Endpoints};
use model::rule::Rule;
use serde_json::json;
use std::sync::Arc;
use testkit::browser::Browser;
use testkit::provider::{OidcProvider, RealProvider as _, Setup};

const SLUG: &str = "independent";

/// The sample installation with the other provider as its second, or nothing where Node is missing.
async fn joined(
    client_auth: ClientAuth,
    change: impl FnOnce(Setup) -> Setup,
) -> Option<(World, OidcProvider)> {
    let redirect = format!("{PUBLIC}/sso/{SLUG}/callback");
    let nora = json!({
        "email": "nora@example.org",
        "email_verified": true,
        "name": "Nora Nowak",
        "mailcow_template": "staff",
    });
    let setup = Setup::default()
        .client("mail", SECRET, "client_secret_basic", &[&redirect])
        .person("nora", nora);
    let provider = OidcProvider::start_or_skip(change(setup)).await.unwrap()?;
    let world = World::new().await;
    let board = TemplateForm {
        name: "Board".to_owned(),
        settings: quota(4 * GIB),
    };
    let board = world.app.create_template(&ACTOR, board).await.unwrap();
    let mut settings = world
        .app
        .provider(crate::world::SLUG)
        .await
        .unwrap()
        .settings;
    settings.name = "Independent".to_owned();
    settings.endpoints = Endpoints::Issuer {
        issuer: provider.issuer().to_owned(),
    };
    settings.client_auth = client_auth;
    settings.rules.push(Rule::mailcow("board", board.id));
    world
        .app
        .create_provider(untested(), SLUG, settings, Some(secret(SECRET)))
        .await
        .unwrap();
    Some((world, provider))
}

/// The whole way, through the provider's own forms.
async fn sign_in(world: &World) -> Ended {
    let client = Client::default();
    let begun = world
        .app
        .begin_sign_in(SLUG, BROWSER, ReturnTo::Home, &client);
    let query = at_provider(&begun.await.unwrap()).await;
    let arrived = Arrived::OwnPath(SLUG.to_owned());
    world
        .app
        .finish_sign_in(arrived, &query, Some(BROWSER), &client)
        .await
}

/// A test sign-in; what it showed.
async fn tested(world: &World) -> Arc<TestSignIn> {
    let client = Client::default();
    let begun = world
        .app
        .begin_test_sign_in(&ACTOR, SLUG, BROWSER, &client)
        .await;
    let TestBegun::Leave(url) = begun.unwrap() else {
        panic!("it leaves")
    };
    let query = at_provider(&url).await;
    let arrived = Arrived::OwnPath(SLUG.to_owned());
    let ended = world
        .app
        .finish_sign_in(arrived, &query, Some(BROWSER), &client);
    let Ended::Tested { test, .. } = ended.await else {
        panic!("a test")
    };
    let kept = world.app.test_sign_in(SLUG, &test.to_string()).await;
    kept.unwrap()
}

/// At the provider, as nora; the answer's query.
async fn at_provider(url: &str) -> String {
    let mut tab = Browser::new().unwrap().tab();
    tab.stop_before(PUBLIC);
    let mut page = tab.open(url).await.unwrap();
    let back = loop {
        if let Some(back) = page.location().unwrap() {
            break back;
        }
        let mut form = page.form("form").unwrap();
        if form.value("prompt").as_deref() == Some("login") {
            form = form.fill("login", "nora").unwrap();
            form = form.fill("password", "anything").unwrap();
        }
        page = tab.submit(form).await.unwrap();
    };
    back.query().unwrap_or_default().to_owned()
}

async fn signed_in(world: &World) -> SignedIn {
    match sign_in(world).await {
        Ended::SignedIn(signed_in) => *signed_in,
        other => panic!("nora is not in: {other:?}"),
    }
}

async fn refused(world: &World) -> Code {
    match sign_in(world).await {
        Ended::Refused(refused) => world.recorded(&refused).await,
        other => panic!("nora is not refused: {other:?}"),
    }
}

/// Nora's quota and template.
async fn given(world: &World) -> (i64, Option<String>) {
    let view = world
        .app
        .mailbox(&address("nora@example.org"))
        .await
        .unwrap();
    (view.mailbox.quota, view.template)
}

#[tokio::test]
async fn a_mailbox_is_made_and_follows_its_claim() {
    let Some((world, mut provider)) = joined(ClientAuth::Basic, |setup| setup).await else {
        return;
    };
    assert!(signed_in(&world).await.created);
    assert_eq!(given(&world).await, (2 * GIB, Some("Staff".to_owned())));
    let view = world
        .app
        .mailbox(&address("nora@example.org"))
        .await
        .unwrap();
    assert_eq!(view.mailbox.name, "Nora Nowak");
    let (link, name) = &view.links[0];
    assert_eq!(link.namespace.0, provider.issuer());
    assert_eq!(
        (link.subject.as_str(), name.as_str()),
        ("nora", "Independent")
    );

    provider
        .set_claim("nora", "mailcow_template", json!("board"))
        .await
        .unwrap();
    assert!(!signed_in(&world).await.created);
    assert_eq!(given(&world).await, (4 * GIB, Some("Board".to_owned())));

    // A value that no rule knows takes nothing away; see the first-time person below.
    provider
        .set_claim("nora", "mailcow_template", json!("visitor"))
        .await
        .unwrap();
    signed_in(&world).await;
    assert_eq!(given(&world).await, (4 * GIB, Some("Board".to_owned())));
}

#[tokio::test]
async fn somebody_new_whom_no_rule_fits_is_refused_until_the_claim_is_right() {
    let Some((world, mut provider)) = joined(ClientAuth::Auto, |setup| setup).await else {
        return;
    };
    provider
        .set_claim("nora", "mailcow_template", json!("visitor"))
        .await
        .unwrap();
    assert_eq!(refused(&world).await, Code::NoMapping);
    provider
        .set_claim("nora", "mailcow_template", json!("staff"))
        .await
        .unwrap();
    assert!(signed_in(&world).await.created);
}

/// `oidc-provider` takes the secret either way, whichever the client is registered for.
#[tokio::test]
async fn the_secret_is_understood_in_the_header_and_in_the_body() {
    for client_auth in [ClientAuth::Basic, ClientAuth::Body, ClientAuth::Auto] {
        let Some((world, _provider)) = joined(client_auth, |setup| setup).await else {
            return;
        };
        assert!(signed_in(&world).await.created, "{client_auth:?}");

        let settings = world.app.provider(SLUG).await.unwrap().settings;
        let wrong = SecretChange::Set(secret("another secret"));
        world
            .app
            .edit_provider(&ACTOR, SLUG, settings, wrong, None)
            .await
            .unwrap();
        assert_eq!(
            refused(&world).await,
            Code::ClientRejected,
            "{client_auth:?}"
        );
    }
}

#[tokio::test]
async fn claims_of_the_id_token_count_as_well() {
    let with_claims = Setup::claims_in_id_token;
    let Some((world, _provider)) = joined(ClientAuth::Auto, with_claims).await else {
        return;
    };
    assert!(signed_in(&world).await.created);
    assert_eq!(given(&world).await, (2 * GIB, Some("Staff".to_owned())));
}

#[tokio::test]
async fn a_test_tells_where_each_claim_came_from_and_stores_nothing() {
    for in_id_token in [false, true] {
        let setup = |setup: Setup| {
            if in_id_token {
                setup.claims_in_id_token()
            } else {
                setup
            }
        };
        let Some((world, mut provider)) = joined(ClientAuth::Auto, setup).await else {
            return;
        };
        world.app.test_provider(SLUG, &mut |_| {}).await.unwrap();
        let before = picture(&world);
        let test = tested(&world).await;
        assert!(test.passed, "{test:?}");
        let origin = |name: &str| {
            let claim = test.claims.iter().find(|claim| claim.name == name);
            claim.map(|claim| claim.origin.as_str())
        };
        // Where both speak, userinfo counts; what only the ID token has stays its own.
        assert_eq!(origin("email"), Some("userinfo"));
        assert_eq!(origin("nonce"), Some("id_token"));
        provider
            .set_claim("nora", "mailcow_template", "visitor")
            .await
            .unwrap();
        let refused = tested(&world).await;
        assert_eq!(
            refused.refusal.as_ref().map(|r| r.code),
            Some(Code::NoMapping)
        );
        assert_eq!(picture(&world), before);
    }
}
