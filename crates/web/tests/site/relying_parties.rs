//! Apps that somebody else wrote sign a person in through Gatepost, and thereby at the company's own
//! provider, which somebody else wrote too.

use crate::world::World;
use app::step_up::Doer;
use model::audit::Actor;
use model::oauth_app::{
    AppCard, AppKind, AppSettings, FullName, IdTokenAlg, PkceRule, RefreshRule,
};
use model::provider::{Endpoints as ProviderEndpoints, RedirectForm};
use model::time::{Clock as _, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use testkit::browser::{Browser, Page, Tab};
use testkit::provider::{OidcProvider, RealProvider as _, Setup};
use testkit::relying_party::{
    Apache, AuthentikLike, CallsLike, Endpoints, Mailbox, Registration, Roundcube, Strict,
    connect_device, or_skip, question, sign_in,
};
use url::Url;

/// Nothing listens there: the browser stops before it.
const CALLBACK: &str = "http://127.0.0.1:9/callback";
const SECRET: &str = "a-secret-without-reserved-characters";
const NORA: &str = "nora@example.org";

/// Gatepost, with the company's provider behind it.
struct Stage {
    world: World,
    provider: OidcProvider,
}

impl Stage {
    /// `None` where the provider's packages are missing.
    async fn new() -> Option<Self> {
        let world = World::new().await;
        // The programs beside it have clocks of their own.
        world.clock.set(SystemClock.now());
        let nora = json!({
            "name": "Nora Nowak",
            "email": NORA,
            "email_verified": true,
            "mailcow_template": "staff",
        });
        let redirect = RedirectForm::OwnPath.url(&world.url, "acme");
        let setup = Setup::default()
            .client("mail", SECRET, "client_secret_basic", &[&redirect])
            .person("nora", nora);
        let provider = OidcProvider::start_or_skip(setup).await.unwrap()?;
        let mut settings = world.app.provider("example").await.unwrap().settings;
        settings.name = "Acme".to_owned();
        settings.client_id = "mail".to_owned();
        settings.endpoints = ProviderEndpoints::Issuer {
            issuer: provider.issuer().to_owned(),
        };
        world
            .app
            .create_provider(
                Doer::from(&Actor::CommandLine).untested(true),
                "acme",
                settings,
                Some(SecretString::from(SECRET)),
            )
            .await
            .unwrap();
        Some(Self { world, provider })
    }

    /// Registers an app.
    async fn app(&self, redirect: &str, change: impl FnOnce(&mut AppSettings)) -> Registration {
        let mut settings = AppSettings {
            name: "Wiki".to_owned(),
            redirects: vec![redirect.to_owned()],
            ..AppCard::Generic.settings()
        };
        change(&mut settings);
        let made = self.world.app.add_app(settings, &Actor::CommandLine);
        let made = made.await.unwrap();
        Registration {
            issuer: self.world.url.clone(),
            client_id: made.app.client_id,
            client_secret: made
                .secret
                .map_or_else(String::new, |secret| secret.expose_secret().to_owned()),
        }
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorize: self.world.at("/oauth/authorize"),
            token: self.world.at("/oauth/token"),
            profile: self.world.at("/oauth/userinfo"),
        }
    }

    /// Signs Nora in where an app sent her, and allows it; returns the app's answer without bringing
    /// it there.
    async fn through(&self, tab: &mut Tab, url: &str, app: &str) -> Url {
        let answer = self.company_answers(tab, url).await;
        tab.stop_before(app);
        tab.open(answer.as_str()).await.unwrap();
        tab.follow("Continue").await.unwrap();
        let consent = tab.page().unwrap().form_with_button("Allow").unwrap();
        let page = tab.submit(consent).await.unwrap();
        let answer = page.location().unwrap();
        assert!(answer.is_some(), "{}", page.text());
        answer.unwrap()
    }

    /// Signs Nora in where a page of ours asks her to; returns where that led.
    async fn at_our_page(&self, tab: &mut Tab, url: &str) -> Page {
        let answer = self.company_answers(tab, url).await;
        tab.stop_nowhere();
        tab.open(answer.as_str()).await.unwrap()
    }

    /// Leaves for the company from the page at `url`, signs Nora in there, and returns its answer
    /// without bringing it to us.
    async fn company_answers(&self, tab: &mut Tab, url: &str) -> Url {
        tab.stop_nowhere();
        tab.open(url).await.unwrap();
        tab.stop_before(self.provider.issuer());
        let left = tab.follow("Continue with Acme").await.unwrap();
        let question = left.location().unwrap().unwrap();
        tab.stop_nowhere();
        let answer = self.provider.sign_in(tab, question.as_str(), "nora").await;
        answer.unwrap()
    }

    /// The same from the app's own page, and on to where the app takes her.
    async fn begun_at(&self, tab: &mut Tab, page: &str, app: &str) -> Page {
        let asked = question(tab, page, &self.world.url).await.unwrap();
        let answer = self.through(tab, &asked, app).await;
        tab.stop_nowhere();
        tab.open(answer.as_str()).await.unwrap()
    }
}

