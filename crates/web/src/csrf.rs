//! Forms that change something come from our own pages.
//!
//! Two nets: the browser's own word about where a request comes from ([`layer`], for every unsafe
//! method), and a token in each form that only the same browser's page can hold ([`FormToken`]).

use crate::error::Failure;
use crate::flow_cookie;
use crate::session_cookie;
use crate::site::Site;
use askama::Template;
use aws_lc_rs::hmac;
use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::request::Parts;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tower_http::csrf::{ConfigError, CsrfLayer, ProtectionError};

/// The name of the hidden field that carries the token.
pub const FIELD: &str = "form_token";

/// A token for the forms of one browser session. It is derived from the cookie, so nothing is
/// stored, a sign-in changes it, and the page's text does not reveal the cookie.
#[derive(Clone)]
pub struct FormToken(String);

impl FormToken {
    fn of(site: &Site, parts: &Parts) -> Result<Self, Failure> {
        let secret = match session_cookie::read(site, &parts.headers) {
            Some(session) => session,
            None => flow_cookie::of(parts)?.0,
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let tag = hmac::sign(&key, b"gatepost form token v1");
        Ok(Self(URL_SAFE_NO_PAD.encode(tag.as_ref())))
    }

    /// The hidden field for a form.
    #[must_use]
    pub const fn field(&self) -> TokenField<'_> {
        TokenField {
            name: FIELD,
            token: self,
        }
    }

    /// Whether `sent` is this token, in constant time.
    #[must_use]
    pub fn matches(&self, sent: &str) -> bool {
        self.0.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

impl std::fmt::Debug for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormToken(..)")
    }
}

impl std::fmt::Display for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for FormToken
where
    Arc<Site>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        Self::of(&Arc::from_ref(state), parts)
    }
}

/// What answers a request that came from elsewhere.
pub type Refuse = fn(ProtectionError) -> Response<Body>;

/// Refuses unsafe methods that another site sent, by `Sec-Fetch-Site` and `Origin`. The site's own
/// origin is always trusted, also where a proxy rewrites Host.
///
/// # Errors
/// Never for a [`Site`], whose origin has been parsed.
pub fn layer(site: &Site) -> Result<CsrfLayer<Refuse>, ConfigError> {
    let layer = CsrfLayer::new().add_trusted_origin(site.origin())?;
    Ok(layer.with_rejection_response(refuse as Refuse))
}

fn refuse(_: ProtectionError) -> Response<Body> {
    Failure::new(StatusCode::FORBIDDEN)
        .saying(FOREIGN_FORM)
        .into_response()
}

/// What a person reads whose form did not come from our page, or from one that has run out.
pub const FOREIGN_FORM: &str = "The form you sent did not come from a current page of this site. \
     Open the page again and send it once more.";

/// The hidden field of a form that carries its token.
#[derive(Debug, Template)]
#[template(
    source = r#"<input type="hidden" name="{{ name }}" value="{{ token }}">"#,
    ext = "html"
)]
pub struct TokenField<'a> {
    name: &'static str,
    token: &'a FormToken,
}

crate::parts::written_as_html!(TokenField<'_>);
