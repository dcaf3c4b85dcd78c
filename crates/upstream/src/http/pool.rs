//! The clients in use, one per provider and origin, kept warm between calls.

use super::breaker::Breaker;
use super::client::{Client, Limits, Request, Response};
use super::error::{HttpError, Stage};
use super::guard::{Gate, Guard, Origin};
use super::resolve::{Guarded, Lookup};
use super::tls::{self, Roots, Trust};
use model::ids::ProviderId;
use model::time::{Clock, Timestamp};
use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};
use tokio::time::{Instant, timeout_at};
use url::Url;

/// How many clients are kept. Each provider has one to three origins; beyond this many somebody
/// makes them up, and all are dropped and made anew as needed.
const MAX_CLIENTS: usize = 1024;

/// What one provider's settings say about calls to it.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The provider; `ProviderId(0)` for a draft, a test or an app, which the circuit breaker lets
    /// pass.
    pub provider: ProviderId,
    /// How its certificate is trusted at this moment.
    pub trust: &'a Trust,
    /// Hosts that may have private addresses: names in lower case, literals without brackets.
    pub private_hosts: &'a BTreeSet<String>,
}

/// The guarded HTTP client.
pub struct Http {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
    limits: Limits,
    roots: Roots,
    loaded: OnceLock<RootCertStore>,
    clock: Arc<dyn Clock>,
    clients: Mutex<HashMap<(ProviderId, Origin), Arc<Entry>>>,
}

struct Entry {
    trust: Trust,
    allowed: bool,
    client: Client,
    breaker: Breaker,
}

impl Http {
    /// `clock` decides whether certificates are valid; `lookup` where addresses come from.
    #[must_use]
    pub fn new(
        guard: Guard,
        roots: Roots,
        limits: Limits,
        clock: Arc<dyn Clock>,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        Self {
            guard: Arc::new(guard),
            lookup,
            limits,
            roots,
            loaded: OnceLock::new(),
            clock,
            clients: Mutex::default(),
        }
    }

    /// Makes a call, cut off at `deadline`. An answer of any status is an answer.
    ///
    /// # Errors
    /// [`HttpError`]: what kept an answer from coming, or what was wrong with its transport;
    /// [`HttpError::TimedOut`] at the deadline.
    pub async fn call(
        &self,
        access: Access<'_>,
        request: &Request<'_>,
        deadline: Option<Instant>,
    ) -> Result<Response, HttpError> {
        let entry = self.entry(access, request.url())?;
        // A draft is an administrator's own test: it is not held back by earlier ones.
        let draft = access.provider == ProviderId(0);
        if !draft {
            entry.breaker.admit()?;
        }
        let began = Instant::now();
        let call = entry.client.call(request);
        let outcome = match deadline {
            None => Ok(call.await),
            Some(deadline) => timeout_at(deadline, call).await,
        };
        let took = began.elapsed();
        // Cut off early, it says nothing about the provider: it was not given its time.
        let tells = outcome.is_ok() || took >= self.limits.total / 2;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(HttpError::TimedOut {
                host: oidc::endpoint::host(request.url()),
                stage: Stage::Answer,
                after: took,
            })
        });
        if !draft && tells {
            entry.breaker.record(&outcome, self.clock.now());
        }
        log(request.url(), &outcome);
        outcome
    }

    /// Since when a host of a provider has not answered, if it did not lately.
    #[must_use]
    pub fn down_since(&self, provider: ProviderId) -> Option<Timestamp> {
        let clients = self.clients.lock();
        let of_provider = clients.iter().filter(|((id, _), _)| *id == provider);
        of_provider
            .filter_map(|(_, entry)| entry.breaker.down_since())
            .min()
    }

    /// What of this machine is ours.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The bounds of every call.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The TLS settings of connections to `origin`.
    pub(crate) fn tls(
        &self,
        access: Access<'_>,
        origin: &Origin,
    ) -> Result<ClientConfig, HttpError> {
        let roots = self.loaded.get_or_init(|| self.roots.load());
        tls::config(access.trust, roots, Arc::clone(&self.clock)).map_err(|fault| HttpError::Tls {
            host: origin.to_string(),
            fault: Box::new(fault),
        })
    }

    /// The guarded resolver of connections to `origin`.
    pub(crate) fn resolver(&self, access: Access<'_>, origin: Origin) -> Guarded {
        Guarded {
            gate: Gate {
                guard: Arc::clone(&self.guard),
                allowed: access.private_hosts.contains(&origin.host),
                origin,
            },
            lookup: Arc::clone(&self.lookup),
        }
    }

    /// The client for `url`, made anew when the provider's trust or its allowed hosts changed:
    /// connections made under other rules are dropped.
    fn entry(&self, access: Access<'_>, url: &Url) -> Result<Arc<Entry>, HttpError> {
        let key = (access.provider, Origin::of(url)?);
        let allowed = access.private_hosts.contains(&key.1.host);
        if let Some(entry) = self.clients.lock().get(&key)
            && entry.allowed == allowed
            && entry.trust == *access.trust
        {
            return Ok(Arc::clone(entry));
        }
        let resolver = self.resolver(access, key.1.clone());
        let tls = self.tls(access, &key.1)?;
        let entry = Arc::new(Entry {
            trust: access.trust.clone(),
            allowed,
            client: Client::new(resolver, tls, self.limits)?,
            breaker: Breaker::default(),
        });
        let mut clients = self.clients.lock();
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        // Of two that came at once the first stays, so that both use one set of connections.
        let kept = clients
            .entry(key)
            .and_modify(|old| {
                if old.allowed != entry.allowed || old.trust != entry.trust {
                    *old = Arc::clone(&entry);
                }
            })
            .or_insert(entry);
        Ok(Arc::clone(kept))
    }
}

fn log(url: &Url, outcome: &Result<Response, HttpError>) {
    let host = oidc::endpoint::host(url);
    match outcome {
        Ok(answer) => tracing::debug!(
            upstream.host = host,
            upstream.path = url.path(),
            http.status = answer.status,
            upstream.ms = answer.took.as_millis(),
            "provider answered"
        ),
        Err(error) => tracing::info!(
            upstream.host = host,
            upstream.path = url.path(),
            error = %error,
            "provider did not answer"
        ),
    }
}
