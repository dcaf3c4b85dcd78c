//! What use cases need from the outside and `gatepost` wires in.

use model::address::{Address, DomainName};
use model::app_password::LastUse;
use model::attempt::Attempt;
use model::ids::{AppPasswordId, MailboxId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;
use uuid::Uuid;

/// A boxed future, so that the ports can be trait objects.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The one place that runs slow hashes and counts failures: in the auth worker. The web worker
/// reaches it over the internal channel.
pub trait PasswordDesk: Send + Sync {
    /// Checks a human password against a stored hash, within the budgets of its account and
    /// network. `hash` is `None` for an unknown account, which costs the same time.
    fn verify<'a>(&'a self, question: PasswordQuestion) -> Answer<'a, PasswordVerdict>;
    /// Makes an Argon2id hash in PHC form.
    fn hash<'a>(&'a self, password: SecretString) -> Answer<'a, Result<String, Unavailable>>;
    /// Asks whether one more try at a thing that is not a password is within its network's budget,
    /// and counts it as failed unless [`PasswordDesk::forgive`] follows.
    fn try_other<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, Result<(), Wait>>;
    /// The try succeeded.
    fn forgive<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, ()>;
    /// Asks whether a human password would be looked at now; counts nothing.
    fn standing<'a>(
        &'a self,
        question: StandingQuestion,
    ) -> Answer<'a, Result<Standing, Unavailable>>;
    /// Forgets what was counted of an account and of a network: an administrator's act.
    fn clear<'a>(
        &'a self,
        account: Account,
        ip: Option<IpAddr>,
    ) -> Answer<'a, Result<(), Unavailable>>;
}

/// Whose standing is asked for.
#[derive(Clone)]
pub struct StandingQuestion {
    /// The account.
    pub account: Account,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The stored hash: a new password starts anew.
    pub hash: Option<String>,
}

impl fmt::Debug for StandingQuestion {
    /// Without the hash, which may be guessed at.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandingQuestion")
            .field("account", &self.account)
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}

/// Whether a human password would be looked at now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It would.
    Free,
    /// Not for so long.
    Waits(Wait),
    /// Not until there is a new password, or a right one from a network that the account knows.
    Stopped,
}

/// Whose failures are counted together. Names of different kinds never meet: a mail program that
/// asks for the name of an administrator spends nothing of that administrator's budget.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// A mailbox's canonical address, or what was typed in place of one, in lower case.
    Mailbox(String),
    /// An administrator's name in lower case.
    Admin(String),
}

impl Account {
    /// The name, whatever its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Mailbox(name) | Self::Admin(name) => name,
        }
    }

    /// As [`Account::name`].
    #[must_use]
    pub fn into_name(self) -> String {
        match self {
            Self::Mailbox(name) | Self::Admin(name) => name,
        }
    }
}

/// A human password to check.
#[derive(Clone)]
pub struct PasswordQuestion {
    /// Whose.
    pub account: Account,
    /// From where.
    pub ip: Option<IpAddr>,
    /// What was typed.
    pub password: SecretString,
    /// The stored hash.
    pub hash: Option<String>,
}

impl fmt::Debug for PasswordQuestion {
    /// Without the hash, which may be guessed at.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordQuestion")
            .field("account", &self.account)
            .field("ip", &self.ip)
            .finish_non_exhaustive()
    }
}

/// The answer to a [`PasswordQuestion`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordVerdict {
    /// Right; with a better hash to store when the old one was weaker or imported.
    Right {
        /// Argon2id in PHC form.
        rehash: Option<String>,
    },
    /// Wrong, and counted.
    Wrong {
        /// How long after the question the answer is due: the same for every wrong name and
        /// password, whatever it cost to find out.
        due: Duration,
    },
    /// Over budget; not looked at.
    Throttled(Wait),
    /// Too many wrong passwords in a row; not looked at until there is a new password, except from
    /// networks that the account knows.
    Stopped,
    /// The pool is full or gone. Not counted.
    Unavailable,
}

