//! What a description must satisfy before anything is rendered from it.
//!
//! Both engines read `$`, `#`, `{`, quotes, line ends and more as syntax. Every free text of the
//! description is held to a small alphabet here, so the renderers never need to escape.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use crate::description::{
    Accounts, Directories, KickListener, MailSystem, Milter, Relay, RelayTls, Transport,
};
use crate::layout::Layout;

/// Why a description cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// A text that could be read as syntax by an engine.
    #[error("{field}: {value:?} holds a character the mail engines would misread")]
    Text {
        /// The field of the description.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// A relative path.
    #[error("{field}: {path} is not an absolute path")]
    RelativePath {
        /// The field of the description.
        field: &'static str,
        /// What stands there.
        path: PathBuf,
    },
    /// `sun_path` holds 107 bytes and a terminator (unix(7)).
    #[error("{path} is too long for a unix socket (107 bytes): choose a shorter run directory")]
    SocketPathTooLong {
        /// The socket.
        path: PathBuf,
    },
    /// Two services on one address.
    #[error("{first} and {second} both listen on {address}")]
    AddressTwice {
        /// The earlier service.
        first: &'static str,
        /// The later service.
        second: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A service without a port.
    #[error("{field}: port 0 is not a port to listen on")]
    NoPort {
        /// The service.
        field: &'static str,
    },
    /// A listener that must not be reachable from outside.
    #[error("{field}: {address} is not a loopback address")]
    NotLoopback {
        /// The service.
        field: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Postfix's master refuses to run without root.
    #[error("Postfix starts as root only: leave the transport out or give separate accounts")]
    TransportNeedsRoot,
    /// ManageSieve without Sieve.
    #[error("a ManageSieve listener needs filter scripts to be on")]
    ManageSieveWithoutSieve,
    /// Credentials on a connection that may be in clear.
    #[error("the relay host gets no password over a connection that may be unencrypted")]
    CredentialsInClear,
    /// Engines must not run as root.
    #[error("mail files cannot belong to root")]
    MailOwnedByRoot,
    /// Fewer sessions than the engines need to breathe.
    #[error("{0} sessions: the limit lies between 10 and 200000")]
    Sessions(u32),
    /// Less than a mail header.
    #[error("{0} bytes: a message size limit lies between 65536 and 2000000000")]
    MessageSize(u64),
    /// Not one of the characters mail systems use to set an extension apart.
    #[error("{0:?} cannot separate an address extension: use + or -")]
    Delimiter(char),
}

/// Message size limits that both engines take, in bytes.
pub const MESSAGE_SIZES: std::ops::RangeInclusive<u64> = 65_536..=2_000_000_000;

type Checked = Result<(), DescriptionError>;

/// Checks the whole description; the first mistake wins.
///
/// # Errors
/// See [`DescriptionError`].
pub fn check(system: &MailSystem) -> Checked {
    let Directories {
        run,
        state,
        config,
        mail,
        queue,
    } = &system.directories;
    for (field, path) in [
        ("directories.run", run),
        ("directories.state", state),
        ("directories.config", config),
        ("directories.mail", mail),
        ("directories.queue", queue),
        ("tls.certificate", &system.tls.certificate),
        ("tls.key", &system.tls.key),
    ] {
        check_path(field, path)?;
    }
    let layout = Layout::of(&system.directories);
    let sockets = &system.sockets;
    for (field, path) in [
        ("sockets.dovecot_login", &sockets.dovecot_login),
        ("sockets.dovecot_master", &sockets.dovecot_master),
        ("sockets.dovecot_userdb", &sockets.dovecot_userdb),
        ("sockets.postfix_auth", &sockets.postfix_auth),
        ("sockets.socketmap", &sockets.socketmap),
        ("sockets.policy", &sockets.policy),
        ("directories.run", &layout.longest_dovecot_socket()),
    ] {
        check_socket(field, path)?;
    }
    check_accounts(system)?;
    if !(10..=200_000).contains(&system.sessions) {
        return Err(DescriptionError::Sessions(system.sessions));
    }
    if !MESSAGE_SIZES.contains(&system.message_size_limit) {
        return Err(DescriptionError::MessageSize(system.message_size_limit));
    }
    if !matches!(system.recipient_delimiter, '+' | '-') {
        return Err(DescriptionError::Delimiter(system.recipient_delimiter));
    }
    if !system.store.managesieve.is_empty() && !system.store.sieve {
        return Err(DescriptionError::ManageSieveWithoutSieve);
    }
    if let Some(transport) = &system.transport {
        check_transport(transport)?;
    }
    check_listeners(system)
}

fn check_accounts(system: &MailSystem) -> Checked {
    match &system.accounts {
        Accounts::Separate {
            dovecot,
            dovecot_login,
            postfix,
            postdrop,
            ..
        } => {
            for (field, name) in [
                ("accounts.dovecot", dovecot),
                ("accounts.dovecot_login", dovecot_login),
                ("accounts.postfix", postfix),
                ("accounts.postdrop", postdrop),
            ] {
                check_account_name(field, name)?;
            }
        }
        Accounts::Single { user, group, .. } => {
            check_account_name("accounts.user", user)?;
            check_account_name("accounts.group", group)?;
            if system.transport.is_some() {
                return Err(DescriptionError::TransportNeedsRoot);
            }
        }
    }
    let mail = system.accounts.mail();
    if mail.uid == 0 || mail.gid == 0 {
        return Err(DescriptionError::MailOwnedByRoot);
    }
    Ok(())
}

fn check_transport(transport: &Transport) -> Checked {
    if let Some(relay) = &transport.relay {
        check_relay(relay)?;
    }
    for milter in &transport.milters.list {
        match milter {
            Milter::Inet { host, port } => {
                check_host("milters", host)?;
                if *port == 0 {
                    return Err(DescriptionError::NoPort { field: "milters" });
                }
            }
            Milter::Unix(path) => check_socket("milters", path)?,
        }
    }
    Ok(())
}

fn check_relay(relay: &Relay) -> Checked {
    check_host("relay.host", &relay.host)?;
    if relay.port == 0 {
        return Err(DescriptionError::NoPort {
            field: "relay.port",
        });
    }
    let Some(credentials) = &relay.credentials else {
        return Ok(());
    };
    if relay.tls == RelayTls::Opportunistic {
        return Err(DescriptionError::CredentialsInClear);
    }
    if credentials.user.is_empty()
        || credentials
            .user
            .contains(|c: char| c == ':' || c.is_whitespace() || c.is_control())
    {
        return Err(DescriptionError::Text {
            field: "relay.user",
            value: credentials.user.clone(),
        });
    }
    let password = credentials.password.expose_secret();
    // The map file is read line by line and both ends of a value are trimmed.
    if password.is_empty() || password.contains(char::is_control) || password.trim() != password {
        return Err(DescriptionError::Text {
            field: "relay.password",
            value: "(hidden)".to_owned(),
        });
    }
    Ok(())
}

fn check_listeners(system: &MailSystem) -> Checked {
    let store = &system.store;
    let mut seen: Vec<(&'static str, SocketAddr)> = Vec::new();
    let mut services: Vec<(&'static str, &[SocketAddr])> = vec![
        ("imap", &store.imap),
        ("imaps", &store.imaps),
        ("pop3", &store.pop3),
        ("pop3s", &store.pop3s),
        ("managesieve", &store.managesieve),
        ("lmtp", &store.lmtp),
    ];
    if let KickListener::Loopback(address) = &store.kick.listener {
        check_loopback("kick", *address)?;
        services.push(("kick", std::slice::from_ref(address)));
    }
    if let Some(transport) = &system.transport {
        let internal = &transport.sieve_submission;
        check_loopback("sieve_submission", *internal)?;
        services.push(("smtp", &transport.smtp));
        services.push(("submission", &transport.submission));
        services.push(("submissions", &transport.submissions));
        services.push(("sieve_submission", std::slice::from_ref(internal)));
    }
    for (field, addresses) in services {
        for &address in addresses {
            if address.port() == 0 {
                return Err(DescriptionError::NoPort { field });
            }
            if let Some((first, _)) = seen.iter().find(|(_, other)| *other == address) {
                return Err(DescriptionError::AddressTwice {
                    first,
                    second: field,
                    address,
                });
            }
            seen.push((field, address));
        }
    }
    Ok(())
}

fn check_loopback(field: &'static str, address: SocketAddr) -> Checked {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(DescriptionError::NotLoopback { field, address })
    }
}

fn check_path(field: &'static str, path: &Path) -> Checked {
    if !path.is_absolute() {
        return Err(DescriptionError::RelativePath {
            field,
            path: path.to_owned(),
        });
    }
    if is_plain_path(path) {
        Ok(())
    } else {
        Err(text_error(field, &path.to_string_lossy()))
    }
}

/// Whether a path holds no character that the engines would misread.
#[must_use]
pub fn is_plain_path(path: &Path) -> bool {
    path.to_str().is_some_and(|text| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/._-+@=".contains(&b))
    })
}

fn check_socket(field: &'static str, path: &Path) -> Checked {
    check_path(field, path)?;
    if path.as_os_str().len() > 107 {
        return Err(DescriptionError::SocketPathTooLong {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Whether this is a host name or an IP address without brackets.
#[must_use]
pub fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
        && (!host.contains(':') || host.parse::<std::net::Ipv6Addr>().is_ok())
}

fn check_host(field: &'static str, host: &str) -> Checked {
    if is_host(host) {
        Ok(())
    } else {
        Err(text_error(field, host))
    }
}

/// The portable form of an account name (useradd(8)).
fn check_account_name(field: &'static str, name: &str) -> Checked {
    let plain = name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    if plain {
        Ok(())
    } else {
        Err(text_error(field, name))
    }
}

fn text_error(field: &'static str, value: &str) -> DescriptionError {
    DescriptionError::Text {
        field,
        value: value.chars().take(200).collect(),
    }
}
