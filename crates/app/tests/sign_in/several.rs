//! Several providers: their order, the one of a domain, and who gets in whatever becomes of them.

use crate::second::{OTHER, Second, add_domain, change, domain, of_company_only};
use crate::world::{ACTOR, BROWSER, PASSWORD, SLUG, World, address, nowhere, secret};
use app::admins::NewAdmin;
use app::explain::Verdict;
use app::mailboxes::{MethodSwitch, NewMailboxForm, NewSignIn};
use app::sign_in::{Ended, ReturnTo};
use app::{Client, Problem};
use model::address::DomainName;
use model::outcome::Code;
use model::provider::Endpoints;
use model::rules::provision::BOUND_SLUG;
use model::tag::Tags;
use secrecy::ExposeSecret as _;

fn example_org() -> DomainName {
    DomainName::parse("example.org").unwrap()
}

async fn bind(world: &World, slug: Option<&str>) -> Result<(), Problem> {
    let name = example_org();
    let bound = world.app.bind_domain(&ACTOR, &name, slug, None).await;
    bound.map(drop)
}

fn field(problem: Problem) -> String {
    match problem {
        Problem::Invalid(fields) => fields[0].field.clone(),
        other => panic!("not a field: {other}"),
    }
}

#[tokio::test]
async fn sso_506_a_bound_domain_is_signed_in_by_its_provider_alone() {
    let world = World::new().await;
    let second = Second::beside(&world).await;
    // Whoever came before, and whoever comes first.
    world.signed_in("alice").await;
    bind(&world, Some(OTHER)).await.unwrap();
    for login in ["alice", "bob"] {
        assert_eq!(world.refused(login).await, Code::DomainBound, "{login}");
    }
    let Ended::Refused(refused) = world.sign_in("bob").await else {
        panic!("in")
    };
    assert_eq!(
        refused.refusal.person(),
        "People of example.org sign in with Other SSO."
    );
    assert_eq!(refused.refusal.facts[BOUND_SLUG], OTHER);
    let why = world.app.explain("alice@example.org").await.unwrap();
    assert_eq!(why.verdict, Verdict::BlockedNow);
    assert_eq!(why.blocked.unwrap().code, Code::DomainBound);
    assert_eq!(
        why.fix.unwrap().1,
        "gatepost domain edit example.org --provider any"
    );
    let gate = why
        .gates
        .iter()
        .find(|g| g.gate == "domain of this provider");
    let words = "example.org is bound to Other SSO";
    assert!(gate.unwrap().evidence.contains(words), "{gate:?}");
    // By its own provider Bob gets his mailbox, and nobody gets Alice's.
    assert!(second.signed_in(&world, "bob").await.created);
    assert_eq!(second.refused(&world, "alice").await, Code::LinkedElsewhere);

    bind(&world, None).await.unwrap();
    world.signed_in("alice").await;
}

#[tokio::test]
async fn a_proof_under_way_ends_when_the_domain_is_bound_elsewhere() {
    let world = World::new().await;
    Second::beside(&world).await;
    world
        .mailbox("alice", NewSignIn::Local(secret(PASSWORD)))
        .await;
    let Ended::ProveLocal { proof, .. } = world.sign_in("alice").await else {
        panic!("no proof asked")
    };
    bind(&world, Some(OTHER)).await.unwrap();
    let (client, password) = (Client::default(), secret(PASSWORD));
    let proven = world
        .app
        .prove_local_password(proof.expose_secret(), password, Some(BROWSER), &client)
        .await;
    let Ended::Refused(refused) = proven else {
        panic!("linked: {proven:?}")
    };
    assert_eq!(world.recorded(&refused).await, Code::DomainBound);
    // The local password is another way in, which the domain's choice does not close.
    let local = world
        .app
        .sign_in_local("alice@example.org", secret(PASSWORD), &client)
        .await;
    assert!(matches!(local, Ended::SignedIn(_)), "{local:?}");
}

