//! The sample installation with a provider that somebody else wrote as its second one, set up as
//! the form would and signed in at through its own pages.

use crate::world::{ACTOR, BROWSER, PUBLIC, World, address, quota, secret, untested};
use app::Client;
use app::providers::SecretChange;
use app::sign_in::{Arrived, Ended, Refused, ReturnTo, SignedIn};
use app::templates::TemplateForm;
use app::test_provider::CheckLine;
use app::test_sign_in::{TestBegun, TestSignIn};
use model::domain::GIB;
use model::outcome::{Code, Refusal};
use model::provider::{Endpoints, ProviderSettings, RedirectForm};
use model::rule::{Rule, Test};
use model::template::Template;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use testkit::browser::{Browser, Tab};
use testkit::provider::{RealProvider, Setup};

pub const SLUG: &str = "real";
pub const LOGIN: &str = "nora";
pub const ADDRESS: &str = "nora@example.org";
/// As a password manager makes them. What becomes of reserved characters is a test of its own.
pub const SECRET: &str = "uE2xTq9vYc7LmWb4Rk6Zs1Nd";

/// How Gatepost is registered there, and what is changed from the plainest case.
pub struct Joining {
    pub auth: &'static str,
    pub secret: &'static str,
    pub redirect: RedirectForm,
    pub setup: fn(Setup) -> Setup,
    /// What else is registered about the client, by name.
    pub registered: Vec<(&'static str, &'static str)>,
    /// Claims beside address, name and template.
    pub claims: Value,
}

impl Default for Joining {
    fn default() -> Self {
        Self {
            auth: "client_secret_basic",
            secret: SECRET,
            redirect: RedirectForm::OwnPath,
            setup: |setup| setup,
            registered: Vec::new(),
            claims: json!({}),
        }
    }
}

pub struct Joined<P> {
    pub world: World,
    pub provider: P,
    pub redirect: RedirectForm,
}

impl<P: RealProvider> Joined<P> {
    /// With rules for staff and board; `None` where the provider's packages are missing.
    pub async fn new(joining: Joining) -> Option<Self> {
        Self::with(joining, |_, _| ()).await
    }

    /// The same, with settings that differ from what an issuer alone gives.
    pub async fn with(
        joining: Joining,
        change: impl FnOnce(&mut ProviderSettings, &str),
    ) -> Option<Self> {
        let redirect = joining.redirect.url(PUBLIC, SLUG);
        let (claim, value) = P::template("staff");
        let mut nora = Map::from_iter([
            ("email".to_owned(), json!(ADDRESS)),
            ("name".to_owned(), json!("Nora Nowak")),
            (claim.to_owned(), value),
        ]);
        // A claim set to null is one that she has not.
        nora.extend(joining.claims.as_object().cloned().unwrap_or_default());
        nora.retain(|_, value| !value.is_null());
        let setup = Setup::default()
            .client("mail", joining.secret, joining.auth, &[&redirect])
            .person(LOGIN, nora.into());
        let setup = joining
            .registered
            .iter()
            .fold(setup, |setup, (name, value)| {
                setup.client_with(name, *value)
            });
        let provider = P::start_or_skip((joining.setup)(setup)).await.unwrap()?;

        let world = World::new().await;
        let board = TemplateForm {
            name: "Board".to_owned(),
            settings: quota(4 * GIB),
        };
        let board = world.app.create_template(&ACTOR, board).await.unwrap();
        let mut settings = world
            .app
            .provider(crate::world::SLUG)
            .await
            .unwrap()
            .settings;
        P::NAME.clone_into(&mut settings.name);
        settings.endpoints = Endpoints::Issuer {
            issuer: provider.issuer().to_owned(),
        };
        settings.redirect = joining.redirect;
        P::scopes().clone_into(&mut settings.scopes);
        settings.rules = vec![
            rule(claim, "staff", &world.staff),
            rule(claim, "board", &board),
        ];
        change(&mut settings, provider.issuer());
        world
            .app
            .create_provider(untested(), SLUG, settings, Some(secret(joining.secret)))
            .await
            .unwrap();
        Some(Self {
            world,
            provider,
            redirect: joining.redirect,
        })
    }

    /// Changes the settings; the secret is typed again, as a form that moved an endpoint asks.
    pub async fn edit(&self, change: impl FnOnce(&mut ProviderSettings)) {
        let mut settings = self.world.app.provider(SLUG).await.unwrap().settings;
        change(&mut settings);
        let again = SecretChange::Set(secret(SECRET));
        let app = &self.world.app;
        app.edit_provider(untested(), SLUG, settings, again, None)
            .await
            .unwrap();
    }

