//! The set-ups that the published guides for mailcow print (Authelia's, authentik's), at providers
//! that somebody else wrote. Each ends in a mailbox, or in the words that lead to one.

use crate::joined::{ADDRESS, Joined, Joining, SECRET, SLUG};
use crate::world::{BROWSER, PUBLIC, World, address, secret, untested};
use app::Client;
use app::sign_in::{Ended, ReturnTo};
use app::test_provider::CheckState;
use lab::misbehave::Misbehaviour;
use model::outcome::{Code, Fix};
use model::provider::{
    ClientAuth, EmailTrust, Endpoints, EveryoneElse, ProviderSettings, RedirectForm,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::browser::Browser;
use testkit::provider::{Canaille, Glewlwyd, LemonLdap, OidcProvider, RealProvider};
use tokio::net::TcpListener;

/// What both guides have typed: three endpoints and no issuer, and these scopes.
fn by_endpoints(settings: &mut ProviderSettings, [authorize, token, userinfo]: [String; 3]) {
    settings.endpoints = Endpoints::Manual {
        authorize,
        token,
        userinfo,
    };
    "openid profile email".clone_into(&mut settings.scopes);
}

/// Nora as both guides leave her: nothing at the provider names a template.
fn without_template(verified: bool) -> Value {
    json!({"email_verified": verified, "mailcow_template": null})
}

/// Where authentik has its endpoints, on whichever host.
fn authentik(host: &str) -> [String; 3] {
    ["authorize", "token", "userinfo"].map(|name| format!("{host}/application/o/{name}/"))
}

/// Authelia's guide as printed: bare origin, endpoints alone, Basic, claims in userinfo alone, and
/// no claim for the template, which mailcow then takes from its default. What it lacks is said, and
/// what is said helps.
#[tokio::test]
async fn authelia_as_printed() {
    let joining = Joining {
        redirect: RedirectForm::BareOrigin,
        claims: without_template(true),
        ..Joining::default()
    };
    let printed = |settings: &mut ProviderSettings, issuer: &str| {
        by_endpoints(
            settings,
            ["auth", "token", "me"].map(|path| format!("{issuer}/{path}")),
        );
        settings.client_auth = ClientAuth::Basic;
    };
    let Some(joined) = Joined::<OidcProvider>::with(joining, printed).await else {
        return;
    };
    let lines = joined.check().await;
    let failed = lines.iter().find(|line| line.state == CheckState::Failed);
    assert!(failed.is_none(), "{failed:?}");

    let words = ["mailcow_template", "email"];
    joined.refused_with(Code::NoMapping, &words).await;
    let staff = joined.world.staff.id;
    joined
        .edit(|settings| settings.everyone_else = EveryoneElse::Template(staff))
        .await;
    assert!(joined.signed_in().await.created);
    let view = joined.world.app.mailbox(&address(ADDRESS)).await.unwrap();
    let namespace = &view.links[0].0.namespace.0;
    assert!(
        namespace.starts_with("urn:gatepost:provider:"),
        "{namespace}"
    );
    assert_eq!(view.template.as_deref(), Some("Staff"));
}

/// The guide registers `client_secret_basic`, and mailcow sends the secret in the body: refused at
/// every provider that keeps to what is registered. We find the method, and say it when told wrong.
async fn registered_for(auth: &'static str, right: ClientAuth, wrong: ClientAuth) {
    let joining = Joining {
        auth,
        redirect: RedirectForm::BareOrigin,
        ..Joining::default()
    };
    let Some(joined) = Joined::<Canaille>::new(joining).await else {
        return;
    };
    assert!(joined.signed_in().await.created, "automatic");
    joined.edit(|settings| settings.client_auth = wrong).await;
    let words = ["the other method", wrong_name(wrong)];
    joined.refused_with(Code::ClientRejected, &words).await;
    joined.edit(|settings| settings.client_auth = right).await;
    assert!(!joined.signed_in().await.created);
}

fn wrong_name(method: ClientAuth) -> &'static str {
    match method {
        ClientAuth::Body => "authentication: body",
        _ => "authentication: basic",
    }
}

