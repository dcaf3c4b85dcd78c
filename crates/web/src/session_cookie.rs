//! The cookie that carries a web session's token.

use crate::site::Site;
use axum_extra::extract::cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};

/// The name by https. Browsers accept `__Host-` only from this very host over https and for every
/// path, so no sibling host can plant one (RFC 6265bis section 4.1.3.2).
const SECURE_NAME: &str = "__Host-gatepost";
/// The name on loopback over plain http, where browsers refuse the prefix.
const LOOPBACK_NAME: &str = "gatepost";

/// The session token of a request.
#[must_use]
pub fn read(site: &Site, headers: &HeaderMap) -> Option<SecretString> {
    value_of(headers, name(site)).map(SecretString::from)
}

/// The header that gives a browser its session token. The cookie ends with the browser's own
/// session; how long the token is good is the store's matter.
#[must_use]
pub fn set(site: &Site, token: &SecretString) -> Option<HeaderValue> {
    header_of(site, name(site), token.expose_secret(), None)
}

/// The header that takes the session token back.
#[must_use]
pub fn clear(site: &Site) -> Option<HeaderValue> {
    header_of(site, name(site), "", Some(time::Duration::ZERO))
}

fn name(site: &Site) -> &'static str {
    if site.https() {
        SECURE_NAME
    } else {
        LOOPBACK_NAME
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

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Site {
        Site::new(url, &[], &[]).unwrap()
    }

    fn headers(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        headers
    }

    fn token(site: &Site, cookies: &[&str]) -> Option<String> {
        read(site, &headers(cookies)).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn carries_the_host_prefix_over_https() {
        let site = site("https://mail.example.org");
        let header = set(&site, &SecretString::from("abc")).unwrap();
        assert_eq!(
            header.to_str().unwrap(),
            "__Host-gatepost=abc; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        assert_eq!(
            token(&site, &["__Host-gatepost=abc"]).as_deref(),
            Some("abc")
        );
        assert_eq!(token(&site, &["gatepost=abc"]), None);
    }

    #[test]
    fn works_on_loopback_without_tls() {
        let site = site("http://127.0.0.1:8080");
        let header = set(&site, &SecretString::from("abc")).unwrap();
        assert_eq!(
            header.to_str().unwrap(),
            "gatepost=abc; HttpOnly; SameSite=Lax; Path=/"
        );
        assert!(
            clear(&site)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Max-Age=0")
        );
    }

    #[test]
    fn a_planted_second_cookie_leaves_nobody_signed_in() {
        let site = site("http://127.0.0.1:8080");
        assert_eq!(token(&site, &["x=1; gatepost=abc"]).as_deref(), Some("abc"));
        assert_eq!(token(&site, &["gatepost=abc; gatepost=evil"]), None);
        assert_eq!(token(&site, &["gatepost=abc", "gatepost=evil"]), None);
        assert_eq!(token(&site, &["gatepost="]), None);
    }
}
