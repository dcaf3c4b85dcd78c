//! What the provider remembers between requests: authorization requests that wait for a sign-in,
//! browser sessions, codes and access tokens. In memory only.

use crate::options::Options;
use crate::random;
use aws_lc_rs::error::Unspecified;
use model::time::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// How long a sign-in page may stay open.
const REQUEST_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a browser stays signed in at the company.
const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// How long a refresh token is good for.
const REFRESH_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);

/// How the answer goes back to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    Query,
    /// In the body of a form (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// From its name in a request.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// An authorization request that passed all checks.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) mode: ResponseMode,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    /// The S256 challenge.
    pub(crate) challenge: Option<String>,
    pub(crate) login_hint: Option<String>,
}

/// Who signed in, and when.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) login: String,
    /// What clients know the session by (`sid`).
    pub(crate) sid: String,
    pub(crate) at: Timestamp,
}

/// What a code or an access token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) request: AuthorizationRequest,
    pub(crate) sign_in: SignIn,
}

/// A code's fate at the token endpoint.
pub(crate) enum Redeemed {
    /// Used for the first time.
    Fresh(Box<Grant>),
    /// Used before: its tokens have just been revoked (RFC 6749 section 4.1.2).
    Again,
    /// Never issued, or expired.
    Unknown,
}

#[derive(Default)]
pub(crate) struct Grants {
    requests: HashMap<String, Until<AuthorizationRequest>>,
    sessions: HashMap<String, Until<SignIn>>,
    codes: HashMap<String, Until<(Grant, bool)>>,
    tokens: HashMap<String, Until<(Grant, String)>>,
    refresh: HashMap<String, Until<(Grant, bool)>>,
}

struct Until<T> {
    what: T,
    end: Timestamp,
}

impl Grants {
    /// Keeps a request while its sign-in page is open; returns the id that the page carries.
    pub(crate) fn wait(
        &mut self,
        request: AuthorizationRequest,
        now: Timestamp,
    ) -> Result<String, Unspecified> {
        keep(
            &mut self.requests,
            random::token()?,
            request,
            now,
            REQUEST_LIFETIME,
        )
    }

    pub(crate) fn waiting(&self, id: &str, now: Timestamp) -> Option<AuthorizationRequest> {
        current(&self.requests, id, now).cloned()
    }

    /// Ends the wait; the page's form works once.
    pub(crate) fn take(&mut self, id: &str) {
        self.requests.remove(id);
    }

    /// Opens a browser session; returns its cookie value.
    pub(crate) fn open_session(
        &mut self,
        sign_in: SignIn,
        now: Timestamp,
    ) -> Result<String, Unspecified> {
        keep(
            &mut self.sessions,
            random::token()?,
            sign_in,
            now,
            SESSION_LIFETIME,
        )
    }

    pub(crate) fn session(&self, id: &str, now: Timestamp) -> Option<SignIn> {
        current(&self.sessions, id, now).cloned()
    }

    /// What clients know a person's sessions by.
    pub(crate) fn sids(&self, login: &str, now: Timestamp) -> Vec<String> {
        let open = self.sessions.values().filter(|kept| now < kept.end);
        open.filter(|kept| kept.what.login == login)
            .map(|kept| kept.what.sid.clone())
            .collect()
    }

    pub(crate) fn close_session(&mut self, id: &str) {
        self.sessions.remove(id);
    }

    /// Issues a code, as long and for as long as the options say.
    pub(crate) fn issue_code(
        &mut self,
        grant: Grant,
        now: Timestamp,
        options: &Options,
    ) -> Result<String, Unspecified> {
        let mut code = random::token()?;
        while code.len() < options.code_length {
            code.push_str(&random::token()?);
        }
        keep(
            &mut self.codes,
            code,
            (grant, false),
            now,
            options.code_lifetime,
        )
    }

    /// Uses a code up.
    pub(crate) fn redeem(&mut self, code: &str, now: Timestamp) -> Redeemed {
        let Some(kept) = self.codes.get_mut(code).filter(|kept| now < kept.end) else {
            return Redeemed::Unknown;
        };
        let (grant, used) = &mut kept.what;
        if std::mem::replace(used, true) {
            self.tokens.retain(|_, token| token.what.1 != code);
            return Redeemed::Again;
        }
        Redeemed::Fresh(Box::new(grant.clone()))
    }

    /// Issues an access token for a redeemed code.
    pub(crate) fn issue_token(
        &mut self,
        grant: Grant,
        code: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, Unspecified> {
        let token = format!("company_at_{}", random::token()?);
        keep(
            &mut self.tokens,
            token,
            (grant, code.to_owned()),
            now,
            lifetime,
        )
    }

    /// Issues a refresh token for a grant with `offline_access`.
    pub(crate) fn issue_refresh(
        &mut self,
        grant: Grant,
        now: Timestamp,
    ) -> Result<String, Unspecified> {
        let token = format!("company_rt_{}", random::token()?);
        keep(
            &mut self.refresh,
            token,
            (grant, false),
            now,
            REFRESH_LIFETIME,
        )
    }

    /// Uses a refresh token up. One that is used again is refused, as RFC 9700 wants it.
    pub(crate) fn refresh(&mut self, token: &str, now: Timestamp) -> Redeemed {
        let Some(kept) = self.refresh.get_mut(token).filter(|kept| now < kept.end) else {
            return Redeemed::Unknown;
        };
        let (grant, used) = &mut kept.what;
        if std::mem::replace(used, true) {
            return Redeemed::Again;
        }
        Redeemed::Fresh(Box::new(grant.clone()))
    }

    pub(crate) fn token(&self, token: &str, now: Timestamp) -> Option<Grant> {
        current(&self.tokens, token, now).map(|(grant, _)| grant.clone())
    }
}

/// Stores `what` under `key` and drops what has ended meanwhile, so that nothing grows for ever.
fn keep<T>(
    map: &mut HashMap<String, Until<T>>,
    key: String,
    what: T,
    now: Timestamp,
    lifetime: Duration,
) -> Result<String, Unspecified> {
    map.retain(|_, kept| now < kept.end);
    map.insert(
        key.clone(),
        Until {
            what,
            end: now.plus(lifetime),
        },
    );
    Ok(key)
}

fn current<'a, T>(map: &'a HashMap<String, Until<T>>, key: &str, now: Timestamp) -> Option<&'a T> {
    map.get(key)
        .filter(|kept| now < kept.end)
        .map(|kept| &kept.what)
}
