//! The connection test: each line of it says what was seen and what to do.
//!
//! It runs the code of a sign-in (discovery, keys, token request, userinfo), so what it finds is
//! what people will meet. Nothing it sees is kept, and no secret is in its lines.

mod calls;
mod document;
mod reach;

use super::memory::Memory;
use super::metadata::{self, Places};
use crate::error::UpstreamError;
use crate::provider::{Endpoints, ProviderSettings};
use crate::upstream::Upstream;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use model::ids::ProviderId;
use model::outcome::Code;
use oidc::discovery::Metadata;
use oidc::redirect::RedirectUri;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// How long the whole test may take.
pub const CAP: Duration = Duration::from_secs(15);

/// The lines of the test, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The name resolves, to addresses we may connect to.
    Name,
    /// A connection is made and the certificate is trusted.
    Connection,
    /// There is a discovery document.
    Discovery,
    /// It speaks for the configured issuer.
    Issuer,
    /// Its endpoints can be used, and are not ours.
    Endpoints,
    /// There are keys we can verify with.
    Keys,
    /// It can do what we need.
    Capabilities,
    /// It knows our client id and secret.
    Credentials,
    /// It knows our redirect URL, as far as that shows without a person.
    Redirect,
    /// Its clock agrees with ours.
    Clock,
    /// Userinfo answers.
    UserInfo,
}

impl StepName {
    /// Every line.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Connection,
        Self::Discovery,
        Self::Issuer,
        Self::Endpoints,
        Self::Keys,
        Self::Capabilities,
        Self::Credentials,
        Self::Redirect,
        Self::Clock,
        Self::UserInfo,
    ];

    /// The words of the line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Name => "Name resolves",
            Self::Connection => "Connection and certificate",
            Self::Discovery => "Discovery document",
            Self::Issuer => "Issuer is the configured one",
            Self::Endpoints => "Endpoints",
            Self::Keys => "Signing keys",
            Self::Capabilities => "Capabilities",
            Self::Credentials => "Client id and secret",
            Self::Redirect => "Redirect URL",
            Self::Clock => "Clock difference",
            Self::UserInfo => "Userinfo",
        }
    }
}

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Good.
    Ok,
    /// Not looked at, because an earlier line failed or it does not apply.
    Skipped,
    /// Works, or may work, with something to look at.
    Warn,
    /// People cannot sign in like this.
    Failed,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How it stands.
    pub state: StepState,
    /// What was seen.
    pub evidence: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The code that people's sign-ins end in because of it.
    pub code: Option<Code>,
}

impl Step {
    fn new(name: StepName, state: StepState, evidence: impl Into<String>) -> Self {
        Self {
            name,
            state,
            evidence: evidence.into(),
            fix: None,
            ms: 0,
            code: None,
        }
    }

    fn ok(name: StepName, evidence: impl Into<String>) -> Self {
        Self::new(name, StepState::Ok, evidence)
    }

    fn skipped(name: StepName, why: impl Into<String>) -> Self {
        Self::new(name, StepState::Skipped, why)
    }

    fn warn(name: StepName, evidence: impl Into<String>) -> Self {
        Self::new(name, StepState::Warn, evidence)
    }

    fn failed(name: StepName, code: Code, evidence: impl Into<String>) -> Self {
        let mut step = Self::new(name, StepState::Failed, evidence);
        step.code = Some(code);
        step
    }

    /// A line that failed as a sign-in would, with the words of its code as the advice.
    fn error(name: StepName, error: &UpstreamError) -> Self {
        let refusal = error.refusal();
        Self::failed(name, refusal.code, error.to_string()).fix(refusal.admin())
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    fn took(mut self, since: Instant) -> Self {
        self.ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self
    }
}

/// The whole test.
#[derive(Debug, Clone)]
pub struct Report {
    /// Every line once, in the order shown.
    pub steps: Vec<Step>,
    /// The discovery document, when there was a usable one.
    pub metadata: Option<Metadata>,
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps
            .iter()
            .all(|step| step.state != StepState::Failed)
    }
}

/// Collects lines and passes each on as it comes.
struct Lines<F> {
    done: Vec<Step>,
    tell: F,
}

impl<F: FnMut(&Step)> Lines<F> {
    fn add(&mut self, step: Step) -> StepState {
        let state = step.state;
        (self.tell)(&step);
        self.done.push(step);
        state
    }

    /// Every line that is still missing, for one reason.
    fn finish(mut self, why: &Step, metadata: Option<Metadata>) -> Report {
        for name in StepName::ALL {
            if !self.done.iter().any(|step| step.name == name) {
                let step = Step {
                    name,
                    ..why.clone()
                };
                self.add(step);
            }
        }
        self.done.sort_by_key(|step| step.name);
        Report {
            steps: self.done,
            metadata,
        }
    }
}

