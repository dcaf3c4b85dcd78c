//! How each code is met.

use super::{Met, of_apps};
use crate::world::{PASSWORD, World};
use app::aliases::AliasForm;
use app::domains::DomainForm;
use app::mailboxes::{MethodSwitch, NewMailboxForm, NewSignIn};
use app::providers::SecretChange;
use app::sign_in::ReturnTo;
use app::step_up::Doer;
use lab::misbehave::Misbehaviour as M;
use model::address::Address;
use model::audit::Actor;
use model::domain::{DomainLimits, GIB};
use model::outcome::Code;
use model::provider::{EmailTrust, Endpoints, ProviderSettings, RedirectForm};
use model::tag::Tags;
use serde_json::json;
use testkit::browser::Page;
use testkit::tls::{Authority, TlsListener};

const ACTOR: Actor = Actor::CommandLine;
const START: &str = "/sso/example/start";

/// Breaks what has to be broken and signs in; `None` for codes that no sign-in in a browser ends in.
pub async fn meet(code: Code) -> Option<Met> {
    let world = World::new().await;
    let page = match code {
        Code::ProviderUnreachable => issued_by(&world, nowhere()).await,
        Code::ProviderTls => issued_by(&world, self_made().await).await,
        Code::DiscoveryFailed => {
            let other = format!("{}/", world.company.issuer());
            issued_by(&world, other).await
        }
        Code::EndpointOnOwnHost => {
            let at = |what: &str| world.at(&format!("/application/o/{what}/"));
            let endpoints = Endpoints::Manual {
                authorize: at("authorize"),
                token: at("token"),
                userinfo: at("userinfo"),
            };
            change(&world, |p| p.endpoints = endpoints).await;
            alice(&world).await
        }
        Code::KeysUnavailable => misbehaving(&world, M::KeySetMissing).await,
        Code::ClockSkew => misbehaving(&world, M::IssuedInFuture).await,
        Code::InternalAddress => {
            change(&world, |p| p.private_hosts.clear()).await;
            alice(&world).await
        }

        Code::ClientRejected => misbehaving(&world, M::ClientRefused).await,
        Code::RedirectRefused => misbehaving(&world, M::RedirectRefused).await,
        Code::ScopeRefused => {
            change(&world, |p| p.scopes = "openid email unheard-of".to_owned()).await;
            misbehaving(&world, M::UnknownScopeRefused).await
        }
        Code::CodeRejected => misbehaving(&world, M::GrantRefused).await,
        Code::ProviderSaidNo => misbehaving(&world, M::DeniedWithMarkup).await,
        Code::ForeignState => {
            let path = "/sso/example/callback?code=x&state=y";
            world.browser().tab().open(&world.at(path)).await.unwrap()
        }
        Code::TokenRejected => misbehaving(&world, M::AudienceOther).await,
        Code::ProviderOff => {
            change(&world, |p| p.active = false).await;
            alice(&world).await
        }
        Code::ProviderError => answered(&world, "error=login_required").await,

        Code::EmailMissing => misbehaving(&world, M::EmailMissing).await,
        Code::EmailUnverified => misbehaving(&world, M::EmailUnverified).await,
        Code::EmailVerifiedAbsent => {
            change(&world, |p| p.email_trust = EmailTrust::RequireTrue).await;
            misbehaving(&world, M::EmailVerifiedMissing).await
        }
        Code::AddressUnusable => misbehaving(&world, M::EmailGarbage).await,
        Code::LinkedElsewhere => {
            alice(&world).await;
            let company = world.company.company();
            let anew = company.change("alice", |p| "made-anew".clone_into(&mut p.subject));
            anew.unwrap();
            alice(&world).await
        }
        Code::DomainNotOfProvider => {
            change(&world, |p| p.domains.clear()).await;
            alice(&world).await
        }
        Code::ProveLocalPassword => {
            mailbox(&world, "alice@example.org").await;
            alice(&world).await
        }

        Code::DomainUnknown => known_as(&world, "alice@elsewhere.test").await,
        Code::DomainInactive => {
            domain(&world, |d| d.active = false).await;
            alice(&world).await
        }
        Code::DomainFull => {
            domain(&world, |d| d.limits.max_mailboxes = 1).await;
            alice(&world).await
        }
        Code::DomainQuotaFull => {
            // Erin's mailbox takes 5 GiB of them.
            domain(&world, |d| {
                d.limits.max_quota = 5 * GIB;
                d.limits.domain_quota = 7 * GIB;
            })
            .await;
            alice(&world).await
        }
        Code::NoMapping => by_company(&world, "carol").await,
        Code::NearMapping => {
            let company = world.company.company();
            let claim = company.set_claim("carol", "mailcow_template", json!("Staff"));
            claim.unwrap();
            by_company(&world, "carol").await
        }
        Code::TemplateGone => {
            let template = world.template;
            let store = world.store();
            let gone = store.write(async move |tx| store::templates::delete(tx, template).await);
            assert_eq!(gone.await, Ok(true));
            alice(&world).await
        }
        Code::CreationOff => {
            change(&world, |p| p.create = false).await;
            alice(&world).await
        }
        Code::ClaimWithheld => misbehaving(&world, M::GroupsOverage).await,
        Code::AddressIsAlias => {
            let alias = AliasForm {
                address: address("alice@example.org"),
                targets: vec![address("erin@example.org")],
                active: true,
            };
            world.app.create_alias(&ACTOR, alias).await.unwrap();
            alice(&world).await
        }
        Code::AddressReserved => known_as(&world, "abuse@example.org").await,
        Code::AddressChanged => {
            alice(&world).await;
            known_as(&world, "new@example.org").await
        }

        Code::MailboxInactive => {
            alice(&world).await;
            let alice_at = address("alice@example.org");
            let off = world.app.disable_mailbox(&ACTOR, &alice_at, "left");
            off.await.unwrap();
            alice(&world).await
        }
        Code::WrongMethod => {
            alice(&world).await;
            let alice_at = address("alice@example.org");
            let password = PASSWORD.to_owned().into();
            let set = world.app.set_mailbox_password(&ACTOR, &alice_at, password);
            set.await.unwrap();
            let local = MethodSwitch::Local;
            world
                .app
                .switch_method(&ACTOR, &alice_at, local)
                .await
                .unwrap();
            alice(&world).await
        }
        Code::TooManyTries => too_many(&world).await,
        Code::PersonBlocked => {
            alice(&world).await;
            let alice_at = address("alice@example.org");
            let gone = world.app.delete_mailbox_and_block(&ACTOR, &alice_at);
            gone.await.unwrap();
            let page = alice(&world).await;
            assert!(!world.has("alice@example.org").await);
            page
        }
        Code::ProvisioningFailed => {
            // A database that takes everything but another link.
            let store = world.store();
            let broken = store.write(async |tx: &mut store::Conn| {
                let refuse = "CREATE TRIGGER broken BEFORE INSERT ON links
                    BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: broken'); END";
                tx.execute(refuse, &[]).await
            });
            broken.await.unwrap();
            let page = alice(&world).await;
            assert!(!world.has("alice@example.org").await, "half-made");
            page
        }
        Code::DomainBound => {
            world.provider("other", RedirectForm::OwnPath).await;
            let name = "example.org".parse().unwrap();
            let bound = world.app.bind_domain(&ACTOR, &name, Some("other"), None);
            bound.await.unwrap();
            alice(&world).await
        }
        Code::OwnFault => {
            let provider = world.app.provider("example").await.unwrap().id;
            let store = world.store();
            let broken = store.write(async move |tx: &mut store::Conn| {
                let (garbage, at) = (Some((b"damaged".as_slice(), "")), model::time::Timestamp(0));
                store::providers::set_secret(tx, provider, garbage, at).await
            });
            broken.await.unwrap();
            alice(&world).await
        }

        Code::AppUnknown
        | Code::AppRedirect
        | Code::AppOff
        | Code::AppNotForYou
        | Code::AppScope
        | Code::AppDenied
        | Code::AppCode
        | Code::AppSecret
        | Code::AppPkce
        | Code::AppCircle
        | Code::AppUsedAgain
        | Code::AppNotAnew
        | Code::AppSignOut
        | Code::AppNotTold
        | Code::DeviceUnknown
        | Code::DeviceEnded
        | Code::DeviceAnswered
        | Code::AppDevices => {
            let page = of_apps::meet(&world, code).await;
            return Some(Met { world, page });
        }

        Code::WrongPassword
        | Code::MailWrong
        | Code::MailEnded
        | Code::MailProtocol
        | Code::MailEncryption
        | Code::MailInactive
        | Code::MailThrottled
        | Code::MailUnconfirmed
        | Code::MailSignedOut => return None,
    };
    let page = Some(page);
    Some(Met { world, page })
}