#[tokio::test]
async fn a_binding_never_leads_nowhere() {
    let world = World::new().await;
    Second::beside(&world).await;
    let elsewhere = add_domain(&world, "elsewhere.test").await;
    for slug in ["nobody", SLUG] {
        let name = &elsewhere.name;
        let bound = world.app.bind_domain(&ACTOR, name, Some(slug), None).await;
        assert_eq!(field(bound.unwrap_err()), "provider", "{slug}");
    }
    let seen = domain(&world, "example.org").await.modified;
    bind(&world, Some(OTHER)).await.unwrap();
    let name = example_org();
    let stale = world.app.bind_domain(&ACTOR, &name, None, Some(seen)).await;
    assert_eq!(stale.unwrap_err(), Problem::Stale);
    // It keeps the domain, and stays.
    let mut settings = world.app.provider(OTHER).await.unwrap().settings;
    settings.domains.clear();
    let keep = app::providers::SecretChange::Keep;
    let edited = world
        .app
        .edit_provider(&ACTOR, OTHER, settings.clone(), keep.clone(), None)
        .await;
    assert_eq!(field(edited.unwrap_err()), "domains");
    let deleted = world.app.delete_provider(&ACTOR, OTHER).await;
    assert!(matches!(deleted, Err(Problem::InUse(_))), "{deleted:?}");
    // Switched off, it is told what that means, and nobody else steps in.
    settings = world.app.provider(OTHER).await.unwrap().settings;
    settings.active = false;
    let off = world
        .app
        .edit_provider(&ACTOR, OTHER, settings, keep, None)
        .await;
    let notes = off.unwrap().notes;
    assert!(
        notes[0].starts_with("example.org is bound to it"),
        "{notes:?}"
    );
    let Ended::Refused(refused) = world.sign_in("alice").await else {
        panic!("in")
    };
    assert_eq!(world.recorded(&refused).await, Code::DomainBound);
    assert_eq!(refused.refusal.facts.get(BOUND_SLUG), None);
    bind(&world, None).await.unwrap();
    world.app.delete_provider(&ACTOR, OTHER).await.unwrap();
    world.signed_in("alice").await;
}

#[tokio::test]
async fn a_mailbox_is_not_promised_to_a_provider_that_its_domain_is_not_bound_to() {
    let world = World::new().await;
    Second::beside(&world).await;
    world
        .mailbox("bob", NewSignIn::Local(secret(PASSWORD)))
        .await;
    bind(&world, Some(OTHER)).await.unwrap();
    let ahead = NewMailboxForm {
        address: address("alice@example.org"),
        name: String::new(),
        quota: None,
        protocols: None,
        template: None,
        tags: Tags::default(),
        sign_in: NewSignIn::Provider {
            provider: SLUG.to_owned(),
            expected_subject: None,
        },
    };
    let made = world.app.create_mailbox(&ACTOR, ahead).await;
    assert_eq!(field(made.unwrap_err()), "provider");
    let switch = |provider: &str| MethodSwitch::Provider {
        provider: provider.to_owned(),
        expected_subject: None,
        keep_password_until: None,
    };
    let bob = address("bob@example.org");
    let switched = world.app.switch_method(&ACTOR, &bob, switch(SLUG)).await;
    assert_eq!(field(switched.unwrap_err()), "provider");
    let switched = world.app.switch_method(&ACTOR, &bob, switch(OTHER)).await;
    assert!(switched.unwrap().methods.provider);
}

#[tokio::test]
async fn the_sign_in_page_shows_the_order_that_was_chosen() {
    let world = World::new().await;
    Second::beside(&world).await;
    let order = async || -> Vec<String> {
        let ways = world.app.ways().await.unwrap();
        ways.buttons.into_iter().map(|b| b.slug).collect()
    };
    assert_eq!(order().await, [SLUG, OTHER]);
    let before = world.app.provider(SLUG).await.unwrap();
    world.app.move_provider(&ACTOR, OTHER, 1).await.unwrap();
    assert_eq!(order().await, [OTHER, SLUG]);
    // An open form of a provider is as good as before.
    assert_eq!(world.app.provider(SLUG).await.unwrap(), before);
    world.app.move_provider(&ACTOR, OTHER, 1).await.unwrap();
    world.app.move_provider(&ACTOR, OTHER, 2).await.unwrap();
    assert_eq!(order().await, [SLUG, OTHER]);
    for number in [0, 3, usize::MAX] {
        let moved = world.app.move_provider(&ACTOR, OTHER, number).await;
        assert_eq!(field(moved.unwrap_err()), "number");
    }
    let unknown = world.app.move_provider(&ACTOR, "nobody", 1).await;
    assert!(matches!(unknown, Err(Problem::NotFound(_))));
}

