//! The relying party's state: connections, and what is remembered of each provider.

use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::client::Limits;
use crate::http::tls::Roots;
use crate::http::{Guard, Http, HttpError, Lookup, Request, Response, SystemLookup};
use crate::journal::Call;
use crate::openid::memory::Memory;
use crate::openid::pauses::Pauses;
use crate::provider::ProviderSettings;
use model::ids::ProviderId;
use model::random::Random;
use model::time::{Clock, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// What the whole installation says about calls to providers.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What of this machine is ours.
    pub guard: Guard,
    /// Where public authorities come from.
    pub roots: Roots,
    /// The bounds of every call.
    pub limits: Limits,
}

/// Goes out to providers. One for the process; cheap to share behind an `Arc`.
pub struct Upstream {
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    memories: Mutex<HashMap<ProviderId, Arc<Memory>>>,
    pub(crate) pauses: Pauses,
    last: Mutex<HashMap<ProviderId, LastCall>>,
}

/// How the last call to a provider ended, whoever it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCall {
    /// When it was over.
    pub at: Timestamp,
    /// What for: `token`, `keys`.
    pub purpose: &'static str,
    /// Why there was no answer; `None` if there was one, of whatever status.
    pub failed: Option<String>,
}

impl Upstream {
    /// With the system's resolver.
    #[must_use]
    pub fn new(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self::with_lookup(config, clock, random, Arc::new(SystemLookup))
    }

    /// With another source of addresses, for tests.
    #[must_use]
    pub fn with_lookup(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        Self {
            http: Http::new(
                config.guard,
                config.roots,
                config.limits,
                Arc::clone(&clock),
                lookup,
            ),
            clock,
            random,
            memories: Mutex::default(),
            pauses: Pauses::default(),
            last: Mutex::default(),
        }
    }

    /// The guarded HTTP client itself, for calls that are not of a sign-in.
    #[must_use]
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// Since when a provider has not answered, if it did not lately; to tell people, not to decide.
    #[must_use]
    pub fn down_since(&self, provider: ProviderId) -> Option<Timestamp> {
        self.http.down_since(provider)
    }

    /// Forgets what is remembered of a provider: after it was deleted, or when an administrator
    /// wants its keys and discovery document fetched anew. Changed settings are noticed without it.
    pub fn forget(&self, provider: ProviderId) {
        let mut memories = self.memories.lock();
        if let Some(gone) = memories.remove(&provider) {
            memories.retain(|_, other| !other.shares_with(&gone));
        }
        drop(memories);
        self.last.lock().remove(&provider);
    }

    /// What is remembered of a provider under these very settings.
    pub(crate) fn memory(&self, settings: &ProviderSettings) -> Arc<Memory> {
        let now = self.clock.now();
        if settings.id == ProviderId(0) {
            return Arc::new(Memory::new(settings, now));
        }
        let mut memories = self.memories.lock();
        let kept = memories.get(&settings.id);
        if let Some(kept) = kept.filter(|kept| kept.is_of(settings, now)) {
            return Arc::clone(kept);
        }
        let memory = Arc::new(Memory::beside(memories.values(), settings, now));
        memories.insert(settings.id, Arc::clone(&memory));
        memory
    }

    /// Makes a call and demands status 200.
    pub(crate) async fn fetch(
        &self,
        settings: &ProviderSettings,
        purpose: Purpose,
        request: &Request<'_>,
    ) -> Result<Response, UpstreamError> {
        let answer = self.call(settings, purpose, request).await?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(fault(
                purpose,
                request.url(),
                AnswerFault::Status(answer.status),
            ))
        }
    }

    /// Makes a call; an answer of any status is an answer.
    pub(crate) async fn call(
        &self,
        settings: &ProviderSettings,
        purpose: Purpose,
        request: &Request<'_>,
    ) -> Result<Response, UpstreamError> {
        let trust = settings.tls.at(self.clock.now());
        let began = Instant::now();
        let answer = self
            .http
            .call(settings.access(&trust), request, settings.deadline)
            .await;
        if let Some(journal) = &settings.journal {
            journal.note(Call {
                purpose,
                host: oidc::endpoint::host(request.url()),
                answer: match &answer {
                    Ok(answer) => Ok(answer.status),
                    Err(error) => Err(error.to_string()),
                },
                ended: Instant::now(),
                took: began.elapsed(),
            });
        }
        if settings.id != ProviderId(0) {
            let last = LastCall {
                at: self.clock.now(),
                purpose: purpose.name(),
                failed: answer.as_ref().err().map(ToString::to_string),
            };
            self.last.lock().insert(settings.id, last);
        }
        answer.map_err(|error| no_answer(purpose, request.url(), error))
    }

    /// The last call to a provider, if one was made since the start.
    #[must_use]
    pub fn last_call(&self, provider: ProviderId) -> Option<LastCall> {
        self.last.lock().get(&provider).cloned()
    }

    /// How old the keys are that the next ID token is checked with; `None` if they will be fetched
    /// first.
    #[must_use]
    pub fn keys_age(&self, settings: &ProviderSettings) -> Option<Duration> {
        let kept = self.memories.lock().get(&settings.id).cloned()?;
        let now = self.clock.now();
        kept.is_of(settings, now).then(|| kept.keys_age()).flatten()
    }
}

pub(crate) fn no_answer(purpose: Purpose, url: &Url, error: HttpError) -> UpstreamError {
    UpstreamError::Http {
        purpose,
        url: shown(url),
        error: Box::new(error),
    }
}

pub(crate) fn fault(purpose: Purpose, url: &Url, fault: impl Into<AnswerFault>) -> UpstreamError {
    UpstreamError::Answer {
        purpose,
        url: shown(url),
        fault: Box::new(fault.into()),
    }
}

/// `fault`, unless the answer is plainly a page for people: then that is the better word.
pub(crate) fn unreadable(
    purpose: Purpose,
    url: &Url,
    answer: &Response,
    why: impl Into<AnswerFault>,
) -> UpstreamError {
    if answer.is_html() {
        fault(purpose, url, AnswerFault::Html)
    } else {
        fault(purpose, url, why)
    }
}

/// A URL without its query, which may hold what nobody needs to see.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    oidc::foreign::printable(url.as_str(), 300)
}