impl Upstream {
    /// Tests the connection to a provider with the settings as given, saved or not. Each line goes
    /// to `tell` the moment it is known, later ones in no fixed order; the report has them all.
    ///
    /// `redirect_uri` is the one registered at the provider. The client secret is sent to the
    /// token endpoint, as a sign-in does: the caller sees to it that a stored secret is not paired
    /// with a changed endpoint.
    pub async fn probe(
        &self,
        settings: &ProviderSettings,
        redirect_uri: &RedirectUri,
        tell: impl FnMut(&Step) + Send,
    ) -> Report {
        let deadline = Instant::now() + CAP;
        let mut lines = Lines {
            done: Vec::new(),
            tell,
        };
        // What people's sign-ins remember plays no part in the test, and is fetched anew after it.
        self.forget(settings.id);
        let settings = apart(settings);
        let test = self.test_of(&settings, redirect_uri);
        let blocked = Step::skipped(StepName::Name, "not reached");
        let late = Step::failed(
            StepName::Name,
            Code::ProviderUnreachable,
            format!("not finished after {} s", CAP.as_secs()),
        );
        let found = match timeout_at(deadline, test.find(&mut lines)).await {
            Ok(Some(found)) => found,
            Ok(None) => return lines.finish(&blocked, None),
            Err(_) => return lines.finish(&late, None),
        };
        let metadata = found.places.metadata().map(|m| m.as_ref().clone());
        let mut running: FuturesUnordered<BoxFuture<'_, Vec<Step>>> = FuturesUnordered::new();
        running.push(Box::pin(async { vec![test.keys(&found.places).await] }));
        running.push(Box::pin(async {
            vec![test.credentials(&found.places).await]
        }));
        running.push(Box::pin(async { vec![test.redirect(&found.places).await] }));
        running.push(Box::pin(test.userinfo(&found)));
        while let Ok(Some(steps)) = timeout_at(deadline, running.next()).await {
            for step in steps {
                lines.add(step);
            }
        }
        drop(running);
        lines.finish(&late, metadata)
    }
}

/// The same provider, apart from what people's sign-ins remember of it.
fn apart(settings: &ProviderSettings) -> ProviderSettings {
    ProviderSettings {
        id: ProviderId(0),
        ..settings.clone()
    }
}

impl Upstream {
    fn test_of<'a>(
        &'a self,
        settings: &'a ProviderSettings,
        redirect_uri: &'a RedirectUri,
    ) -> Test<'a> {
        Test {
            upstream: self,
            settings,
            redirect_uri,
            memory: Memory::new(settings, self.clock.now()),
        }
    }

    /// Whether a provider can be reached at all: the lines of [`Upstream::probe`] that send nothing
    /// of ours, up to its keys. Ends within the same time.
    pub async fn reach(
        &self,
        settings: &ProviderSettings,
        redirect_uri: &RedirectUri,
    ) -> Vec<Step> {
        let settings = apart(settings);
        let test = self.test_of(&settings, redirect_uri);
        let mut lines = Lines {
            done: Vec::new(),
            tell: |_: &Step| {},
        };
        let looked = async {
            if let Some(found) = test.find(&mut lines).await {
                lines.add(test.keys(&found.places).await);
            }
        };
        if timeout_at(Instant::now() + CAP, looked).await.is_err() {
            lines.add(Step::failed(
                StepName::Name,
                Code::ProviderUnreachable,
                format!("not finished after {} s", CAP.as_secs()),
            ));
        }
        lines.done
    }
}

/// One test under way.
struct Test<'a> {
    upstream: &'a Upstream,
    settings: &'a ProviderSettings,
    redirect_uri: &'a RedirectUri,
    memory: Memory,
}

/// What the first lines found.
struct Found {
    places: Places,
    /// Whether the discovery answer has already told the clock difference.
    clock_told: bool,
}

impl Test<'_> {
    /// The lines that everything else rests on, one after the other. `None` when one failed.
    async fn find<F: FnMut(&Step)>(&self, lines: &mut Lines<F>) -> Option<Found> {
        let url = self.first_url(lines)?;
        let addresses = match self.resolve(&url).await {
            Ok((step, addresses)) => {
                lines.add(step);
                addresses
            }
            Err(step) => {
                lines.add(step);
                return None;
            }
        };
        if lines.add(self.connect(&url, &addresses).await) == StepState::Failed {
            return None;
        }
        let found = match &self.settings.endpoints {
            Endpoints::Manual(typed) => {
                let why = "endpoints were typed by hand";
                lines.add(Step::skipped(StepName::Discovery, why));
                lines.add(Step::skipped(StepName::Issuer, why));
                Found {
                    places: Places::Typed(Arc::clone(typed)),
                    clock_told: false,
                }
            }
            Endpoints::Issuer(issuer) => self.discover(issuer, &url, lines).await?,
        };
        lines.add(document::endpoints(
            self.upstream.http.guard(),
            &found.places,
        ));
        lines.add(document::capabilities(self.settings, &found.places));
        Some(found)
    }

    /// The URL whose host is looked at: the discovery document's, or the token endpoint.
    fn first_url<F: FnMut(&Step)>(&self, lines: &mut Lines<F>) -> Option<Url> {
        match &self.settings.endpoints {
            Endpoints::Manual(typed) => Some(typed.token.url().clone()),
            Endpoints::Issuer(issuer) => metadata::discovery_url(issuer)
                .inspect_err(|error| {
                    lines.add(Step::error(StepName::Name, error));
                })
                .ok(),
        }
    }
}
