//! The token endpoint: our request and its answer (RFC 6749 sections 2.3.1, 4.1.3, 5).

use crate::json::{self, JsonError};
use crate::redirect::RedirectUri;
use crate::refusal::ErrorResponse;
use crate::scope::{ScopeError, Scopes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// The value of the `Authorization` header for `client_secret_basic`: id and secret are
/// form-urlencoded before they are joined, which some providers enforce and others do not undo.
#[must_use]
pub fn basic(client_id: &str, secret: &SecretString) -> SecretString {
    let pair = format!("{}:{}", form(client_id), form(secret.expose_secret()));
    format!("Basic {}", STANDARD.encode(pair)).into()
}

/// Whether [`basic`] changes either of the two: they hold reserved characters, and a server that
/// does not undo the encoding takes them for others.
#[must_use]
pub fn basic_encodes(client_id: &str, secret: &SecretString) -> bool {
    [client_id, secret.expose_secret()]
        .iter()
        .any(|text| form(text) != **text)
}

fn form(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Who the client is, in the body: `client_secret_post`, or the id alone for a public client.
#[derive(Debug, Clone, Copy)]
pub struct BodyClient<'a> {
    /// The client id.
    pub id: &'a str,
    /// The secret, if there is one.
    pub secret: Option<&'a SecretString>,
}

/// The body of the request that exchanges a code. `client` stands in it only when it is not in the
/// header: both at once is an error at strict providers.
#[must_use]
pub fn code_request(
    code: &str,
    redirect_uri: &RedirectUri,
    verifier: &str,
    client: Option<BodyClient<'_>>,
) -> SecretString {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("code_verifier", verifier);
    signed_by(body, client)
}

/// The body of the request that uses a refresh token (RFC 6749 section 6), with `client` as in
/// [`code_request`]. It asks for the scopes that were granted before.
#[must_use]
pub fn refresh_request(
    refresh_token: &SecretString,
    client: Option<BodyClient<'_>>,
) -> SecretString {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", refresh_token.expose_secret());
    signed_by(body, client)
}

fn signed_by(
    mut body: form_urlencoded::Serializer<'_, String>,
    client: Option<BodyClient<'_>>,
) -> SecretString {
    if let Some(client) = client {
        body.append_pair("client_id", client.id);
        if let Some(secret) = client.secret {
            body.append_pair("client_secret", secret.expose_secret());
        }
    }
    body.finish().into()
}

/// Why a successful answer of the token endpoint is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenResponseError {
    /// Not a JSON object we accept.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A form-encoded answer with a member twice, or not UTF-8.
    #[error("not valid form encoding")]
    Form,
    /// No access token.
    #[error("no access_token")]
    NoAccessToken,
    /// A member of another type.
    #[error("{member} is a {observed}, not a text")]
    Type {
        /// Which member.
        member: &'static str,
        /// Its JSON type.
        observed: &'static str,
    },
    /// A kind of token that is not used as a bearer.
    #[error("token_type is {0:?}, expected Bearer")]
    TokenType(String),
    /// Scopes outside the grammar.
    #[error("scope: {0}")]
    Scope(#[from] ScopeError),
}

/// The tokens of a sign-in.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// For userinfo.
    pub access_token: SecretString,
    /// The ID token as it came, not yet verified.
    pub id_token: Option<SecretString>,
    /// For asking again later.
    pub refresh_token: Option<SecretString>,
    /// Seconds the access token lives, when the provider says so.
    pub expires_in: Option<u64>,
    /// Seconds the refresh token lives, where the provider says so (Keycloak does; 0 is without
    /// end).
    pub refresh_expires_in: Option<u64>,
    /// The scopes granted, when they differ from those asked for or the provider always says.
    pub scope: Option<Scopes>,
}

/// What the token endpoint answered.
#[derive(Debug, Clone)]
pub enum TokenAnswer {
    /// Tokens.
    Tokens(TokenResponse),
    /// An error document, whatever the HTTP status: some servers send it with 200.
    Error(ErrorResponse),
}

/// Reads the body of an answer with status 200. JSON, or form encoding when the content type says
/// so (some OAuth 2 servers send that).
///
/// # Errors
/// [`TokenResponseError`]; no part of the body is in it.
pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<TokenAnswer, TokenResponseError> {
    let document = document(content_type, body)?;
    if let Some(error) = ErrorResponse::from_json(&document) {
        return Ok(TokenAnswer::Error(error));
    }
    let secret = |member| text(&document, member).map(|found| found.map(SecretString::from));
    if let Some(kind) = text(&document, "token_type")?
        && !kind.eq_ignore_ascii_case("bearer")
    {
        let kind = crate::foreign::printable(kind, 40);
        return Err(TokenResponseError::TokenType(kind));
    }
    Ok(TokenAnswer::Tokens(TokenResponse {
        access_token: secret("access_token")?.ok_or(TokenResponseError::NoAccessToken)?,
        id_token: secret("id_token")?,
        refresh_token: secret("refresh_token")?,
        expires_in: lifetime(document.get("expires_in")),
        refresh_expires_in: lifetime(document.get("refresh_expires_in")),
        scope: granted(document.get("scope"))?,
    }))
}

/// Reads the body of an answer with an error status: the provider's error, if there is one to read.
#[must_use]
pub fn parse_error(content_type: Option<&str>, body: &[u8]) -> Option<ErrorResponse> {
    let document = document(content_type, body).ok()?;
    ErrorResponse::from_json(&document)
}

