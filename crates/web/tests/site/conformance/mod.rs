//! The OpenID Foundation's tests of relying parties, each named after its module, over the whole way:
//! real pages, real callback, the sample company as the other side. `docs/reference/openid.md`
//! lists them.

mod algorithms;
mod config;
mod plan;
mod table;
mod third_party;
mod userinfo;

use crate::world::World;
use http::StatusCode;
use lab::misbehave::Misbehaviour;
use model::attempt::{Attempt, Reference};
use model::outcome::Code;
use model::provider::ResponseMode;
use testkit::browser::Page;

const START: &str = "/sso/example/start";
const ALICE: &str = "alice@example.org";

/// `oidcc-client-basic-certification-test-plan`.
mod basic {
    super::plan::basic_plan!(model::provider::ResponseMode::Query);
}

/// `oidcc-client-formpost-basic-certification-test-plan`: the same with `response_mode=form_post`.
mod form_post {
    super::plan::basic_plan!(model::provider::ResponseMode::FormPost);
}

/// A way of answering, and a company of some kind.
async fn beside(mode: ResponseMode, change: impl FnOnce(&mut lab::Options)) -> World {
    let world = World::beside(change).await;
    world.change_provider(|p| p.response_mode = mode).await;
    world
}

/// Alice signs in, in a browser of her own.
async fn arrive(world: &World) -> Page {
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at(START)).await.unwrap();
    match page.form_with_button("Sign in") {
        Ok(_) if page.url().path() == "/login" => world.as_person(&mut tab, &page, "alice").await,
        _ => page,
    }
}

/// Alice gets in and has her mailbox; the attempt of it.
async fn gets_in(world: &World) -> Attempt {
    let page = arrive(world).await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    assert!(
        page.text().contains("Hello, Alice Aalto"),
        "{}",
        page.text()
    );
    let view = world.app.mailbox(&ALICE.parse().unwrap()).await.unwrap();
    assert_eq!(view.template.as_deref(), Some("Staff"));
    let of_alice = app::domains::Page {
        search: ALICE.to_owned(),
        limit: 1,
        ..Default::default()
    };
    let filter = app::attempts::AttemptFilter::default();
    let mut listed = world.app.attempts(filter, of_alice).await.unwrap();
    let attempt = listed.rows.remove(0);
    assert_eq!(attempt.refusal, None);
    attempt
}

/// Alice does not get in and has nothing; the code, and the administrator's words.
async fn stays_out(world: &World) -> (Code, String) {
    let page = arrive(world).await;
    assert!(page.status().is_client_error() || page.status().is_server_error());
    assert_ne!(page.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!world.has(ALICE).await);
    let reference = page.text_of(".copy-row .value").unwrap();
    let reference = Reference::parse(&reference).unwrap();
    let attempt = world.app.attempt(&reference).await.unwrap();
    let refusal = attempt.refusal.unwrap();
    (refusal.code, refusal.admin())
}

/// A provider that misbehaves in this way is refused, and the administrator is told why.
async fn refuses(mode: ResponseMode, how: Misbehaviour, code: Code, why: &str) {
    let world = beside(mode, |_| {}).await;
    world.company.company().misbehave(how);
    let (got, admin) = stays_out(&world).await;
    assert_eq!(got, code, "{admin}");
    assert!(admin.contains(why), "{admin}");
}

/// How the ID token of a sign-in was proven.
fn evidence(attempt: &Attempt) -> &str {
    let mut steps = attempt.trace.steps.iter();
    let step = steps.find(|step| step.gate == "identity").unwrap();
    &step.evidence
}
