//! Test sign-ins under way and their results, in memory and bounded.

use super::{KEPT_FOR, TestSignIn};
use crate::sign_in::{FLOW_LIFETIME, FlowSecrets};
use model::audit::Actor;
use model::ids::ProviderId;
use model::link::Namespace;
use model::provider::{ClientAuth, Endpoints, Provider, RedirectForm, ResponseMode, TlsTrust};
use model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most tests under way; the oldest go first.
const MOST_FLOWS: usize = 64;
/// Most results kept; the oldest go first.
const MOST_RESULTS: usize = 64;

/// A test sign-in that is at the provider.
pub(crate) struct TestFlow {
    pub(crate) provider: ProviderId,
    pub(crate) slug: String,
    pub(crate) by: Actor,
    /// As it was asked.
    pub(crate) connection: Connection,
    pub(crate) secrets: FlowSecrets,
    pub(crate) began: Timestamp,
}

/// What a test proves: how the provider is reached and asked. Its rules, domains and trust may
/// change after it; they are looked at without the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    namespace: Namespace,
    endpoints: Endpoints,
    client_id: String,
    client_auth: ClientAuth,
    secret_set: Option<Timestamp>,
    redirect: RedirectForm,
    response_mode: ResponseMode,
    scopes: String,
    subject_claim: Option<String>,
    tls: TlsTrust,
}

/// Under way and ended.
#[derive(Default)]
pub(crate) struct TestSignIns {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    flows: VecDeque<(Tags, TestFlow)>,
    results: VecDeque<Kept>,
}

/// Tags of state and browser: both must come back.
#[derive(PartialEq, Eq)]
struct Tags {
    state: Vec<u8>,
    browser: Vec<u8>,
}

struct Kept {
    provider: ProviderId,
    connection: Connection,
    test: Arc<TestSignIn>,
}

impl Connection {
    pub(crate) fn of(provider: &Provider) -> Self {
        let settings = &provider.settings;
        Self {
            namespace: provider.namespace.clone(),
            endpoints: settings.endpoints.clone(),
            client_id: settings.client_id.clone(),
            client_auth: settings.client_auth,
            secret_set: provider.secret.as_ref().map(|secret| secret.set),
            redirect: settings.redirect,
            response_mode: settings.response_mode,
            scopes: settings.scopes.clone(),
            subject_claim: settings.subject_claim.clone(),
            tls: settings.tls.clone(),
        }
    }
}

impl TestSignIns {
    /// Remembers a departure by the tags of its state and its browser.
    pub(crate) fn leave(&self, state: Vec<u8>, browser: Vec<u8>, flow: TestFlow) {
        let flows = &mut self.inner.lock().flows;
        if flows.len() >= MOST_FLOWS {
            flows.pop_front();
        }
        flows.push_back((Tags { state, browser }, flow));
    }

    /// Whether somebody left with this state, in whichever browser.
    pub(crate) fn waits(&self, state: &[u8], now: Timestamp) -> bool {
        let flows = &self.inner.lock().flows;
        let under_way = |flow: &TestFlow| now.since(flow.began) < FLOW_LIFETIME;
        flows
            .iter()
            .any(|(kept, flow)| kept.state == state && under_way(flow))
    }

    /// Takes the departure that belongs to a state and its browser: it counts once, and not for
    /// longer than a sign-in may stay at the provider.
    pub(crate) fn take(
        &self,
        state: Vec<u8>,
        browser: Vec<u8>,
        now: Timestamp,
    ) -> Option<TestFlow> {
        let tags = Tags { state, browser };
        let flows = &mut self.inner.lock().flows;
        flows.retain(|(_, flow)| now.since(flow.began) < FLOW_LIFETIME);
        let at = flows.iter().position(|(kept, _)| *kept == tags)?;
        flows.remove(at).map(|(_, flow)| flow)
    }

