//! What `why` says before anybody comes is what the sign-in then ends with.

use crate::world::{ACTOR, SECRET, SLUG, World, address, company, quota, secret};
use app::aliases::AliasForm;
use app::explain::Verdict;
use app::mailboxes::NewSignIn;
use app::providers::SecretChange;
use app::sign_in::Ended;
use app::templates::TemplateForm;
use model::domain::GIB;
use model::outcome::Code;
use model::provider::Endpoints;

const ALICE: &str = "alice@example.org";

async fn agree(case: &str, world: &World, who: &str, want: Code) {
    let why = world.app.explain(who).await.unwrap();
    assert_eq!(why.verdict, Verdict::BlockedNow, "{case}: {why:?}");
    assert_eq!(why.blocked.unwrap().code, want, "{case}: why");
    assert_eq!(world.refused("alice").await, want, "{case}: sign-in");
}

#[tokio::test]
async fn the_provider_and_the_domain() {
    let world = World::new().await;
    world.provider(|p| p.active = false).await;
    agree("switched off", &world, ALICE, Code::ProviderOff).await;
    world.provider(|p| p.active = true).await;

    world.domain(|d| d.active = false).await;
    agree("domain off", &world, ALICE, Code::DomainInactive).await;
    let before = world.provider(|p| p.active = true).await.provider;
    world.provider(|p| p.domains.clear()).await;
    agree("both", &world, ALICE, Code::DomainNotOfProvider).await;
    world.domain(|d| d.active = true).await;
    agree("not its domain", &world, ALICE, Code::DomainNotOfProvider).await;
    world
        .provider(|p| p.domains = before.settings.domains)
        .await;

    world.domain(|d| d.limits.max_quota = GIB).await;
    agree("no room", &world, ALICE, Code::DomainQuotaFull).await;
    world
        .domain(|d| {
            d.limits.max_quota = 5 * GIB;
            d.limits.max_mailboxes = 1;
        })
        .await;
    world.mailbox("bob", NewSignIn::None).await;
    agree("full", &world, ALICE, Code::DomainFull).await;

    let elsewhere = "alice@elsewhere.test";
    company(&world)
        .change("alice", |p| elsewhere.clone_into(&mut p.email))
        .unwrap();
    agree("unknown", &world, elsewhere, Code::DomainUnknown).await;
}

#[tokio::test]
async fn an_address_without_a_mailbox() {
    let world = World::new().await;
    world.provider(|p| p.rules.clear()).await;
    agree("no rules", &world, ALICE, Code::NoMapping).await;
    world.provider(|p| p.create = false).await;
    agree("creation off", &world, ALICE, Code::CreationOff).await;

    world.mailbox("bob", NewSignIn::None).await;
    let alias = AliasForm {
        address: address(ALICE),
        targets: vec![address("bob@example.org")],
        active: true,
    };
    world.app.create_alias(&ACTOR, alias).await.unwrap();
    agree("alias", &world, ALICE, Code::AddressIsAlias).await;
    for (who, create, want) in [
        ("abuse@example.org", false, Code::CreationOff),
        ("abuse@example.org", true, Code::AddressReserved),
        ("bob+x@example.org", true, Code::AddressReserved),
    ] {
        world.provider(|p| p.create = create).await;
        company(&world)
            .change("alice", |p| who.clone_into(&mut p.email))
            .unwrap();
        agree(who, &world, who, want).await;
    }
}

#[tokio::test]
async fn a_mailbox_of_somebody() {
    let world = World::new().await;
    world.mailbox("alice", NewSignIn::None).await;
    agree("no proof", &world, ALICE, Code::ProveLocalPassword).await;
    let alice = address(ALICE);
    world.app.delete_mailbox(&ACTOR, &alice).await.unwrap();

    world.signed_in("alice").await;
    world.provider(|p| p.active = false).await;
    agree("linked there", &world, ALICE, Code::ProviderOff).await;
    world.provider(|p| p.active = true).await;
    let (off, on) = (
        world.app.disable_mailbox(&ACTOR, &alice, "left").await,
        Code::MailboxInactive,
    );
    off.unwrap();
    agree("disabled", &world, ALICE, on).await;
    world.app.enable_mailbox(&ACTOR, &alice).await.unwrap();

    let issuer = world.lab.issuer().to_owned();
    let endpoints = Endpoints::Manual {
        authorize: format!("{issuer}/authorize"),
        token: format!("{issuer}/token"),
        userinfo: format!("{issuer}/userinfo"),
    };
    let settings = world.provider(|p| p.endpoints = endpoints).await;
    let settings = settings.provider.settings;
    let again = SecretChange::Set(secret(SECRET));
    world
        .app
        .edit_provider(&ACTOR, SLUG, settings, again, None)
        .await
        .unwrap();
    agree("moved", &world, ALICE, Code::LinkedElsewhere).await;
}

#[tokio::test]
async fn what_depends_on_the_claims_is_not_foretold() {
    let world = World::new().await;
    // One of two templates fits, so the claims decide.
    let form = TemplateForm {
        name: "Huge".to_owned(),
        settings: quota(6 * GIB),
    };
    let huge = world.app.create_template(&ACTOR, form).await.unwrap();
    world
        .provider(|p| {
            p.rules
                .insert(0, model::rule::Rule::mailcow("huge", huge.id))
        })
        .await;
    let why = world.app.explain(ALICE).await.unwrap();
    assert_ne!(why.verdict, Verdict::BlockedNow, "{why:?}");
    let made = why.gates.iter().find(|gate| gate.gate == "sign-in method");
    assert_eq!(
        made.unwrap().evidence,
        "Example SSO: makes the mailbox; template Staff, quota 2 GiB"
    );
    assert!(matches!(world.sign_in("alice").await, Ended::SignedIn(_)));
    let why = world.app.explain(ALICE).await.unwrap();
    assert_eq!(why.verdict, Verdict::WouldWorkNow);
}