#[tokio::test]
async fn strict_clients_accept_everything_that_they_check() {
    for (client, alg, scope) in [
        (
            Strict::Authlib,
            IdTokenAlg::Rs256,
            "openid profile email offline_access",
        ),
        (
            Strict::Authlib,
            IdTokenAlg::Es256,
            "openid profile email offline_access",
        ),
        (
            Strict::Openidconnect,
            IdTokenAlg::Rs256,
            "openid profile email",
        ),
        (
            Strict::Openidconnect,
            IdTokenAlg::Es256,
            "openid profile email",
        ),
    ] {
        let Some(stage) = Stage::new().await else {
            return;
        };
        let registration = stage.app(CALLBACK, |app| app.id_token_alg = alg).await;
        let mut tab = Browser::new().unwrap().tab();
        let saw = sign_in(client, &registration, CALLBACK, scope, async |url: &str| {
            stage.through(&mut tab, url, CALLBACK).await
        });
        let Some(saw) = or_skip(saw.await).unwrap() else {
            return;
        };
        assert_eq!(saw["algorithm"], alg.name(), "{client:?}");
        assert_eq!(saw["userinfo"]["email"], NORA);
        assert_eq!(saw["userinfo"]["email_verified"], true);
        assert_eq!(saw["userinfo"]["name"], "Nora Nowak");
        assert_eq!(saw["userinfo"]["sub"], saw["id_token"]["sub"]);
        if client == Strict::Authlib {
            assert_eq!(saw["answer_names_issuer"], true);
            assert_eq!(saw["introspection"]["username"], NORA);
            assert_eq!(saw["after_revocation"], "invalid_grant");
        }
    }
}

#[tokio::test]
async fn a_device_of_somebody_elses_library_is_signed_in_by_its_code() {
    for kind in [AppKind::Public, AppKind::Confidential] {
        let Some(stage) = Stage::new().await else {
            return;
        };
        let registration = stage
            .app(CALLBACK, |app| {
                app.kind = kind;
                app.devices = true;
                app.redirects.clear();
            })
            .await;
        let mut tab = Browser::new().unwrap().tab();
        let scope = "openid profile email offline_access";
        let saw = connect_device(&registration, scope, async |url: &str| {
            let page = stage.at_our_page(&mut tab, url).await;
            let form = page.form_with_button("Allow").unwrap();
            let page = tab.submit(form.press("Allow").unwrap()).await.unwrap();
            assert!(page.text().contains("go back to your device"));
        });
        let Some(saw) = or_skip(saw.await).unwrap() else {
            return;
        };
        assert_eq!(saw["verification_uri"], stage.world.at("/connect"));
        assert_eq!(saw["userinfo"]["email"], NORA);
        assert_eq!(saw["userinfo"]["sub"], saw["id_token"]["sub"]);
        assert_eq!(saw["refreshable"], true);
        // It asked before Nora had answered, and waited as long as it was told to.
        assert_eq!(saw["waited"][0], 5, "{saw}");
    }
}

#[tokio::test]
async fn apache_shows_its_page_to_whom_gatepost_signed_in() {
    let Some(mut apache) = or_skip(Apache::new()).unwrap() else {
        return;
    };
    let Some(stage) = Stage::new().await else {
        return;
    };
    let registration = stage.app(&apache.redirect_uri(), |_| {}).await;
    apache.start(&registration).await.unwrap();
    let mut tab = Browser::new().unwrap().tab();
    let page = stage
        .begun_at(&mut tab, &apache.page(), &apache.redirect_uri())
        .await;
    let text = page.body();
    for line in [
        "OIDC_CLAIM_email=nora@example.org\n",
        "OIDC_CLAIM_name=Nora Nowak\n",
    ] {
        assert!(text.contains(line), "{line}{text}\n{}", apache.output());
    }
    let again = tab.open(&apache.page()).await.unwrap();
    assert_eq!(again.status(), 200, "the session stays");
}

