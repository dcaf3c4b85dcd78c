//! The named ways in which a company can break the protocol, for tests of the relying party.
//!
//! One at a time, switched by [`Company::misbehave`](crate::Company::misbehave). Each spoils one
//! step and leaves the rest honest, so that a test knows what was noticed. The steps are one file
//! each; this file holds the table and hands each step to its file.

mod authorization;
mod claims;
mod discovery;
mod id_token;
mod key_set;
mod signature;
mod token_answer;
mod transport;
mod userinfo;

use crate::conduct::{Conduct, Endpoint, Replacement};
use crate::keys::{KeyFault, SigningKey};
use crate::token::Draft;
use axum::http::Uri;
use serde_json::{Map, Value};

/// What a relying party ought to do about a misbehaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nobody gets in.
    Refuse,
    /// Nobody gets in, and it is the provider that is said to be out of order, not the person.
    Unavailable,
    /// Sign-in goes on: odd, but allowed.
    Accept,
    /// Both are right: it depends on settings, such as the trust in `email_verified`, or on what
    /// the relying party can do.
    Depends,
}

/// The table: each row makes a variant, its name for test output and the verdict to expect.
macro_rules! misbehaviours {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $expected:ident;)+) => {
        /// One way to break the protocol.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Misbehaviour {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Misbehaviour {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in test output.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What a relying party ought to do about it.
            #[must_use]
            pub const fn expected(self) -> Expected {
                match self {
                    $(Self::$variant => Expected::$expected,)+
                }
            }
        }
    };
}

