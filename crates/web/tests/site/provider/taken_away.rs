//! What is taken from a person is taken from their apps too, whatever took it.

use super::{ERIN, OPENID, Provider, bearer, redeem, refresh, settings};
use crate::world::{PASSWORD, World};
use app::confirmation::Checked;
use app::domains::DomainForm;
use http::{Request, StatusCode, header};
use lab::logout::Leaving;
use lab::misbehave::Misbehaviour;
use model::audit::Actor;
use model::oauth_app::RefreshRule;
use model::time::DAY;
use serde_json::json;
use std::time::Duration;

const ALICE: &str = "alice@example.org";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What an app has of a person that goes on without them.
struct Held {
    access: String,
    refresh: String,
}

impl Held {
    /// Adds the app and gives it tokens.
    async fn by(provider: &Provider, who: &str) -> Self {
        let mut settings = settings();
        settings.refresh = RefreshRule::Always;
        let app = provider.add("app", settings).await;
        let (code, _) = provider.code_for(who, app, OPENID).await;
        Self::redeemed(provider, &code).await
    }

    async fn redeemed(provider: &Provider, code: &str) -> Self {
        let tokens = provider.tokens("app", &redeem(code)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);
        let held = Self {
            access: bearer(&tokens.member("access_token")),
            refresh: tokens.member("refresh_token"),
        };
        assert!(held.opens(provider).await);
        held
    }

    async fn opens(&self, provider: &Provider) -> bool {
        let answer = provider.get("/oauth/userinfo", Some(&self.access)).await;
        let status = answer.status;
        let known = [StatusCode::OK, StatusCode::UNAUTHORIZED];
        assert!(known.contains(&status), "{}", answer.text);
        status == StatusCode::OK
    }

    /// Uses the refresh token; what comes for it is held from now on.
    async fn refreshed(&mut self, provider: &Provider) {
        let tokens = provider.tokens("app", &refresh(&self.refresh)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);
        self.access = bearer(&tokens.member("access_token"));
        self.refresh = tokens.member("refresh_token");
    }

    async fn is_refused(&self, provider: &Provider) -> bool {
        let again = provider.tokens("app", &refresh(&self.refresh)).await;
        again.error() == (400, "invalid_grant".to_owned())
    }

    /// As a fault of ours, after which an app keeps its refresh token and comes again.
    async fn is_put_off(&self, provider: &Provider) -> bool {
        let answer = provider.tokens("app", &refresh(&self.refresh)).await;
        answer.error() == (503, "temporarily_unavailable".to_owned())
            && answer.header("retry-after") == Some("900")
    }

    async fn is_gone(&self, provider: &Provider, why: &str) {
        assert!(!self.opens(provider).await, "{why}");
        assert!(self.is_refused(provider).await, "{why}");
    }
}

/// An app that goes on without the person, before and after something happens to Erin.
async fn lost_by(what: &str, act: impl AsyncFnOnce(&Provider)) {
    let provider = Provider::new().await;
    let held = Held::by(&provider, ERIN).await;
    act(&provider).await;
    held.is_gone(&provider, what).await;
}

/// Changes the domain.
async fn domain(provider: &Provider, change: impl FnOnce(&mut DomainForm)) {
    let (app, name) = (&provider.world.app, "example.org".parse().unwrap());
    let (domain, _) = app.domain(&name).await.unwrap();
    let mut form = DomainForm {
        name,
        active: domain.active,
        limits: domain.limits,
        role_target: Some(domain.role_target),
        confirm_within: domain.confirm.map(|policy| policy.within_days),
    };
    change(&mut form);
    app.edit_domain(&Actor::CommandLine, form, None)
        .await
        .unwrap();
}

/// Alice signs in by her company, in a browser of her own.
async fn alice_signs_in(world: &World) {
    let mut tab = world.browser().tab();
    let page = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
}

