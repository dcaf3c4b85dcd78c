//! Signing in for an app: which ways there are, and straight to a provider where one is meant.

use super::asked::{Demand, Query};
use super::back::back_of;
use super::request::Read;
use super::{AppRefused, Authorize, Visit};
use crate::providers::Ways;
use crate::sessions::Who;
use crate::sign_in::{FLOW_LIFETIME, FlowSecrets, ReturnTo};
use crate::{App, Problem};
use model::address::Address;
use model::ids::ProviderId;
use model::oauth_app::OauthApp;
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::rules::{apps, routing};
use oidc::op::authorize::Unchecked;
use std::collections::BTreeSet;
use std::time::Duration;

/// So many sign-ins without end, in such a time, are a circle.
const CIRCLE: usize = 3;
const CIRCLE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// What the sign-in page is to say and offer for an app.
#[derive(Debug)]
pub struct AskToSignIn {
    /// The app's name.
    pub app: String,
    /// The request, to come back with.
    pub query: String,
    /// Who the app thinks it is.
    pub address: Option<String>,
    /// Somebody is signed in who cannot be the one.
    pub why: Option<WhyAgain>,
}

/// Why a session does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyAgain {
    /// An administrator's has no mailbox.
    Administrator,
    /// It came through a provider that does not count for the app.
    Through,
    /// The app, or the person, wants a new one.
    Anew,
}

impl App {
    pub(super) async fn ask_to_sign_in(
        &self,
        read: Read,
        query: &Query,
        visit: &Visit<'_>,
        demand: Option<Demand>,
    ) -> Result<Authorize, Problem> {
        let why = visit.current.map(|current| match &current.who {
            Who::Admin(_) => WhyAgain::Administrator,
            Who::Person { .. } => {
                let never = &read.app.settings.never_through;
                let through = current.session.provider.filter(|by| never.contains(by));
                through.map_or(WhyAgain::Anew, |_| WhyAgain::Through)
            }
        });
        let known = self.asked(query, visit.browser).map(|asked| asked.demand);
        let query = match demand {
            // What was demanded once is not demanded again, but it may be demanded more strongly.
            Some(demand) if known.is_none_or(|known| known != demand && demand == Demand::Anew) => {
                let session = visit.current.map(|current| current.session.id);
                self.demanding(query, visit.browser, session, demand)
            }
            _ => query.whole(),
        };
        let hint = read.request.login_hint.as_deref();
        let address = hint.and_then(|hint| Address::parse(hint).ok());
        if why.is_none()
            && let Some(provider) = self.meant(&read.app, address.as_ref()).await?
        {
            let return_to = ReturnTo::Authorize(query);
            let left = self
                .begin_sign_in_of(
                    address.as_ref(),
                    &provider.slug,
                    visit.browser,
                    return_to,
                    visit.client,
                )
                .await;
            return Ok(match left {
                Ok(url) => Authorize::Leave(url),
                Err(refused) => {
                    let back = back_of(&read, Some(refused.refusal.code));
                    Authorize::Refused(Box::new(AppRefused {
                        refused,
                        wrong: None,
                        back: Some(back),
                    }))
                }
            });
        }
        Ok(Authorize::SignIn(Box::new(AskToSignIn {
            app: read.app.settings.name,
            query,
            address: address.map(String::from),
            why,
        })))
    }

    /// The provider that people are sent to without a choice.
    pub(in crate::oauth) async fn meant(
        &self,
        app: &OauthApp,
        address: Option<&Address>,
    ) -> Result<Option<Provider>, Problem> {
        let mut read = self.store.read()?;
        let all = store::providers::all(&mut read).await?;
        let may = |p: &&Provider| p.settings.active && !app.settings.never_through.contains(&p.id);
        if let Some(straight) = app.settings.straight_to {
            let provider = all.iter().filter(may).find(|p| p.id == straight);
            return Ok(provider.cloned());
        }
        let Some(address) = address else {
            return Ok(None);
        };
        let domain = store::domains::by_name(&mut read, &address.domain()).await?;
        let mut found = routing::of_domain(domain.as_ref(), &all)
            .into_iter()
            .filter(may);
        Ok(match (found.next(), found.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        })
    }

    /// What the sign-in page offers somebody who signs in for the app of this request.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn ways_for(&self, query: &str) -> Result<Ways, Problem> {
        let mut ways = self.ways().await?;
        let never = self.never_for(query).await?;
        ways.buttons.retain(|button| !never.contains(&button.slug));
        Ok(ways)
    }

    /// The providers, by slug, through which nobody signs in to the app of this request.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn never_for(&self, query: &str) -> Result<BTreeSet<String>, Problem> {
        match self.app_of(query).await? {
            Some(app) => self.slugs(&app.settings.never_through).await,
            None => Ok(BTreeSet::new()),
        }
    }

    pub(in crate::oauth) async fn slugs(
        &self,
        ids: &BTreeSet<ProviderId>,
    ) -> Result<BTreeSet<String>, Problem> {
        let all = store::providers::all(&mut *self.store.read()?).await?;
        let named = all
            .into_iter()
            .filter(|provider| ids.contains(&provider.id));
        Ok(named.map(|provider| provider.slug).collect())
    }

    async fn app_of(&self, query: &str) -> Result<Option<OauthApp>, Problem> {
        let Some(client_id) = Unchecked::parse(query).client_id else {
            return Ok(None);
        };
        let mut read = self.store.read()?;
        Ok(store::oauth_apps::by_client_id(&mut read, &client_id).await?)
    }

    /// Refuses to leave for a provider that does not count for the app, or that sends this browser back
    /// to it again and again.
    pub(crate) async fn refuse_circle(
        &self,
        query: &str,
        provider: &Provider,
        browser: &str,
    ) -> Result<(), Problem> {
        let Some(app) = self.app_of(query).await? else {
            return Ok(());
        };
        if app.settings.never_through.contains(&provider.id) {
            // Whoever came back that way would be sent there again.
            return Err(Problem::Refused(circle(&app, provider)));
        }
        let now = self.clock.now();
        let since = now.minus(CIRCLE_WITHIN.min(FLOW_LIFETIME));
        let browser = self.browser_tag(browser);
        let mut read = self.store.read()?;
        let open = store::sign_in_flows::open(&mut read, &browser, provider.id, since).await?;
        drop(read);
        let same = |secrets: &FlowSecrets| match &secrets.return_to {
            ReturnTo::Authorize(query) => {
                Unchecked::parse(query).client_id.as_deref() == Some(app.client_id.as_str())
            }
            _ => false,
        };
        let open = open
            .iter()
            .filter_map(|(tag, sealed)| self.opened_flow(tag, sealed).ok());
        if open.filter(same).count() < CIRCLE {
            return Ok(());
        }
        Err(Problem::Refused(circle(&app, provider)))
    }
}

fn circle(app: &OauthApp, provider: &Provider) -> Refusal {
    apps::of_app(Code::AppCircle, app).with("provider", &provider.settings.name)
}
