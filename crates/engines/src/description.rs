//! The one neutral description both engines are rendered from.
//!
//! It says *what* the mail system is (listeners, directories, accounts, limits), never how an
//! engine spells it, so that a renderer for another engine version reads the same structs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use model::address::{Address, DomainName};
use secrecy::SecretString;

/// Everything Dovecot and Postfix need to know. Users, domains and aliases are not in here: the
/// engines ask for them through [`Sockets`], so that changing one never needs a reload.
#[derive(Debug, Clone)]
pub struct MailSystem {
    /// Where this instance lives on disk.
    pub directories: Directories,
    /// The name the server greets with and puts into `Received` lines.
    pub hostname: DomainName,
    /// Sender of Dovecot's rejections and addressee of Postfix's notices.
    pub postmaster: Address,
    /// The character between a mailbox name and its extension, usually `+`.
    pub recipient_delimiter: char,
    /// Largest accepted message in bytes, as it travels (attachments grow by a third in base64).
    pub message_size_limit: u64,
    /// Certificate and key shown to mail programs and other mail servers.
    pub tls: CertificateFiles,
    /// Where Gatepost answers the engines.
    pub sockets: Sockets,
    /// The accounts the engines run under.
    pub accounts: Accounts,
    /// How many mail programs may be signed in at once. Every process and client limit of both
    /// engines follows from this number.
    pub sessions: u32,
    /// How processes are shared between sessions.
    pub processes: ProcessModel,
    /// Reading mail: Dovecot.
    pub store: Store,
    /// Sending and receiving mail: Postfix. Absent when Dovecot runs alone.
    pub transport: Option<Transport>,
}

/// 50 MB, the usual limit in bytes.
pub const DEFAULT_MESSAGE_SIZE_LIMIT: u64 = 52_428_800;

/// The usual [`MailSystem::sessions`].
pub const DEFAULT_SESSIONS: u32 = 1024;

/// The instance's own directories. Nothing outside them is written; the host's `/etc/dovecot` and
/// `/etc/postfix` are neither read nor touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Sockets and process files. Short, because a unix socket path holds 107 bytes, and
    /// traversable by the engines' users; usually on a memory file system.
    pub run: PathBuf,
    /// What the engines remember between starts (TLS session caches, the delivery database).
    pub state: PathBuf,
    /// Rendered configuration, one directory per generation and a `current` link.
    pub config: PathBuf,
    /// Root of the mailboxes' homes; belongs to the mail account.
    pub mail: PathBuf,
    /// Postfix's queue. Accepted mail lives here: it survives restarts and upgrades.
    pub queue: PathBuf,
}

/// A PEM certificate chain and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The key, readable by root (or the one account) only.
    pub key: PathBuf,
}

/// Gatepost's own unix sockets. They are bound before the engines start and outlive them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sockets {
    /// Auth-client protocol for Dovecot's login processes (the login account connects).
    pub dovecot_login: PathBuf,
    /// Auth-master protocol for `REQUEST` after a login (root connects).
    pub dovecot_master: PathBuf,
    /// Auth-master protocol for `USER` and `LIST` (root connects).
    pub dovecot_userdb: PathBuf,
    /// Auth-client protocol for Postfix's smtpd (the Postfix account connects).
    pub postfix_auth: PathBuf,
    /// Socketmap with the maps `domains`, `mailboxes`, `aliases` and `senders` (Postfix account).
    pub socketmap: PathBuf,
    /// Policy service (Postfix account).
    pub policy: PathBuf,
}

impl Sockets {
    /// The usual names: Dovecot's three below `dovecot`, Postfix's three below `postfix`, so that
    /// each directory can be closed to everybody but that engine's account.
    #[must_use]
    pub fn below(dovecot: &Path, postfix: &Path) -> Self {
        Self {
            dovecot_login: dovecot.join("dovecot-login"),
            dovecot_master: dovecot.join("dovecot-master"),
            dovecot_userdb: dovecot.join("dovecot-userdb"),
            postfix_auth: postfix.join("postfix-auth"),
            socketmap: postfix.join("socketmap"),
            policy: postfix.join("policy"),
        }
    }
}

/// A numeric user and group. They need no entry in the system's account files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Who the engines' processes run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accounts {
    /// Started by root, each part under its own account. The engines look names up in the system's
    /// account files and take no numbers there; only the owner of mail files may be numeric.
    Separate {
        /// Owner of all mail files; what the user database answers as `uid` and `gid`.
        mail: Ids,
        /// Dovecot's own account, `dovecot` in Debian.
        dovecot: String,
        /// Dovecot's login processes, `dovenull` in Debian.
        dovecot_login: String,
        /// Postfix's own account, `postfix` in Debian.
        postfix: String,
        /// Postfix's set-group-id group, `postdrop` in Debian.
        postdrop: String,
    },
    /// Started by an ordinary account that everything runs under: Dovecot only, no port below
    /// 1024, and login processes are not separated from mail files.
    Single {
        /// The account's name.
        user: String,
        /// Its group's name.
        group: String,
        /// Its numbers.
        ids: Ids,
    },
}