    pub(crate) fn keep(&self, provider: ProviderId, connection: Connection, test: TestSignIn) {
        let results = &mut self.inner.lock().results;
        if results.len() >= MOST_RESULTS {
            results.pop_front();
        }
        results.push_back(Kept {
            provider,
            connection,
            test: Arc::new(test),
        });
    }

    /// The results of a provider, newest first.
    pub(crate) fn of(&self, provider: ProviderId, now: Timestamp) -> Vec<Arc<TestSignIn>> {
        let results = &mut self.inner.lock().results;
        results.retain(|kept| now.since(kept.test.at) < KEPT_FOR);
        let of = results
            .iter()
            .rev()
            .filter(|kept| kept.provider == provider);
        of.map(|kept| Arc::clone(&kept.test)).collect()
    }

    /// When a test last passed by this connection.
    pub(crate) fn passed(
        &self,
        provider: ProviderId,
        connection: &Connection,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let inner = self.inner.lock();
        let counts = |kept: &&Kept| {
            kept.provider == provider
                && kept.test.passed
                && kept.connection == *connection
                && now.since(kept.test.at) < KEPT_FOR
        };
        let passed = inner.results.iter().rev().find(counts);
        passed.map(|kept| kept.test.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_sign_in::Ran;
    use crate::test_sign_in::TestId;
    use model::outcome::{Code, Refusal};
    use model::preset::Preset;

    fn provider(id: i64) -> Provider {
        Provider {
            id: ProviderId(id),
            slug: "p".to_owned(),
            created: Timestamp(0),
            modified: Timestamp(0),
            secret: None,
            checks_stopped: None,
            namespace: Namespace("n".to_owned()),
            settings: Preset::Issuer.settings(),
        }
    }

    fn ended(provider: &Provider, at: i64, passed: bool) -> TestSignIn {
        let ran = Ran {
            id: TestId(at.to_string()),
            at: Timestamp::from_secs(at),
            by: "karin".to_owned(),
        };
        let refusal = Refusal::new(Code::NoMapping);
        TestSignIn {
            passed,
            ..TestSignIn::nobody(ran, provider, Vec::new(), refusal)
        }
    }

    #[test]
    fn results_are_bounded_in_number_and_age_and_the_newest_come_first() {
        let (tests, one, other) = (TestSignIns::default(), provider(1), provider(2));
        let last = i64::try_from(MOST_RESULTS).unwrap() + 10;
        for at in 0..last {
            tests.keep(one.id, Connection::of(&one), ended(&one, at, false));
        }
        let now = Timestamp::from_secs(last);
        let kept = tests.of(one.id, now);
        assert_eq!(kept.len(), MOST_RESULTS);
        assert_eq!(kept[0].id.0, (last - 1).to_string());
        assert!(tests.of(other.id, now).is_empty());
        assert!(tests.of(one.id, now.plus(KEPT_FOR)).is_empty());
    }

    #[test]
    fn a_passed_test_counts_for_its_connection_and_for_half_an_hour() {
        let (tests, provider) = (TestSignIns::default(), provider(1));
        let connection = Connection::of(&provider);
        let passed = |at| tests.passed(provider.id, &connection, Timestamp::from_secs(at));
        tests.keep(
            provider.id,
            connection.clone(),
            ended(&provider, 100, false),
        );
        assert_eq!(passed(100), None);
        tests.keep(provider.id, connection.clone(), ended(&provider, 200, true));
        // A refused one after it takes nothing away: somebody did get through.
        tests.keep(
            provider.id,
            connection.clone(),
            ended(&provider, 300, false),
        );
        assert_eq!(passed(300), Some(Timestamp::from_secs(200)));
        assert_eq!(passed(200 + 1800), None);
        let mut changed = provider.clone();
        changed.settings.scopes = "openid".to_owned();
        let now = Timestamp::from_secs(300);
        assert_eq!(
            tests.passed(provider.id, &Connection::of(&changed), now),
            None
        );
    }
}