/// The whole way by the provider, as far as it goes.
async fn by_company(world: &World, login: &str) -> Page {
    let mut tab = world.browser().tab();
    let page = tab.open(&world.at(START)).await.unwrap();
    let there = page.url().as_str().starts_with(world.company.issuer());
    if there && page.form_with_button("Sign in").is_ok() {
        return world.as_person(&mut tab, &page, login).await;
    }
    page
}

async fn alice(world: &World) -> Page {
    by_company(world, "alice").await
}

async fn misbehaving(world: &World, how: M) -> Page {
    world.company.company().misbehave(how);
    alice(world).await
}

/// Alice, whom the company calls by this address now.
async fn known_as(world: &World, email: &str) -> Page {
    let company = world.company.company();
    company
        .change("alice", |p| email.clone_into(&mut p.email))
        .unwrap();
    alice(world).await
}

/// Comes from a network that starts one sign-in after the other, by a provider that does not exist, so
/// that nobody is asked.
async fn too_many(world: &World) -> Page {
    let starting = (0..2).map(|_| {
        let app = world.app.clone();
        tokio::spawn(async move {
            let from = app::Client {
                ip: Some([127, 0, 0, 1].into()),
                ..app::Client::default()
            };
            loop {
                let begun = app.begin_sign_in("nobody", "b", ReturnTo::Home, &from);
                assert!(begun.await.is_err());
            }
        })
    });
    let starting: Vec<_> = starting.collect();
    let mut tab = world.browser().tab();
    tab.stop_before(world.company.issuer());
    // It is let in until it has started a thousand.
    let page = loop {
        let page = tab.open(&world.at(START)).await.unwrap();
        if !page.status().is_redirection() {
            break page;
        }
    };
    for task in starting {
        task.abort();
    }
    page
}