misbehaviours! {
    /// Signed by a key that nobody has seen, under the published key's id.
    SignatureBad = "signature-bad", Refuse;
    /// `alg: none` and an empty signature.
    SignatureNone = "signature-none", Refuse;
    /// `alg: HS256`, keyed with the published public key in PEM.
    SignatureHmac = "signature-hmac", Refuse;
    /// `alg: HS384`, keyed with the published public key as a JWK.
    SignatureHmacJwk = "signature-hmac-jwk", Refuse;
    /// Signed by the published key, with an algorithm that this key is not published for.
    AlgorithmOther = "algorithm-other", Refuse;
    /// Signed by a fresh key that the header brings along under its id (`jwk`).
    KeyInHeader = "key-in-header", Refuse;
    /// The same without an id.
    KeyInHeaderUnnamed = "key-in-header-unnamed", Refuse;
    /// Signed by a fresh key, with addresses where it is said to lie (`jku`, `x5u`).
    KeyUrlInHeader = "key-url-in-header", Refuse;
    /// The header demands an extension that nobody knows (`crit`).
    CriticalExtension = "critical-extension", Refuse;
    /// Signed by a fresh key whose id is never published.
    KeyUnpublished = "key-unpublished", Refuse;
    /// No `kid` header, with a single published key.
    KeyIdMissing = "key-id-missing", Accept;
    /// No `kid` header, with a second published key that comes first.
    KeyIdMissingAmongTwo = "key-id-missing-among-two", Depends;
    /// The key is replaced just before each ID token is signed.
    KeyRotated = "key-rotated", Accept;
    /// No keys are published.
    KeySetEmpty = "key-set-empty", Refuse;
    /// The key set is not there.
    KeySetMissing = "key-set-missing", Unavailable;

    /// ID token: `iss` is another issuer.
    IssuerOther = "issuer-other", Refuse;
    /// ID token: `iss` has one slash more, or one less.
    IssuerSlash = "issuer-slash", Refuse;
    /// ID token: `aud` is another client, `azp` too.
    AudienceOther = "audience-other", Refuse;
    /// ID token: `aud` is `[]`, as Canaille sends it for some clients.
    AudienceEmpty = "audience-empty", Refuse;
    /// ID token: `aud` is a string, which the protocol allows.
    AudienceString = "audience-string", Accept;
    /// ID token: `azp` is another client, although `aud` is right.
    AuthorizedPartyOther = "authorized-party-other", Refuse;
    /// ID token: `nonce` is another one.
    NonceOther = "nonce-other", Refuse;
    /// ID token: no `nonce`, although one was sent.
    NonceMissing = "nonce-missing", Refuse;
    /// ID token: no `sub`.
    SubjectMissing = "subject-missing", Refuse;
    /// ID token and userinfo: `sub` is empty.
    SubjectEmpty = "subject-empty", Refuse;
    /// ID token and userinfo: `sub` has 256 characters, one too many.
    SubjectLong = "subject-long", Refuse;
    /// ID token: no `iat`.
    IssuedAtMissing = "issued-at-missing", Refuse;
    /// ID token: issued an hour from now.
    IssuedInFuture = "issued-in-future", Refuse;
    /// ID token: expired an hour ago.
    Expired = "expired", Refuse;
    /// ID token: no `exp`.
    ExpiryMissing = "expiry-missing", Refuse;
    /// ID token: `at_hash` of another access token.
    AccessTokenHashOther = "access-token-hash-other", Refuse;
    /// ID token: `auth_time` with a fraction, as Canaille sends it.
    AuthTimeFraction = "auth-time-fraction", Accept;
    /// ID token: `auth_time` is an hour ago, whatever was asked: nobody was asked to sign in.
    AuthTimeOld = "auth-time-old", Accept;
    /// ID token: no `auth_time`, even where `max_age` was asked for.
    AuthTimeMissing = "auth-time-missing", Accept;

    /// Token endpoint: no `id_token`, although `openid` was granted.
    IdTokenMissing = "id-token-missing", Refuse;
    /// Token endpoint: `id_token` is not a JWT at all.
    IdTokenGarbage = "id-token-garbage", Refuse;
    /// Token endpoint: no `access_token`.
    AccessTokenMissing = "access-token-missing", Refuse;
    /// Token endpoint: `invalid_client`.
    ClientRefused = "client-refused", Unavailable;
    /// Token endpoint: `invalid_client` in Glewlwyd's manner, 403 `unauthorized_client`.
    ClientRefusedOddly = "client-refused-oddly", Unavailable;
    /// Token endpoint: `invalid_grant`.
    GrantRefused = "grant-refused", Refuse;
    /// Token endpoint: `invalid_grant` about the redirect URI, as Keycloak words it.
    RedirectRefused = "redirect-refused", Refuse;
    /// Token endpoint: a 500 with an error text of its database in JSON, as Canaille sends it.
    TokenFault = "token-fault", Unavailable;
    /// Token endpoint: a 200 with an HTML page.
    TokenHtml = "token-html", Unavailable;
    /// Token endpoint: no answer, connection held.
    TokenSilent = "token-silent", Unavailable;
    /// Token endpoint: a 200 that never comes to its end, fast.
    TokenHuge = "token-huge", Unavailable;
    /// Token endpoint: a redirect to itself.
    TokenRedirectLoop = "token-redirect-loop", Unavailable;

    /// Userinfo: another person's `sub`.
    UserinfoSubjectOther = "userinfo-subject-other", Refuse;
    /// Userinfo: no `sub`.
    UserinfoSubjectMissing = "userinfo-subject-missing", Refuse;
    /// Userinfo: 401, although the token is fresh.
    UserinfoRefused = "userinfo-refused", Unavailable;
    /// Userinfo: a 200 with an HTML page.
    UserinfoHtml = "userinfo-html", Unavailable;
    /// Userinfo: no answer, connection held.
    UserinfoSilent = "userinfo-silent", Unavailable;
    /// Userinfo: a 200 that never comes to its end, fast.
    UserinfoHuge = "userinfo-huge", Unavailable;
    /// Userinfo: a redirect to a cloud provider's metadata address.
    UserinfoRedirectInside = "userinfo-redirect-inside", Unavailable;
    /// Userinfo: JSON nested 100,000 deep.
    UserinfoDeep = "userinfo-deep", Unavailable;
    /// Userinfo: every claim twice, the second time with another address and `sub`.
    UserinfoTwice = "userinfo-twice", Refuse;

    /// Userinfo: a signed token, as `jwtUserinfo` of oidc-provider has it.
    UserinfoSigned = "userinfo-signed", Accept;
    /// Userinfo, signed: `iss` is another issuer.
    UserinfoIssuerOther = "userinfo-issuer-other", Refuse;
    /// Userinfo, signed: no `iss`.
    UserinfoIssuerMissing = "userinfo-issuer-missing", Refuse;
    /// Userinfo, signed: `aud` is another client.
    UserinfoAudienceOther = "userinfo-audience-other", Refuse;
    /// Userinfo, signed: no `aud`.
    UserinfoAudienceMissing = "userinfo-audience-missing", Refuse;
    /// Userinfo, signed: another person's `sub`.
    UserinfoSignedSubjectOther = "userinfo-signed-subject-other", Refuse;
    /// Userinfo, signed by a key that nobody has seen, under the published key's id.
    UserinfoSignatureBad = "userinfo-signature-bad", Refuse;
    /// Userinfo with `alg: none`.
    UserinfoSignatureNone = "userinfo-signature-none", Refuse;
    /// Userinfo: the shape of an encrypted token, five parts.
    UserinfoEncrypted = "userinfo-encrypted", Refuse;

    /// Claims: no `email`.
    EmailMissing = "email-missing", Refuse;
    /// Claims: `email` is a list of two.
    EmailList = "email-list", Refuse;
    /// Claims: `email` is not an address.
    EmailGarbage = "email-garbage", Refuse;
    /// Claims: `email_verified` is false.
    EmailUnverified = "email-unverified", Depends;
    /// Claims: `email_verified` is the string "false".
    EmailUnverifiedText = "email-unverified-text", Depends;
    /// Claims: no `email_verified`.
    EmailVerifiedMissing = "email-verified-missing", Depends;
    /// Claims: a pointer in place of `groups` and of `mailcow_template`, as Entra sends for whoever is
    /// in more than 200 groups (OpenID Connect Core 5.6.2).
    GroupsOverage = "groups-overage", Refuse;

    /// Discovery: 404.
    DiscoveryMissing = "discovery-missing", Unavailable;
    /// Discovery: a 200 with an HTML page.
    DiscoveryHtml = "discovery-html", Unavailable;
    /// Discovery: no answer, connection held.
    DiscoverySilent = "discovery-silent", Unavailable;
    /// Discovery: a 200 that never comes to its end, fast.
    DiscoveryHuge = "discovery-huge", Unavailable;
    /// Discovery: a redirect to itself.
    DiscoveryRedirectLoop = "discovery-redirect-loop", Unavailable;
    /// Discovery: `issuer` is another one.
    DiscoveryIssuerOther = "discovery-issuer-other", Refuse;
    /// Discovery: `issuer` has one slash more, or one less.
    DiscoveryIssuerSlash = "discovery-issuer-slash", Refuse;

    /// Discovery: the token endpoint has moved to another address, 127.0.0.2.
    TokenEndpointMoved = "token-endpoint-moved", Unavailable;

    /// Authorization: every request comes back as `access_denied`, with markup and a line break in
    /// its description.
    DeniedWithMarkup = "denied-with-markup", Refuse;
    /// Authorization: unknown scopes come back as `invalid_scope`, as Authelia does.
    UnknownScopeRefused = "unknown-scope-refused", Depends;
    /// Authorization: another `state` comes back.
    StateOther = "state-other", Refuse;
    /// Authorization: no `state` comes back.
    StateMissing = "state-missing", Refuse;
    /// Authorization: `iss` is another issuer (mix-up, RFC 9207).
    AnswerIssuerOther = "answer-issuer-other", Refuse;
    /// Authorization: no `iss`, although discovery promises it.
    AnswerIssuerMissing = "answer-issuer-missing", Refuse;
    /// Authorization: a code and an error at once.
    CodeAndError = "code-and-error", Refuse;
}

