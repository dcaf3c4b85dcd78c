//! A test sign-in: the way of a sign-in up to the verdict, which is shown and not carried out.

use super::begin::Leaving;
use super::record::{Record, own_fault};
use super::verdict::Known;
use super::{Arrived, Ended};
use crate::test_sign_in::{Came, Connection, Ran, TestBegun, TestFlow, TestId, TestSignIn};
use crate::{App, Client, Problem};
use model::attempt::{Door, StepState};
use model::audit::Actor;
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::random;
use oidc::callback::Callback;

impl App {
    /// Starts a test sign-in by a provider, switched on or off, for an administrator. It ends where
    /// sign-ins end, in the same browser ([`App::finish_sign_in`]).
    ///
    /// # Errors
    /// [`Problem::NotFound`], [`Problem::Throttled`] or [`Problem::Unavailable`]. What the provider
    /// does wrong is a result.
    pub async fn begin_test_sign_in(
        &self,
        by: &Actor,
        slug: &str,
        browser: &str,
        client: &Client,
    ) -> Result<TestBegun, Problem> {
        self.starts.begin(client.ip)?;
        let provider = self.provider(slug).await?;
        let mut record = Record::new(self, Door::Provider, client);
        record.by(&provider);
        match self.leave_for(&provider, Leaving::default()).await {
            Ok((state, secrets, url)) => {
                let flow = TestFlow {
                    provider: provider.id,
                    slug: provider.slug.clone(),
                    by: by.clone(),
                    connection: Connection::of(&provider),
                    secrets,
                    began: self.clock.now(),
                };
                let (state, browser) = (self.state_tag(&state), self.browser_tag(browser));
                self.tests.leave(state, browser, flow);
                Ok(TestBegun::Leave(url))
            }
            Err(problem) => {
                let refusal = own_fault(problem);
                let id = self.keep_refused(by, &provider, record, refusal);
                Ok(TestBegun::Ended(id))
            }
        }
    }

    /// The test that an answer belongs to, if it is one's.
    pub(super) fn take_test(&self, callback: &Callback, browser: Option<&str>) -> Option<TestFlow> {
        let (state, browser) = (callback.state.as_deref()?, browser?);
        let tags = (self.state_tag(state), self.browser_tag(browser));
        self.tests.take(tags.0, tags.1, self.clock.now())
    }

    pub(super) async fn finish_test(
        &self,
        test: TestFlow,
        arrived: &Arrived,
        callback: &Callback,
        mut record: Record,
    ) -> Ended {
        let provider = match self.provider_of(&test).await {
            Ok(provider) => provider,
            // There is no page any more where a result could stand.
            Err(problem) => return self.refuse_for(record, problem).await,
        };
        record.by(&provider);
        let away = self.clock.now().since(test.began).as_millis();
        record.attempt.trace.push_timed(
            "at the provider",
            StepState::Ok,
            "left and came back in the same browser",
            u64::try_from(away).unwrap_or(u64::MAX),
        );
        let judged = self
            .judge_test(&test, &provider, arrived, callback, &mut record)
            .await;
        let id = match judged {
            Ok((provider, came)) => {
                let ran = self.ran(&test.by);
                let steps = record.attempt.trace.steps;
                self.keep(&provider, TestSignIn::of(ran, &provider, steps, &came))
            }
            Err(problem) => {
                let refusal = own_fault(problem);
                self.keep_refused(&test.by, &provider, record, refusal)
            }
        };
        Ended::Tested {
            provider: test.slug,
            test: id,
        }
    }

    async fn provider_of(&self, test: &TestFlow) -> Result<Provider, Problem> {
        let found = store::providers::by_id(&mut *self.store.read()?, test.provider).await?;
        found.ok_or_else(|| Problem::Refused(self.foreign_state()))
    }

    /// As a sign-in goes on after its flow was taken: proof, facts as they are then, verdict.
    async fn judge_test(
        &self,
        test: &TestFlow,
        provider: &Provider,
        arrived: &Arrived,
        callback: &Callback,
        record: &mut Record,
    ) -> Result<(Provider, Came), Problem> {
        let foreign = || Problem::Refused(self.foreign_state());
        if !arrived.is_at(provider) || Connection::of(provider) != test.connection {
            return Err(foreign());
        }
        let identity = self
            .prove_identity(provider, callback, &test.secrets, record)
            .await?;
        let mut read = self.store.read()?;
        // Asking took a while: what was said counts for the provider as it was asked, not as
        // somebody has set it up since.
        let now = store::providers::by_id(&mut read, provider.id).await?;
        let provider = now.ok_or_else(foreign)?;
        if Connection::of(&provider) != test.connection {
            return Err(foreign());
        }
        let known = Known::read(&mut read, &provider, identity.vouched(), self.clock.now()).await?;
        let verdict = known.decide(self.clock.now(), &provider, &identity, record);
        let came = Came {
            identity,
            known,
            verdict,
        };
        Ok((provider, came))
    }

    fn keep_refused(
        &self,
        by: &Actor,
        provider: &Provider,
        mut record: Record,
        refusal: Refusal,
    ) -> TestId {
        let trace = &mut record.attempt.trace;
        trace.push("outcome", StepState::Blocked, refusal.to_string());
        let steps = record.attempt.trace.steps;
        let test = TestSignIn::nobody(self.ran(by), provider, steps, refusal);
        self.keep(provider, test)
    }

    fn ran(&self, by: &Actor) -> Ran {
        Ran {
            id: TestId(random::token(self.random.as_ref())),
            at: self.clock.now(),
            by: by.name().to_owned(),
        }
    }

    fn keep(&self, provider: &Provider, test: TestSignIn) -> TestId {
        let id = test.id.clone();
        tracing::info!(
            provider.slug = %provider.slug,
            test.passed = test.passed,
            test.code = test.refusal.as_ref().map(|refusal| refusal.code).map_or("", Code::id),
            "a test sign-in ended"
        );
        self.tests.keep(provider.id, Connection::of(provider), test);
        id
    }
}
