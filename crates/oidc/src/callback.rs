//! The provider's answer that a browser brings to the redirect URI (RFC 6749 section 4.1.2,
//! RFC 9207).

use crate::foreign::printable;
use crate::refusal::ErrorResponse;
use serde::{Deserialize, Serialize};

/// How long the whole answer may be.
pub const MAX_ANSWER: usize = 32 * 1024;

/// How long a code may be. Some are encrypted tokens of half a kilobyte; room is left for more.
pub const MAX_CODE: usize = 8 * 1024;

/// How an answer travels (OAuth 2.0 Multiple Response Types section 2.1, Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// In the query of a redirect.
    Query,
    /// In the body of a form that the browser sends.
    FormPost,
}

impl Delivery {
    /// The value of `response_mode`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// Why an answer is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Over [`MAX_ANSWER`] or [`MAX_CODE`].
    #[error("the answer is too long")]
    TooLong,
    /// A parameter occurs twice (RFC 6749 section 3.1 forbids it).
    #[error("parameter {0} occurs twice")]
    Repeated(&'static str),
    /// Both a code and an error.
    #[error("the answer holds both a code and an error")]
    Both,
    /// Neither of them.
    #[error("the answer holds neither a code nor an error")]
    Neither,
    /// A code that came in another way than asked for.
    #[error("the code came by {came}, asked for was {asked}", came = came.name(), asked = asked.name())]
    Delivery {
        /// The `response_mode` of the request.
        asked: Delivery,
        /// As it came.
        came: Delivery,
    },
}

/// The answer of another provider than the one asked: a mix-up (RFC 9700 section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is of issuer {observed:?}, expected {expected:?}")]
pub struct ForeignIssuer {
    /// The provider this sign-in went to.
    pub expected: String,
    /// As the answer states it; `None` when it states none although the provider always does.
    pub observed: Option<String>,
}

/// A provider's answer. The state in it decides which sign-in it belongs to; look at nothing else
/// before that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// The state we sent, if it came back.
    pub state: Option<String>,
    /// The issuer (RFC 9207).
    pub iss: Option<String>,
    /// How it came.
    pub came: Delivery,
    /// Code or error.
    pub answer: Answer,
}

/// The two kinds of answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A code to exchange.
    Code(String),
    /// The provider's error.
    Error(ErrorResponse),
}

impl Callback {
    /// Reads the query of the redirect, without `?`.
    ///
    /// # Errors
    /// [`CallbackError`]. Parameters we do not know are ignored.
    pub fn parse(parameters: &str) -> Result<Self, CallbackError> {
        Self::parse_as(parameters, Delivery::Query)
    }