impl fmt::Debug for PasswordVerdict {
    /// Without the hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right { .. } => f.debug_struct("Right").finish_non_exhaustive(),
            Self::Wrong { due } => f.debug_struct("Wrong").field("due", due).finish(),
            Self::Throttled(wait) => f.debug_tuple("Throttled").field(wait).finish(),
            Self::Stopped => f.write_str("Stopped"),
            Self::Unavailable => f.write_str("Unavailable"),
        }
    }
}

/// How long to wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait(pub Duration);

/// The auth worker could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("password checks are not available at the moment")]
pub struct Unavailable;

/// Things other than passwords that can be guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherTry {
    /// The one-time set-up link.
    SetupLink,
}

/// Where the auth worker leaves what it learned; bounded, and dropped with a counter when full.
pub trait Recorder: Send + Sync {
    /// Leaves one thing. Never waits.
    fn record(&self, learned: Learned);
}

/// What the auth worker learned, for the writer in the web worker.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learned {
    /// An app password was used (at most once a minute each).
    AppPasswordUsed(AppPasswordId, LastUse),
    /// A local password was used by a mail program (at most once a minute each).
    PasswordUsed(MailboxId, LastUse),
    /// Mail attempts of one bucket within a minute.
    Attempt(Box<Attempt>, String),
    /// A human password verified against a weaker or imported hash: `(mailbox, old, new)`.
    Rehash(MailboxId, String, String),
}

impl fmt::Debug for Learned {
    /// Without the hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AppPasswordUsed(id, last) => f
                .debug_tuple("AppPasswordUsed")
                .field(id)
                .field(last)
                .finish(),
            Self::PasswordUsed(id, last) => {
                f.debug_tuple("PasswordUsed").field(id).field(last).finish()
            }
            Self::Attempt(attempt, bucket) => f
                .debug_tuple("Attempt")
                .field(attempt)
                .field(bucket)
                .finish(),
            Self::Rehash(mailbox, ..) => f
                .debug_struct("Rehash")
                .field("mailbox", mailbox)
                .finish_non_exhaustive(),
        }
    }
}

/// Side effects on the engines, run from the outbox after commit.
pub trait Engines: Send + Sync {
    /// Ends live sessions of an address; tells how many.
    fn kick<'a>(&'a self, address: &'a Address) -> Answer<'a, Result<u64, EffectFailed>>;
    /// Ends live sessions of all addresses of a domain; tells how many.
    fn kick_domain<'a>(&'a self, domain: &'a DomainName) -> Answer<'a, Result<u64, EffectFailed>>;
    /// Has the mail of a deleted mailbox removed from the disk. Never waits for it.
    fn remove_mail(&self, storage: Uuid) -> Answer<'_, Result<Progress, EffectFailed>>;
    /// Hands a letter to the mail server; when it returns, it is in the queue.
    fn send<'a>(&'a self, letter: &'a Letter) -> Answer<'a, Result<(), EffectFailed>>;
    /// Renders the engines' configuration anew and reloads them.
    fn reload<'a>(&'a self) -> Answer<'a, Result<(), EffectFailed>>;
}

/// A mail that Gatepost writes: plain text, to an address of a domain that it receives mail for,
/// from that domain's postmaster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: Address,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// How far a side effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has happened.
    Done,
    /// Somebody is at it: ask again.
    UnderWay,
}

/// A side effect did not happen; the outbox tries again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct EffectFailed(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hash_is_in_words_for_a_log() {
        let hash = || "$argon2id$v=19$secret".to_owned();
        let question = PasswordQuestion {
            account: Account::Admin("karin".to_owned()),
            ip: None,
            password: SecretString::from("typed"),
            hash: Some(hash()),
        };
        let words = format!(
            "{question:?} {:?} {:?}",
            PasswordVerdict::Right {
                rehash: Some(hash())
            },
            Learned::Rehash(MailboxId(1), hash(), hash()),
        );
        assert!(
            words.contains("karin") && words.contains("Rehash"),
            "{words}"
        );
        assert!(
            !words.contains("argon2id") && !words.contains("typed"),
            "{words}"
        );
    }
}
