//! A request to sign out, sent by an app through the person's browser (OpenID Connect RP-Initiated
//! Logout 1.0 section 2).

use super::authorize::MAX_ECHO;
use super::params::{Params, ParamsError};
use secrecy::SecretString;

/// The parameters that are read. All others are ignored, repeated or not.
const KNOWN: [&str; 6] = [
    "id_token_hint",
    "logout_hint",
    "client_id",
    "post_logout_redirect_uri",
    "state",
    "ui_locales",
];

/// Why a request cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndSessionError {
    /// One of its parameters, or all of them.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A state over [`MAX_ECHO`].
    #[error("state has more than {MAX_ECHO} bytes")]
    State,
}

/// What was asked. `logout_hint` and `ui_locales` may be sent and change nothing: the session says
/// who is signed in, and there is one language.
#[derive(Debug, Clone, Default)]
pub struct EndSession {
    /// An ID token that says whom the app means; not checked yet.
    pub id_token_hint: Option<SecretString>,
    /// The app.
    pub client_id: Option<String>,
    /// Where the person is to be brought; not checked yet.
    pub redirect: Option<String>,
    /// What goes there along with them.
    pub state: Option<String>,
}

impl EndSession {
    /// Reads a query without its `?`.
    ///
    /// # Errors
    /// [`EndSessionError`].
    pub fn parse(query: &str) -> Result<Self, EndSessionError> {
        let params = Params::parse(query)?;
        params.refuse_repeated(&KNOWN)?;
        let one = |name| params.get(name).map(|value| value.map(str::to_owned));
        let state = one("state")?;
        if state.as_ref().is_some_and(|state| state.len() > MAX_ECHO) {
            return Err(EndSessionError::State);
        }
        Ok(Self {
            id_token_hint: one("id_token_hint")?.map(SecretString::from),
            client_id: one("client_id")?,
            redirect: one("post_logout_redirect_uri")?,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn what_is_asked_is_read_once() {
        let all = EndSession::parse(
            "id_token_hint=a.b.c&client_id=files&post_logout_redirect_uri=https%3A%2F%2Fa.example%2F\
             &state=s%20t&logout_hint=erin&ui_locales=de&other=1&other=2",
        )
        .unwrap();
        assert_eq!(all.id_token_hint.unwrap().expose_secret(), "a.b.c");
        assert_eq!(all.client_id.as_deref(), Some("files"));
        assert_eq!(all.redirect.as_deref(), Some("https://a.example/"));
        assert_eq!(all.state.as_deref(), Some("s t"));
        let none = EndSession::parse("client_id=&state=").unwrap();
        assert!(none.client_id.is_none() && none.state.is_none());
        for query in [
            "state=a&state=b",
            "client_id=&client_id=a",
            "ui_locales=a&ui_locales=b",
            "post_logout_redirect_uri=https://a.example%0a",
            "id_token_hint=%ff%00",
        ] {
            assert!(EndSession::parse(query).is_err(), "{query}");
        }
        let long = format!("state={}", "s".repeat(MAX_ECHO + 1));
        assert_eq!(
            EndSession::parse(&long).unwrap_err(),
            EndSessionError::State
        );
        assert!(EndSession::parse(&"a=b&".repeat(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_read_holds_what_a_header_cannot(query in "(state|client_id|post_logout_redirect_uri)=[%0-9a-f&=+é\\PC]{0,40}") {
            if let Ok(read) = EndSession::parse(&query) {
                for value in [read.state, read.client_id, read.redirect].into_iter().flatten() {
                    prop_assert!(!value.is_empty() && !value.chars().any(char::is_control));
                }
            }
        }
    }
}
