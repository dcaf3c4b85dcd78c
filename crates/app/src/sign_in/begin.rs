//! Leaving for the provider.

use super::record::{Record, own_fault};
use super::{FLOW_LIFETIME, Refused, ReturnTo};
use crate::provider_calls::Departure;
use crate::{App, Client, Problem};
use model::address::Address;
use model::attempt::Door;
use model::link::Namespace;
use model::outcome::{Code, Refusal};
use model::provider::{Endpoints, Provider};
use model::random;
use model::rules::provision;
use model::time::Timestamp;
use oidc::callback::Delivery;
use oidc::pkce::Verifier;
use serde::{Deserialize, Serialize};
use store::Conn;

/// What has to be known again when the answer arrives; sealed in the store, since the verifier and
/// the nonce are what keeps a stolen code useless.
#[derive(Serialize, Deserialize)]
pub(crate) struct FlowSecrets {
    /// Of whom the code is.
    pub(super) asked: Asked,
    pub(super) nonce: String,
    pub(super) verifier: String,
    /// The exact bytes sent; the token request repeats them.
    pub(super) redirect: String,
    pub(crate) return_to: ReturnTo,
    /// How the answer was asked for. Absent from flows that an earlier release began.
    #[serde(default)]
    pub(super) asked_by: Option<Delivery>,
    /// When the person left, for the timeline.
    #[serde(default)]
    pub(super) left: Option<Timestamp>,
}

/// What a person who leaves is to find again, and what the provider is told of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaving<'a> {
    pub(super) return_to: ReturnTo,
    pub(super) login_hint: Option<&'a str>,
}

/// Whom a sign-in asks: the answer counts for nobody else.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    namespace: Namespace,
    endpoints: Endpoints,
    client_id: String,
}

impl Asked {
    pub(crate) fn of(provider: &Provider) -> Self {
        Self {
            namespace: provider.namespace.clone(),
            endpoints: provider.settings.endpoints.clone(),
            client_id: provider.settings.client_id.clone(),
        }
    }
}

impl App {
    /// Starts a sign-in by a provider, if its network has not started too many: returns the URL to
    /// go to. `browser` is the opaque value of the browser's flow cookie; the answer is only accepted
    /// from the same browser. Any number of tabs may be under way at once.
    ///
    /// # Errors
    /// The refusal for the person's page; it is recorded.
    pub async fn begin_sign_in(
        &self,
        provider: &str,
        browser: &str,
        return_to: ReturnTo,
        client: &Client,
    ) -> Result<String, Box<Refused>> {
        self.begin_sign_in_of(None, provider, browser, return_to, client)
            .await
    }

    /// As [`App::begin_sign_in`], of somebody who typed an address: the provider is told, so that it
    /// need not be typed twice. It proves nothing.
    ///
    /// # Errors
    /// As [`App::begin_sign_in`].
    pub async fn begin_sign_in_of(
        &self,
        address: Option<&Address>,
        provider: &str,
        browser: &str,
        return_to: ReturnTo,
        client: &Client,
    ) -> Result<String, Box<Refused>> {
        let mut record = Record::new(self, Door::Provider, client);
        record.return_to = return_to.clone();
        let leaving = Leaving {
            return_to,
            login_hint: address.map(Address::as_str),
        };
        match self.depart(provider, browser, leaving, &mut record).await {
            Ok(url) => Ok(url),
            Err(problem) => Err(self.refuse(record, own_fault(problem)).await),
        }
    }

    async fn depart(
        &self,
        slug: &str,
        browser: &str,
        leaving: Leaving<'_>,
        record: &mut Record,
    ) -> Result<String, Problem> {
        self.starts.begin(record.attempt.ip)?;
        let provider = self.leaving_for(slug, record).await?;
        if let ReturnTo::Authorize(query) = &leaving.return_to {
            self.refuse_circle(query, &provider, browser).await?;
        }
        self.leave(&provider, browser, leaving).await
    }

    /// The provider that somebody wants to leave for, if people may.
    pub(super) async fn leaving_for(
        &self,
        slug: &str,
        record: &mut Record,
    ) -> Result<Provider, Problem> {
        let provider = store::providers::by_slug(&mut *self.store.read()?, slug)
            .await?
            .ok_or_else(|| Problem::Refused(Refusal::new(Code::ProviderOff)))?;
        record.by(&provider);
        provision::switched_on(&provider).map_err(Problem::Refused)?;
        Ok(provider)
    }

    /// Remembers a sign-in by this provider; returns the URL to go to.
    pub(super) async fn leave(
        &self,
        provider: &Provider,
        browser: &str,
        leaving: Leaving<'_>,
    ) -> Result<String, Problem> {
        let (state, secrets, url) = self.leave_for(provider, leaving).await?;
        let (state_tag, browser_tag) = (self.state_tag(&state), self.browser_tag(browser));
        let plain =
            serde_json::to_vec(&secrets).map_err(|e| Problem::Unavailable(e.to_string()))?;
        let sealed = self
            .keys
            .seal
            .seal(&flow_row(&state_tag), &plain, self.random.as_ref())?;
        let (now, id) = (self.clock.now(), provider.id);
        self.store
            .write(async move |tx: &mut Conn| {
                let ends = now.plus(FLOW_LIFETIME);
                store::sign_in_flows::insert(tx, &state_tag, &browser_tag, id, &sealed, now, ends)
                    .await
            })
            .await?;
        Ok(url)
    }

    /// A fresh state, what is to be kept of the departure, and the URL to go to.
    pub(super) async fn leave_for(
        &self,
        provider: &Provider,
        leaving: Leaving<'_>,
    ) -> Result<(String, FlowSecrets, String), Problem> {
        let state = random::token(self.random.as_ref());
        let verifier = Verifier::generate(self.random.as_ref());
        let mut secrets = FlowSecrets {
            asked: Asked::of(provider),
            nonce: random::token(self.random.as_ref()),
            verifier: verifier.expose().to_owned(),
            redirect: self.redirect_url(provider),
            return_to: leaving.return_to,
            asked_by: None,
            left: Some(self.clock.now()),
        };
        let departure = Departure {
            state: &state,
            nonce: &secrets.nonce,
            verifier: &verifier,
            redirect: &secrets.redirect,
            fresh: secrets.return_to.fresh(),
            login_hint: leaving.login_hint,
        };
        let departure = self.authorization_url(provider, &departure).await?;
        secrets.asked_by = departure.asked;
        Ok((state, secrets, departure.url))
    }

    pub(super) fn state_tag(&self, state: &str) -> Vec<u8> {
        self.keys.tag.tag(&[b"state", state.as_bytes()])
    }

    /// What was kept of a flow.
    pub(crate) fn opened_flow(
        &self,
        state_tag: &[u8],
        sealed: &[u8],
    ) -> Result<FlowSecrets, Problem> {
        let plain = self.keys.seal.open(&flow_row(state_tag), sealed)?;
        serde_json::from_slice(&plain).map_err(|e| Problem::Unavailable(e.to_string()))
    }

    pub(crate) fn browser_tag(&self, browser: &str) -> Vec<u8> {
        self.keys.tag.tag(&[b"browser", browser.as_bytes()])
    }
}

/// Binds a flow's sealed secrets to its row.
pub(super) fn flow_row(state_tag: &[u8]) -> Vec<u8> {
    [b"sign-in-flow/", state_tag].concat()
}
