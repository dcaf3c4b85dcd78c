//! Coming back from the provider.

use super::begin::{Asked, FlowSecrets};
use super::record::Record;
use super::returning::OnlyOne;
use super::{Arrived, Ended, ReturnTo};
use crate::provider_calls::{Identity, Kept};
use crate::{App, Client, Problem};
use model::attempt::{Door, StepState};
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::rules::provision;
use oidc::callback::{Callback, Delivery};
use tokio::time::Instant;
use upstream::journal::Journal;

impl App {
    /// Ends a sign-in by a provider with the answer that arrived: `parameters` is the query as it
    /// came, without `?`. If an administrator left for a test, so does this one end: nothing is
    /// stored, nobody is signed in.
    pub async fn finish_sign_in(
        &self,
        arrived: Arrived,
        parameters: &str,
        browser: Option<&str>,
        client: &Client,
    ) -> Ended {
        self.finish(&arrived, parameters, Delivery::Query, browser, client)
            .await
    }

    /// The same with an answer that came by `came`.
    pub(super) async fn finish(
        &self,
        arrived: &Arrived,
        parameters: &str,
        came: Delivery,
        browser: Option<&str>,
        client: &Client,
    ) -> Ended {
        let mut record = Record::new(self, Door::Provider, client);
        let callback = match self.read_answer(parameters, came, &mut record) {
            Ok(callback) => callback,
            Err(problem) => return self.refuse_for(record, problem).await,
        };
        if let Some(test) = self.take_test(&callback, browser) {
            return self.finish_test(test, arrived, &callback, record).await;
        }
        record.return_to = self.leads_to(&callback, browser).await;
        let Some((tag, _only)) = self.enter(&callback) else {
            let foreign = Problem::Refused(self.foreign_state());
            return self.refuse_for(record, foreign).await;
        };
        match self
            .come_back(arrived, &callback, &tag, browser, &mut record)
            .await
        {
            Ok((provider, secrets, identity)) => {
                let browser = browser.unwrap_or_default();
                self.carry_out(
                    provider,
                    identity,
                    secrets.return_to,
                    browser,
                    client,
                    record,
                )
                .await
            }
            Err(problem) => self.refuse_for(record, problem).await,
        }
    }

    /// Lets the answer in as the only one with its state; with the state's tag.
    fn enter(&self, callback: &Callback) -> Option<(Vec<u8>, OnlyOne)> {
        let tag = self.state_tag(callback.state.as_deref()?);
        let only = self.returning.enter(&tag)?;
        Some((tag, only))
    }

    /// Where the sign-in that an answer belongs to was to lead: known to the browser that left, for a
    /// while also when the sign-in is over.
    async fn leads_to(&self, callback: &Callback, browser: Option<&str>) -> ReturnTo {
        let (Some(state), Some(browser)) = (callback.state.as_deref(), browser) else {
            return ReturnTo::Home;
        };
        let (tag, browser) = (self.state_tag(state), self.browser_tag(browser));
        let found = async {
            let mut read = self.store.read()?;
            let flow = store::sign_in_flows::remembered(&mut read, &tag, &browser).await?;
            drop(read);
            let secrets = flow.map(|flow| self.opened_flow(&tag, &flow.sealed));
            Ok::<_, Problem>(secrets.transpose()?.map(|secrets| secrets.return_to))
        };
        // Not worth a refusal: what cannot be read is met again where it counts.
        found.await.ok().flatten().unwrap_or_default()
    }

    async fn come_back(
        &self,
        arrived: &Arrived,
        callback: &Callback,
        state_tag: &[u8],
        browser: Option<&str>,
        record: &mut Record,
    ) -> Result<(Provider, FlowSecrets, Identity), Problem> {
        let (provider, secrets) = self.flow_of(arrived, state_tag, browser, record).await?;
        record.came_back(secrets.left, callback, &provider);
        let identity = self
            .prove_identity(&provider, callback, &secrets, record)
            .await?;
        Ok((provider, secrets, identity))
    }

    /// Asks the provider who came, and notes what it said.
    pub(super) async fn prove_identity(
        &self,
        provider: &Provider,
        callback: &Callback,
        secrets: &FlowSecrets,
        record: &mut Record,
    ) -> Result<Identity, Problem> {
        let journal = Journal::default();
        let kept = Kept {
            journal: &journal,
            nonce: &secrets.nonce,
            verifier: &secrets.verifier,
            redirect: &secrets.redirect,
            asked: secrets.asked_by,
        };
        let asked = Instant::now();
        let identified = self.identify_at(provider, callback, &kept).await;
        record.called(&journal);
        let identity = identified?;
        record.identified(&identity, asked.elapsed());
        Ok(identity)
    }

    /// Reads an answer; one that is none is nobody's.
    pub(super) fn read_answer(
        &self,
        parameters: &str,
        came: Delivery,
        record: &mut Record,
    ) -> Result<Callback, Problem> {
        Callback::parse_as(parameters, came).map_err(|error| {
            let trace = &mut record.attempt.trace;
            trace.push("answer", StepState::Blocked, error.to_string());
            Problem::Refused(self.foreign_state())
        })
    }

    /// The flow that belongs to the answer's state and this browser. Whatever is recorded from now
    /// on uses it up.
    async fn flow_of(
        &self,
        arrived: &Arrived,
        state_tag: &[u8],
        browser: Option<&str>,
        record: &mut Record,
    ) -> Result<(Provider, FlowSecrets), Problem> {
        let foreign = || Problem::Refused(self.foreign_state());
        let browser_tag = self.browser_tag(browser.ok_or_else(foreign)?);
        let mut read = self.store.read()?;
        let flow =
            store::sign_in_flows::get(&mut read, state_tag, &browser_tag, self.clock.now()).await?;
        let flow = flow.ok_or_else(foreign)?;
        record.uses_up(state_tag, flow.provider);
        let provider = store::providers::by_id(&mut read, flow.provider)
            .await?
            .ok_or_else(foreign)?;
        drop(read);
        record.by(&provider);
        if !arrived.is_at(&provider) {
            return Err(foreign());
        }
        provision::switched_on(&provider).map_err(Problem::Refused)?;
        let secrets = self.opened_flow(state_tag, &flow.sealed)?;
        // A code of where the person was never goes to where the provider has moved since.
        if secrets.asked != Asked::of(&provider) {
            return Err(foreign());
        }
        Ok((provider, secrets))
    }

    pub(super) fn foreign_state(&self) -> Refusal {
        let host = self
            .config
            .public_url
            .split("://")
            .last()
            .unwrap_or_default();
        Refusal::new(Code::ForeignState).with("public_host", host)
    }
}

impl Arrived {
    /// Whether an answer arrived at the provider's own redirect URL: each belongs to one provider,
    /// so an answer that arrives at another's is a mix-up.
    pub(super) fn is_at(&self, provider: &Provider) -> bool {
        let bare = provider.settings.redirect.is_bare();
        match self {
            Self::OwnPath(slug) => *slug == provider.slug && !bare,
            Self::BareOrigin => bare,
        }
    }
}
