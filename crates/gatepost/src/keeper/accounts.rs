//! Which accounts the processes run under.

use nix::unistd::{Group, User};

use crate::channel::control::Ids;
use crate::config::{Account, Config};

/// The accounts of one instance, by number.
#[derive(Debug, Clone, Copy)]
pub struct Accounts {
    /// Whether the keeper is root and each process gets an account of its own. Otherwise
    /// everything runs under the keeper's account.
    pub separate: bool,
    /// The keeper's own user id.
    pub own_uid: u32,
    /// Runs the web worker.
    pub web: Ids,
    /// Runs the auth worker.
    pub auth: Ids,
    /// Owns mail files.
    pub mail: Ids,
    /// Dovecot's own account, if it is installed.
    pub dovecot: Option<Ids>,
    /// Dovecot's login processes.
    pub dovecot_login: Option<Ids>,
    /// Postfix's own account.
    pub postfix: Option<Ids>,
}

/// Why the accounts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// Accounts of ours do not exist.
    #[error("missing accounts: {}. This makes them:\n\n  {command}\n", names.join(", "))]
    Missing {
        /// Their names.
        names: Vec<String>,
        /// One line for a shell.
        command: String,
    },
    /// Two accounts are one to the system.
    #[error(
        "{one} and {other} are the same {kind} ({id}): each process may read what it needs only, \
         so users.web, users.auth and users.mail need a user and a group of their own, and none \
         of an engine's"
    )]
    Shared {
        /// A key or an engine's account.
        one: &'static str,
        /// Another one.
        other: &'static str,
        /// `user` or `group`.
        kind: &'static str,
        /// Its number.
        id: u32,
    },
    /// Started by an ordinary account with Postfix's ports on.
    #[error(
        "Postfix starts only as root: run \"gatepost serve\" as root, or set listen.submission, \
         listen.submissions and listen.smtp to \"off\""
    )]
    PostfixNeedsRoot,
    /// The account database does not answer.
    #[error("cannot look up the account {name}: {source}")]
    Lookup {
        /// The name.
        name: String,
        /// The system's reason.
        source: nix::Error,
    },
}

/// Looks up what `[users]` names, or takes the keeper's own account if it is not root.
///
/// # Errors
/// [`AccountsError`].
pub fn resolve(config: &Config) -> Result<Accounts, AccountsError> {
    let own = Ids {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    };
    if own.uid != 0 {
        if config.listen.any_postfix() {
            return Err(AccountsError::PostfixNeedsRoot);
        }
        return Ok(Accounts {
            separate: false,
            own_uid: own.uid,
            web: own,
            auth: own,
            mail: own,
            dovecot: Some(own),
            dovecot_login: Some(own),
            postfix: Some(own),
        });
    }
    let users = &config.users;
    let [web, auth, mail] = [&users.web, &users.auth, &users.mail].map(|account| match account {
        Account::Ids { uid, gid } => Ok(Ok(Ids {
            uid: *uid,
            gid: *gid,
        })),
        Account::Name(name) => Ok(look_up(name)?.ok_or_else(|| name.clone())),
    });
    match (web?, auth?, mail?) {
        (Ok(web), Ok(auth), Ok(mail)) => {
            let accounts = Accounts {
                separate: true,
                own_uid: own.uid,
                web,
                auth,
                mail,
                dovecot: look_up("dovecot")?,
                dovecot_login: look_up("dovenull")?,
                postfix: look_up("postfix")?,
            };
            check_apart(&accounts)?;
            Ok(accounts)
        }
        (web, auth, mail) => {
            let names: Vec<String> = [web.err(), auth.err(), mail.err()]
                .into_iter()
                .flatten()
                .collect();
            let mut commands = Vec::new();
            for name in &names {
                commands.push(command(
                    name,
                    Group::from_name(name).ok().flatten().is_some(),
                ));
            }
            Err(AccountsError::Missing {
                names,
                command: commands.join(" && "),
            })
        }
    }
}

/// Names that differ may stand for one user, or for users of one group.
fn check_apart(accounts: &Accounts) -> Result<(), AccountsError> {
    let ours = [
        ("users.web", Some(accounts.web)),
        ("users.auth", Some(accounts.auth)),
        ("users.mail", Some(accounts.mail)),
    ];
    let theirs = [
        ("root", Some(Ids { uid: 0, gid: 0 })),
        ("dovecot", accounts.dovecot),
        ("dovenull", accounts.dovecot_login),
        ("postfix", accounts.postfix),
    ];
    let known = |(name, ids): (&'static str, Option<Ids>)| Some((name, ids?));
    let all: Vec<_> = ours.into_iter().chain(theirs).filter_map(known).collect();
    for (index, (one, ids)) in all.iter().enumerate().take(ours.len()) {
        for (other, taken) in &all[index + 1..] {
            let shared = |kind, id| AccountsError::Shared {
                one,
                other,
                kind,
                id,
            };
            if ids.uid == taken.uid {
                return Err(shared("user", ids.uid));
            }
            if ids.gid == taken.gid {
                return Err(shared("group", ids.gid));
            }
        }
    }
    Ok(())
}

fn look_up(name: &str) -> Result<Option<Ids>, AccountsError> {
    let user = User::from_name(name).map_err(|source| AccountsError::Lookup {
        name: name.to_owned(),
        source,
    })?;
    Ok(user.map(|user| Ids {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    }))
}

/// `name` comes from the checked configuration and holds no character of a shell.
fn command(name: &str, group_exists: bool) -> String {
    let group = if group_exists {
        format!("--gid {name}")
    } else {
        "--user-group".to_owned()
    };
    format!(
        "useradd --system {group} --no-create-home --home-dir /nonexistent \
         --shell /usr/sbin/nologin {name}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_group_is_taken_over() {
        assert!(command("gatepost-web", false).contains(" --user-group "));
        assert!(command("gatepost-web", true).contains(" --gid gatepost-web "));
    }

    #[test]
    fn accounts_that_share_a_user_or_a_group_are_refused() {
        let ids = |uid, gid| Ids { uid, gid };
        let good = Accounts {
            separate: true,
            own_uid: 0,
            web: ids(901, 901),
            auth: ids(902, 902),
            mail: ids(903, 903),
            dovecot: Some(ids(904, 904)),
            dovecot_login: Some(ids(905, 905)),
            postfix: None,
        };
        check_apart(&good).unwrap();
        let refused = |change: fn(&mut Accounts)| {
            let mut accounts = good;
            change(&mut accounts);
            check_apart(&accounts).unwrap_err().to_string()
        };
        for (words, change) in [
            (
                "users.web and users.auth are the same user (901)",
                (|a| a.auth.uid = 901) as fn(&mut Accounts),
            ),
            ("users.web and users.mail are the same group (901)", |a| {
                a.mail.gid = 901
            }),
            ("users.mail and dovecot are the same group (904)", |a| {
                a.mail.gid = 904
            }),
            ("users.auth and root are the same user (0)", |a| {
                a.auth.uid = 0;
            }),
        ] {
            let said = refused(change);
            assert!(said.starts_with(words), "{said}");
        }
    }

    #[test]
    fn unknown_names_are_none() {
        assert!(look_up("no-such-account").unwrap().is_none());
        assert_eq!(look_up("root").unwrap(), Some(Ids { uid: 0, gid: 0 }));
    }
}
