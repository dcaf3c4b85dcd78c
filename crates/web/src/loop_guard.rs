//! The mark of a browser that was sent on to a provider by itself: it happens once a visit, so that
//! a provider that sends people back at once makes no circle.

use crate::cookie::CookieName;
use crate::site::Site;
use http::{HeaderMap, HeaderValue};

const NAME: CookieName = CookieName {
    secure: "__Host-gatepost-sent",
    loopback: "gatepost-sent",
};
/// As long as a sign-in may stay at the provider.
const LIFETIME: time::Duration = time::Duration::minutes(10);

/// Whether the browser was sent on already.
#[must_use]
pub fn was_sent(site: &Site, headers: &HeaderMap) -> bool {
    NAME.read(site, headers).is_some()
}

/// The header that notes it.
#[must_use]
pub fn mark(site: &Site) -> Option<HeaderValue> {
    NAME.set(site, "1", Some(LIFETIME))
}

/// The header that forgets it: somebody who came in begins anew next time.
#[must_use]
pub fn forget(site: &Site) -> Option<HeaderValue> {
    NAME.clear(site)
}
