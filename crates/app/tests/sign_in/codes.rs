//! Each code of a sign-in by a provider, produced by breaking the real thing.

use crate::world::{
    ACTOR, BROWSER, PUBLIC, SLUG, World, address, company, nowhere, quota, secret, settings,
};
use app::Client;
use app::aliases::AliasForm;
use app::mailboxes::NewSignIn;
use app::providers::SecretChange;
use app::sign_in::{Arrived, Ended};
use app::templates::TemplateForm;
use lab::misbehave::Misbehaviour;
use model::alert::Topic;
use model::attempt::StepState;
use model::domain::GIB;
use model::outcome::Code;
use model::provider::{EmailTrust, Endpoints, EveryoneElse};
use serde_json::json;

#[tokio::test]
async fn sso_101_the_provider_is_not_there() {
    let world = World::new().await;
    world
        .provider(|p| p.endpoints = Endpoints::Issuer { issuer: nowhere() })
        .await;
    assert_eq!(world.refused("alice").await, Code::ProviderUnreachable);
}

#[tokio::test]
async fn sso_103_discovery_speaks_for_another_issuer() {
    let world = World::new().await;
    let other = format!("{}/", world.lab.issuer());
    world
        .provider(|p| p.endpoints = Endpoints::Issuer { issuer: other })
        .await;
    assert_eq!(world.refused("alice").await, Code::DiscoveryFailed);
}

#[tokio::test]
async fn sso_104_the_guide_printed_our_own_host() {
    let world = World::new().await;
    let saved = world
        .provider(|p| {
            p.endpoints = Endpoints::Manual {
                authorize: format!("{PUBLIC}/application/o/authorize/"),
                token: format!("{PUBLIC}/application/o/token/"),
                userinfo: format!("{PUBLIC}/application/o/userinfo/"),
            };
        })
        .await;
    assert!(
        saved.notes.iter().any(|note| note.contains("SSO-104")),
        "{:?}",
        saved.notes
    );
    assert_eq!(world.refused("alice").await, Code::EndpointOnOwnHost);
}

#[tokio::test]
async fn sso_107_an_internal_address_needs_a_click() {
    let world = World::new().await;
    world.provider(|p| p.private_hosts.clear()).await;
    assert_eq!(world.refused("alice").await, Code::InternalAddress);
    let lines = world.app.test_provider(SLUG, &mut |_| {}).await.unwrap();
    let line = lines
        .iter()
        .find(|line| line.code == Some(Code::InternalAddress));
    let line = line.unwrap();
    assert_eq!(
        line.evidence,
        "discovery: 127.0.0.1 is 127.0.0.1, an internal address"
    );
    assert!(line.fix.starts_with("Allow this host"), "{}", line.fix);
    world
        .app
        .allow_private_host(&ACTOR, SLUG, "127.0.0.1")
        .await
        .unwrap();
    world.signed_in("alice").await;
}

#[tokio::test]
async fn sso_201_the_secret_is_wrong() {
    let world = World::new().await;
    let settings = world.app.provider(SLUG).await.unwrap().settings;
    let wrong = SecretChange::Set(secret("not the secret"));
    world
        .app
        .edit_provider(&ACTOR, SLUG, settings, wrong, None)
        .await
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::ClientRejected);
}

#[tokio::test]
async fn sso_201_the_client_id_is_told_also_when_nothing_else_was_sent() {
    let world = World::new().await;
    let refused = world.answered("error=unauthorized_client").await;
    assert_eq!(world.recorded(&refused).await, Code::ClientRejected);
    let words = refused.refusal.admin();
    assert!(words.contains("Client id sent: mail;"), "{words}");
}

#[tokio::test]
async fn sso_202_the_redirect_url_is_not_known() {
    let world = World::new().await;
    company(&world).misbehave(Misbehaviour::RedirectRefused);
    let query = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    let Ended::Refused(refused) = world.finish(&query).await else {
        panic!("in")
    };
    assert_eq!(world.recorded(&refused).await, Code::RedirectRefused);
    let words = refused.refusal.admin();
    assert!(
        words.contains("We send: https://mail.example.com/sso/example/callback."),
        "{words}"
    );
    let alerts = world.app.alerts().await.unwrap();
    assert_eq!(alerts[0].topic, Topic::Refusals(Code::RedirectRefused));
    company(&world).behave();
    let words = "error=invalid_request&error_description=redirect_uri+is+not+registered";
    let refused = world.answered(words).await;
    // Anybody can come back with such words and a state of their own.
    assert_eq!(world.recorded(&refused).await, Code::ProviderError);
}

