//! Request parameters, from a query or a form body.

/// Decoded parameters in the order they came.
pub(crate) struct Params(Vec<(String, String)>);

/// A parameter came more than once, which OAuth forbids (RFC 6749 section 3.1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated(pub(crate) &'static str);

impl Params {
    pub(crate) fn parse(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    /// The value of a parameter; `None` when it is absent or empty, which OAuth treats alike.
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let first = values.next().map(|(_, value)| value.as_str());
        if values.next().is_some() {
            return Err(Repeated(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// The value, or the empty string; for our own forms, where repetition means nothing.
    pub(crate) fn text(&self, name: &'static str) -> &str {
        self.one(name).ok().flatten().unwrap_or_default()
    }
}

/// `base` with parameters added to its query, and `base` itself kept byte for byte.
pub(crate) fn with_query(base: &str, parameters: &[(String, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let joint = if base.contains('?') { '&' } else { '?' };
    format!("{base}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_told_apart_from_an_absent_one() {
        let params = Params::parse(b"a=1&b=&c=2&c=2");
        assert_eq!(params.one("a"), Ok(Some("1")));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("c"), Err(Repeated("c")));
        assert_eq!(params.one("d"), Ok(None));
    }

    #[test]
    fn a_redirect_uri_keeps_its_bytes() {
        let code = [("code".to_owned(), "a b".to_owned())];
        assert_eq!(
            with_query("https://mail.example.com", &code),
            "https://mail.example.com?code=a+b"
        );
        assert_eq!(
            with_query("https://m/?x=%2f", &code),
            "https://m/?x=%2f&code=a+b"
        );
    }
}
