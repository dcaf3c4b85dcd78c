//! Cookies of ours: their two names, how one is read and how it is set.

use crate::site::Site;
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// A cookie by its names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CookieName {
    /// By https. Browsers accept `__Host-` only from this very host over https and for every path,
    /// so no sibling host can plant one (RFC 6265bis section 4.1.3.2).
    pub(crate) secure: &'static str,
    /// On loopback over plain http, where browsers refuse the prefix.
    pub(crate) loopback: &'static str,
}

impl CookieName {
    /// The name at this site.
    pub(crate) fn at(self, site: &Site) -> &'static str {
        if site.https() {
            self.secure
        } else {
            self.loopback
        }
    }

    /// As [`value_of`].
    pub(crate) fn read(self, site: &Site, headers: &HeaderMap) -> Option<String> {
        value_of(headers, self.at(site))
    }

    /// As [`header_of`].
    pub(crate) fn set(
        self,
        site: &Site,
        value: &str,
        max_age: Option<time::Duration>,
    ) -> Option<HeaderValue> {
        header_of(site, self.at(site), value, max_age)
    }

    /// The header that takes it back.
    pub(crate) fn clear(self, site: &Site) -> Option<HeaderValue> {
        self.set(site, "", Some(time::Duration::ZERO))
    }
}

/// The value of a cookie that a request carries exactly once. Two of one name mean that somebody
/// else planted one, and no rule says which: neither counts.
pub(crate) fn value_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .flatten()
        .filter(|cookie| cookie.name() == name);
    let cookie = found.next()?;
    (found.next().is_none() && !cookie.value().is_empty()).then(|| cookie.value().to_owned())
}

/// A `Set-Cookie` header for a cookie that scripts cannot read and other sites cannot send along
/// with a form.
pub(crate) fn header_of(
    site: &Site,
    name: &'static str,
    value: &str,
    max_age: Option<time::Duration>,
) -> Option<HeaderValue> {
    let mut cookie = Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.https());
    if let Some(max_age) = max_age {
        cookie = cookie.max_age(max_age);
    }
    let mut header = HeaderValue::from_str(&cookie.build().to_string()).ok()?;
    header.set_sensitive(true);
    Some(header)
}