impl Conduct for Misbehaviour {
    fn replace(&self, at: Endpoint, uri: &Uri) -> Option<Replacement> {
        transport::replace(*self, at, uri)
    }

    fn discovery(&self, document: &mut Map<String, Value>) {
        discovery::spoil(*self, document);
    }

    fn key_set(&self, keys: &mut Vec<Value>) {
        key_set::spoil(*self, keys);
    }

    fn refuses_unknown_scopes(&self) -> bool {
        *self == Self::UnknownScopeRefused
    }

    fn authorization_answer(&self, answer: &mut Vec<(String, String)>) {
        authorization::spoil(*self, answer);
    }

    fn claims(&self, claims: &mut Map<String, Value>) {
        claims::spoil(*self, claims);
    }

    fn rotates_before_signing(&self) -> bool {
        *self == Self::KeyRotated
    }

    fn id_token(&self, draft: &mut Draft) {
        id_token::spoil(*self, draft);
    }

    fn sign(&self, draft: &Draft, key: &SigningKey) -> Result<String, KeyFault> {
        signature::sign(*self, draft, key)
    }

    fn token_answer(&self, answer: &mut Map<String, Value>) {
        token_answer::spoil(*self, answer);
    }

    fn userinfo(&self, claims: &mut Map<String, Value>) {
        userinfo::spoil(*self, claims);
    }

    fn signs_userinfo(&self) -> bool {
        userinfo::is_signed(*self)
    }

    fn userinfo_token(&self, draft: &mut Draft) {
        userinfo::spoil_token(*self, draft);
    }

    fn sign_userinfo(&self, draft: &Draft, key: &SigningKey) -> Result<String, KeyFault> {
        userinfo::sign(*self, draft, key)
    }

    fn json_text(&self, at: Endpoint, text: String) -> String {
        match at {
            Endpoint::Userinfo => userinfo::rewritten(*self, text),
            _ => text,
        }
    }
}

/// `issuer` with a slash at its end, or without the one it had.
fn slash_toggled(issuer: &str) -> String {
    issuer
        .strip_suffix('/')
        .map_or_else(|| format!("{issuer}/"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = Misbehaviour::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Misbehaviour::ALL.len());
    }
}