    pub async fn wrong_secret(&self) {
        let settings = self.world.app.provider(SLUG).await.unwrap().settings;
        let wrong = SecretChange::Set(secret("another secret"));
        let app = &self.world.app;
        app.edit_provider(untested(), SLUG, settings, wrong, None)
            .await
            .unwrap();
    }

    /// Where the browser is sent.
    pub async fn depart(&self) -> Result<String, Box<Refused>> {
        let client = Client::default();
        let app = &self.world.app;
        app.begin_sign_in(SLUG, BROWSER, ReturnTo::Home, &client)
            .await
    }

    /// The answer comes back where it was asked for.
    pub async fn finish(&self, query: &str) -> Ended {
        let arrived = if self.redirect.is_bare() {
            Arrived::BareOrigin
        } else {
            Arrived::OwnPath(SLUG.to_owned())
        };
        let app = &self.world.app;
        app.finish_sign_in(arrived, query, Some(BROWSER), &Client::default())
            .await
    }

    /// Signs in at the provider, in a new browser, and brings the answer's query back.
    pub async fn at_provider(&self) -> Result<String, Box<Refused>> {
        self.at_provider_in(&mut Browser::new().unwrap().tab())
            .await
    }

    /// The same in a browser that may know the provider already.
    pub async fn at_provider_in(&self, tab: &mut Tab) -> Result<String, Box<Refused>> {
        let url = self.depart().await?;
        Ok(self.through(tab, &url).await)
    }

    async fn through(&self, tab: &mut Tab, url: &str) -> String {
        let back = self.provider.sign_in(tab, url, LOGIN).await;
        let back = back.unwrap_or_else(|error| panic!("{error}\n{}", self.provider.output()));
        back.query().unwrap_or_default().to_owned()
    }

    /// The whole way.
    pub async fn sign_in(&self) -> Ended {
        match self.at_provider().await {
            Ok(query) => self.finish(&query).await,
            Err(refused) => Ended::Refused(refused),
        }
    }

    /// A test sign-in, by the same way; what it showed.
    pub async fn tested(&self) -> Arc<TestSignIn> {
        let (app, client) = (&self.world.app, Client::default());
        let begun = app.begin_test_sign_in(&ACTOR, SLUG, BROWSER, &client).await;
        let TestBegun::Leave(url) = begun.unwrap() else {
            panic!("it did not leave for {}", P::NAME);
        };
        let query = self.through(&mut Browser::new().unwrap().tab(), &url).await;
        match self.finish(&query).await {
            Ended::Tested { test, .. } => app.test_sign_in(SLUG, &test.to_string()).await.unwrap(),
            other => panic!("no test: {other:?}"),
        }
    }

    pub async fn signed_in(&self) -> SignedIn {
        match self.sign_in().await {
            Ended::SignedIn(signed_in) => *signed_in,
            other => panic!("not in: {other:?}\n{}", self.provider.output()),
        }
    }

    /// The refusal, after looking at what was recorded of it.
    pub async fn refused(&self) -> Refusal {
        match self.sign_in().await {
            Ended::Refused(refused) => {
                self.world.recorded(&refused).await;
                refused.refusal
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Refused with this code, and the administrator's words hold all of these.
    pub async fn refused_with(&self, code: Code, words: &[&str]) {
        let refusal = self.refused().await;
        let said = refusal.admin();
        assert_eq!(refusal.code, code, "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said:?}");
        }
    }

    /// Nora's quota and template.
    pub async fn given(&self) -> (i64, Option<String>) {
        let view = self.world.app.mailbox(&address(ADDRESS)).await.unwrap();
        (view.mailbox.quota, view.template)
    }

    /// The lines of the connection check.
    pub async fn check(&self) -> Vec<CheckLine> {
        let app = &self.world.app;
        app.test_provider(SLUG, &mut |_| ()).await.unwrap()
    }

    /// At the provider she belongs to another template now.
    pub async fn now_of(&mut self, template: &str) {
        let (claim, value) = P::template(template);
        self.provider.set_claim(LOGIN, claim, value).await.unwrap();
    }
}

fn rule(claim: &str, value: &str, template: &Template) -> Rule {
    Rule {
        claim: claim.to_owned(),
        test: Test::Is(value.to_owned()),
        template: template.id,
    }
}