#[tokio::test]
async fn sso_204_a_code_is_good_once() {
    let world = World::new().await;
    let query = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    let code = query
        .split('&')
        .find(|p| p.starts_with("code="))
        .unwrap()
        .to_owned();
    assert!(matches!(world.finish(&query).await, Ended::SignedIn(_)));
    let second = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    let replayed: Vec<_> = second
        .split('&')
        .map(|p| {
            if p.starts_with("code=") {
                code.as_str()
            } else {
                p
            }
        })
        .collect();
    let Ended::Refused(refused) = world.finish(&replayed.join("&")).await else {
        panic!("replayed")
    };
    assert_eq!(world.recorded(&refused).await, Code::CodeRejected);
}

#[tokio::test]
async fn sso_205_the_provider_says_no_and_its_words_stay_with_administrators() {
    let world = World::new().await;
    let url = world.depart().await.unwrap();
    let state = url::Url::parse(&url)
        .unwrap()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    let query = format!(
        "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state={state}&iss={}",
        world.lab.issuer()
    );
    let Ended::Refused(refused) = world.finish(&query).await else {
        panic!("in")
    };
    assert_eq!(world.recorded(&refused).await, Code::ProviderSaidNo);
    assert!(!refused.refusal.person().contains("script"));
    assert!(refused.refusal.admin().contains("script"));
}

