//! What is remembered of one provider between sign-ins.

use super::slot::Slot;
use super::token::Method;
use crate::error::UpstreamError;
use crate::http::tls::Trust;
use crate::provider::{Endpoints, ProviderSettings};
use model::time::Timestamp;
use oidc::discovery::Metadata;
use oidc::jwk::KeySet;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a discovery document counts.
const METADATA_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long keys count: the longest time for which a key that the provider withdrew still works.
const KEYS_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Discovery document, keys and the authentication method that worked. It belongs to settings as
/// they were: with any other issuer, client or trust it is dropped.
pub(crate) struct Memory {
    of: Of,
    pub(super) metadata: Slot<Metadata, UpstreamError>,
    pub(super) keys: Slot<KeySet, UpstreamError>,
    method: Mutex<Option<Method>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Of {
    endpoints: Endpoints,
    client_id: String,
    /// As it was when the memory began: what was fetched while any certificate would do is not
    /// used once that exception has ended.
    trust: Trust,
    private_hosts: BTreeSet<String>,
}

impl Of {
    fn settings(settings: &ProviderSettings, now: Timestamp) -> Self {
        Self {
            endpoints: settings.endpoints.clone(),
            client_id: settings.client_id.clone(),
            trust: settings.tls.at(now),
            private_hosts: settings.private_hosts.clone(),
        }
    }
}

impl Memory {
    pub(crate) fn new(settings: &ProviderSettings, now: Timestamp) -> Self {
        Self {
            of: Of::settings(settings, now),
            metadata: Slot::new(METADATA_LIFETIME),
            keys: Slot::new(KEYS_LIFETIME),
            method: Mutex::new(None),
        }
    }

    pub(crate) fn is_of(&self, settings: &ProviderSettings, now: Timestamp) -> bool {
        self.of.endpoints == settings.endpoints
            && self.of.client_id == settings.client_id
            && self.of.trust == settings.tls.at(now)
            && self.of.private_hosts == settings.private_hosts
    }

    /// How old the keys are; `None` if they will be fetched before they are used.
    pub(crate) fn keys_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    /// The authentication method that last worked.
    pub(super) fn method(&self) -> Option<Method> {
        *self.method.lock()
    }

    pub(super) fn method_worked(&self, method: Method) {
        *self.method.lock() = Some(method);
    }
}