#[tokio::test]
async fn authelia_which_wants_basic() {
    registered_for("client_secret_basic", ClientAuth::Basic, ClientAuth::Body).await;
}

#[tokio::test]
async fn a_provider_which_wants_the_secret_in_the_body() {
    registered_for("client_secret_post", ClientAuth::Body, ClientAuth::Basic).await;
}

/// mailcow's default scopes at an Authelia where nobody made `mailcow_template`: it refuses.
#[tokio::test]
async fn authelia_refuses_a_scope_it_does_not_know() {
    let options = lab::Options {
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
        ..lab::Options::default()
    };
    let world = World::with(options).await;
    crate::world::company(&world).misbehave(Misbehaviour::UnknownScopeRefused);
    let refusal = match world.sign_in("alice").await {
        Ended::Refused(refused) => refused.refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal.code, Code::ScopeRefused);
    let words = refusal.admin();
    assert!(
        words.contains("openid profile email mailcow_template"),
        "{words}"
    );
    // The connection check says which one, before anybody has tried.
    let line = &world
        .app
        .test_provider(crate::world::SLUG, &mut |_| ())
        .await
        .unwrap()[6];
    assert!(
        line.evidence
            .contains("does not list scope mailcow_template"),
        "{line:?}"
    );

    let staff = world.staff.id;
    world
        .provider(|settings| {
            "openid profile email".clone_into(&mut settings.scopes);
            settings.everyone_else = EveryoneElse::Template(staff);
        })
        .await;
    assert!(world.signed_in("alice").await.created);
}

/// The same at authentik: the scope is dropped without a word, and the claim is missing afterwards.
#[tokio::test]
async fn authentik_drops_a_scope_it_does_not_know() {
    let joining = Joining {
        setup: |setup| setup.no_template_scope(),
        ..Joining::default()
    };
    let Some(joined) = Joined::<OidcProvider>::new(joining).await else {
        return;
    };
    let refusal = joined.refused().await;
    assert_eq!(
        (refusal.code, refusal.code.entry().fix),
        (Code::NoMapping, Fix::Rules)
    );
    let words = refusal.admin();
    assert!(words.contains("mailcow_template"), "{words}");
}

/// authentik's guide as printed: the endpoints are on the mail server's own host. It is said when
/// it is saved, tested and used, and nobody asks ourselves: the listener there hears nothing.
#[tokio::test]
async fn authentik_as_printed() {
    let own = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let public = format!("http://{}", own.local_addr().unwrap());
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while own.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });

    let world = World::new().await;
    let app = world.app_at(&public);
    let mut settings = world
        .app
        .provider(crate::world::SLUG)
        .await
        .unwrap()
        .settings;
    by_endpoints(&mut settings, authentik(&public));
    settings.redirect = RedirectForm::BareOrigin;
    let client_secret = Some(secret(SECRET));
    let saved = app
        .create_provider(untested(), SLUG, settings, client_secret)
        .await
        .unwrap();
    let notes = saved.notes.join(" ");
    for field in ["authorize_url", "token_url", "userinfo_url"] {
        let note = format!("{field} points at this mail server");
        assert!(notes.contains(&note), "{notes}");
    }
    assert!(notes.contains("SSO-104"), "{notes}");

    let lines = app.test_provider(SLUG, &mut |_| ()).await.unwrap();
    assert_eq!(lines.len(), 11);
    let told = lines.iter().find(|line| line.state == CheckState::Failed);
    let told = told.unwrap();
    assert_eq!(told.code, Some(Code::EndpointOnOwnHost), "{told:?}");

    let departed = app
        .begin_sign_in(SLUG, BROWSER, ReturnTo::Home, &Client::default())
        .await;
    let refused = departed.unwrap_err().refusal;
    assert_eq!(refused.code, Code::EndpointOnOwnHost);
    let words = refused.admin();
    assert!(
        words.contains("points at this mail server (127.0.0.1)"),
        "{words}"
    );
    assert!(
        words.contains("use the provider's own host name"),
        "{words}"
    );
    assert_eq!(refused.code.entry().fix, Fix::Provider);
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