fn document(
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Map<String, Value>, TokenResponseError> {
    let is_form = content_type.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
            || (kind.eq_ignore_ascii_case("text/plain") && !body.trim_ascii().starts_with(b"{"))
    });
    if !is_form {
        return Ok(json::object(body)?);
    }
    let body = std::str::from_utf8(body).map_err(|_| TokenResponseError::Form)?;
    let mut document = Map::new();
    for (name, value) in form_urlencoded::parse(body.trim().as_bytes()) {
        let value = Value::String(value.into_owned());
        if document.insert(name.into_owned(), value).is_some() {
            return Err(TokenResponseError::Form);
        }
    }
    Ok(document)
}

/// A text that is there and not empty.
fn text<'d>(
    document: &'d Map<String, Value>,
    member: &'static str,
) -> Result<Option<&'d str>, TokenResponseError> {
    match document.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(other) => Err(TokenResponseError::Type {
            member,
            observed: json::kind(other),
        }),
    }
}

/// Seconds; some servers send them as a text. Anything else counts as not said.
fn lifetime(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// A text, or the list that some servers send.
fn granted(value: Option<&Value>) -> Result<Option<Scopes>, TokenResponseError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Scopes::parse(text)?)),
        Some(Value::Array(words)) => {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            Ok(Some(Scopes::parse(&words.join(" "))?))
        }
        Some(other) => Err(TokenResponseError::Type {
            member: "scope",
            observed: json::kind(other),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");

    fn tokens(content_type: Option<&str>, body: &str) -> TokenResponse {
        match parse(content_type, body.as_bytes()).unwrap() {
            TokenAnswer::Tokens(tokens) => tokens,
            TokenAnswer::Error(error) => panic!("{error}"),
        }
    }

    #[test]
    fn basic_encodes_id_and_secret() {
        let header = basic("my client", &"p@ss:w+rd%".to_owned().into());
        let encoded = header.expose_secret().strip_prefix("Basic ").unwrap();
        assert_eq!(
            STANDARD.decode(encoded).unwrap(),
            b"my+client:p%40ss%3Aw%2Brd%25"
        );
    }

    #[test]
    fn the_request_repeats_the_redirect_uri_byte_for_byte() {
        let uri = RedirectUri::parse("https://mail.example.com").unwrap();
        let secret = "s&c=".to_owned().into();
        let client = BodyClient {
            id: "g",
            secret: Some(&secret),
        };
        let body = code_request("c+/", &uri, "verifier", Some(client));
        assert_eq!(
            body.expose_secret(),
            "grant_type=authorization_code&code=c%2B%2F&redirect_uri=https%3A%2F%2Fmail.example.com&code_verifier=verifier&client_id=g&client_secret=s%26c%3D"
        );
        let body = code_request("c", &uri, "verifier", None);
        assert!(!body.expose_secret().contains("client_"));
    }

    #[test]
    fn reads_json_and_forms() {
        let got = tokens(
            JSON,
            r#"{"access_token":"a","token_type":"bearer","expires_in":"3600","id_token":"i","scope":"openid email","extra":{}}"#,
        );
        assert_eq!(got.access_token.expose_secret(), "a");
        assert_eq!(got.id_token.unwrap().expose_secret(), "i");
        assert_eq!(got.expires_in, Some(3600));
        assert_eq!(got.scope.unwrap().to_string(), "openid email");
        assert!(got.refresh_token.is_none());
        let form = "access_token=a%2Bb&scope=user&token_type=Bearer\n";
        for kind in ["application/x-www-form-urlencoded", "text/plain;x=y"] {
            assert_eq!(tokens(Some(kind), form).access_token.expose_secret(), "a+b");
        }
        assert!(
            tokens(Some("text/plain"), " {\"access_token\":\"a\"}")
                .scope
                .is_none()
        );
        let list = tokens(JSON, r#"{"access_token":"a","scope":["openid","x"]}"#);
        assert_eq!(list.scope.unwrap().to_string(), "openid x");
    }

    #[test]
    fn an_error_with_status_200_is_an_error() {
        let answer = parse(JSON, br#"{"error":"bad_verification_code"}"#).unwrap();
        assert!(matches!(answer, TokenAnswer::Error(e) if e.error == "bad_verification_code"));
        let form = parse(
            Some("application/x-www-form-urlencoded"),
            b"error=invalid_grant&error_description=x",
        );
        assert!(matches!(form, Ok(TokenAnswer::Error(_))));
    }

    #[test]
    fn unusable_answers_say_why() {
        let why = |body: &str| parse(JSON, body.as_bytes()).unwrap_err().to_string();
        assert_eq!(why("{}"), "no access_token");
        assert_eq!(why(r#"{"access_token":""}"#), "no access_token");
        assert_eq!(
            why(r#"{"access_token":1}"#),
            "access_token is a number, not a text"
        );
        assert_eq!(
            why(r#"{"access_token":"a","token_type":"DPoP"}"#),
            "token_type is \"DPoP\", expected Bearer"
        );
        assert_eq!(
            why(r#"{"access_token":"a","access_token":"b"}"#),
            "member \"access_token\" occurs twice"
        );
        assert_eq!(why("<html>"), "not valid JSON (line 1, column 1)");
        let twice = parse(
            Some("application/x-www-form-urlencoded"),
            b"access_token=a&access_token=b",
        );
        assert_eq!(twice.unwrap_err(), TokenResponseError::Form);
    }

    #[test]
    fn error_bodies_are_read_defensively() {
        let read = |body: &str| parse_error(JSON, body.as_bytes()).map(|e| e.error);
        assert_eq!(
            read(r#"{"error":"invalid_grant"}"#).as_deref(),
            Some("invalid_grant")
        );
        assert_eq!(read("<html>"), None);
        assert_eq!(read("[]"), None);
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            form in any::<bool>(),
        ) {
            let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
            let _ = parse(Some(kind), &body);
            let _ = parse_error(Some(kind), &body);
        }
    }
}
