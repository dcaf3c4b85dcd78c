//! Telling an app that a session ended (OpenID Connect Back-Channel Logout 1.0 section 2.5).

use crate::http::tls::Trust;
use crate::http::{Access, HttpError, Request};
use crate::upstream::Upstream;
use model::ids::ProviderId;
use oidc::foreign::printable;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeSet;
use url::Url;

/// An app's no (section 2.8); 200 and 204 are its yes.
const REFUSED: u16 = 400;

/// What an app said to a logout token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The session there has ended.
    Yes,
    /// It will not end it, and says why, as far as it says anything (400).
    No(String),
    /// Some other status: nobody there understood the call, or not now.
    Other(u16),
}

impl Upstream {
    /// Posts a logout token to `url`, an app's. Redirects are not followed: the token is for the one
    /// place that an administrator named. `private` allows that place a private address; `trust` says
    /// whose certificate it may have.
    ///
    /// The status is the answer (section 2.8); what the app has to say besides is of use with a 400 only.
    ///
    /// # Errors
    /// [`HttpError`]: there was no answer.
    pub async fn tell_app(
        &self,
        url: &Url,
        private: bool,
        trust: &Trust,
        token: &SecretString,
    ) -> Result<Told, HttpError> {
        let form = form_urlencoded(token);
        let host = oidc::endpoint::host(url);
        let private_hosts: BTreeSet<_> = private.then_some(host).into_iter().collect();
        let access = Access {
            provider: ProviderId(0),
            trust,
            private_hosts: &private_hosts,
        };
        let request = Request::post(url, form).by_status(REFUSED);
        let answer = self.http.call(access, &request, None).await?;
        Ok(match answer.status {
            200 | 204 => Told::Yes,
            REFUSED => Told::No(reason(&answer.body)),
            other => Told::Other(other),
        })
    }
}

/// A token in its three parts needs no encoding in a form.
fn form_urlencoded(token: &SecretString) -> SecretString {
    format!("logout_token={}", token.expose_secret()).into()
}

/// The words of an error as OAuth has them; anything else says nothing.
fn reason(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let words = ["error", "error_description"].map(|name| body[name].as_str().unwrap_or_default());
    let said: Vec<_> = words
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect();
    printable(&said.join(": "), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_and_a_page_is_not() {
        let body = br#"{"error":"invalid_request","error_description":"no\u0007 sid"}"#;
        let said = reason(body);
        assert!(
            said.starts_with("invalid_request: no") && !said.contains('\u{7}'),
            "{said}"
        );
        assert_eq!(reason(b"<h1>no</h1>"), "");
        assert_eq!(reason(b"[1]"), "");
        assert_eq!(reason(b"{\"error\":7}"), "");
    }
}
