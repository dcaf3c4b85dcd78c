//! An authorization request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1).
//!
//! It is read in two steps, because an error may be sent to the redirect only once app and redirect
//! are known to be right: [`Unchecked`] gives those two, and nothing is said to anybody else while
//! they are not looked up. [`Unchecked::check`] reads the rest by the app's rules.

use super::claims_request::ClaimsRequest;
use super::params::{Params, ParamsError};
use super::pkce::{Challenge, ChallengeMethod};
use crate::callback::Delivery;
use crate::scope::{ScopeError, Scopes};
use model::oauth_app::PkceRule;
use std::collections::BTreeSet;

pub use super::error::AuthorizeErrorCode;

/// Longest state and nonce in bytes. A state comes back as it was sent; a nonce is kept.
pub const MAX_ECHO: usize = 4096;

/// The parameters that are read. All others are ignored, repeated or not.
const KNOWN: [&str; 21] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "response_mode",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "claims",
    "acr_values",
    "ui_locales",
    "claims_locales",
    "display",
    "request",
    "request_uri",
    "registration",
];

/// What the app's profile says about its requests.
#[derive(Debug, Clone, Copy)]
pub struct ClientRules<'a> {
    /// Whether there must be a challenge.
    pub pkce: PkceRule,
    /// Whether a challenge may be `plain`.
    pub plain_allowed: bool,
    /// Whether there must be a state, as mailcow demands one.
    pub state_required: bool,
    /// The scopes there are for it.
    pub scopes: &'a [&'a str],
}

/// An error that goes to the app, with the state of its request. Its description is plain ASCII of
/// ours and repeats nothing that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct RedirectError {
    /// The code.
    pub error: AuthorizeErrorCode,
    /// For the app's maker.
    pub description: String,
}

impl RedirectError {
    fn new(error: AuthorizeErrorCode, description: impl ToString) -> Self {
        Self {
            error,
            description: description.to_string(),
        }
    }

    fn invalid(description: impl ToString) -> Self {
        Self::new(AuthorizeErrorCode::InvalidRequest, description)
    }
}

impl From<ParamsError> for RedirectError {
    fn from(error: ParamsError) -> Self {
        Self::invalid(error)
    }
}

/// A request of which only app and redirect were read.
#[derive(Debug, Clone)]
pub struct Unchecked {
    /// The app, if it is named once.
    pub client_id: Option<String>,
    /// Where the answer is to go, if that is said once.
    pub redirect_uri: Option<String>,
    /// Why neither of them counts: the request is too long, or names one of them twice or in
    /// characters that none has. Then there is an error page, and **no redirect**, not even to the
    /// only one that is registered.
    pub fault: Option<ParamsError>,
    params: Params,
}

impl Unchecked {
    /// Reads a query without its `?`, or the body of a form.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let params = match Params::parse(query) {
            Ok(params) => params,
            Err(error) => {
                return Self {
                    client_id: None,
                    redirect_uri: None,
                    fault: Some(error),
                    params: Params::default(),
                };
            }
        };
        let one = |name| params.get(name).map(|value| value.map(str::to_owned));
        let (client_id, redirect_uri) = (one("client_id"), one("redirect_uri"));
        let fault = [client_id.as_ref().err(), redirect_uri.as_ref().err()]
            .into_iter()
            .flatten()
            .next()
            .copied();
        Self {
            client_id: client_id.unwrap_or_default(),
            redirect_uri: redirect_uri.unwrap_or_default(),
            fault,
            params,
        }
    }

    /// The state, which goes back with an error too. One that is refused does not.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        let state = self.params.get("state").ok().flatten();
        state.filter(|state| state.len() <= MAX_ECHO)
    }

    /// `max_age`, if it is a number of seconds.
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        max_age(&self.params).ok().flatten()
    }

    /// How the answer is to travel, errors included; in the query where the request says nothing
    /// that we do.
    #[must_use]
    pub fn response_mode(&self) -> Delivery {
        match self.params.get("response_mode") {
            Ok(Some(mode)) if mode == Delivery::FormPost.name() => Delivery::FormPost,
            _ => Delivery::Query,
        }
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// [`RedirectError`], for the redirect, which must be known to be right by now.
    pub fn check(self, rules: &ClientRules<'_>) -> Result<AuthorizeRequest, RedirectError> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        let params = &self.params;
        params.refuse_repeated(&KNOWN)?;
        refuse_unsupported(params)?;
        let state = echoed(params, "state")?;
        if rules.state_required && state.is_none() {
            return Err(RedirectError::invalid("state is missing"));
        }
        let asked_scopes =
            Scopes::parse(params.get("scope")?.unwrap_or_default()).map_err(|ScopeError| {
                let description = "scope holds characters that no scope has";
                RedirectError::new(AuthorizeErrorCode::InvalidScope, description)
            })?;
        Ok(AuthorizeRequest {
            response_mode: self.response_mode(),
            scopes: asked_scopes.among(rules.scopes),
            asked_scopes,
            nonce: echoed(params, "nonce")?,
            challenge: challenge(params, rules)?,
            prompt: prompt(params)?,
            max_age: max_age(params)?,
            login_hint: params.get("login_hint")?.map(str::to_owned),
            id_token_hint: params.get("id_token_hint")?.map(str::to_owned),
            claims: claims(params)?,
            acr_values: words(params, "acr_values")?,
            ui_locales: words(params, "ui_locales")?,
            display: params.get("display")?.and_then(Display::parse),
            client_id: self.client_id,
            redirect_uri: self.redirect_uri,
            state,
        })
    }
}

