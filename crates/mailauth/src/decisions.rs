//! What the mail edge asks, and the answers it knows how to put on the wire.

use crate::wire::policy::PolicyRequest;
use model::address::{Address, DomainName};
use model::ids::{AppPasswordId, MailboxId};
use model::protocol::Protocol;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

/// The decisions behind the four protocols.
///
/// Every method may be called many times at once, from any thread. A decision that was begun runs to
/// its end even when the mail program hangs up meanwhile, so that hanging up early never saves an
/// attacker from being counted; one that takes longer than [`crate::Settings::answer_within`] or
/// panics is dropped and answered as unavailable.
pub trait Decisions: Send + Sync + 'static {
    /// Judges a name and a secret. Counts towards budgets, before any slow hash.
    fn login(&self, attempt: LoginAttempt) -> impl Future<Output = Verdict<Granted>> + Send;

    /// Words and delay for a request that carries nothing to judge, such as a broken SASL response.
    /// Never consults a credential; the place to count and to record it.
    fn turn_away(&self, request: TurnedAway) -> impl Future<Output = Refusal> + Send;

    /// Whether what was granted still stands: asked between a login's OK and the session's start.
    fn recheck(&self, granted: &Granted) -> impl Future<Output = Verdict<()>> + Send;

    /// Attributes of a mailbox, whatever its sign-in method and whether or not it may sign in:
    /// delivery depends on it. `Ok(None)` only if there surely is no such mailbox.
    fn user(
        &self,
        address: &Address,
    ) -> impl Future<Output = Result<Option<UserEntry>, Unavailable>> + Send;

    /// The next page of all mailbox addresses in ascending order, after `after`. Empty at the end.
    fn users(
        &self,
        after: Option<&Address>,
    ) -> impl Future<Output = Result<Vec<Address>, Unavailable>> + Send;

    /// Whether mail for `domain` is delivered here.
    fn domain(&self, domain: &DomainName)
    -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Whether exactly `address` is a mailbox that receives mail. Postfix itself asks again without
    /// the `+` extension.
    fn mailbox(&self, address: &Address) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Where mail for `key` goes; an empty list means "no such alias". For a domain with a catch-all
    /// the mailboxes of that domain must name themselves here, since Postfix asks for the address
    /// before the catch-all and takes the first hit.
    fn alias(&self, key: &MapKey)
    -> impl Future<Output = Result<Vec<Address>, Unavailable>> + Send;

    /// The logins that may use `key` as envelope sender; an empty list means "nobody owns it".
    fn senders(
        &self,
        key: &MapKey,
    ) -> impl Future<Output = Result<Vec<Address>, Unavailable>> + Send;

    /// Judges one recipient of an SMTP session. The only chance to stop a signed-in session whose
    /// mailbox was disabled or whose credential was revoked since: Postfix sessions cannot be kicked.
    /// `session` is what that session's login was granted; `None` if it is not signed in, and also if
    /// it signed in at a worker that died.
    fn policy(
        &self,
        request: PolicyRequest,
        session: Option<Granted>,
    ) -> impl Future<Output = PolicyAnswer> + Send;
}

/// The three outcomes. A fault of ours is never a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// Allowed.
    Ok(T),
    /// Refused, for the person's or the administrator's reasons.
    Refused(Refusal),
    /// Not decided, through a fault of ours. Temporary in every protocol, counted against nobody.
    Unavailable,
}

/// Our store or another part of us cannot answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("temporarily unavailable")]
pub struct Unavailable;

/// A name and a secret, as a mail program sent them.
#[derive(Debug)]
pub struct LoginAttempt {
    /// What the mail program wants to do.
    pub protocol: Protocol,
    /// The name as sent: valid UTF-8, not empty, without NUL, otherwise anything.
    pub name: String,
    /// The secret as sent: valid UTF-8, not empty, at most some 8 KiB.
    pub secret: SecretString,
    /// Where the attempt came from.
    pub origin: Origin,
}

/// A request that was refused before there was anything to judge.
#[derive(Debug)]
pub struct TurnedAway {
    /// What was wrong with it.
    pub why: Misfit,
    /// The protocol, if the engine named one we know.
    pub protocol: Option<Protocol>,
    /// The name, if the request got as far as naming one.
    pub name: Option<String>,
    /// Where the request came from.
    pub origin: Origin,
}