/// authentik's guide with the endpoints where they are: slashes at their ends, bare origin, an
/// address that it calls unverified, and no claim for the template. One refusal after the other
/// names what is next.
#[tokio::test]
async fn authentik_on_its_own_host() {
    let joining = Joining {
        redirect: RedirectForm::BareOrigin,
        setup: |setup| {
            let setup = setup.claims_in_id_token().no_template_scope();
            setup.trailing_slashes().pkce_optional()
        },
        claims: without_template(false),
        ..Joining::default()
    };
    let printed =
        |settings: &mut ProviderSettings, host: &str| by_endpoints(settings, authentik(host));
    let Some(joined) = Joined::<OidcProvider>::with(joining, printed).await else {
        return;
    };
    let url = joined.depart().await.unwrap();
    assert!(url.contains("/application/o/authorize/?"), "{url}");

    let words = [
        "email_verified is false for nora@example.org",
        "believe every address",
    ];
    joined.refused_with(Code::EmailUnverified, &words).await;
    joined
        .edit(|settings| settings.email_trust = EmailTrust::Believe)
        .await;
    let words = ["mailcow_template", "email_verified"];
    joined.refused_with(Code::NoMapping, &words).await;
    let staff = joined.world.staff.id;
    joined
        .edit(|settings| settings.everyone_else = EveryoneElse::Template(staff))
        .await;
    assert!(joined.signed_in().await.created);
}

/// The third policy for `email_verified`, at a provider that never says it.
#[tokio::test]
async fn an_absent_email_verified_counts_as_the_policy_says() {
    let Some(joined) = Joined::<Canaille>::new(Joining::default()).await else {
        return;
    };
    joined
        .edit(|settings| settings.email_trust = EmailTrust::RequireTrue)
        .await;
    let words = ["email_verified is absent", "Accept an absent value"];
    joined.refused_with(Code::EmailVerifiedAbsent, &words).await;
    joined
        .edit(|settings| settings.email_trust = EmailTrust::AcceptAbsent)
        .await;
    assert!(joined.signed_in().await.created);
}

/// Every guide's redirect URL: the origin alone. oidc-provider answers `/?code=`, the others
/// `?code=` right behind the host name; to the token endpoint it goes as it was registered.
async fn bare_origin<P: RealProvider>(behind_host: &str) {
    let joining = Joining {
        redirect: RedirectForm::BareOrigin,
        ..Joining::default()
    };
    let Some(joined) = Joined::<P>::new(joining).await else {
        return;
    };
    let mut tab = Browser::new().unwrap().tab();
    let query = joined.at_provider_in(&mut tab).await.unwrap();
    let location = tab.hops().last().unwrap().location.clone().unwrap();
    let begins = format!("{PUBLIC}{behind_host}");
    assert!(location.starts_with(&begins), "{location}");
    let ended = joined.finish(&query).await;
    assert!(
        matches!(&ended, Ended::SignedIn(who) if who.created),
        "{ended:?}"
    );
}

#[tokio::test]
async fn bare_origin_at_oidc_provider() {
    bare_origin::<OidcProvider>("/?").await;
}

#[tokio::test]
async fn bare_origin_at_glewlwyd() {
    bare_origin::<Glewlwyd>("?").await;
}

#[tokio::test]
async fn bare_origin_at_lemonldap() {
    bare_origin::<LemonLdap>("?").await;
}

#[tokio::test]
async fn bare_origin_at_canaille() {
    bare_origin::<Canaille>("?").await;
}
