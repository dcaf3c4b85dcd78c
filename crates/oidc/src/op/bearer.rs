//! An access token as an app shows it (RFC 6750 section 2).

use super::params::{Params, ParamsError};
use secrecy::SecretString;

/// Longest token in bytes: ours are short, and an ID token in its place is to be told from nonsense.
pub const MAX_TOKEN: usize = 8 * 1024;

/// Where a request may have its token, besides the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BearerPlaces {
    /// In the body of a form.
    pub form: bool,
    /// In the query, where logs of proxies keep it. Only what mailcow's clients need.
    pub query: bool,
}

/// Where a token was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BearerPlace {
    /// In the `Authorization` header.
    Header,
    /// In the body.
    Form,
    /// In the query.
    Query,
}

/// A token, not yet looked up.
#[derive(Debug, Clone)]
pub struct BearerToken {
    /// The token.
    pub token: SecretString,
    /// Where it was; whether that is good may depend on the app it was given to.
    pub place: BearerPlace,
}

/// Why no token can be taken from a request: all of them are `invalid_request` (RFC 6750 section
/// 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// A query or a form that cannot be read.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A header of another scheme, or what is no token.
    #[error("the access token is not of the shape that RFC 6750 section 2.1 describes")]
    Malformed,
    /// Two, be they equal.
    #[error("the request shows an access token in more than one way")]
    Several,
    /// A place where no token is taken from.
    #[error("an access token belongs into the Authorization header")]
    Place,
}

/// The parts of a request that may hold a token.
#[derive(Clone, Copy, Default)]
pub struct BearerRequest<'a> {
    /// The value of the `Authorization` header. A request with two such headers must not get here.
    pub authorization: Option<&'a str>,
    /// The body, if it is a form.
    pub form: Option<&'a str>,
    /// The query without its `?`.
    pub query: Option<&'a str>,
}

impl BearerRequest<'_> {
    /// The one token of the request; `None` without any, which is answered without an error code.
    ///
    /// # Errors
    /// [`BearerError`].
    pub fn token(&self, places: BearerPlaces) -> Result<Option<BearerToken>, BearerError> {
        let header = self.authorization.map(header).transpose()?;
        let form = parameter(self.form)?;
        let query = parameter(self.query)?;
        let mut found = [
            (header, BearerPlace::Header, true),
            (form, BearerPlace::Form, places.form),
            (query, BearerPlace::Query, places.query),
        ]
        .into_iter()
        .filter_map(|(token, place, allowed)| token.map(|token| (token, place, allowed)));
        let Some((token, place, allowed)) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(BearerError::Several);
        }
        if !allowed {
            return Err(BearerError::Place);
        }
        if !is_token(&token) {
            return Err(BearerError::Malformed);
        }
        let token = SecretString::from(token);
        Ok(Some(BearerToken { token, place }))
    }
}

fn header(value: &str) -> Result<String, BearerError> {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(token.trim_matches(' ').to_owned())
        }
        _ => Err(BearerError::Malformed),
    }
}

fn parameter(text: Option<&str>) -> Result<Option<String>, BearerError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let params = Params::parse(text)?;
    Ok(params.get("access_token")?.map(str::to_owned))
}

/// `b64token` of RFC 6750 section 2.1.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !body.is_empty() && text.len() <= MAX_TOKEN && body.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    const ANYWHERE: BearerPlaces = BearerPlaces {
        form: true,
        query: true,
    };

    fn read(
        parts: [Option<&str>; 3],
        places: BearerPlaces,
    ) -> Result<Option<(String, BearerPlace)>, BearerError> {
        let [authorization, form, query] = parts;
        let request = BearerRequest {
            authorization,
            form,
            query,
        };
        let found = request.token(places)?;
        Ok(found.map(|found| (found.token.expose_secret().to_owned(), found.place)))
    }

    #[test]
    fn a_token_is_in_one_place() {
        let token = Some("access_token=t%2B1%3D&x=1");
        for (parts, text, place) in [
            (
                [Some("Bearer t-1._~+/=="), None, None],
                "t-1._~+/==",
                BearerPlace::Header,
            ),
            (
                [Some("bEARER  t"), Some("x=1"), Some("x=1")],
                "t",
                BearerPlace::Header,
            ),
            ([None, token, None], "t+1=", BearerPlace::Form),
            ([None, Some(""), token], "t+1=", BearerPlace::Query),
        ] {
            let expected = Ok(Some((text.to_owned(), place)));
            assert_eq!(read(parts, ANYWHERE), expected, "{parts:?}");
        }
        assert_eq!(read([None; 3], ANYWHERE), Ok(None));
        assert_eq!(
            read([None, Some("access_token="), Some("")], ANYWHERE),
            Ok(None)
        );
    }

    #[test]
    fn two_places_or_the_wrong_one_are_refused() {
        let token = Some("access_token=t");
        let header = Some("Bearer t");
        for parts in [
            [header, token, None],
            [header, None, token],
            [None, token, token],
            [header, token, token],
        ] {
            assert_eq!(
                read(parts, ANYWHERE),
                Err(BearerError::Several),
                "{parts:?}"
            );
        }
        let nowhere = BearerPlaces::default();
        assert_eq!(read([None, token, None], nowhere), Err(BearerError::Place));
        assert_eq!(read([None, None, token], nowhere), Err(BearerError::Place));
        let repeated = Err(BearerError::Params(ParamsError::Repeated("access_token")));
        assert_eq!(
            read(
                [None, None, Some("access_token=t&access_token=t")],
                ANYWHERE
            ),
            repeated
        );
    }

    #[test]
    fn nonsense_is_no_token() {
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer =",
            "Bearer a b",
            "Bearer a=b",
            "Bearer ä",
            "Bearer \"a\"",
            "Basic YTpi",
            "BearerToken",
            "Bearer a,b",
            &long,
        ] {
            let malformed = Err(BearerError::Malformed);
            assert_eq!(
                read([Some(value), None, None], ANYWHERE),
                malformed,
                "{value:.40}"
            );
        }
        let query = Some("access_token=a%20b");
        assert_eq!(
            read([None, None, query], ANYWHERE),
            Err(BearerError::Malformed)
        );
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(
            header in proptest::option::of("\\PC{0,30}|Bearer [A-Za-z0-9=.~]{0,20}"),
            form in proptest::option::of("\\PC{0,30}|(access_token=[a-z%0-9+]{0,9}&){0,2}"),
            query in proptest::option::of("\\PC{0,30}|(access_token=[a-z%0-9+]{0,9}&){0,2}"),
        ) {
            let places = BearerPlaces { form: true, query: false };
            if let Ok(Some((token, place))) =
                read([header.as_deref(), form.as_deref(), query.as_deref()], places)
            {
                prop_assert!(place != BearerPlace::Query);
                prop_assert!(token.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
