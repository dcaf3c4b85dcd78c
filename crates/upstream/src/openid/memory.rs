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
use std::sync::Arc;
use std::time::Duration;

/// How long a discovery document counts.
const METADATA_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long keys count: the longest time for which a key that the provider withdrew still works.
const KEYS_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What is remembered under one provider's settings. With any other issuer, client or trust it is
/// dropped.
pub(crate) struct Memory {
    client_id: String,
    pub(super) known: Arc<Known>,
    method: Mutex<Option<Method>>,
}

/// Discovery document and keys: of an issuer and not of a provider, so that two providers of one
/// issuer share them, if they go there in the same way.
pub(crate) struct Known {
    reach: Reach,
    pub(super) metadata: Slot<Metadata, UpstreamError>,
    pub(super) keys: Slot<KeySet, UpstreamError>,
}

#[derive(Debug, PartialEq, Eq)]
struct Reach {
    endpoints: Endpoints,
    /// As it was when the memory began: what was fetched while any certificate would do is not
    /// used once that exception has ended.
    trust: Trust,
    private_hosts: BTreeSet<String>,
}

impl Reach {
    fn of(settings: &ProviderSettings, now: Timestamp) -> Self {
        Self {
            endpoints: settings.endpoints.clone(),
            trust: settings.tls.at(now),
            private_hosts: settings.private_hosts.clone(),
        }
    }

    fn is_of(&self, settings: &ProviderSettings, now: Timestamp) -> bool {
        self.endpoints == settings.endpoints
            && self.trust == settings.tls.at(now)
            && self.private_hosts == settings.private_hosts
    }
}

impl Memory {
    /// One that knows nothing.
    pub(crate) fn new(settings: &ProviderSettings, now: Timestamp) -> Self {
        Self::beside([], settings, now)
    }

    /// A new one. What one of the `others` knows of the same issuer it knows too.
    pub(crate) fn beside<'a>(
        others: impl IntoIterator<Item = &'a Arc<Self>>,
        settings: &ProviderSettings,
        now: Timestamp,
    ) -> Self {
        let mut others = others.into_iter().map(|other| &other.known);
        let known = others.find(|known| known.reach.is_of(settings, now));
        let fresh = || {
            Arc::new(Known {
                reach: Reach::of(settings, now),
                metadata: Slot::new(METADATA_LIFETIME),
                keys: Slot::new(KEYS_LIFETIME),
            })
        };
        Self {
            client_id: settings.client_id.clone(),
            known: known.map_or_else(fresh, Arc::clone),
            method: Mutex::new(None),
        }
    }

    pub(crate) fn is_of(&self, settings: &ProviderSettings, now: Timestamp) -> bool {
        self.client_id == settings.client_id && self.known.reach.is_of(settings, now)
    }

    /// Whether another knows what this one knows.
    pub(crate) fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.known, &other.known)
    }

    /// How old the keys are; `None` if they will be fetched before they are used.
    pub(crate) fn keys_age(&self) -> Option<Duration> {
        self.known.keys.age()
    }

    /// The authentication method that last worked.
    pub(super) fn method(&self) -> Option<Method> {
        *self.method.lock()
    }

    pub(super) fn method_worked(&self, method: Method) {
        *self.method.lock() = Some(method);
    }
}
