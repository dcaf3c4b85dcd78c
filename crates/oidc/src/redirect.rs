//! Redirect URIs. Providers compare them byte for byte, so bytes are what is kept: an origin
//! without its slash stays without it, and the token request repeats the same bytes.

use crate::endpoint::{self, UrlError};

/// The URI to which a provider sends people back, exactly as it is registered there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Takes `text` as it is: absolute, `https:` or `http:`, no fragment (RFC 6749 section 3.1.2).
    ///
    /// # Errors
    /// [`UrlError`]: the first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        endpoint::absolute(text).map(|_| Self(text.to_owned()))
    }

    /// The exact bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_survive() {
        for text in [
            "https://mail.example.com",
            "https://mail.example.com/",
            "https://Mail.example.com:443/sso/a/callback?x=%2F",
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_no_provider_can_send_people_to_is_refused() {
        assert_eq!(RedirectUri::parse("/callback"), Err(UrlError::Shape));
        assert_eq!(
            RedirectUri::parse("https://a.example/#x"),
            Err(UrlError::Fragment)
        );
        assert_eq!(
            RedirectUri::parse("javascript:alert(1)"),
            Err(UrlError::Scheme)
        );
    }
}