    /// Reads the query of the redirect, or the body of a form post.
    ///
    /// # Errors
    /// As [`Callback::parse`].
    pub fn parse_as(parameters: &str, came: Delivery) -> Result<Self, CallbackError> {
        if parameters.len() > MAX_ANSWER {
            return Err(CallbackError::TooLong);
        }
        let mut names = ["code", "error", "error_description", "state", "iss"]
            .map(|name| (name, None::<String>));
        for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
            if let Some((known, slot)) = names.iter_mut().find(|(known, _)| *known == name)
                && slot.replace(value.into_owned()).is_some()
            {
                return Err(CallbackError::Repeated(known));
            }
        }
        let [code, error, description, state, iss] =
            names.map(|(_, value)| value.filter(|text| !text.is_empty()));
        let answer = match (code, error) {
            (Some(_), Some(_)) => return Err(CallbackError::Both),
            (None, None) => return Err(CallbackError::Neither),
            (Some(code), None) if code.len() > MAX_CODE => return Err(CallbackError::TooLong),
            (Some(code), None) => Answer::Code(code),
            (None, Some(error)) => {
                Answer::Error(ErrorResponse::new(&error, description.as_deref()))
            }
        };
        Ok(Self {
            state,
            iss,
            came,
            answer,
        })
    }

    /// Checks that a code came in the way asked for. An error may come in either: a provider that
    /// could not read the request does not know what was asked.
    ///
    /// # Errors
    /// [`CallbackError::Delivery`].
    pub fn check_delivery(&self, asked: Option<Delivery>) -> Result<(), CallbackError> {
        let came = self.came;
        match asked {
            Some(asked) if asked != came && matches!(self.answer, Answer::Code(_)) => {
                Err(CallbackError::Delivery { asked, came })
            }
            _ => Ok(()),
        }
    }

    /// Checks `iss`: where it stands it must be the provider's, and beside a code it must stand
    /// where the provider says that it always sends one (`announced`). An error without it is let
    /// pass: Canaille announces `iss` and leaves it out of some errors, and no code can be stolen
    /// by one.
    ///
    /// # Errors
    /// [`ForeignIssuer`].
    pub fn check_issuer(&self, expected: &str, announced: bool) -> Result<(), ForeignIssuer> {
        match &self.iss {
            Some(iss) if iss == expected => Ok(()),
            None if !announced || matches!(self.answer, Answer::Error(_)) => Ok(()),
            observed => Err(ForeignIssuer {
                expected: expected.to_owned(),
                observed: observed.as_deref().map(|iss| printable(iss, 200)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_codes_and_errors() {
        let got = Callback::parse("code=a%2Bb&state=s&session_state=x&session_state=y").unwrap();
        assert_eq!(got.answer, Answer::Code("a+b".into()));
        assert_eq!(got.state.as_deref(), Some("s"));
        let got =
            Callback::parse("error=access_denied&error_description=%0d%0ano+%3Cb%3E").unwrap();
        let expected = ErrorResponse::new("access_denied", Some("no <b>"));
        assert_eq!(got.answer, Answer::Error(expected));
        assert_eq!(got.state, None);
        let long = format!("code={}&state=s", "c".repeat(2048));
        assert!(Callback::parse(&long).is_ok(), "codes of 2 KiB must work");
    }

    #[test]
    fn ambiguous_answers_are_refused() {
        let why = |text: &str| Callback::parse(text).unwrap_err();
        assert_eq!(why("code=a&code=b"), CallbackError::Repeated("code"));
        assert_eq!(why("code=a&c%6fde=b"), CallbackError::Repeated("code"));
        assert_eq!(
            why("code=a&state=1&state=1"),
            CallbackError::Repeated("state")
        );
        assert_eq!(why("code=a&error=b"), CallbackError::Both);
        assert_eq!(why(""), CallbackError::Neither);
        assert_eq!(why("code=&state=x"), CallbackError::Neither);
        let long = format!("code={}", "c".repeat(MAX_CODE + 1));
        assert_eq!(why(&long), CallbackError::TooLong);
        let long = format!("x={}", "c".repeat(MAX_ANSWER));
        assert_eq!(why(&long), CallbackError::TooLong);
    }

    #[test]
    fn the_issuer_is_checked_when_present_and_demanded_when_announced() {
        let with = Callback::parse("code=a&iss=https%3A%2F%2Fa.example").unwrap();
        let without = Callback::parse("code=a").unwrap();
        assert_eq!(with.check_issuer("https://a.example", true), Ok(()));
        assert_eq!(with.check_issuer("https://a.example", false), Ok(()));
        assert!(with.check_issuer("https://a.example/", false).is_err());
        assert_eq!(without.check_issuer("https://a.example", false), Ok(()));
        let missing = without.check_issuer("https://a.example", true).unwrap_err();
        assert_eq!(missing.observed, None);
        let error = Callback::parse("error=login_required").unwrap();
        assert_eq!(error.check_issuer("https://a.example", true), Ok(()));
        let foreign = Callback::parse("error=x&iss=https%3A%2F%2Fb.example").unwrap();
        assert!(foreign.check_issuer("https://a.example", false).is_err());
    }

    #[test]
    fn a_code_comes_in_the_way_asked_for() {
        for (asked, came) in [
            (Delivery::Query, Delivery::FormPost),
            (Delivery::FormPost, Delivery::Query),
        ] {
            let code = Callback::parse_as("code=a", came).unwrap();
            let error = Callback::parse_as("error=a", came).unwrap();
            let refused = Err(CallbackError::Delivery { asked, came });
            assert_eq!(code.check_delivery(Some(asked)), refused);
            assert_eq!(code.check_delivery(Some(came)), Ok(()));
            assert_eq!(code.check_delivery(None), Ok(()));
            assert_eq!(error.check_delivery(Some(asked)), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(text in "[a-z=&%0-9+]{0,200}|\\PC{0,100}") {
            let _ = Callback::parse(&text);
        }
    }
}
