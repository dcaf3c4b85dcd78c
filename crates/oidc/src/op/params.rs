//! The parameters of a request, from a query or a form, each read at most once.

use std::fmt;

/// How long a query or a form may be.
pub const MAX_REQUEST: usize = 32 * 1024;

/// Why a parameter, or all of them, cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Over [`MAX_REQUEST`].
    #[error("the request has more than {MAX_REQUEST} bytes")]
    TooLong,
    /// It occurs twice (RFC 6749 section 3.1 forbids it): two readers could take different ones.
    #[error("parameter {0} occurs twice")]
    Repeated(&'static str),
    /// It is not UTF-8, or holds line breaks or other control characters.
    #[error("parameter {0} holds characters that are not allowed")]
    Character(&'static str),
}

/// Parameters as they came, percent-decoded.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

/// Names only: values may be secrets.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text: a query without its `?`, or a body.
    ///
    /// # Errors
    /// [`ParamsError::TooLong`]. Whether a parameter is repeated is looked at when it is asked for.
    pub fn parse(text: &str) -> Result<Self, ParamsError> {
        if text.len() > MAX_REQUEST {
            return Err(ParamsError::TooLong);
        }
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
        Ok(Self(pairs.collect()))
    }

    /// The value of `name`. An empty one counts as none (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// [`ParamsError`]: it occurs twice, if only empty, or is not plain text.
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, ParamsError> {
        let value = self.text(name)?;
        if value.is_some_and(|value| value.chars().any(char::is_control)) {
            return Err(ParamsError::Character(name));
        }
        Ok(value)
    }

    /// As [`Params::get`], for text that may have line breaks.
    ///
    /// # Errors
    /// [`ParamsError`]: it occurs twice, or is not UTF-8.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, ParamsError> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let first = values.next().map(|(_, value)| value.as_str());
        if values.next().is_some() {
            return Err(ParamsError::Repeated(name));
        }
        // What is not UTF-8 was replaced on decoding; nobody means this character.
        if first.is_some_and(|value| value.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(ParamsError::Character(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// Refuses a request that repeats one of `names`, whether it is going to be read or not.
    ///
    /// # Errors
    /// [`ParamsError::Repeated`].
    pub fn refuse_repeated(&self, names: &[&'static str]) -> Result<(), ParamsError> {
        let count = |name| self.0.iter().filter(|(known, _)| known == name).count();
        match names.iter().find(|name| count(**name) > 1) {
            Some(name) => Err(ParamsError::Repeated(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_one_value_or_none() {
        let params = Params::parse("a=1&b=&c=x+y%26&d=1&%64=1&e=&e=&f").unwrap();
        assert_eq!(params.get("a"), Ok(Some("1")));
        assert_eq!(params.get("b"), Ok(None));
        assert_eq!(params.get("c"), Ok(Some("x y&")));
        assert_eq!(params.get("d"), Err(ParamsError::Repeated("d")));
        assert_eq!(params.get("e"), Err(ParamsError::Repeated("e")));
        assert_eq!(params.get("f"), Ok(None));
        assert_eq!(params.get("g"), Ok(None));
        assert_eq!(params.refuse_repeated(&["a", "b", "z"]), Ok(()));
        let repeated = Err(ParamsError::Repeated("d"));
        assert_eq!(params.refuse_repeated(&["a", "d"]), repeated);
    }

    #[test]
    fn only_plain_text_is_a_value() {
        let params = Params::parse("a=x%0d%0aSet-Cookie:&b=%ff&c=%00&d=%C2%85&e=gr%C3%B6%C3%9Fe");
        let params = params.unwrap();
        for name in ["a", "b", "c", "d"] {
            assert_eq!(params.get(name), Err(ParamsError::Character(name)));
        }
        assert_eq!(params.get("e"), Ok(Some("größe")));
        assert_eq!(params.text("a"), Ok(Some("x\r\nSet-Cookie:")));
        assert_eq!(params.text("b"), Err(ParamsError::Character("b")));
    }

    #[test]
    fn the_length_is_bounded_and_values_stay_out_of_logs() {
        assert!(Params::parse(&"a".repeat(MAX_REQUEST)).is_ok());
        let long = Params::parse(&"a".repeat(MAX_REQUEST + 1));
        assert_eq!(long.unwrap_err(), ParamsError::TooLong);
        let params = Params::parse("client_secret=hush").unwrap();
        assert_eq!(format!("{params:?}"), "[\"client_secret\"]");
    }
}
