//! One code, device code or refresh token becomes tokens, in one transaction: of many offers at once, one counts.

use super::claims;
use super::devices::{self, Heard};
use super::names::Scope;
use super::standing::{AtRefresh, at_refresh, goes_on, may_use};
use model::grant::{Bearer, TokenKind};
use model::ids::{GrantId, MailboxId};
use model::oauth_app::{AppSettings, OauthApp, RefreshRule};
use model::time::Timestamp;
use oidc::op::error::TokenErrorCode;
use oidc::op::pkce::{self, Challenge, ChallengeMethod};
use oidc::op::token::TokenError;
use serde_json::{Map, Value};
use store::app_codes::Code;
use store::app_grants::Ending;
use store::app_tokens::{Found, NewToken};
use store::{Conn, StoreError};

const CEASED: &str = "no provider has confirmed the person for too long; they sign in again";
const OFF: &str = "the person or the app is switched off, or gone";

/// What an app offers.
pub(super) enum Offer {
    Code {
        tag: Vec<u8>,
        redirect: Option<String>,
        verifier: Option<String>,
    },
    Refresh {
        tag: Vec<u8>,
        scope: Option<String>,
    },
    Device {
        tag: Vec<u8>,
    },
}

impl Offer {
    /// Whether there is such a code or token at all, whoever's it is.
    pub(super) async fn is_known(&self, read: &mut Conn) -> Result<bool, StoreError> {
        Ok(match self {
            Self::Code { tag, .. } => store::app_codes::get(read, tag).await?.is_some(),
            Self::Refresh { tag, .. } => store::app_tokens::is_there(read, tag).await?,
            // A device is told before it comes here: see `App::device_asks`.
            Self::Device { .. } => true,
        })
    }

    /// What is said about one that is not there, and about one of another app.
    pub(super) fn unknown(&self) -> TokenError {
        let words = format!(
            "the {} is unknown, ended, or of another client",
            self.name()
        );
        TokenError::new(TokenErrorCode::InvalidGrant, words)
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Code { .. } => "code",
            Self::Refresh { .. } => "refresh token",
            Self::Device { .. } => "device code",
        }
    }
}

/// The tags of the tokens that it gets.
pub(super) struct Pair {
    pub(super) access: Vec<u8>,
    pub(super) refresh: Vec<u8>,
}

/// One offer by one app.
pub(super) struct Redemption {
    pub(super) offer: Offer,
    pub(super) app: OauthApp,
    pub(super) pair: Pair,
    pub(super) now: Timestamp,
}

/// What came of it.
pub(super) enum Redeemed {
    Given(Box<Given>),
    /// It had been used before, and its whole grant, of this person, is gone now.
    Again(MailboxId),
}

/// Tokens were given.
pub(super) struct Given {
    /// What the access token opens.
    pub(super) found: Found,
    /// A refresh token was given too.
    pub(super) refreshable: bool,
    /// What the ID token says of the person.
    pub(super) released: Map<String, Value>,
    pub(super) nonce: Option<String>,
}

/// Why nothing was given; nothing was used up either.
pub(super) enum Refused {
    Request(TokenError),
    /// A provider has yet to confirm the person; the request may come again.
    Later,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What an offer comes to before tokens are made.
enum Use {
    First(Box<Ground>),
    Second(MailboxId),
}

/// What new tokens stand on.
struct Ground {
    /// What the access token will open.
    found: Found,
    /// What may be refreshed.
    granted: String,
    nonce: Option<String>,
}

impl Redemption {
    pub(super) async fn carry_out(&self, tx: &mut Conn) -> Result<Redeemed, Refused> {
        let used = match &self.offer {
            Offer::Code {
                tag,
                redirect,
                verifier,
            } => {
                let proof = (redirect.as_deref(), verifier.as_deref());
                self.use_code(tx, tag, proof).await?
            }
            Offer::Refresh { tag, scope } => self.use_refresh(tx, tag, scope.as_deref()).await?,
            Offer::Device { tag } => self.use_device(tx, tag).await?,
        };
        match used {
            Use::First(ground) => self.give(tx, *ground).await,
            Use::Second(person) => Ok(Redeemed::Again(person)),
        }
    }

