//! The cookie that ties a sign-in under way to the browser that began it.
//!
//! It holds one opaque random id per browser and nothing about any single sign-in, so many tabs
//! can sign in at once; what a tab is doing is known by its `state` in the store. It is also what
//! form tokens are made from before anybody is signed in.

use crate::cookie::CookieName;
use crate::error::Failure;
use crate::site::Site;
use axum::extract::{FromRequestParts, Request};
use axum::response::Response;
use http::{header, request::Parts};
use model::random::{self, Random};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, OnceLock};

const NAME: CookieName = CookieName {
    secure: "__Host-gatepost-browser",
    loopback: "gatepost-browser",
};
/// Renewed whenever a page uses the id; far longer than the ten minutes of a sign-in.
const LIFETIME: time::Duration = time::Duration::HOUR;
/// The length of [`random::token`].
const ID_CHARS: usize = 43;

/// The opaque id of the browser a request came from.
#[derive(Debug, Clone)]
pub struct BrowserId(pub SecretString);

/// The id that the browser itself sent. An answer of a provider is only taken from the browser that
/// left for it, so a new id is of no use there.
#[derive(Debug, Clone)]
pub struct SentBrowserId(pub Option<SecretString>);

impl SentBrowserId {
    /// The id, as use cases take it.
    #[must_use]
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl<S: Sync> FromRequestParts<S> for SentBrowserId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let slot = parts.extensions.get::<Slot>();
        let slot = slot.ok_or_else(|| Failure::internal("the browser's cookie was not read"))?;
        Ok(Self(slot.sent.is_some().then(|| slot.id().0)))
    }
}

/// The id of a request, made when something first asks for it.
#[derive(Clone)]
struct Slot {
    sent: Option<String>,
    random: Arc<dyn Random>,
    used: Arc<OnceLock<String>>,
}

impl Slot {
    fn id(&self) -> BrowserId {
        let id = self.used.get_or_init(|| {
            self.sent
                .clone()
                .unwrap_or_else(|| random::token(&*self.random))
        });
        BrowserId(SecretString::from(id.as_str()))
    }
}

impl<S: Sync> FromRequestParts<S> for BrowserId {
    type Rejection = Failure;

    /// The browser's id, new if it sent none; the answer then sets (or renews) its cookie.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        of(parts)
    }
}

/// The id of the browser that sent a request.
///
/// # Errors
/// The request did not pass [`note`].
pub(crate) fn of(parts: &Parts) -> Result<BrowserId, Failure> {
    let slot = parts.extensions.get::<Slot>();
    slot.map(Slot::id)
        .ok_or_else(|| Failure::internal("the browser's cookie was not read"))
}

/// The id of a request, once something has asked for it.
pub struct Used(Arc<OnceLock<String>>);

/// Reads the cookie of a request.
pub fn note(site: &Site, random: &Arc<dyn Random>, request: &mut Request) -> Used {
    let sent = NAME
        .read(site, request.headers())
        .filter(|id| id.len() == ID_CHARS);
    let used = Arc::new(OnceLock::new());
    request.extensions_mut().insert(Slot {
        sent,
        random: Arc::clone(random),
        used: Arc::clone(&used),
    });
    Used(used)
}

impl Used {
    /// Sets the cookie in the answer if the id was used. Answers that nobody's id went into
    /// (assets, machine endpoints) stay without a cookie.
    pub fn set(&self, site: &Site, response: &mut Response) {
        if let Some(id) = self.0.get()
            && let Some(cookie) = NAME.set(site, id, Some(LIFETIME))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}
