//! The messages between the keeper and its workers, over [`super::descriptors`].
//!
//! ```text
//! keeper                       worker
//! Start (sockets, secrets) ──►
//!                          ◄── Ready            everything opened, nothing accepted yet
//! Handed …                 ──►                  only into an auth worker at a planned restart
//! Serve                    ──►                  accepts from now on
//!                          ◄── Verb             web worker only
//! Done                     ──►
//! Drain                    ──►                  auth worker at a planned restart
//!                          ◄── Handed …, Drained
//! Stop                     ──►                  ends after the requests it holds
//! ```
//! The migrate process answers `Start` with `Migrated` and ends, the collect process with
//! `Collected`. Anybody may answer `Failed` and end.

use std::fmt;
use std::net::SocketAddr;

use mailauth::Door;
use serde::{Deserialize, Serialize};

use crate::config::Config;

/// Changes whenever a keeper and a worker of different versions would misunderstand each other.
/// A worker that is newer than its keeper then refuses to start, and the old one stays.
pub const PROTOCOL: u32 = 2;

/// What a worker process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything HTTP; the only writer of the store.
    Web,
    /// Answers Dovecot and Postfix.
    Auth,
    /// Brings the store up to date before the other two start, and ends.
    Migrate,
    /// Removes the mail of deleted mailboxes under the account that owns it, and ends.
    Collect,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Web, Self::Auth, Self::Migrate, Self::Collect];

    /// Whether it opens the store for writing, and so holds the data directory's lock.
    #[must_use]
    pub const fn holds_the_data(self) -> bool {
        matches!(self, Self::Web | Self::Migrate)
    }

    /// As on the command line: `gatepost worker NAME`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Auth => "auth",
            Self::Migrate => "migrate",
            Self::Collect => "collect",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A listening socket of the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketName {
    /// HTTP or HTTPS.
    Web,
    /// Commands connect here; the web worker answers.
    Admin,
    /// The web worker connects here; the auth worker answers.
    Channel,
    /// An engine connects here; the auth worker answers.
    Mail(Door),
}

/// Every mail socket.
pub const DOORS: [Door; 6] = [
    Door::DovecotLogin,
    Door::DovecotMaster,
    Door::DovecotUserdb,
    Door::PostfixAuth,
    Door::Socketmap,
    Door::Policy,
];

/// A user and a group by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// What a worker needs to know besides its sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// [`PROTOCOL`] of the keeper.
    pub protocol: u32,
    /// The effective configuration.
    pub config: Config,
    /// The keeper's process id: the constant `SPID` of the auth protocols.
    pub keeper_pid: u32,
    /// What the descriptors are, in their order. A last one beyond these is the data lock.
    pub sockets: Vec<Listening>,
    /// Owner of the mail files.
    pub mail: Ids,
    /// How this machine's Dovecot takes quota.
    pub quota: QuotaStyle,
    /// What the engines listen on for each other alone: as little a provider as our other listeners.
    #[serde(default)]
    pub internal: Vec<SocketAddr>,
}

/// How Dovecot's versions want to be told a mailbox's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaStyle {
    /// 2.3: `quota_rule`.
    #[default]
    Rule,
    /// 2.4: `quota_storage_size`.
    StorageSize,
}

/// One listening socket and who may connect to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listening {
    /// Which one.
    pub name: SocketName,
    /// User ids that may connect, root included only if named; empty for TCP.
    pub allowed: Vec<u32>,
}

/// A request of the web worker to the keeper. Fixed words without arguments, so that a web worker
/// in wrong hands can do no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Render the engines' configuration again and have them take it over.
    ReloadEngines,
    /// Planned restart of the auth worker.
    RestartAuth,
    /// Remove the mail directories that the web worker has named in its spool.
    Collect,
}

/// Keeper to worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Order {
    /// First message. Descriptors: the sockets and the data lock; payload: the role's secrets.
    Start(Box<Start>),
    /// A piece of what the predecessor held.
    Handed(Handed),
    /// Accept connections.
    Serve,
    /// The certificate files in the run directory are new.
    ReloadCertificates,
    /// Stop accepting, answer what is being decided, hand over the connections, end.
    Drain,
    /// Stop accepting, finish what is held, end.
    Stop,
    /// How a verb ended.
    Done {
        /// Which verb.
        verb: Verb,
        /// Why not, if it failed.
        error: Option<String>,
    },
}

/// Worker to keeper.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Report {
    /// The migrate process is done. Payload: the auth worker's keys.
    Migrated,
    /// The collect process is done.
    Collected,
    /// Everything is open; waits for [`Order::Serve`].
    Ready,
    /// Cannot go on; the process ends now.
    Failed {
        /// Why, for the log or the terminal.
        message: String,
    },
    /// A piece of what it held.
    Handed(Handed),
    /// Everything has been handed over; the process ends now.
    Drained,
    /// See [`Verb`].
    Verb(Verb),
}

/// A piece of what an auth worker hands to its successor. The keeper passes the packet on as it
/// is, payload and descriptors included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// What it is a piece of.
    pub what: HandedWhat,
    /// Whether the item ends with this piece.
    pub last: bool,
}

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HandedWhat {
    /// A connected socket (descriptor of the last piece) and the state of its conversation.
    Connection,
    /// What belongs to no single connection: the remembered OKs.
    Desk,
    /// Failure budgets and known networks.
    Budgets,
}