#[tokio::test]
async fn sso_206_a_state_is_of_one_browser_one_use_and_one_redirect_url() {
    let world = World::new().await;
    let query = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    let home = || Arrived::OwnPath(SLUG.to_owned());
    let client = Client::default();
    let tries = [
        (home(), query.clone(), Some("another-browser")),
        (home(), query.clone(), None),
        (home(), "code=x".to_owned(), Some(BROWSER)),
        (home(), String::new(), Some(BROWSER)),
        (home(), format!("{query}&code=twice"), Some(BROWSER)),
        (home(), format!("{query}&error=both"), Some(BROWSER)),
        (home(), "code=x&state=unknown".to_owned(), Some(BROWSER)),
        (Arrived::BareOrigin, query.clone(), Some(BROWSER)),
    ];
    for (arrived, query, browser) in tries {
        let ended = world
            .app
            .finish_sign_in(arrived, &query, browser, &client)
            .await;
        let Ended::Refused(refused) = ended else {
            panic!("in: {ended:?}")
        };
        assert_eq!(world.recorded(&refused).await, Code::ForeignState);
    }
    // The last of them came with the right state from the right browser, and used it up.
    let Ended::Refused(refused) = world.finish(&query).await else {
        panic!("in")
    };
    assert_eq!(refused.refusal.code, Code::ForeignState);
    assert!(
        world
            .app
            .mailbox(&address("alice@example.org"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn many_tabs_may_be_under_way_and_finish_in_any_order() {
    let world = World::new().await;
    let first = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    let second = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    assert!(matches!(world.finish(&second).await, Ended::SignedIn(_)));
    assert!(matches!(world.finish(&first).await, Ended::SignedIn(_)));
}

#[tokio::test]
async fn sso_208_switched_off_also_in_the_middle() {
    let world = World::new().await;
    let query = world
        .at_provider(&world.depart().await.unwrap(), "alice")
        .await;
    world.provider(|p| p.active = false).await;
    let Ended::Refused(refused) = world.finish(&query).await else {
        panic!("in")
    };
    assert_eq!(world.recorded(&refused).await, Code::ProviderOff);
    assert_eq!(
        world.depart().await.unwrap_err().refusal.code,
        Code::ProviderOff
    );
}

#[tokio::test]
async fn sso_209_any_other_error_of_the_provider() {
    let world = World::new().await;
    let url = world.depart().await.unwrap();
    let url = url::Url::parse(&url).unwrap();
    let state = url
        .query_pairs()
        .find(|(n, _)| n == "state")
        .unwrap()
        .1
        .into_owned();
    let query = format!(
        "error=login_required&state={state}&iss={}",
        world.lab.issuer()
    );
    let Ended::Refused(refused) = world.finish(&query).await else {
        panic!("in")
    };
    assert_eq!(world.recorded(&refused).await, Code::ProviderError);
}

#[tokio::test]
async fn sso_301_to_304_the_address_claim() {
    let world = World::new().await;
    world
        .provider(|p| p.address_claim = "mail".to_owned())
        .await;
    assert_eq!(world.refused("alice").await, Code::EmailMissing);
    company(&world)
        .set_claim("alice", "mail", json!("not an address"))
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::AddressUnusable);
    company(&world)
        .set_claim("alice", "mail", json!("alice@example.org"))
        .unwrap();
    company(&world)
        .set_claim("alice", "email_verified", json!(false))
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::EmailUnverified);
    company(&world)
        .set_claim("alice", "email_verified", json!(null))
        .unwrap();
    world
        .provider(|p| p.email_trust = EmailTrust::RequireTrue)
        .await;
    let code = world.refused("alice").await;
    assert!(
        matches!(code, Code::EmailVerifiedAbsent | Code::EmailUnverified),
        "{code}"
    );
    world
        .provider(|p| p.email_trust = EmailTrust::Believe)
        .await;
    world.signed_in("alice").await;
}

#[tokio::test]
async fn sso_303_email_verified_is_absent() {
    let world = World::new().await;
    company(&world)
        .set_claim("alice", "mail", json!("alice@example.org"))
        .unwrap();
    world
        .provider(|p| {
            p.email_trust = EmailTrust::RequireTrue;
            p.address_claim = "mail".to_owned();
            p.scopes = "openid mailcow_template".to_owned();
        })
        .await;
    company(&world).remove_claim("alice", "email_verified").ok();
    let code = world.refused("alice").await;
    assert!(
        matches!(code, Code::EmailVerifiedAbsent | Code::EmailMissing),
        "{code}"
    );
}

#[tokio::test]
async fn sso_306_and_401_the_domain() {
    let world = World::new().await;
    world.provider(|p| p.domains.clear()).await;
    assert_eq!(world.refused("alice").await, Code::DomainNotOfProvider);
    company(&world)
        .change("alice", |p| "alice@elsewhere.test".clone_into(&mut p.email))
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::DomainUnknown);
}

#[tokio::test]
async fn sso_402_to_404_the_domain_is_off_or_full() {
    let world = World::new().await;
    world.domain(|d| d.active = false).await;
    assert_eq!(world.refused("alice").await, Code::DomainInactive);
    world
        .domain(|d| {
            d.active = true;
            d.limits.max_mailboxes = 1;
        })
        .await;
    world.signed_in("bob").await;
    assert_eq!(world.refused("alice").await, Code::DomainFull);
    world
        .domain(|d| {
            d.limits.max_mailboxes = 10;
            d.limits.max_quota = 3 * GIB;
            d.limits.domain_quota = 3 * GIB;
        })
        .await;
    assert_eq!(world.refused("alice").await, Code::DomainQuotaFull);
}

#[tokio::test]
async fn sso_405_to_407_the_mapping() {
    let world = World::new().await;
    assert_eq!(world.refused("carol").await, Code::NoMapping);
    let carol = world.app.explain("carol@example.org").await.unwrap();
    let steps = carol.attempts[0].trace.steps.iter();
    let rules: Vec<_> = steps.filter(|step| step.gate == "rule").collect();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].state, StepState::Note, "it did not match");
    company(&world)
        .set_claim("carol", "mailcow_template", json!("Staff"))
        .unwrap();
    assert_eq!(world.refused("carol").await, Code::NearMapping);
    // A template that a rule names cannot be deleted; one that vanished all the same is told.
    let problem = world
        .app
        .delete_template(&ACTOR, world.staff.id)
        .await
        .unwrap_err();
    assert!(problem.to_string().contains("Example SSO"), "{problem}");
    let template = model::ids::TemplateId(99);
    let mut ghost = settings(
        Endpoints::Issuer {
            issuer: world.lab.issuer().to_owned(),
        },
        &world.staff,
    );
    ghost.everyone_else = EveryoneElse::Template(template);
    let refused = world
        .app
        .edit_provider(&ACTOR, SLUG, ghost, SecretChange::Keep, None)
        .await;
    assert!(refused.is_err(), "a rule cannot name what does not exist");
}