#[tokio::test]
async fn a_new_password_ends_what_the_old_one_allowed() {
    lost_by("a new password", async |provider| {
        let password = PASSWORD.to_owned().into();
        let app = &provider.world.app;
        app.set_mailbox_password(&Actor::CommandLine, &ERIN.parse().unwrap(), password)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_is_switched_off_and_on_again_gives_nothing_back() {
    lost_by("a mailbox that was off", async |provider| {
        let (app, erin) = (&provider.world.app, ERIN.parse().unwrap());
        let by = Actor::CommandLine;
        app.disable_mailbox(&by, &erin, "left").await.unwrap();
        app.enable_mailbox(&by, &erin).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deleted_mailbox_and_a_domain_that_is_off_take_everything_along() {
    lost_by("a deleted mailbox", async |provider| {
        let (app, erin) = (&provider.world.app, ERIN.parse().unwrap());
        app.delete_mailbox(&Actor::CommandLine, &erin)
            .await
            .unwrap();
    })
    .await;
    lost_by("a domain that is off", async |provider| {
        domain(provider, |form| form.active = false).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_person_disconnects_ends_at_once() {
    let provider = Provider::new().await;
    let app = provider.add("app", settings()).await;
    let (_, tokens) = provider.for_real("app", "openid offline_access").await;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let held = Held {
        access: bearer(&text("access_token")),
        refresh: text("refresh_token"),
    };
    assert!(held.opens(&provider).await);
    let (erin, actor) = (provider.erin().await.id, Actor::CommandLine);
    let done = provider.world.app.disconnect(&actor, erin, app);
    done.await.unwrap();
    held.is_gone(&provider, "disconnected").await;
}

#[tokio::test]
async fn who_is_blocked_or_gone_at_the_provider_loses_their_apps() {
    let actor = Actor::CommandLine;
    let provider = Provider::new().await;
    alice_signs_in(&provider.world).await;
    let held = Held::by(&provider, ALICE).await;
    let address = ALICE.parse().unwrap();
    let blocked = &provider.world.app;
    let blocked = blocked.block_people(&actor, &address, None, "left");
    blocked.await.unwrap();
    held.is_gone(&provider, "blocked").await;

    // A logout token, where that means gone.
    let provider = Provider::new().await;
    let world = &provider.world;
    world
        .change_provider(|p| p.leavers.logout_means_gone = true)
        .await;
    alice_signs_in(world).await;
    let held = Held::by(&provider, ALICE).await;
    let person = world.company.company().person("alice").unwrap();
    let leaving = Leaving {
        client: "gatepost-example",
        subject: Some(&person.subject),
        sid: None,
    };
    let token = world.company.logout_token(leaving).unwrap();
    let request = Request::post("/sso/example/backchannel-logout")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = world.send(request, &format!("logout_token={token}")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    held.is_gone(&provider, "signed out there for good").await;
}

/// A company that gives refresh tokens, and is asked by them whether people are still there.
async fn asking() -> Provider {
    let offline = |options: &mut lab::Options| options.scopes.push("offline_access".to_owned());
    let provider = Provider::in_world(World::beside(offline).await);
    let checks = provider
        .world
        .change_provider(|p| p.leavers.background_checks = true);
    checks.await;
    provider
}

#[tokio::test]
async fn whom_a_background_check_finds_gone_loses_their_apps() {
    let provider = asking().await;
    let world = &provider.world;
    alice_signs_in(world).await;
    let mut held = Held::by(&provider, ALICE).await;
    world.company.company().disable("alice").unwrap();
    world.clock.advance(HOUR * 5);
    held.refreshed(&provider).await;
    let checked = world.app.check_people().await.unwrap();
    assert_eq!(checked.len(), 1);
    assert_eq!(checked[0].1, Checked::Gone);
    held.is_gone(&provider, "gone at the provider").await;
}

/// Where a provider tells nobody that people left, their days without confirmation stop their apps as
/// they stop mail programs, and the next sign-in lets both go on.
#[tokio::test]
async fn days_without_confirmation_stop_what_goes_on_without_the_person() {
    let provider = Provider::new().await;
    let world = &provider.world;
    domain(&provider, |form| form.confirm_within = Some(30)).await;
    alice_signs_in(world).await;
    let mut held = Held::by(&provider, ALICE).await;
    let erins = {
        let app = provider.add("erins", settings()).await;
        let offline = super::Given {
            scopes: "openid offline_access",
            ..OPENID
        };
        let tokens = provider.given("erins", app, offline).await;
        tokens.member("refresh_token")
    };
    world.clock.advance(DAY * 30 - MINUTE);
    held.refreshed(&provider).await;
    world.clock.advance(MINUTE);
    held.is_gone(&provider, "from that moment on").await;
    let access = held.access.strip_prefix("Bearer ").unwrap();
    for token in [access, &held.refresh] {
        let worth = provider.introspected("app", token).await;
        assert_eq!(worth, json!({ "active": false }));
    }
    world.app.sweep().await.unwrap();
    held.is_gone(&provider, "the days are over").await;

    // A web session that is older than that gives nothing that lasts.
    let app = {
        let mut read = provider.store.read().unwrap();
        let app = store::oauth_apps::by_client_id(&mut read, "app").await;
        app.unwrap().unwrap().id
    };
    let (code, _) = provider.code_for(ALICE, app, OPENID).await;
    let late = Held::redeemed(&provider, &code).await;
    assert!(late.is_refused(&provider).await);
    let worth = provider.introspected("app", &late.refresh).await;
    assert_eq!(worth, json!({ "active": false }));

    // Nobody is asked about somebody who signs in here alone.
    let tokens = provider.tokens("erins", &refresh(&erins)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);

    alice_signs_in(world).await;
    assert!(held.opens(&provider).await, "at once");
    held.refreshed(&provider).await;
    assert!(held.opens(&provider).await);
}

/// Alice of such a company, in a domain that wants to hear of her every three days.
async fn asked_about() -> (Provider, Held) {
    let provider = asking().await;
    let world = &provider.world;
    domain(&provider, |form| form.confirm_within = Some(3)).await;
    alice_signs_in(world).await;
    let held = Held::by(&provider, ALICE).await;
    (provider, held)
}

/// The server was down for a week, or a backup of last week was put back: nobody could be asked.
#[tokio::test]
async fn whom_nobody_could_be_asked_about_keeps_their_apps() {
    let (provider, mut held) = asked_about().await;
    let world = &provider.world;
    world.clock.advance(DAY * 7);
    world.app.sweep().await.unwrap();
    assert!(!held.opens(&provider).await);
    assert!(held.is_put_off(&provider).await);

    // The company is down as well when it is asked.
    world.company.company().misbehave(Misbehaviour::TokenFault);
    let checked = world.app.check_people().await.unwrap();
    assert!(matches!(checked[0].1, Checked::Unknown(_)), "{checked:?}");
    world.app.sweep().await.unwrap();
    assert!(held.is_put_off(&provider).await);

    world.company.company().behave();
    world.clock.advance(HOUR);
    let checked = world.app.check_people().await.unwrap();
    assert_eq!(checked[0].1, Checked::Confirmed);
    held.refreshed(&provider).await;
    assert!(held.opens(&provider).await);
}

#[tokio::test]
async fn who_left_while_nobody_could_be_asked_is_out_all_the_time() {
    let (provider, held) = asked_about().await;
    let world = &provider.world;
    world.company.company().disable("alice").unwrap();
    world.clock.advance(DAY * 7);
    world.app.sweep().await.unwrap();
    assert!(!held.opens(&provider).await);
    assert!(held.is_put_off(&provider).await);
    let checked = world.app.check_people().await.unwrap();
    assert_eq!(checked[0].1, Checked::Gone);
    held.is_gone(&provider, "gone at the provider").await;
}

/// A provider that answers, but never as it should, does not keep an app from asking for a sign-in.
#[tokio::test]
async fn a_refresh_is_put_off_for_a_week_at_most() {
    let (provider, held) = asked_about().await;
    provider.world.clock.advance(DAY * 10 - MINUTE);
    assert!(held.is_put_off(&provider).await);
    provider.world.clock.advance(MINUTE);
    held.is_gone(&provider, "a week after the deadline").await;
}

/// Whoever nobody is going to be asked about can only sign in, which an app asks for after `invalid_grant`.
#[tokio::test]
async fn whom_nobody_is_asked_about_signs_in_again() {
    let (provider, held) = asked_about().await;
    let world = &provider.world;
    world.clock.advance(DAY * 3);
    assert!(held.is_put_off(&provider).await);
    let id = world.app.provider("example").await.unwrap().id;
    let now = world.app.now();
    provider
        .write(async move |tx: &mut store::Conn| store::providers::stop_checks(tx, id, now).await)
        .await;
    held.is_gone(&provider, "asking has stopped").await;
    let resumed = world.app.resume_checks(&Actor::CommandLine, "example");
    resumed.await.unwrap();
    assert!(held.is_put_off(&provider).await, "nothing has ended");
    world.change_provider(|p| p.active = false).await;
    held.is_gone(&provider, "nobody is asked").await;
}
