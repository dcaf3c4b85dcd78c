//! The mail edge: answers Dovecot and Postfix.
//!
//! Gatepost is the authentication server of both engines. This room speaks their four protocols on
//! unix sockets and knows no rule of its own beyond the wire: every decision comes through the
//! [`Decisions`] trait, which the `auth` worker implements over the use cases in `app`.
//!
//! | door | protocol | who connects |
//! |---|---|---|
//! | [`Door::DovecotLogin`] | auth-client | imap-login, pop3-login, managesieve-login |
//! | [`Door::PostfixAuth`] | auth-client | smtpd |
//! | [`Door::DovecotMaster`] | auth-master | imap, pop3, managesieve after a login |
//! | [`Door::DovecotUserdb`] | auth-master | lmtp, doveadm |
//! | [`Door::Socketmap`] | socketmap | Postfix: domains, mailboxes, aliases, senders |
//! | [`Door::Policy`] | policy delegation | smtpd, for each recipient |
//!
//! From the bytes up: [`wire`] holds pure parsers and writers; `sasl` the mechanisms; one
//! `Conversation` per protocol (`auth_client`, `auth_master`, `socketmap`, `policy`) turns requests
//! into questions and verdicts into replies without touching a socket; `connection` moves the bytes;
//! [`Desk`] accepts, drains and hands over.
//!
//! To add a SASL mechanism: one file in `sasl`, one arm in `sasl::Mechanism`. To add a protocol: one
//! parser in [`wire`], one `Conversation`, one [`Door`].

mod auth_client;
mod auth_master;
mod connection;
mod conversation;
mod counts;
mod decisions;
mod desk;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod handover;
mod inbox;
mod mail_app;
mod pending;
mod policy;
mod sasl;
mod settings;
mod signed_in;
mod socketmap;
pub mod wire;

pub use counts::Counts;
pub use decisions::{
    Credential, Decisions, Granted, LoginAttempt, MapKey, Misfit, Origin, PolicyAnswer, Refusal,
    RefusalKind, TurnedAway, Unavailable, UserEntry, Verdict,
};
pub use desk::{Desk, Listener};
pub use handover::{Connected, ConnectionState, DeskState, Handover, UnknownState};
pub use settings::{Door, QuotaField, Settings};
pub use wire::policy::PolicyRequest;