#[tokio::test]
async fn sso_409_too_many_groups_are_pointed_at() {
    let world = World::new().await;
    world
        .provider(|p| p.everyone_else = EveryoneElse::Template(world.staff.id))
        .await;
    company(&world).misbehave(Misbehaviour::GroupsOverage);
    assert_eq!(world.refused("alice").await, Code::ClaimWithheld);
    let test = world.tested("alice").await;
    assert_eq!(test.refusal.as_ref().unwrap().code, Code::ClaimWithheld);
    assert!(
        test.found.rules[0].why.contains("a pointer (_claim_names)"),
        "{:?}",
        test.found.rules
    );
    // Where the claims themselves would be fetched, and with what, is nobody's business.
    assert!(!format!("{test:?}").contains("a-token-of-the-source"));
    // A rule before it decides; one behind it might have come second.
    let by_name = model::rule::Rule {
        claim: "name".to_owned(),
        test: model::rule::Test::Present,
        template: world.staff.id,
    };
    world.provider(|p| p.rules.push(by_name.clone())).await;
    assert_eq!(world.refused("alice").await, Code::ClaimWithheld);
    world.provider(|p| p.rules.rotate_right(1)).await;
    world.signed_in("alice").await;
    // Who has a mailbox keeps what it has.
    world
        .provider(|p| {
            p.rules.remove(0);
        })
        .await;
    world.signed_in("alice").await;
}

#[tokio::test]
async fn sso_408_410_411_nothing_is_made() {
    let world = World::new().await;
    world.provider(|p| p.create = false).await;
    assert_eq!(world.refused("alice").await, Code::CreationOff);
    world.provider(|p| p.create = true).await;
    world.mailbox("bob", NewSignIn::None).await;
    let alias = AliasForm {
        address: address("alice@example.org"),
        targets: vec![address("bob@example.org")],
        active: true,
    };
    world.app.create_alias(&ACTOR, alias).await.unwrap();
    assert_eq!(world.refused("alice").await, Code::AddressIsAlias);
    company(&world)
        .change("alice", |p| "abuse@example.org".clone_into(&mut p.email))
        .unwrap();
    assert_eq!(world.refused("alice").await, Code::AddressReserved);
}

#[tokio::test]
async fn sso_412_the_address_changed_at_the_provider() {
    let world = World::new().await;
    world.signed_in("alice").await;
    company(&world)
        .change("alice", |p| "new@example.org".clone_into(&mut p.email))
        .unwrap();
    let again = world.signed_in("alice").await;
    assert_eq!(again.notice.unwrap().code, Code::AddressChanged);
}

#[tokio::test]
async fn sso_501_a_switched_off_mailbox_is_out_at_once() {
    let world = World::new().await;
    let signed_in = world.signed_in("alice").await;
    let token = secrecy::ExposeSecret::expose_secret(&signed_in.token).to_owned();
    assert!(world.app.session(&token).await.unwrap().is_some());
    let alice = address("alice@example.org");
    world
        .app
        .disable_mailbox(&ACTOR, &alice, "left")
        .await
        .unwrap();
    assert!(world.app.session(&token).await.unwrap().is_none());
    assert_eq!(world.refused("alice").await, Code::MailboxInactive);
    let why = world.app.explain("alice@example.org").await.unwrap();
    assert_eq!(why.blocked.unwrap().code, Code::MailboxInactive);
    assert_eq!(
        why.fix.unwrap().1,
        "gatepost mailbox enable alice@example.org"
    );
    world.app.enable_mailbox(&ACTOR, &alice).await.unwrap();
    world.signed_in("alice").await;
}

#[tokio::test]
async fn a_changed_claim_moves_the_quota_at_the_next_sign_in() {
    let world = World::new().await;
    let form = TemplateForm {
        name: "Board".to_owned(),
        settings: quota(4 * GIB),
    };
    let board = world.app.create_template(&ACTOR, form).await.unwrap();
    world
        .provider(|p| p.rules.push(model::rule::Rule::mailcow("board", board.id)))
        .await;
    let alice = address("alice@example.org");
    world.signed_in("alice").await;
    assert_eq!(
        world.app.mailbox(&alice).await.unwrap().mailbox.quota,
        2 * GIB
    );
    company(&world)
        .set_claim("alice", "mailcow_template", json!("board"))
        .unwrap();
    world.signed_in("alice").await;
    assert_eq!(
        world.app.mailbox(&alice).await.unwrap().mailbox.quota,
        4 * GIB
    );
}