async fn issued_by(world: &World, issuer: String) -> Page {
    change(world, |p| p.endpoints = Endpoints::Issuer { issuer }).await;
    alice(world).await
}

/// Leaves for the company, and comes back with an error of it.
async fn answered(world: &World, error: &str) -> Page {
    let mut tab = world.browser().tab();
    tab.stop_before(world.company.issuer());
    let page = tab.open(&world.at(START)).await.unwrap();
    let there = page.location().unwrap().unwrap();
    let state = there.query_pairs().find(|(name, _)| name == "state");
    let (state, issuer) = (state.unwrap().1, world.company.issuer());
    let back = format!("/sso/example/callback?{error}&state={state}&iss={issuer}");
    tab.open(&world.at(&back)).await.unwrap()
}

async fn change(world: &World, change: impl FnOnce(&mut ProviderSettings)) {
    let mut settings = world.app.provider("example").await.unwrap().settings;
    change(&mut settings);
    let doer = Doer::from(&ACTOR).untested(true);
    let keep = SecretChange::Keep;
    let edited = world
        .app
        .edit_provider(doer, "example", settings, keep, None);
    edited.await.unwrap();
}

async fn domain(world: &World, change: impl FnOnce(&mut DomainForm)) {
    let name: model::address::DomainName = "example.org".parse().unwrap();
    let (domain, _) = world.app.domain(&name).await.unwrap();
    let mut form = DomainForm {
        name,
        active: domain.active,
        limits: DomainLimits { ..domain.limits },
        role_target: Some(domain.role_target),
        confirm_within: None,
    };
    change(&mut form);
    world.app.edit_domain(&ACTOR, form, None).await.unwrap();
}

/// A mailbox that nobody can sign in to yet.
async fn mailbox(world: &World, at: &str) {
    let form = NewMailboxForm {
        address: address(at),
        name: String::new(),
        quota: None,
        protocols: None,
        template: None,
        tags: Tags::default(),
        sign_in: NewSignIn::None,
    };
    world.app.create_mailbox(&ACTOR, form).await.unwrap();
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A port on which nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server with a certificate that nobody but itself vouches for.
async fn self_made() -> String {
    let certificate = Authority::new().unwrap().issue(&["127.0.0.1"]).unwrap();
    let listener = TlsListener::bind(&certificate).await.unwrap();
    let at = format!("https://{}", listener.address().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    at
}
