//! The accounts of the description in the host's account files.
//!
//! Neither engine's configuration check looks there: Dovecot would keep its old configuration at a
//! reload and say so only in its log, and Postfix ends without a word when it has no terminal.

use std::path::Path;
use std::time::Duration;

use crate::command::{self, CommandError};
use crate::description::{Accounts, Ids};

/// Why an account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Not in the account files.
    #[error(
        "there is no {kind} {name:?} on this host; the packages dovecot-core and postfix make theirs"
    )]
    Missing {
        /// `user` or `group`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The account files could not be asked.
    #[error("looking up accounts: {0}")]
    LookUp(#[from] CommandError),
    /// An entry without numbers.
    #[error("the account files hold no numbers for user {0:?}")]
    NoNumbers(String),
}

/// The numbers of a user, for the owners of Gatepost's sockets and for checking who connects.
/// Asks the system's name service, which also knows accounts outside `/etc/passwd`.
///
/// # Errors
/// [`AccountsError::Missing`] if there is no such user.
pub async fn look_up(user: &str) -> Result<Ids, AccountsError> {
    let line = ask("user", user).await?;
    // passwd(5): name:password:uid:gid:…
    let mut numbers = line.split(':').skip(2).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(uid)), Some(Ok(gid))) => Ok(Ids { uid, gid }),
        _ => Err(AccountsError::NoNumbers(user.to_owned())),
    }
}

/// Whether every account of the description exists.
pub(crate) async fn check(accounts: &Accounts, transport: bool) -> Result<(), AccountsError> {
    match accounts {
        Accounts::Separate {
            dovecot,
            dovecot_login,
            postfix,
            postdrop,
            ..
        } => {
            ask("user", dovecot).await?;
            ask("group", dovecot).await?;
            ask("user", dovecot_login).await?;
            if transport {
                ask("user", postfix).await?;
                ask("group", postdrop).await?;
            }
        }
        Accounts::Single { user, group, .. } => {
            ask("user", user).await?;
            ask("group", group).await?;
        }
    }
    Ok(())
}

async fn ask(kind: &'static str, name: &str) -> Result<String, AccountsError> {
    let database = if kind == "user" { "passwd" } else { "group" };
    let getent = Path::new("/usr/bin/getent");
    match command::run(getent, [database, "--", name], Duration::from_secs(10)).await {
        Ok(printed) => Ok(printed.stdout),
        // getent(1): one or more keys could not be found.
        Err(CommandError::Failed { status, .. }) if status.code() == Some(2) => {
            Err(AccountsError::Missing {
                kind,
                name: name.to_owned(),
            })
        }
        Err(error) => Err(AccountsError::LookUp(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn users_are_found_by_name_only() {
        assert_eq!(look_up("root").await.unwrap(), Ids { uid: 0, gid: 0 });
        for name in ["nosuchuser", "54321", "-s"] {
            let error = look_up(name).await.unwrap_err();
            assert!(matches!(error, AccountsError::Missing { .. }), "{error}");
        }
    }
}
