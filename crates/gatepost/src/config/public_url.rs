//! The public URL: the one origin all absolute URLs are made from.

use serde::{Deserialize, Serialize};

/// An origin: https, or http on a loopback host only. No path, query, fragment or user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(url::Url);

/// Why a text is not a public URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlError {
    /// Not a URL at all.
    #[error("a URL such as https://mail.example.org is needed")]
    Syntax,
    /// A scheme other than https and http.
    #[error("the URL must start with https://")]
    Scheme,
    /// http to a host that others can reach: passwords would travel in clear.
    #[error("must be https; plain http is only for 127.0.0.1, [::1] or localhost")]
    PlainHttp,
    /// More than scheme, host and port.
    #[error("only scheme, host and port belong here, such as https://mail.example.org")]
    NotAnOrigin,
}

impl PublicUrl {
    /// Parses `text`; one trailing slash is ignored.
    ///
    /// # Errors
    /// [`PublicUrlError`].
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let url = url::Url::parse(text).map_err(|_| PublicUrlError::Syntax)?;
        let host = url.host().ok_or(PublicUrlError::Syntax)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err(PublicUrlError::PlainHttp),
            _ => return Err(PublicUrlError::Scheme),
        }
        let more_than_origin = url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if more_than_origin {
            return Err(PublicUrlError::NotAnOrigin);
        }
        Ok(Self(url))
    }

    /// The origin without a trailing slash: `https://mail.example.org`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host name or address, without brackets around IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// Whether people reach Gatepost by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

fn is_loopback(host: &url::Host<&str>) -> bool {
    match host {
        url::Host::Domain(name) => *name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = PublicUrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_origins_and_refuses_everything_else() {
        let cases: [(&str, Result<&str, PublicUrlError>); 13] = [
            ("https://mail.example.org", Ok("https://mail.example.org")),
            ("https://mail.example.org/", Ok("https://mail.example.org")),
            (
                "https://mail.example.org:8443",
                Ok("https://mail.example.org:8443"),
            ),
            (
                "HTTPS://Mail.Example.Org:443",
                Ok("https://mail.example.org"),
            ),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://[::1]:8080", Ok("http://[::1]:8080")),
            ("http://localhost:8080", Ok("http://localhost:8080")),
            ("http://mail.example.org", Err(PublicUrlError::PlainHttp)),
            (
                "http://localhost.example.org",
                Err(PublicUrlError::PlainHttp),
            ),
            ("ftp://mail.example.org", Err(PublicUrlError::Scheme)),
            (
                "https://mail.example.org/sso",
                Err(PublicUrlError::NotAnOrigin),
            ),
            (
                "https://user@mail.example.org",
                Err(PublicUrlError::NotAnOrigin),
            ),
            ("mail.example.org", Err(PublicUrlError::Syntax)),
        ];
        for (text, expected) in cases {
            let parsed = PublicUrl::parse(text);
            assert_eq!(
                parsed.as_ref().map(PublicUrl::as_str).map_err(|e| *e),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn host_has_no_brackets() {
        assert_eq!(PublicUrl::parse("http://[::1]:8080").unwrap().host(), "::1");
    }
}