/// A browser in which Nora signed in to Apache.
async fn at_apache() -> Option<(Stage, Apache, Tab)> {
    let mut apache = or_skip(Apache::new()).unwrap()?;
    let stage = Stage::new().await?;
    let registration = stage
        .app(&apache.redirect_uri(), |app| {
            app.sign_out_redirects = vec![apache.page()];
            app.back_channel = Some(apache.backchannel_logout_uri());
            app.back_channel_private = true;
        })
        .await;
    apache.start(&registration).await.unwrap();
    let mut tab = Browser::new().unwrap().tab();
    let page = stage
        .begun_at(&mut tab, &apache.page(), &apache.redirect_uri())
        .await;
    assert!(page.body().contains("OIDC_CLAIM_email="), "{}", page.body());
    Some((stage, apache, tab))
}

/// Whether Apache still shows its page, without asking Gatepost.
async fn is_in_at_apache(stage: &Stage, apache: &Apache, tab: &mut Tab) -> bool {
    tab.stop_before(&stage.world.url);
    let page = tab.open(&apache.page()).await.unwrap();
    tab.stop_nowhere();
    page.location().unwrap().is_none() && page.status() == 200
}

#[tokio::test]
async fn apache_ends_its_session_when_the_person_signs_out_or_is_switched_off() {
    for by_the_person in [true, false] {
        let Some((stage, apache, mut tab)) = at_apache().await else {
            return;
        };
        assert!(is_in_at_apache(&stage, &apache, &mut tab).await);
        if by_the_person {
            let home = tab.open(&stage.world.at("/home")).await.unwrap();
            let out = home.form_with_button("Sign out").unwrap();
            tab.submit(out).await.unwrap();
        } else {
            let (actor, nora) = (Actor::CommandLine, NORA.parse().unwrap());
            let off = stage.world.app.disable_mailbox(&actor, &nora, "left");
            off.await.unwrap();
        }
        assert!(is_in_at_apache(&stage, &apache, &mut tab).await, "not yet");
        stage.world.app.tell_apps().await.unwrap();
        assert!(
            !is_in_at_apache(&stage, &apache, &mut tab).await,
            "{}",
            apache.output()
        );
        let apps = stage.world.app.oauth_apps(app::domains::Page::default());
        let app = apps.await.unwrap().rows[0].id;
        let behind = stage.world.app.not_told(app).await.unwrap();
        assert_eq!(behind, None, "{}", apache.output());
    }
}

#[tokio::test]
async fn signing_out_at_apache_signs_out_here_and_leads_back() {
    let Some((stage, apache, mut tab)) = at_apache().await else {
        return;
    };
    let mut out = Url::parse(&apache.redirect_uri()).unwrap();
    out.query_pairs_mut().append_pair("logout", &apache.page());
    tab.stop_before(&apache.page());
    let page = tab.open(out.as_str()).await.unwrap();
    let back = page.location().unwrap();
    assert_eq!(
        back.map(String::from).as_deref(),
        Some(apache.page().as_str()),
        "{} {}",
        page.text(),
        apache.output()
    );
    tab.stop_nowhere();
    let home = tab.open(&stage.world.at("/home")).await.unwrap();
    assert_eq!(home.url().path(), "/", "{}", home.text());
    assert!(!is_in_at_apache(&stage, &apache, &mut tab).await);
}

#[tokio::test]
async fn roundcube_opens_for_whom_gatepost_signed_in() {
    let Some(mut roundcube) = or_skip(Roundcube::new()).unwrap() else {
        return;
    };
    let Some(stage) = Stage::new().await else {
        return;
    };
    let without_pkce = |app: &mut AppSettings| app.pkce = PkceRule::IfSent;
    let registration = stage.app(&roundcube.redirect_uri(), without_pkce).await;
    let endpoints = stage.endpoints();
    let mailbox = Mailbox::serve(&endpoints.profile).await.unwrap();
    let started = roundcube.start(&registration, &endpoints, mailbox.address());
    started.await.unwrap();
    let mut tab = Browser::new().unwrap().tab();
    let page = stage
        .begun_at(
            &mut tab,
            &roundcube.sign_in_page(),
            &roundcube.redirect_uri(),
        )
        .await;
    let title = page.title().unwrap();
    assert!(title.contains("Inbox"), "{title}\n{}", roundcube.output());
    assert_eq!(mailbox.opened().first().unwrap(), NORA);
}

