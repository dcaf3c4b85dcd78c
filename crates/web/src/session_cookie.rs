//! The cookie that carries a web session's token.

use crate::cookie::CookieName;
use crate::site::Site;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

const NAME: CookieName = CookieName {
    secure: "__Host-gatepost",
    loopback: "gatepost",
};

/// The session token of a request.
#[must_use]
pub fn read(site: &Site, headers: &HeaderMap) -> Option<SecretString> {
    NAME.read(site, headers).map(SecretString::from)
}

/// The header that gives a browser its session token. The cookie ends with the browser's own
/// session; how long the token is good is the store's matter.
#[must_use]
pub fn set(site: &Site, token: &SecretString) -> Option<HeaderValue> {
    NAME.set(site, token.expose_secret(), None)
}

/// The header that takes the session token back.
#[must_use]
pub fn clear(site: &Site) -> Option<HeaderValue> {
    NAME.clear(site)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;

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