    async fn use_code(
        &self,
        tx: &mut Conn,
        tag: &[u8],
        (redirect, verifier): (Option<&str>, Option<&str>),
    ) -> Result<Use, Refused> {
        let unknown = || Refused::Request(self.offer.unknown());
        let code = store::app_codes::get(tx, tag).await?.ok_or_else(unknown)?;
        let found = self.on_grant(tx, code.grant).await?;
        let found = found.ok_or_else(unknown)?;
        let (grant, person) = (found.bearer.grant, found.bearer.person.mailbox);
        if code.used.is_some() {
            return end_after_second_use(tx, grant, person).await;
        }
        if !self.is_in_time(code.ends) {
            return Err(invalid_grant("the code has ended; it is good for a minute"));
        }
        self.check_redirect(&code, redirect)?;
        check_verifier(&code, verifier)?;
        if !store::app_codes::use_up(tx, tag, self.now).await? {
            return end_after_second_use(tx, grant, person).await;
        }
        Ok(Use::First(Box::new(Ground {
            granted: found.bearer.scopes.clone(),
            found,
            nonce: code.nonce,
        })))
    }

    /// What an access token will find that is given now; `None` on a grant of another app.
    async fn on_grant(&self, tx: &mut Conn, grant: GrantId) -> Result<Option<Found>, StoreError> {
        let found = store::app_tokens::on_grant(tx, grant, self.now, self.access_ends()).await?;
        Ok(found.filter(|found| found.bearer.app == self.app.id))
    }

    fn access_ends(&self) -> Timestamp {
        self.now.plus(self.app.settings.lifetimes().access)
    }

    async fn use_refresh(
        &self,
        tx: &mut Conn,
        tag: &[u8],
        scope: Option<&str>,
    ) -> Result<Use, Refused> {
        let unknown = || Refused::Request(self.offer.unknown());
        let found = store::app_tokens::find(tx, tag).await?;
        let is_own =
            |bearer: &Bearer| bearer.app == self.app.id && bearer.kind == TokenKind::Refresh;
        let Found {
            bearer,
            client_id,
            settings,
        } = found
            .filter(|found| is_own(&found.bearer))
            .ok_or_else(unknown)?;
        if bearer.used.is_some() {
            return end_after_second_use(tx, bearer.grant, bearer.person.mailbox).await;
        }
        if !self.is_in_time(bearer.ends) {
            return Err(unknown());
        }
        if !may_use(tx, &settings, &bearer).await? {
            return Err(invalid_grant(OFF));
        }
        match at_refresh(tx, &bearer, self.now).await? {
            AtRefresh::Stands => {}
            // Whoever is told `invalid_grant` throws the token away.
            AtRefresh::Unheard => return Err(Refused::Later),
            AtRefresh::Ceased => return Err(invalid_grant(CEASED)),
        }
        let scopes = match scope {
            None => bearer.scopes.clone(),
            Some(asked) => narrowed(&bearer.scopes, asked)?,
        };
        if !store::app_tokens::use_up(tx, tag, self.now).await? {
            return end_after_second_use(tx, bearer.grant, bearer.person.mailbox).await;
        }
        let granted = bearer.scopes;
        let access = Bearer {
            kind: TokenKind::Access,
            scopes,
            issued: self.now,
            ends: self.access_ends(),
            ..bearer
        };
        Ok(Use::First(Box::new(Ground {
            found: Found {
                bearer: access,
                client_id,
                settings,
            },
            granted,
            nonce: None,
        })))
    }

    async fn use_device(&self, tx: &mut Conn, tag: &[u8]) -> Result<Use, Refused> {
        let device = store::app_devices::by_device(tx, tag).await?;
        let device = device.filter(|device| device.app == self.app.id);
        let (device, grant, again) = match devices::heard(device, self.now) {
            Heard::Allowed(device, grant) => (device, grant, false),
            Heard::Again(device, grant) => (device, grant, true),
            Heard::Waits(_) => return Err(Refused::Request(devices::pending())),
            Heard::Refused(error) => return Err(Refused::Request(error)),
        };
        let found = self.on_grant(tx, grant).await?;
        let mut found = found.ok_or_else(|| Refused::Request(self.offer.unknown()))?;
        if again || !store::app_devices::use_up(tx, device.id, self.now).await? {
            return end_after_second_use(tx, grant, found.bearer.person.mailbox).await;
        }
        found.bearer.scopes.clone_from(&device.scopes);
        Ok(Use::First(Box::new(Ground {
            found,
            granted: device.scopes,
            nonce: None,
        })))
    }

