//! `[users]`: the accounts the processes run under.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Problems;

/// An account by name, or by numbers that need no entry in the account database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// A name, looked up when the server starts.
    Name(String),
    /// Numeric user and group.
    Ids {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

/// A text that is no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account name, a number, or two numbers as \"UID:GID\" (not 0) are needed")]
pub struct AccountError;

/// `[users]`. Looked at only when the server is started by root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Users {
    /// Runs the web worker and owns the store.
    pub web: Account,
    /// Runs the auth worker; its group may read the store.
    pub auth: Account,
    /// Owns the mail files.
    pub mail: Account,
}

impl Default for Users {
    fn default() -> Self {
        Self {
            web: Account::Name("gatepost-web".to_owned()),
            auth: Account::Name("gatepost-auth".to_owned()),
            mail: Account::Name("gatepost-mail".to_owned()),
        }
    }
}

impl Users {
    pub(super) fn check(&self, problems: &mut Problems) {
        let accounts = [
            ("users.web", &self.web),
            ("users.auth", &self.auth),
            ("users.mail", &self.mail),
        ];
        for (index, (key, account)) in accounts.iter().enumerate() {
            for (other, taken) in accounts.iter().take(index) {
                if account == taken {
                    problems.add(
                        *key,
                        format!(
                            "must differ from {other}: each process may read what it needs only"
                        ),
                    );
                }
            }
        }
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, group) = text.split_once(':').unwrap_or((text, text));
        let account = match (user.parse(), group.parse()) {
            (Ok(uid), Ok(gid)) => Self::Ids { uid, gid },
            _ if is_account_name(text) => Self::Name(text.to_owned()),
            _ => return Err(AccountError),
        };
        // A worker of root would make the separation of processes worthless.
        match account {
            Self::Ids { uid: 0, .. } | Self::Ids { gid: 0, .. } => Err(AccountError),
            Self::Name(name) if name == "root" => Err(AccountError),
            account => Ok(account),
        }
    }
}

/// What `useradd` takes; the name is printed inside a command that people paste.
fn is_account_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(allowed)
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => out.write_str(name),
            Self::Ids { uid, gid } => write!(out, "{uid}:{gid}"),
        }
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::quantity::from_text_or_integer(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_numbers_but_never_root() {
        assert_eq!(
            "gatepost-web".parse(),
            Ok(Account::Name("gatepost-web".to_owned()))
        );
        assert_eq!("990".parse(), Ok(Account::Ids { uid: 990, gid: 990 }));
        assert_eq!("990:12".parse(), Ok(Account::Ids { uid: 990, gid: 12 }));
        for bad in [
            "root", "0", "990:0", "0:990", "", "a b", "a;b", "Web", "web:mail", "-x",
        ] {
            assert_eq!(bad.parse::<Account>(), Err(AccountError), "{bad}");
        }
    }
}
