//! Doors and limits.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A kind of socket: which protocol is spoken on it, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// Dovecot's login processes: auth-client.
    DovecotLogin,
    /// Dovecot's session processes: auth-master with `REQUEST`.
    DovecotMaster,
    /// Dovecot's lmtp and doveadm: auth-master without `REQUEST`.
    DovecotUserdb,
    /// Postfix's smtpd: auth-client.
    PostfixAuth,
    /// Postfix's look-ups: socketmap.
    Socketmap,
    /// Postfix's smtpd: policy delegation.
    Policy,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DovecotLogin,
        Self::DovecotMaster,
        Self::DovecotUserdb,
        Self::PostfixAuth,
        Self::Socketmap,
        Self::Policy,
    ];

    /// The file name of the socket, as the engines' configuration has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DovecotLogin => "dovecot-login",
            Self::DovecotMaster => "dovecot-master",
            Self::DovecotUserdb => "dovecot-userdb",
            Self::PostfixAuth => "postfix-auth",
            Self::Socketmap => "socketmap",
            Self::Policy => "policy",
        }
    }

    /// The longest a refusal may be held back. Postfix gives up after 10 s and then reports a fault
    /// of ours; Dovecot's own penalty ended at 15 s.
    pub(crate) const fn longest_delay(self) -> Duration {
        match self {
            Self::PostfixAuth => Duration::from_secs(8),
            _ => Duration::from_secs(15),
        }
    }
}

/// How the engine's version wants a mailbox's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaField {
    /// Dovecot 2.3: `quota_rule=*:bytes=N`.
    Rule,
    /// Dovecot 2.4: `quota_storage_size=NB`.
    StorageSize,
}

/// Limits of one desk. [`Settings::new`] has the values that the engines' own limits suggest.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Announced as `SPID` on every auth socket. Must stay the same while engines run: if it differs
    /// between two sockets or changes over a restart, Dovecot aborts the logins in flight. The
    /// keeper's own process id serves.
    pub server_pid: u32,
    /// How quota is told to Dovecot.
    pub quota_field: QuotaField,
    /// Connections served at a time on one door; further ones wait in the socket's backlog.
    pub connections: usize,
    /// Requests open at a time on one auth connection; further ones are answered as unavailable.
    pub open_requests: usize,
    /// Refusals held back at a time, all connections together; beyond, unavailable.
    pub held_replies: usize,
    /// OKs remembered at a time for the session that follows; beyond, the oldest is forgotten.
    pub remembered: usize,
    /// How long an OK is remembered. Dovecot asks within milliseconds.
    pub remember_for: Duration,
    /// How long a decision may take. Less than the 10 s after which Postfix gives up on us.
    pub answer_within: Duration,
    /// How long a mail program may take for the next step of a SASL exchange. More than the 300 s
    /// that Postfix gives it (`smtpd_timeout`), so that the engine ends the wait and not we.
    pub exchange_within: Duration,
    /// How long a peer may stop in the middle of a request or leave our replies unread.
    pub stall_within: Duration,
}

impl Settings {
    /// The usual limits.
    #[must_use]
    pub const fn new(server_pid: u32, quota_field: QuotaField) -> Self {
        Self {
            server_pid,
            quota_field,
            connections: 4096,
            open_requests: 2048,
            held_replies: 4096,
            remembered: 16_384,
            remember_for: Duration::from_secs(150),
            answer_within: Duration::from_secs(8),
            exchange_within: Duration::from_secs(310),
            stall_within: Duration::from_secs(60),
        }
    }
}