    async fn give(&self, tx: &mut Conn, ground: Ground) -> Result<Redeemed, Refused> {
        let Ground {
            found,
            granted,
            nonce,
        } = ground;
        let bearer = &found.bearer;
        if !may_use(tx, &found.settings, bearer).await? {
            return Err(invalid_grant(OFF));
        }
        if !goes_on(bearer, self.now) {
            return Err(invalid_grant(CEASED));
        }
        let new = |tag, kind, scopes, ends| NewToken {
            tag,
            grant: bearer.grant,
            kind,
            scopes,
            now: self.now,
            ends,
        };
        let access = new(
            &self.pair.access,
            TokenKind::Access,
            &bearer.scopes,
            bearer.ends,
        );
        store::app_tokens::insert(tx, &access).await?;
        let refreshable = is_refreshable(&self.app.settings, &granted);
        let mut ends = bearer.ends;
        if refreshable {
            ends = self.now.plus(self.app.settings.lifetimes().refresh);
            let refresh = new(&self.pair.refresh, TokenKind::Refresh, &granted, ends);
            store::app_tokens::insert(tx, &refresh).await?;
        }
        store::app_grants::extend(tx, bearer.grant, ends).await?;
        store::app_connections::touch(tx, bearer.person.mailbox, self.app.id, self.now).await?;
        let released = claims::for_id_token(tx, bearer).await?;
        Ok(Redeemed::Given(Box::new(Given {
            found,
            released,
            refreshable,
            nonce,
        })))
    }

    fn is_in_time(&self, ends: Timestamp) -> bool {
        self.now < ends
    }

    /// What was sent to the authorization endpoint is sent again, byte for byte (RFC 6749 section
    /// 4.1.3). What was not may be sent now, if it is where the code went.
    fn check_redirect(&self, code: &Code, sent: Option<&str>) -> Result<(), Refused> {
        let settings = &self.app.settings;
        let same = match (code.redirect.as_deref(), sent) {
            (Some(kept), sent) => sent == Some(kept),
            (None, Some(sent)) => settings.redirects.iter().any(|known| known == sent),
            (None, None) => true,
        };
        if same {
            return Ok(());
        }
        let error = if settings.mailcow {
            TokenErrorCode::RedirectUriMismatch
        } else {
            TokenErrorCode::InvalidGrant
        };
        let words = "redirect_uri is not that of the authorization request";
        Err(Refused::Request(TokenError::new(error, words)))
    }
}

async fn end_after_second_use(
    tx: &mut Conn,
    grant: GrantId,
    person: MailboxId,
) -> Result<Use, Refused> {
    store::app_grants::end(tx, Ending::One(grant)).await?;
    Ok(Use::Second(person))
}

/// Whether an app gets a refresh token with what was granted.
pub(super) fn is_refreshable(settings: &AppSettings, granted: &str) -> bool {
    match settings.refresh {
        RefreshRule::Always => true,
        RefreshRule::OfflineAccess => Scope::OfflineAccess.is_in(granted),
    }
}

/// A challenge without its verifier is a stolen code; a verifier without a challenge is an app whose
/// challenge somebody took away (RFC 9700 section 4.8.2).
fn check_verifier(code: &Code, verifier: Option<&str>) -> Result<(), Refused> {
    match (&code.challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(invalid_grant(
            "code_verifier without a code_challenge in the authorization request",
        )),
        (Some(_), None) => Err(invalid_grant("code_verifier is missing")),
        (Some(value), Some(verifier)) => {
            let method = if code.plain {
                ChallengeMethod::Plain
            } else {
                ChallengeMethod::S256
            };
            let value = value.clone();
            if pkce::verify(&Challenge { method, value }, verifier) {
                Ok(())
            } else {
                Err(invalid_grant("code_verifier does not fit code_challenge"))
            }
        }
    }
}

/// The scopes of `granted` that are asked for, in its order; never others.
fn narrowed(granted: &str, asked: &str) -> Result<String, Refused> {
    let has = |scopes: &str, one: &str| scopes.split(' ').any(|scope| scope == one);
    if !asked.split(' ').all(|scope| has(granted, scope)) {
        let words = "scope holds what was not granted";
        let error = TokenError::new(TokenErrorCode::InvalidScope, words);
        return Err(Refused::Request(error));
    }
    let kept = granted.split(' ').filter(|scope| has(asked, scope));
    Ok(kept.collect::<Vec<_>>().join(" "))
}

fn invalid_grant(description: &str) -> Refused {
    Refused::Request(TokenError::new(TokenErrorCode::InvalidGrant, description))
}
