//! Absolute URLs of a provider, kept byte for byte.

use url::{Host, Url};

/// How long a URL may be.
pub const MAX_URL: usize = 2048;

/// Why a text is not the URL of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The empty text.
    #[error("a URL is missing, such as https://auth.example.org")]
    Empty,
    /// Over [`MAX_URL`] bytes.
    #[error("longer than {MAX_URL} bytes")]
    TooLong,
    /// Spaces, control characters or letters outside ASCII: a URL writes them percent-encoded, a
    /// host name in its `xn--` form.
    #[error("holds a space, a control character or a letter outside ASCII")]
    Character,
    /// Not an absolute URL with a host.
    #[error("not an absolute URL such as https://auth.example.org/path")]
    Shape,
    /// Neither `https:` nor `http:`.
    #[error("neither https: nor http:")]
    Scheme,
    /// `user:password@` before the host.
    #[error("holds a user name or password")]
    Credentials,
    /// `#…` at the end.
    #[error("holds a fragment (#)")]
    Fragment,
}

/// The URL of a provider's endpoint. A query is allowed (RFC 6749 section 3.1 tells clients to keep
/// it); a fragment and credentials are not.
#[derive(Debug, Clone)]
pub struct Endpoint {
    text: String,
    url: Url,
}

impl Endpoint {
    /// Parses `text` and keeps its bytes.
    ///
    /// # Errors
    /// [`UrlError`]: the first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = absolute(text)?;
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed form, for connecting.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Host name in lower case, or IP literal without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        host(&self.url)
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Endpoint {}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Host name in lower case, or IP literal without brackets; empty for URLs without a host.
#[must_use]
pub fn host(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name).to_owned(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => ip.to_string(),
        None => String::new(),
    }
}

/// The rules that issuers, endpoints and redirect URIs share.
pub(crate) fn absolute(text: &str) -> Result<Url, UrlError> {
    if text.is_empty() {
        return Err(UrlError::Empty);
    }
    if text.len() > MAX_URL {
        return Err(UrlError::TooLong);
    }
    // `Url` silently drops tabs and line breaks, so look before it does.
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(UrlError::Character);
    }
    let url = Url::parse(text).map_err(|_| UrlError::Shape)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(UrlError::Scheme);
    }
    // `https:/host` and `https:\\host` also parse; nobody writes them on purpose.
    let after_scheme = text.get(url.scheme().len()..).unwrap_or_default();
    if !after_scheme.starts_with("://") || text.contains('\\') || !url.has_host() {
        return Err(UrlError::Shape);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_bytes_as_given() {
        for text in [
            "https://auth.example.org/authorize?p=B2C_1",
            "https://AUTH.example.org:443/a/../b",
            "http://[::1]:9000",
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(
            Endpoint::parse("https://AUTH.ex/").unwrap().host(),
            "auth.ex"
        );
        assert_eq!(Endpoint::parse("http://[::1]:9000").unwrap().host(), "::1");
        assert_eq!(
            Endpoint::parse("http://0x7f000001/").unwrap().host(),
            "127.0.0.1"
        );
    }

    #[test]
    fn refuses_what_is_not_an_endpoint() {
        let cases = [
            ("", UrlError::Empty),
            (" https://a.example/", UrlError::Character),
            ("https://a.example/\n", UrlError::Character),
            ("https://bücher.example/", UrlError::Character),
            ("/authorize", UrlError::Shape),
            ("a.example/x", UrlError::Shape),
            ("https:/a.example", UrlError::Shape),
            ("https:\\\\a.example", UrlError::Shape),
            ("https://a.example\\@b.example/", UrlError::Shape),
            ("https://a.example:70000/", UrlError::Shape),
            ("ftp://a.example/", UrlError::Scheme),
            ("javascript:alert(1)", UrlError::Scheme),
            ("https://u:p@a.example/", UrlError::Credentials),
            ("https://a.example@b.example/", UrlError::Credentials),
            ("https://a.example/#x", UrlError::Fragment),
            ("https://a.example/#", UrlError::Fragment),
        ];
        for (text, why) in cases {
            assert_eq!(Endpoint::parse(text).unwrap_err(), why, "{text:?}");
        }
        let long = format!("https://a.example/{}", "x".repeat(MAX_URL));
        assert_eq!(Endpoint::parse(&long).unwrap_err(), UrlError::TooLong);
    }
}