/// What an engine told about a connection. All of it is optional on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// SASL mechanism, in upper case.
    pub mechanism: String,
    /// The engine's own word for the service, such as `submissions`.
    pub service: String,
    /// The mail program's address. Missing or unreadable: `None`, to be counted in a shared bucket.
    pub remote: Option<IpAddr>,
    /// The mail program's port. Postfix sends none.
    pub remote_port: Option<u16>,
    /// The address it connected to.
    pub local: Option<IpAddr>,
    /// The port it connected to. Postfix sends none.
    pub local_port: Option<u16>,
    /// Whether the connection is encrypted, or both its ends are the same machine.
    pub secured: bool,
    /// The engine's session id. Postfix sends none.
    pub session: Option<String>,
    /// The engine vouches for this client (Dovecot's `login_trusted_networks`): no delay.
    pub no_penalty: bool,
}

/// Why a request never became an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Misfit {
    /// The engine named no service, one that we do not serve, or one that does not belong to it.
    Service,
    /// A mechanism that we did not offer.
    Mechanism,
    /// Bad base64, a wrong number of parts, an empty name, or bytes that are not UTF-8.
    Response,
    /// A line above the length limit.
    TooLong,
    /// The empty password, which is never right.
    EmptyPassword,
    /// Asked to act as somebody else (RFC 4616 `authzid`): refused even with a right password.
    Authzid,
    /// A `CONT` for an exchange that does not exist or has timed out.
    NoExchange,
}

/// A login that was allowed. It is remembered until the mail session starts, and handed from one
/// worker to the next, hence serializable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The mailbox's address; the engine continues under this name.
    pub address: Address,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// For which protocol.
    pub protocol: Protocol,
    /// With what.
    pub credential: Credential,
}

/// A reference to the credential that was right: enough to see later whether it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// An app password.
    AppPassword(AppPasswordId),
    /// The mailbox's own local password.
    Password {
        /// The generation of the mailbox's credentials that it was right for.
        generation: i64,
    },
}

/// A refusal and how to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Outcome code such as `MAIL-601`, for logs. Never sent.
    pub code: &'static str,
    /// One sentence for the person. Anything but printable ASCII is replaced; empty: none is sent.
    pub text: String,
    /// Which of the engine's failure codes fits.
    pub kind: RefusalKind,
    /// How long the reply is held back. Cut to what the engine waits for; nothing if the engine
    /// asked for no penalty.
    pub delay: Duration,
}

/// The kinds of refusal that engines tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// Wrong name or secret.
    WrongCredentials,
    /// The right app password, after its end.
    Expired,
    /// Right, but not for this protocol or from this network.
    NotAllowed,
    /// Right, but the mailbox is switched off.
    Disabled,
    /// The connection must be encrypted first.
    NeedsTls,
}

/// What Dovecot needs to know to open a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntry {
    /// The mailbox's address.
    pub address: Address,
    /// Owner of the mail files.
    pub uid: u32,
    /// Group of the mail files.
    pub gid: u32,
    /// Home directory, absolute.
    pub home: String,
    /// Mail location, if it differs from the engine's configuration.
    pub mail: Option<String>,
    /// Quota in bytes; `None` for no limit.
    pub quota: Option<u64>,
    /// Further Dovecot settings for this mailbox.
    pub settings: Vec<(&'static str, String)>,
}

/// The key of an alias or sender look-up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MapKey {
    /// One address.
    Address(Address),
    /// `@domain`: the catch-all of a domain.
    Domain(DomainName),
}

/// The answer to one policy request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyAnswer {
    /// No objection; Postfix goes on with its own restrictions.
    Dunno,
    /// Refused for good: 550 with an enhanced status such as `5.7.1`.
    Refuse {
        /// Enhanced status code (RFC 3463), class 5.
        status: &'static str,
        /// One sentence; anything but printable ASCII is replaced.
        text: String,
    },
    /// Refused for now: 450 with an enhanced status such as `4.7.1`.
    Defer {
        /// Enhanced status code (RFC 3463), class 4.
        status: &'static str,
        /// One sentence; anything but printable ASCII is replaced.
        text: String,
    },
    /// The session is ended for now: 421 with an enhanced status such as `4.7.0`. The client connects
    /// and signs in again.
    Close {
        /// Enhanced status code (RFC 3463), class 4.
        status: &'static str,
        /// One sentence; anything but printable ASCII is replaced.
        text: String,
    },
    /// A fault of ours: 451 4.3.0.
    Unavailable,
}
