//! The requests of authentik's *mailcow* source, in both ways that its releases have had. It is no
//! authentik: it sends what that sends and fails where that fails.

use super::{Endpoints, Registration, RelyingPartyError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use tokio::net::TcpStream;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// How the token endpoint is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallsLike {
    /// Older releases: id and secret in the form.
    Older,
    /// Newer releases' default: HTTP Basic.
    Newer,
}

/// A source as its administrator set it up.
#[derive(Debug, Clone)]
pub struct AuthentikLike {
    /// Id and secret; the issuer is not used.
    pub registration: Registration,
    /// What is typed in.
    pub endpoints: Endpoints,
    /// `https://authentik.example/source/oauth/callback/mailcow/`, slash included.
    pub redirect_uri: String,
    /// Scopes beside `profile`.
    pub extra_scopes: Vec<String>,
    /// Which release.
    pub calls_like: CallsLike,
}

/// Whom it took for signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What the account is known by from now on: the profile's `id`.
    pub identifier: String,
    /// User name and name: the profile's `full_name`.
    pub username: Option<String>,
    /// The profile's `email`.
    pub email: Option<String>,
}

impl AuthentikLike {
    /// Where it sends the browser. `state` is of 32 letters and digits in a real one.
    #[must_use]
    pub fn question(&self, state: &str) -> String {
        let extra = self.extra_scopes.iter().map(String::as_str);
        let scopes: BTreeSet<&str> = extra.chain(["profile"]).collect();
        let scope = scopes.into_iter().collect::<Vec<_>>().join(" ");
        let query: Vec<String> = [
            ("client_id", self.registration.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("state", state),
            ("scope", &scope),
        ]
        .iter()
        .map(|(name, value)| format!("{name}={}", percent(value)))
        .collect();
        format!("{}?{}", self.endpoints.authorize, query.join("&"))
    }

    /// Takes the answer to the question with this state.
    ///
    /// # Errors
    /// [`RelyingPartyError::Refused`] with authentik's own words where it has some.
    pub async fn answered(&self, answer: &Url, state: &str) -> Result<Identity, RelyingPartyError> {
        let answer: HashMap<String, String> = answer.query_pairs().into_owned().collect();
        let said = answer.get("error_description").or(answer.get("error"));
        if let Some(error) = said {
            return refused(error);
        }
        if answer.get("state").map(String::as_str) != Some(state) {
            return refused("Invalid state");
        }
        let Some(code) = answer.get("code") else {
            return refused("No code");
        };
        let tokens = self.token(code).await?;
        let Some(token) = tokens["access_token"].as_str() else {
            return refused("No access token received");
        };
        let url = format!("{}?access_token={}", self.endpoints.profile, percent(token));
        let profile = send(Request::get(url), String::new()).await?;
        // Text or number; authentik makes text of it.
        let identifier = match &profile["id"] {
            Value::Null => return refused("Could not determine id"),
            Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        let text = |name: &str| profile[name].as_str().map(str::to_owned);
        Ok(Identity {
            identifier,
            username: text("full_name"),
            email: text("email"),
        })
    }

    async fn token(&self, code: &str) -> Result<Value, RelyingPartyError> {
        let Registration {
            client_id,
            client_secret,
            ..
        } = &self.registration;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri);
        let mut request = Request::post(&self.endpoints.token)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match self.calls_like {
            CallsLike::Older => {
                form.append_pair("client_id", client_id)
                    .append_pair("client_secret", client_secret);
            }
            CallsLike::Newer => {
                // As Python's `requests` does it: not percent-encoded first.
                let basic = STANDARD.encode(format!("{client_id}:{client_secret}"));
                request = request.header(AUTHORIZATION, format!("Basic {basic}"));
            }
        }
        send(request, form.finish()).await
    }
}

fn refused<T>(reason: &str) -> Result<T, RelyingPartyError> {
    Err(RelyingPartyError::Refused(reason.to_owned()))
}

/// With `%20`, not `+`.
fn percent(text: &str) -> String {
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// One request with no header that is not said, unlike any ready-made client's; JSON comes back.
async fn send(
    request: hyper::http::request::Builder,
    body: String,
) -> Result<Value, RelyingPartyError> {
    let transport = |error: &dyn std::error::Error| RelyingPartyError::Transport(error.to_string());
    let mut request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| transport(&error))?;
    let uri = std::mem::take(request.uri_mut());
    let Some(authority) = uri.authority().cloned() else {
        return refused("not a URL");
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|error| transport(&error))?;
    let host = authority
        .as_str()
        .parse()
        .map_err(|error| transport(&error))?;
    request.headers_mut().insert(HOST, host);
    let stream = TcpStream::connect(authority.as_str()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| transport(&error))?;
    let served = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|error| transport(&error))?;
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body.map_err(|error| transport(&error))?.to_bytes();
    served.abort();
    if !status.is_success() {
        let body = String::from_utf8_lossy(&body);
        return refused(&format!("{status}: {body}"));
    }
    serde_json::from_slice(&body).map_err(|error| transport(&error))
}