#[tokio::test]
async fn authentiks_mailcow_source_signs_in_both_ways() {
    for calls_like in [CallsLike::Older, CallsLike::Newer] {
        let Some(stage) = Stage::new().await else {
            return;
        };
        let redirect_uri = "https://sso.example.net/source/oauth/callback/mailcow/";
        let registration = stage
            .app(redirect_uri, |app| {
                app.mailcow = true;
                app.token_in_query = true;
                app.pkce = PkceRule::IfSent;
                app.refresh = RefreshRule::Always;
                app.full_name = FullName::Name;
            })
            .await;
        let source = AuthentikLike {
            registration,
            endpoints: Endpoints {
                profile: stage.world.at("/oauth/profile"),
                ..stage.endpoints()
            },
            redirect_uri: redirect_uri.to_owned(),
            extra_scopes: vec!["email".to_owned(), "something_of_authentik".to_owned()],
            calls_like,
        };
        let state = "abcdefghijklmnopqrstuvwxyz012345";
        let mut tab = Browser::new().unwrap().tab();
        let answer = stage
            .through(&mut tab, &source.question(state), redirect_uri)
            .await;
        let identity = source.answered(&answer, state).await.unwrap();
        assert_eq!(identity.identifier, NORA, "{calls_like:?}");
        assert_eq!(identity.username.as_deref(), Some("Nora Nowak"));
        assert_eq!(identity.email.as_deref(), Some(NORA));
    }
}

/// A second Gatepost, at which Nora is signed in by the first.
async fn second_gatepost() -> Option<(Stage, World, Tab)> {
    let stage = Stage::new().await?;
    let second = World::elsewhere().await;
    second.clock.set(SystemClock.now());
    let callback = RedirectForm::OwnPath.url(&second.url, "first");
    let registration = stage
        .app(&callback, |app| {
            app.sign_out_redirects = vec![second.at("/sso/first/signed-out")];
            app.back_channel = Some(second.at("/sso/first/backchannel-logout"));
            app.back_channel_private = true;
        })
        .await;
    let mut settings = second.app.provider("example").await.unwrap().settings;
    settings.name = "First".to_owned();
    settings.client_id = registration.client_id.clone();
    settings.scopes = "openid profile email".to_owned();
    settings.endpoints = ProviderEndpoints::Issuer {
        issuer: stage.world.url.clone(),
    };
    settings.rules = Vec::new();
    settings.everyone_else = model::provider::EveryoneElse::Template(second.template);
    settings.leavers.sign_out_there = true;
    second
        .app
        .create_provider(
            Doer::from(&Actor::CommandLine).untested(true),
            "first",
            settings,
            Some(registration.client_secret.clone().into()),
        )
        .await
        .unwrap();

    let mut tab = Browser::new().unwrap().tab();
    let start = second.at("/sso/first/start");
    let page = stage.begun_at(&mut tab, &start, &callback).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert!(second.has(NORA).await, "{}", page.text());
    Some((stage, second, tab))
}

/// Where a page that wants a session ends up: itself, or the sign-in page.
async fn home(world: &World, tab: &mut Tab) -> String {
    let page = tab.open(&world.at("/home")).await.unwrap();
    page.url().path().to_owned()
}

#[tokio::test]
async fn a_second_gatepost_signs_in_by_the_first_and_hears_when_nora_leaves_there() {
    let Some((stage, second, mut tab)) = second_gatepost().await else {
        return;
    };
    let page = tab.open(&stage.world.at("/home")).await.unwrap();
    let out = page.form_with_button("Sign out").unwrap();
    tab.submit(out).await.unwrap();
    assert_eq!(home(&second, &mut tab).await, "/home");
    stage.world.app.tell_apps().await.unwrap();
    assert_eq!(home(&second, &mut tab).await, "/");
}

#[tokio::test]
async fn signing_out_at_a_second_gatepost_signs_out_at_the_first_and_leads_back() {
    let Some((stage, second, mut tab)) = second_gatepost().await else {
        return;
    };
    assert_eq!(home(&stage.world, &mut tab).await, "/home");
    let page = tab.open(&second.at("/home")).await.unwrap();
    let out = page.form_with_button("Sign out").unwrap();
    tab.submit(out).await.unwrap();
    let back = tab.follow("Sign out at First").await.unwrap();
    assert_eq!(
        back.url().as_str().split('?').next().unwrap(),
        second.at("/sso/first/signed-out")
    );
    assert!(
        back.text().contains("come back from signing out at First"),
        "{}",
        back.text()
    );
    assert_eq!(home(&stage.world, &mut tab).await, "/");
    assert_eq!(home(&second, &mut tab).await, "/");
}