#[tokio::test]
async fn the_domain_of_an_address_tells_the_provider() {
    let world = World::new().await;
    Second::beside(&world).await;
    let of = async |text: &str| -> Vec<String> {
        let ways = world.app.ways_of(&address(text)).await.unwrap();
        ways.into_iter().map(|b| b.slug).collect()
    };
    // Both serve the same domains: an address decides nothing.
    assert!(!world.app.ways().await.unwrap().asks_address);
    assert_eq!(of("alice@example.org").await, [SLUG, OTHER]);

    of_company_only(&world, "school.test").await;
    add_domain(&world, "local.test").await;
    assert!(world.app.ways().await.unwrap().asks_address);
    // Whether somebody is there makes no difference.
    world.mailbox("alice", NewSignIn::None).await;
    for local in ["alice", "nobody"] {
        let there = format!("{local}@SCHOOL.test");
        assert_eq!(of(&there).await, [SLUG]);
        assert_eq!(of(&format!("{local}@example.org")).await, [SLUG, OTHER]);
        for none in ["local.test", "unknown.test"] {
            assert!(of(&format!("{local}@{none}")).await.is_empty());
        }
    }
    bind(&world, Some(OTHER)).await.unwrap();
    assert_eq!(of("alice@example.org").await, [OTHER]);
    change(&world, |p| p.active = false).await;
    assert!(of("alice@example.org").await.is_empty());
}

#[tokio::test]
async fn the_provider_is_told_the_address_that_was_typed() {
    let world = World::new().await;
    let client = Client::default();
    let typed = address("alice+x@example.org");
    let url = world
        .app
        .begin_sign_in_of(Some(&typed), SLUG, BROWSER, ReturnTo::Home, &client)
        .await
        .unwrap();
    let url = url::Url::parse(&url).unwrap();
    let hint = url.query_pairs().find(|(name, _)| name == "login_hint");
    assert_eq!(hint.unwrap().1, "alice+x@example.org");
    // It is a hint: who signs in there is who comes.
    let query = world.at_provider(url.as_str(), "bob").await;
    let Ended::SignedIn(signed_in) = world.finish(&query).await else {
        panic!("not in")
    };
    let app::sessions::Who::Person { mailbox, .. } = signed_in.who else {
        panic!("an administrator")
    };
    assert_eq!(mailbox.address.as_str(), "bob@example.org");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_shown_as_down() {
    let world = World::new().await;
    let second = Second::beside(&world).await;
    let down = async || -> Vec<bool> {
        let ways = world.app.ways().await.unwrap();
        let down = ways.buttons.iter().map(|b| b.down_since.is_some());
        down.collect()
    };
    world
        .provider(|p| p.endpoints = Endpoints::Issuer { issuer: nowhere() })
        .await;
    assert_eq!(down().await, [false, false]);
    for _ in 0..5 {
        assert_eq!(world.refused("alice").await, Code::ProviderUnreachable);
    }
    assert_eq!(down().await, [true, false]);
    second.signed_in(&world, "bob").await;
    assert_eq!(down().await, [true, false]);
}

#[tokio::test]
async fn an_administrator_gets_in_whatever_becomes_of_the_providers() {
    let world = World::new().await;
    let second = Second::beside(&world).await;
    let root = NewAdmin {
        name: "root".to_owned(),
        email: "root@example.org".to_owned(),
        password: secret(PASSWORD),
    };
    world.app.create_admin(&ACTOR, root).await.unwrap();
    let get_in = async || {
        let client = Client::default();
        let ended = world
            .app
            .sign_in_local("root", secret(PASSWORD), &client)
            .await;
        assert!(matches!(ended, Ended::SignedIn(_)), "{ended:?}");
    };
    // Bound, though the administrator's own e-mail is of that domain.
    bind(&world, Some(OTHER)).await.unwrap();
    get_in().await;
    // Down, all of them.
    second.lab.stop().await;
    world
        .provider(|p| p.endpoints = Endpoints::Issuer { issuer: nowhere() })
        .await;
    get_in().await;
    // Switched off, then gone.
    change(&world, |p| p.active = false).await;
    world.provider(|p| p.active = false).await;
    get_in().await;
    bind(&world, None).await.unwrap();
    for slug in [SLUG, OTHER] {
        world.app.delete_provider(&ACTOR, slug).await.unwrap();
    }
    get_in().await;
    assert!(world.app.ways().await.unwrap().buttons.is_empty());
}
