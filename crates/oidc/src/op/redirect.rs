//! Where people may be sent with an answer: what an administrator registers, and what an app sends.
//!
//! A registered redirect is kept and compared byte for byte (RFC 9700 section 2.1), so everything
//! that a browser would read differently from how it is written is refused when it is registered.

use crate::authorize::VALUE;
use crate::endpoint::{self, UrlError};
use percent_encoding::{CONTROLS, utf8_percent_encode};

pub use super::difference::{DiffPart, difference};

/// How long a redirect may be, as in mailcow.
pub const MAX_REDIRECT: usize = 2000;

/// Parameters of answers: a redirect that already holds one would come back with two.
const ANSWER: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// Why nobody can be sent to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The empty text.
    #[error("a redirect URL is missing, such as https://app.example.org/callback")]
    Empty,
    /// Over [`MAX_REDIRECT`] bytes.
    #[error("longer than {MAX_REDIRECT} bytes")]
    TooLong,
    /// A character that no URL may hold.
    #[error(
        "holds a space, a line break or another character that a URL writes percent-encoded (a host \
         name with other letters is written as xn--…)"
    )]
    Character,
    /// `*`.
    #[error("holds a *; every redirect URL is registered by itself, as the app sends it")]
    Wildcard,
    /// `#…`.
    #[error("holds a fragment (#), which would hide the answer from the app")]
    Fragment,
    /// `%` that encodes nothing.
    #[error("holds a % that is not followed by two hexadecimal digits")]
    Percent,
    /// `app.example.org/callback`, or with a port.
    #[error("does not begin with https://")]
    NoScheme,
    /// `javascript:`, `urn:` and all others that are neither the web's nor an app's own.
    #[error(
        "begins neither with https:// nor, for a program on people's devices, with a scheme of its \
         own that has a dot, such as com.example.app:/callback"
    )]
    Scheme,
    /// `http:` to another machine.
    #[error(
        "http:// would send the answer in clear; it is for 127.0.0.1, [::1] and localhost only. \
         Use https://"
    )]
    Insecure,
    /// `user:password@`.
    #[error("holds a user name or password before the host (@)")]
    Credentials,
    /// No host, or one that is read as another.
    #[error("its host or port is not written as browsers read it")]
    Host,
    /// `..` and the like.
    #[error("its path is not written as browsers read it (it holds . or .. as a part)")]
    Rewritten,
    /// A parameter of ours.
    #[error("its query already holds {0}, which Gatepost adds itself")]
    Parameter(&'static str),
}

/// What kind of place a redirect leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedirectKind {
    /// A web site.
    Https,
    /// A program on the person's own machine that listens there (RFC 8252 section 7.3).
    Loopback,
    /// A program that has claimed a scheme of its own (RFC 8252 section 7.1).
    PrivateUse,
}

/// A redirect as an administrator registered it, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegisteredRedirect {
    text: String,
    kind: RedirectKind,
}

impl RegisteredRedirect {
    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`RegisterError`]: the first rule it breaks, in words for the form.
    pub fn parse(text: &str) -> Result<Self, RegisterError> {
        check_characters(text)?;
        let (scheme, rest) = scheme(text).ok_or(RegisterError::NoScheme)?;
        let kind = match scheme.as_str() {
            "https" | "http" => web(text, &scheme)?,
            own if is_private_use(own) => {
                let authority = rest.strip_prefix("//").map(until_path);
                if authority.is_some_and(|authority| authority.contains('@')) {
                    return Err(RegisterError::Credentials);
                }
                if rest.is_empty() {
                    return Err(RegisterError::Host);
                }
                RedirectKind::PrivateUse
            }
            _ => return Err(RegisterError::Scheme),
        };
        check_query(text)?;
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }

    /// The exact bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind of place it leads to.
    #[must_use]
    pub const fn kind(&self) -> RedirectKind {
        self.kind
    }

    /// Whether `sent` is this redirect: the same bytes. A loopback address may have any port, since
    /// a program gets its port when it starts (RFC 8252 section 7.3); `localhost` may not.
    #[must_use]
    pub fn matches(&self, sent: &str) -> bool {
        if self.text == sent {
            return true;
        }
        match (around_port(&self.text), around_port(sent)) {
            (Some(registered), Some(sent)) => registered == sent,
            _ => false,
        }
    }
}

impl AsRef<str> for RegisteredRedirect {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

fn check_characters(text: &str) -> Result<(), RegisterError> {
    if text.is_empty() {
        return Err(RegisterError::Empty);
    }
    if text.len() > MAX_REDIRECT {
        return Err(RegisterError::TooLong);
    }
    // The characters of RFC 3986; of the others a browser would rewrite some.
    let allowed = |b: u8| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b);
    if !text.bytes().all(allowed) {
        return Err(RegisterError::Character);
    }
    if text.contains('*') {
        return Err(RegisterError::Wildcard);
    }
    if text.contains('#') {
        return Err(RegisterError::Fragment);
    }
    let encodes = |after: &str| {
        let mut digits = after.bytes().take(2);
        let both = [digits.next(), digits.next()];
        both.iter()
            .all(|digit| digit.is_some_and(|b| b.is_ascii_hexdigit()))
    };
    if !text.split('%').skip(1).all(encodes) {
        return Err(RegisterError::Percent);
    }
    Ok(())
}

