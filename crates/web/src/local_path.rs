//! Places on this site that a request may name: where to go after signing in or changing a
//! setting.

use app::oauth::authorize::LONGEST_NESTED;
use app::oauth::paths::{AUTHORIZE, CONNECT};
use percent_encoding::{AsciiSet, CONTROLS};
use serde::{Deserialize, Deserializer};

/// A path of this site with its query, never another site, whatever a link or form said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

/// Longer ones come from nobody's page.
const MAX_BYTES: usize = 1024;
/// Requests of apps are as long as their state and nonce; longer ones are refused before they come here
/// ([`app::oauth::authorize::fits`]), so that the mark which we add still finds room.
const MAX_AUTHORIZE: usize = LONGEST_NESTED + 512;

// The longest way is that through a provider's start, where the request is nested in a query.
const _: () = assert!(LONGEST_NESTED + 1024 <= crate::limits::TARGET_BYTES);

impl LocalPath {
    /// Reads a path; `None` unless a browser would stay on this site with it. Backslashes and
    /// control characters are refused because browsers read `/\` as `//` and drop tabs and line
    /// ends.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'\\');
        let local = text.starts_with('/') && !text.starts_with("//");
        if !printable || !local || text.len() > most(text) {
            return None;
        }
        // Parsing as a browser does has the last word: dots are resolved, the host must stay.
        let base = url::Url::parse("https://here.invalid/").ok()?;
        let url = base.join(text).ok()?;
        if url.origin() != base.origin() || !url.username().is_empty() {
            return None;
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        (!path.starts_with("//")).then_some(Self(path))
    }

    /// Back to the authorization endpoint with this query; the start page if it is too long.
    #[must_use]
    pub fn to_authorize(query: &str) -> Self {
        Self::parse(&format!("{AUTHORIZE}?{query}")).unwrap_or_default()
    }

    /// A query in the characters that a path here may have. Browsers leave some as they are (such as a
    /// backslash) that others among them escape.
    #[must_use]
    pub fn canonical(query: &str) -> String {
        percent_encoding::percent_encode(query.as_bytes(), UNUSUAL).to_string()
    }

    /// The query, if this is the authorization endpoint.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.0.strip_prefix(AUTHORIZE)?.strip_prefix('?')
    }

    /// Back to the page for the codes of devices, with the code that was typed there.
    #[must_use]
    pub fn to_connect(query: &str) -> Self {
        let path = match query {
            "" => CONNECT.to_owned(),
            query => format!("{CONNECT}?{query}"),
        };
        Self::parse(&path).unwrap_or_default()
    }

    /// The query, if this is the page for the codes of devices.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        match self.0.strip_prefix(CONNECT)? {
            "" => Some(""),
            rest => rest.strip_prefix('?'),
        }
    }

    /// The path with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What [`LocalPath::parse`] refuses or escapes in a query.
const UNUSUAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'\\');

fn most(text: &str) -> usize {
    if text.starts_with(AUTHORIZE) {
        MAX_AUTHORIZE
    } else {
        MAX_BYTES
    }
}

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl<'de> Deserialize<'de> for LocalPath {
    /// Reads a field of a form or query; anything else than a local path reads as `/`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::parse(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_places_on_this_site() {
        for (text, kept) in [
            ("/", "/"),
            ("/devices", "/devices"),
            ("/devices?after=3&q=a%20b", "/devices?after=3&q=a%20b"),
            ("/a/../devices#new", "/devices"),
            ("/a:b@c", "/a:b@c"),
        ] {
            assert_eq!(LocalPath::parse(text).unwrap().as_str(), kept, "{text}");
        }
    }

    #[test]
    fn refuses_every_way_out() {
        for text in [
            "",
            "devices",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "/\t/evil.test",
            "\t//evil.test",
            "/\n/evil.test",
            " //evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/.//evil.test",
            "/a/..//evil.test",
            "/\u{2028}/evil.test",
            "@evil.test",
            "/\r\nset-cookie: a=b",
        ] {
            assert_eq!(LocalPath::parse(text), None, "{text:?}");
        }
        assert_eq!(LocalPath::parse(&format!("/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn the_page_for_devices_is_told_from_others() {
        for (text, query) in [
            ("/connect", Some("")),
            ("/connect?user_code=BCDF-GHJK", Some("user_code=BCDF-GHJK")),
            ("/connect/x", None),
            ("/connected?a", None),
            ("/", None),
        ] {
            assert_eq!(LocalPath::parse(text).unwrap().connection(), query);
        }
        assert_eq!(LocalPath::to_connect("a=b").as_str(), "/connect?a=b");
        assert_eq!(LocalPath::to_connect("").as_str(), "/connect");
        assert_eq!(LocalPath::to_connect(" "), LocalPath::default());
    }

    proptest! {
        #[test]
        fn every_request_finds_its_way_back(query in r#"[ -~ä\x7f]{0,40}|[a-z=&%\\'"<>#{}|^`]{0,30}"#) {
            let query = LocalPath::canonical(&query);
            let path = LocalPath::to_authorize(&query);
            prop_assert_eq!(path.authorization(), Some(query.as_str()));
            prop_assert_eq!(LocalPath::canonical(&query), query);
        }

        #[test]
        fn a_browser_stays_on_this_site(text in "[/\\\\.@:%?#a-z\\t\\n ]{0,12}") {
            if let Some(path) = LocalPath::parse(&text) {
                let base = url::Url::parse("https://mail.example.org/x").unwrap();
                let reached = base.join(path.as_str()).unwrap();
                prop_assert_eq!(reached.origin(), base.origin());
                prop_assert!(http::HeaderValue::from_str(path.as_str()).is_ok());
            }
        }
    }
}
