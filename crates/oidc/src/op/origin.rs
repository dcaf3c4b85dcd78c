//! Where a page in a browser is from, as the browser says it (RFC 6454 section 7).

use super::redirect::{RedirectKind, RegisteredRedirect, around_port, is_loopback};
use url::Url;

/// The longest `Origin` that is looked at, in bytes: a scheme, a host name of 253 and a port.
const MAX_ORIGIN: usize = 8 + 253 + 6;

/// The origin of a page that people could be sent back to: a web site, or a page that this very machine
/// serves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageOrigin(String);

impl PageOrigin {
    /// Takes the value of an `Origin` header. `None` for what no browser writes so, for `null`, which any
    /// sandboxed page is, and for pages that came in clear from another machine.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // Hosts of redirects have no other characters either.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._:/[]".contains(&b);
        if text.len() > MAX_ORIGIN || !text.bytes().all(allowed) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let safe = match url.scheme() {
            "https" => true,
            "http" => url.host_str().is_some_and(is_loopback),
            _ => false,
        };
        let as_written = safe && url.origin().ascii_serialization() == text;
        as_written.then(|| Self(text.to_owned()))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether people who are sent to `redirect` land on a page of this origin: the same scheme, host and
    /// port. Of a loopback address any port will do, as [`RegisteredRedirect::matches`] has it.
    #[must_use]
    pub fn is_of(&self, redirect: &RegisteredRedirect) -> bool {
        if redirect.kind() == RedirectKind::PrivateUse {
            return false;
        }
        let origin = Url::parse(redirect.as_str()).map(|url| url.origin().ascii_serialization());
        if origin.is_ok_and(|origin| origin == self.0) {
            return true;
        }
        match (around_port(redirect.as_str()), around_port(&self.0)) {
            (Some((registered, _)), Some((own, _))) => registered == own,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_of(origin: &str, redirect: &str) -> bool {
        let redirect = RegisteredRedirect::parse(redirect).unwrap();
        PageOrigin::parse(origin).is_some_and(|origin| origin.is_of(&redirect))
    }

    #[test]
    fn a_page_is_of_the_redirect_with_its_scheme_host_and_port() {
        for (origin, redirect) in [
            ("https://app.example", "https://app.example"),
            (
                "https://app.example",
                "https://app.example/cb?x=https://b.example",
            ),
            ("https://app.example", "https://APP.example:443/cb"),
            ("https://app.example", "HTTPS://app.example/cb"),
            ("https://app.example:8443", "https://app.example:8443/cb"),
            (
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example/cb",
            ),
            ("https://192.0.2.7", "https://192.0.2.7/cb"),
            (
                "https://[2001:db8::7]:8443",
                "https://[2001:db8::7]:8443/cb",
            ),
            ("http://localhost:3000", "http://localhost:3000/cb"),
            ("http://localhost", "http://localhost:80/cb"),
            ("http://127.0.0.1:5173", "http://127.0.0.1/cb"),
            ("http://127.0.0.1", "http://127.0.0.1:8080"),
            ("http://[::1]:9", "http://[::1]:7/cb"),
        ] {
            assert!(is_of(origin, redirect), "{origin} {redirect}");
        }
    }

    /// S26 of the abuse catalogue.
    #[test]
    fn a_page_that_looks_alike_is_of_another_place() {
        for (origin, redirect) in [
            ("https://app.example.evil", "https://app.example/cb"),
            ("https://app.exampl", "https://app.example/cb"),
            ("https://evilapp.example", "https://app.example/cb"),
            ("https://x.app.example", "https://app.example/cb"),
            ("https://app.example.", "https://app.example/cb"),
            ("https://app.example:444", "https://app.example/cb"),
            ("https://app.example:8443", "https://app.example/cb"),
            ("https://app.example", "https://app.example:8443/cb"),
            ("http://localhost:3001", "http://localhost:3000/cb"),
            ("https://localhost:3000", "http://localhost:3000/cb"),
            ("http://localhost:3000", "http://127.0.0.1:3000/cb"),
            ("http://[::1]:3000", "http://127.0.0.1:3000/cb"),
            ("https://127.0.0.1:3000", "http://127.0.0.1:3000/cb"),
            ("https://127.0.0.1:1", "https://127.0.0.1:2/cb"),
            (
                "https://b.example",
                "https://app.example/cb?x=https://b.example",
            ),
            ("https://app", "com.example.app:/cb"),
            ("https://host", "com.example.app://host/cb"),
        ] {
            assert!(PageOrigin::parse(origin).is_some(), "{origin}");
            assert!(!is_of(origin, redirect), "{origin} {redirect}");
        }
    }

    #[test]
    fn what_no_browser_writes_is_no_origin() {
        let long = format!("https://{}.example", "a".repeat(MAX_ORIGIN));
        for text in [
            "",
            "null",
            "*",
            "https://",
            "https:app.example",
            "https:///app.example",
            "app.example",
            "//app.example",
            "http://app.example",
            "http://127.0.0.2",
            "http://127.1",
            "HTTPS://app.example",
            "https://App.example",
            "https://app.example/",
            "https://app.example/cb",
            "https://app.example?x",
            "https://app.example#x",
            "https://app.example:443",
            "https://app.example:08443",
            "https://app.example:",
            "http://localhost:80",
            "https://user@app.example",
            "https://app.example https://b.example",
            "https://app.example, https://b.example",
            " https://app.example",
            "https://app.example\t",
            "https://app.example\\",
            "https://a%2eexample",
            "https://bücher.example",
            "https://0x7f.1",
            "https://*.example",
            "https://a;b.example",
            "https://a,b.example",
            "ftp://app.example",
            "file://",
            "com.example.app://host",
            "chrome-extension://abcdefghijklmnop",
            "moz-extension://abc",
            "blob:https://app.example",
            &long,
        ] {
            assert_eq!(PageOrigin::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        /// Whatever is sent: what is taken is a line of its own, and no wider than what was registered.
        #[test]
        fn what_is_taken_can_stand_in_a_header(text in "(https?://)?[ -~äß\\t\\r\\n]{0,40}") {
            if let Some(origin) = PageOrigin::parse(&text) {
                prop_assert_eq!(origin.as_str(), &text);
                prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()));
                let own = RegisteredRedirect::parse("https://app.example/cb").unwrap();
                prop_assert_eq!(origin.is_of(&own), text == "https://app.example");
            }
        }
    }
}
