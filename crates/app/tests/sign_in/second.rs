//! A second company beside the sample one, with the same people and a provider of its own.

use crate::world::{ACTOR, BROWSER, PUBLIC, SECRET, World, secret, settings, untested};
use app::Client;
use app::domains::DomainForm;
use app::providers::SecretChange;
use app::sign_in::{Arrived, Ended, ReturnTo};
use lab::{Client as LabClient, Handle, Options};
use model::address::DomainName;
use model::domain::{DomainLimits, MailDomain};
use model::provider::{Endpoints, Provider, ProviderSettings};
use tokio::net::TcpListener;

pub const OTHER: &str = "other";

pub struct Second {
    pub lab: Handle,
}

impl Second {
    /// "Other SSO", which may sign in people of example.org too. Its subjects are its own, though
    /// they read the same.
    pub async fn beside(world: &World) -> Self {
        Self::with(world, Options::default()).await
    }

    /// The same, of another kind.
    pub async fn with(world: &World, options: Options) -> Self {
        let company = lab::sample::company("example.org");
        let redirect = format!("{PUBLIC}/sso/{OTHER}/callback");
        company.add_client(LabClient::new("mail", SECRET, &redirect));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let lab = lab::serve(listener, company, options).await.unwrap();
        let issuer = Endpoints::Issuer {
            issuer: lab.issuer().to_owned(),
        };
        let mut settings = settings(issuer, &world.staff);
        settings.name = "Other SSO".to_owned();
        settings.domains.push(domain(world, "example.org").await.id);
        world
            .app
            .create_provider(untested(), OTHER, settings, Some(secret(SECRET)))
            .await
            .unwrap();
        Self { lab }
    }

    /// The whole way, by this provider.
    pub async fn sign_in(&self, world: &World, login: &str) -> Ended {
        let client = Client::default();
        let begun = world
            .app
            .begin_sign_in(OTHER, BROWSER, ReturnTo::Home, &client)
            .await;
        let url = match begun {
            Ok(url) => url,
            Err(refused) => return Ended::Refused(refused),
        };
        let query = world.at_provider(&url, login).await;
        let arrived = Arrived::OwnPath(OTHER.to_owned());
        world
            .app
            .finish_sign_in(arrived, &query, Some(BROWSER), &client)
            .await
    }

    /// The code of a refused sign-in, which was recorded.
    pub async fn refused(&self, world: &World, login: &str) -> model::outcome::Code {
        match self.sign_in(world, login).await {
            Ended::Refused(refused) => world.recorded(&refused).await,
            other => panic!("{login} is not refused: {other:?}"),
        }
    }

    pub async fn signed_in(&self, world: &World, login: &str) -> app::sign_in::SignedIn {
        match self.sign_in(world, login).await {
            Ended::SignedIn(signed_in) => *signed_in,
            other => panic!("{login} is not in: {other:?}"),
        }
    }

    /// Changes the claims of one of its people.
    pub fn person(&self, login: &str, change: impl FnOnce(&mut lab::Person)) {
        self.lab.company().change(login, change).unwrap();
    }
}

pub async fn domain(world: &World, name: &str) -> MailDomain {
    let name = DomainName::parse(name).unwrap();
    world.app.domain(&name).await.unwrap().0
}

/// Adds a domain that no provider may sign in people of.
pub async fn add_domain(world: &World, name: &str) -> MailDomain {
    let form = DomainForm {
        name: DomainName::parse(name).unwrap(),
        active: true,
        limits: DomainLimits::default(),
        role_target: Some("root@example.net".parse().unwrap()),
        confirm_within: None,
    };
    world.app.create_domain(&ACTOR, form).await.unwrap()
}

/// Gives a domain to the sample company's provider alone.
pub async fn of_company_only(world: &World, name: &str) -> MailDomain {
    let added = add_domain(world, name).await;
    world.provider(|p| p.domains.push(added.id)).await;
    added
}

/// Changes Other SSO.
pub async fn change(world: &World, change: impl FnOnce(&mut ProviderSettings)) -> Provider {
    let mut settings = world.app.provider(OTHER).await.unwrap().settings;
    change(&mut settings);
    let saved = world
        .app
        .edit_provider(&ACTOR, OTHER, settings, SecretChange::Keep, None)
        .await;
    saved.unwrap().provider
}
