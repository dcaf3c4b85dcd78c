//! The issuer: a provider's name for itself, compared as an exact string.

use crate::endpoint::{self, UrlError};

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// Why a text is not an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not a URL of a provider at all.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// An issuer has no query (OpenID Connect Discovery section 3).
    #[error("an issuer has no query (?)")]
    Query,
}

/// An issuer exactly as the provider states it: a trailing slash counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issuer(String);

impl Issuer {
    /// Takes `text` as it is.
    ///
    /// # Errors
    /// [`IssuerError`]: the first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = endpoint::absolute(text)?;
        if url.query().is_some() {
            return Err(IssuerError::Query);
        }
        Ok(Self(text.to_owned()))
    }

    /// The exact text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its discovery document stands: the issuer without one trailing slash, and the
    /// well-known path (OpenID Connect Discovery section 4.1).
    #[must_use]
    pub fn discovery_url(&self) -> String {
        format!("{}{OPENID}", self.without_slash())
    }

    /// Whether the two differ in nothing but a trailing slash, which a person hardly sees.
    #[must_use]
    pub fn differs_by_slash_only(&self, other: &str) -> bool {
        self.0 != other && self.without_slash() == other.strip_suffix('/').unwrap_or(other)
    }

    fn without_slash(&self) -> &str {
        self.0.strip_suffix('/').unwrap_or(&self.0)
    }
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A change made to a pasted issuer, told to the person who pasted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Spaces and line breaks around it were removed.
    Trimmed,
    /// `https://` was put before it.
    SchemeAdded,
    /// The well-known path of a discovery URL was cut off.
    WellKnownCut,
    /// A query or fragment was cut off.
    QueryCut,
    /// The provider writes its issuer with, or without, a slash at the end, and so do we now.
    SlashFromAnswer,
}

impl Repair {
    /// The words shown beside the field.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Trimmed => "Spaces around it were removed.",
            Self::SchemeAdded => "https:// was added.",
            Self::WellKnownCut => "The discovery address was cut back to the issuer.",
            Self::QueryCut => "Everything from ? or # on was cut off.",
            Self::SlashFromAnswer => "The slash at the end was taken from the provider's answer.",
        }
    }
}

/// Reads what an administrator pasted into the issuer field, with every repair listed.
///
/// # Errors
/// [`IssuerError`] when no repair makes an issuer of it.
pub fn repair(pasted: &str) -> Result<(Issuer, Vec<Repair>), IssuerError> {
    let mut repairs = Vec::new();
    let mut text = pasted.trim().to_owned();
    if text.len() != pasted.len() {
        repairs.push(Repair::Trimmed);
    }
    if !text.is_empty() && !text.contains("://") {
        text.insert_str(0, "https://");
        repairs.push(Repair::SchemeAdded);
    }
    if let Some(at) = text.find(['?', '#']) {
        text.truncate(at);
        repairs.push(Repair::QueryCut);
    }
    while let Some(cut) = without_well_known(&text) {
        text = cut;
        if !repairs.contains(&Repair::WellKnownCut) {
            repairs.push(Repair::WellKnownCut);
        }
    }
    Issuer::parse(&text).map(|issuer| (issuer, repairs))
}

/// RFC 8414 puts the well-known part before the issuer's path, OpenID Connect after it.
fn without_well_known(text: &str) -> Option<String> {
    [OPENID, OAUTH].iter().find_map(|part| {
        let (before, after) = text.split_once(part)?;
        let after = if after == "/" { "" } else { after };
        (after.is_empty() || after.starts_with('/')).then(|| format!("{before}{after}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_discovery_url_takes_one_slash_away() {
        let url = |text| Issuer::parse(text).unwrap().discovery_url();
        let expected = "https://a.example/application/o/x/.well-known/openid-configuration";
        assert_eq!(url("https://a.example/application/o/x"), expected);
        assert_eq!(url("https://a.example/application/o/x/"), expected);
        assert_eq!(
            url("https://a.example"),
            "https://a.example/.well-known/openid-configuration"
        );
    }

    #[test]
    fn a_slash_makes_another_issuer() {
        let a = Issuer::parse("https://a.example").unwrap();
        assert_ne!(a, Issuer::parse("https://a.example/").unwrap());
        assert!(a.differs_by_slash_only("https://a.example/"));
        assert!(!a.differs_by_slash_only("https://a.example"));
        assert!(!a.differs_by_slash_only("https://b.example/"));
    }

    #[test]
    fn pasted_values_are_repaired_visibly() {
        use Repair::{QueryCut, SchemeAdded, Trimmed, WellKnownCut};
        let cases: [(&str, &str, &[Repair]); 8] = [
            ("https://a.example/", "https://a.example/", &[]),
            (" https://a.example\n", "https://a.example", &[Trimmed]),
            (
                "a.example/realms/r",
                "https://a.example/realms/r",
                &[SchemeAdded],
            ),
            (
                "https://a.example/o/x/.well-known/openid-configuration",
                "https://a.example/o/x",
                &[WellKnownCut],
            ),
            (
                "https://a.example/.well-known/oauth-authorization-server/o/x",
                "https://a.example/o/x",
                &[WellKnownCut],
            ),
            (
                "https://a.example/.well-known/openid-configuration/",
                "https://a.example",
                &[WellKnownCut],
            ),
            ("https://a.example/?x=1", "https://a.example/", &[QueryCut]),
            (
                "\ta.example/.well-known/openid-configuration#top ",
                "https://a.example",
                &[Trimmed, SchemeAdded, QueryCut, WellKnownCut],
            ),
        ];
        for (pasted, issuer, repairs) in cases {
            let (got, done) = repair(pasted).unwrap();
            assert_eq!(
                (got.as_str(), done.as_slice()),
                (issuer, repairs),
                "{pasted}"
            );
        }
    }

    #[test]
    fn what_no_repair_helps_is_refused() {
        assert_eq!(repair("  "), Err(UrlError::Empty.into()));
        assert_eq!(repair("ftp://a.example"), Err(UrlError::Scheme.into()));
        assert_eq!(
            repair("https://a. example"),
            Err(UrlError::Character.into())
        );
        assert_eq!(
            repair("https://me@a.example"),
            Err(UrlError::Credentials.into())
        );
        assert_eq!(
            Issuer::parse("https://a.example?x"),
            Err(IssuerError::Query)
        );
    }

    proptest! {
        #[test]
        fn whatever_is_pasted_a_repaired_issuer_stays_as_it_is(
            text in "( |\\PC|https?://|[a-z./?#:@-]|/.well-known/openid-configuration){0,12}",
        ) {
            if let Ok((issuer, _)) = repair(&text) {
                let (again, repairs) = repair(issuer.as_str()).unwrap();
                prop_assert_eq!((again, repairs), (issuer, vec![]));
            }
        }
    }
}