/// The scheme in lower case and what follows its colon. A host with a port is no scheme.
fn scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(allowed)
        && !rest.starts_with(|c: char| c.is_ascii_digit());
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
}

/// Reversed domain names are what RFC 8252 section 7.1 demands, so that schemes do not clash; none
/// of the schemes that browsers act upon has a dot.
fn is_private_use(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty())
}

fn until_path(text: &str) -> &str {
    text.split(['/', '?']).next().unwrap_or_default()
}

fn web(text: &str, scheme: &str) -> Result<RedirectKind, RegisterError> {
    let url = endpoint::absolute(text).map_err(|error| match error {
        UrlError::Credentials => RegisterError::Credentials,
        _ => RegisterError::Host,
    })?;
    let after = text.get(scheme.len() + 3..).unwrap_or_default();
    let authority = until_path(after);
    if authority.contains('@') {
        return Err(RegisterError::Credentials);
    }
    let (host, port) = host_and_port(authority).ok_or(RegisterError::Host)?;
    let host = host.to_ascii_lowercase();
    if url.host_str() != Some(&host) || port.is_some_and(|port| !is_port(port)) {
        return Err(RegisterError::Host);
    }
    let kind = match scheme {
        "https" => RedirectKind::Https,
        _ if is_loopback(&host) => RedirectKind::Loopback,
        _ => return Err(RegisterError::Insecure),
    };
    let path = after[authority.len()..]
        .split('?')
        .next()
        .unwrap_or_default();
    if url.path() != path && !path.is_empty() {
        return Err(RegisterError::Rewritten);
    }
    Ok(kind)
}

/// Whether a host, in lower case and with its brackets, is this machine's own, as people may be sent to by
/// plain `http:`.
pub(super) fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

/// Host, with brackets where it has them, and port of an authority without user name. `None` for
/// hosts that are neither names nor addresses: a semicolon in one could end a directive of a header.
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let literal = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let good = match literal {
        Some(ip) => ip
            .bytes()
            .all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.')),
        None => host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    };
    if !good || host.is_empty() {
        return None;
    }
    match port.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None => port.is_empty().then_some((host, None)),
    }
}

/// A port from 1 on, as nobody writes it in two ways.
fn is_port(text: &str) -> bool {
    !text.starts_with('0')
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<u16>().is_ok()
}

fn check_query(text: &str) -> Result<(), RegisterError> {
    let Some((_, query)) = text.split_once('?') else {
        return Ok(());
    };
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if let Some(ours) = ANSWER.iter().find(|ours| **ours == name) {
            return Err(RegisterError::Parameter(ours));
        }
    }
    Ok(())
}

/// What stands before and after the port of a loopback address; `None` for all other texts.
pub(super) fn around_port(text: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find(|host| text.starts_with(host))?;
    let (before, mut after) = text.split_at(host.len());
    if let Some(rest) = after.strip_prefix(':') {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (port, path) = rest.split_at(end);
        if !is_port(port) {
            return None;
        }
        after = path;
    }
    (after.is_empty() || after.starts_with(['/', '?'])).then_some((before, after))
}

/// The source for `form-action` of the content policy under which a page may lead to `sent`, a
/// redirect that matched: its origin, or its scheme where it has none. A policy cannot name `[::1]`
/// (CSP 3 section 2.3.1 has no IPv6 addresses), so there it is `http:`.
///
/// What could not have matched gives `'none'`: nothing foreign gets into a header.
#[must_use]
pub fn form_action_source(sent: &str) -> String {
    let none = || "'none'".to_owned();
    let Some((scheme, rest)) = scheme(sent) else {
        return none();
    };
    if !matches!(scheme.as_str(), "https" | "http") {
        return if is_private_use(&scheme) {
            format!("{scheme}:")
        } else {
            none()
        };
    }
    let authority = rest.strip_prefix("//").map(until_path);
    match authority.and_then(host_and_port) {
        Some((host, _)) if host.starts_with('[') => format!("{scheme}:"),
        Some((host, None)) => format!("{scheme}://{host}"),
        Some((host, Some(port))) if is_port(port) => format!("{scheme}://{host}:{port}"),
        _ => none(),
    }
}

/// `uri`, a redirect that matched, with parameters after those it has. Its bytes stay as they are; in
/// values everything but letters, digits and `-._~` is percent-encoded, spaces as `%20`.
#[must_use]
pub fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    // No redirect that matched holds a control character; if one did, it would not reach a header.
    let mut url: String = utf8_percent_encode(uri, CONTROLS).collect();
    for (place, (name, value)) in parameters.iter().enumerate() {
        if place > 0 || url.contains('?') {
            if !url.ends_with(['?', '&']) {
                url.push('&');
            }
        } else {
            url.push('?');
        }
        url.extend(utf8_percent_encode(name, VALUE));
        url.push('=');
        url.extend(utf8_percent_encode(value, VALUE));
    }
    url
}

#[cfg(test)]
#[path = "redirect_tests.rs"]
mod tests;
