//! What is taken from a person is taken from their apps too, whatever took it.

use super::{ERIN, OPENID, Provider, bearer, redeem, refresh, settings};
use crate::world::{PASSWORD, World};
use app::confirmation::Checked;
use app::domains::DomainForm;
use http::{Request, StatusCode, header};
use lab::logout::Leaving;
use model::audit::Actor;
use model::oauth_app::RefreshRule;
use model::time::DAY;
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

#[tokio::test]
async fn whom_a_background_check_finds_gone_loses_their_apps() {
    let offline = |options: &mut lab::Options| options.scopes.push("offline_access".to_owned());
    let provider = Provider::in_world(World::beside(offline).await);
    let world = &provider.world;
    world
        .change_provider(|p| p.leavers.background_checks = true)
        .await;
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

/// Where a provider tells nobody that people left, their days without confirmation end their apps as
/// they stop mail programs.
#[tokio::test]
async fn days_without_confirmation_end_what_goes_on_without_the_person() {
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
    assert!(held.is_refused(&provider).await, "from that moment on");
    assert!(
        held.opens(&provider).await,
        "what was given lives out its time"
    );
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

    // Nobody is asked about somebody who signs in here alone.
    let tokens = provider.tokens("erins", &refresh(&erins)).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);

    alice_signs_in(world).await;
    let (code, _) = provider.code_for(ALICE, app, OPENID).await;
    Held::redeemed(&provider, &code)
        .await
        .refreshed(&provider)
        .await;
}