impl Accounts {
    /// The accounts of Debian's packages, with `mail` as owner of mail files.
    #[must_use]
    pub fn debian(mail: Ids) -> Self {
        Self::Separate {
            mail,
            dovecot: "dovecot".to_owned(),
            dovecot_login: "dovenull".to_owned(),
            postfix: "postfix".to_owned(),
            postdrop: "postdrop".to_owned(),
        }
    }

    /// The owner of mail files.
    #[must_use]
    pub const fn mail(&self) -> Ids {
        match self {
            Self::Separate { mail, .. } => *mail,
            Self::Single { ids, .. } => *ids,
        }
    }
}

/// Whether one process serves many sessions in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProcessModel {
    /// Login processes serve many connections at once and mail processes up to 100 sessions in
    /// turn: about nine times less processor time per login. A memory error in a login process
    /// exposes what passes through it.
    #[default]
    Fast,
    /// One login process and one mail process per connection.
    Hardened,
}

/// Dovecot's part. An empty list of addresses means that the service is off.
#[derive(Debug, Clone)]
pub struct Store {
    /// IMAP with STARTTLS, usually port 143.
    pub imap: Vec<SocketAddr>,
    /// IMAP over TLS, usually port 993.
    pub imaps: Vec<SocketAddr>,
    /// POP3 with STLS, usually port 110.
    pub pop3: Vec<SocketAddr>,
    /// POP3 over TLS, usually port 995.
    pub pop3s: Vec<SocketAddr>,
    /// ManageSieve with STARTTLS, usually port 4190. Needs [`Store::sieve`].
    pub managesieve: Vec<SocketAddr>,
    /// LMTP over TCP for a foreign Postfix. It takes mail from anyone who reaches it. Our own
    /// Postfix uses a unix socket instead.
    pub lmtp: Vec<SocketAddr>,
    /// Whether filter scripts run at delivery.
    pub sieve: bool,
    /// Whether quotas are counted, shown and enforced.
    pub quota: bool,
    /// Where [`crate::kick::Kicker`] reaches Dovecot.
    pub kick: Kick,
}

/// Dovecot's administration interface, used to end sessions. Whoever reaches it and knows the key
/// has full power over all mail.
#[derive(Debug, Clone)]
pub struct Kick {
    /// How it is reached.
    pub listener: KickListener,
    /// Made anew at each start; see [`model::random::token`].
    pub api_key: SecretString,
}

/// Where Dovecot's administration interface listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KickListener {
    /// A unix socket inside a directory that only root and one group may enter.
    Unix {
        /// The group of the process that kicks. Ignored under [`Accounts::Single`].
        gid: u32,
    },
    /// TCP on loopback, protected by the key alone.
    Loopback(SocketAddr),
}

/// Postfix's part. An empty list of addresses means that the service is off.
#[derive(Debug, Clone)]
pub struct Transport {
    /// Mail from other servers, usually port 25. No sign-in here.
    pub smtp: Vec<SocketAddr>,
    /// Submission with STARTTLS, usually port 587. Asks for users as service `submission`.
    pub submission: Vec<SocketAddr>,
    /// Submission over TLS, usually port 465. Asks for users as service `submissions`.
    pub submissions: Vec<SocketAddr>,
    /// Loopback address on which filter scripts hand in redirects and vacation replies. Only a
    /// client with the instance's internal certificate is served, so another local account that
    /// finds the port gets nothing.
    pub sieve_submission: SocketAddr,
    /// TLS towards other servers.
    pub outward_tls: OutwardTls,
    /// Where all outgoing mail goes, instead of the recipients' own servers.
    pub relay: Option<Relay>,
    /// Filters such as Rspamd.
    pub milters: Milters,
}

/// TLS towards other mail servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutwardTls {
    /// TLS wherever the other side offers it, without checking names.
    #[default]
    Opportunistic,
    /// DANE (RFC 7672). Needs a resolver on this host that validates DNSSEC, else it falls back to
    /// the opportunistic kind.
    Dane,
}

/// A smart host.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Host name or IP address; no MX look-up is made.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: RelayTls,
    /// Sign-in at the smart host. Needs a [`RelayTls`] other than opportunistic.
    pub credentials: Option<RelayCredentials>,
}

/// TLS towards the smart host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayTls {
    /// If offered; the certificate is not checked.
    Opportunistic,
    /// STARTTLS or no delivery; certificate and name are checked against the system's CAs.
    Required,
    /// TLS from the first byte (usually port 465), checked as above.
    Implicit,
}

/// Name and password for the smart host.
#[derive(Debug, Clone)]
pub struct RelayCredentials {
    /// Without a colon or white space.
    pub user: String,
    /// Without a line break.
    pub password: SecretString,
}

/// Mail filters and what happens when one does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Milters {
    /// In order.
    pub list: Vec<Milter>,
    /// When a filter is down or answers nonsense.
    pub default_action: MilterAction,
}

/// Where a mail filter listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Milter {
    /// TCP.
    Inet {
        /// Host name or IP address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// A unix socket.
    Unix(PathBuf),
}

/// What Postfix does without an answer from a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MilterAction {
    /// Asks the sender to try again later.
    #[default]
    TempFail,
    /// Takes the mail as if there were no filter.
    Accept,
    /// Refuses the mail for good.
    Reject,
    /// Takes the mail and holds it in the queue.
    Quarantine,
}