/// What an app asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The app.
    pub client_id: Option<String>,
    /// Where the answer goes, as it was sent; the token request repeats it if it was.
    pub redirect_uri: Option<String>,
    /// How the answer travels.
    pub response_mode: Delivery,
    /// What it asks for of what there is for it, in its order.
    pub scopes: Scopes,
    /// All that it asks for.
    pub asked_scopes: Scopes,
    /// Goes back unchanged.
    pub state: Option<String>,
    /// Goes into the ID token unchanged.
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub challenge: Option<Challenge>,
    /// What the person is to be asked. `None` is always alone.
    pub prompt: BTreeSet<Prompt>,
    /// How many seconds ago the person may have proved who they are.
    pub max_age: Option<u64>,
    /// Who the person probably is.
    pub login_hint: Option<String>,
    /// An ID token of ours, unread: see [`hint`](super::hint).
    pub id_token_hint: Option<String>,
    /// Claims asked for one by one.
    pub claims: ClaimsRequest,
    /// Ways of proving that the app would like, best first.
    pub acr_values: Vec<String>,
    /// Languages, best first.
    pub ui_locales: Vec<String>,
    /// What the page is shown in.
    pub display: Option<Display>,
}

/// What the person is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prompt {
    /// Nothing at all: an answer, or an error.
    None,
    /// To sign in again.
    Login,
    /// To consent again.
    Consent,
    /// Which account.
    SelectAccount,
}

impl Prompt {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];

    /// The word in `prompt`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// What a page is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Display {
    /// The whole window.
    Page,
    /// A small window beside the app's.
    Popup,
    /// A touch screen.
    Touch,
    /// An old phone.
    Wap,
}

impl Display {
    /// From the value of `display`; `None` for one that is not known, which changes nothing.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "page" => Some(Self::Page),
            "popup" => Some(Self::Popup),
            "touch" => Some(Self::Touch),
            "wap" => Some(Self::Wap),
            _ => None,
        }
    }
}

/// What would change the meaning of the rest comes first.
fn refuse_unsupported(params: &Params) -> Result<(), RedirectError> {
    use AuthorizeErrorCode::{
        RegistrationNotSupported, RequestNotSupported, RequestUriNotSupported,
        UnsupportedResponseType,
    };
    for (name, error) in [
        ("request", RequestNotSupported),
        ("request_uri", RequestUriNotSupported),
        ("registration", RegistrationNotSupported),
    ] {
        if params.text(name)?.is_some() {
            let description = format!("{name} is not supported");
            return Err(RedirectError::new(error, description));
        }
    }
    match params.get("response_mode")? {
        None | Some("query" | "form_post") => {}
        Some(_) => {
            let description = "response_mode is neither query nor form_post";
            return Err(RedirectError::invalid(description));
        }
    }
    match params.get("response_type")? {
        Some("code") => Ok(()),
        None => Err(RedirectError::invalid("response_type is missing")),
        Some(_) => Err(RedirectError::new(
            UnsupportedResponseType,
            "response_type is not code",
        )),
    }
}

fn echoed(params: &Params, name: &'static str) -> Result<Option<String>, RedirectError> {
    match params.get(name)? {
        Some(value) if value.len() > MAX_ECHO => {
            let description = format!("{name} has more than {MAX_ECHO} bytes");
            Err(RedirectError::invalid(description))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

fn challenge(params: &Params, rules: &ClientRules<'_>) -> Result<Option<Challenge>, RedirectError> {
    let method = params.get("code_challenge_method")?;
    let Some(value) = params.get("code_challenge")? else {
        return match (method, rules.pkce) {
            (Some(_), _) => Err(RedirectError::invalid(
                "code_challenge_method without code_challenge",
            )),
            (None, PkceRule::Required) => Err(RedirectError::invalid(
                "code_challenge is missing: this app must use PKCE (RFC 7636)",
            )),
            (None, PkceRule::IfSent) => Ok(None),
        };
    };
    let challenge = Challenge::parse(value, method).map_err(RedirectError::invalid)?;
    if challenge.method == ChallengeMethod::Plain && !rules.plain_allowed {
        let description = "code_challenge_method must be S256; without one it counts as plain";
        return Err(RedirectError::invalid(description));
    }
    Ok(Some(challenge))
}

fn prompt(params: &Params) -> Result<BTreeSet<Prompt>, RedirectError> {
    let asked = words(params, "prompt")?
        .iter()
        .map(|word| Prompt::ALL.into_iter().find(|known| known.name() == word))
        .collect::<Option<BTreeSet<_>>>()
        .ok_or_else(|| RedirectError::invalid("prompt holds a word that is not supported"))?;
    if asked.contains(&Prompt::None) && asked.len() > 1 {
        return Err(RedirectError::invalid("prompt holds none beside others"));
    }
    Ok(asked)
}

fn max_age(params: &Params) -> Result<Option<u64>, RedirectError> {
    let Some(text) = params.get("max_age")? else {
        return Ok(None);
    };
    // `parse` would take a plus sign.
    let seconds = text
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten();
    match seconds {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(RedirectError::invalid("max_age is not a number of seconds")),
    }
}

fn claims(params: &Params) -> Result<ClaimsRequest, RedirectError> {
    match params.text("claims")? {
        None => Ok(ClaimsRequest::default()),
        // The error itself would repeat names that were sent.
        Some(text) => ClaimsRequest::parse(text).map_err(|_| {
            RedirectError::invalid("claims is not as OpenID Connect Core section 5.5 describes it")
        }),
    }
}

fn words(params: &Params, name: &'static str) -> Result<Vec<String>, RedirectError> {
    let text = params.get(name)?.unwrap_or_default();
    let words = text.split(' ').filter(|word| !word.is_empty());
    Ok(words.map(str::to_owned).collect())
}

#[cfg(test)]
#[path = "authorize_tests.rs"]
mod tests;
