//! `[mail]`: what the engines are told.

use std::path::PathBuf;

use model::address::DomainName;
use serde::{Deserialize, Serialize};

use super::paths::check_directory;
use super::{Config, Problems, Size};

/// How Dovecot's processes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Processes {
    /// Login and mail processes serve many sessions: about nine times the logins per second.
    #[default]
    Fast,
    /// One process per session, so that a memory fault in one cannot show another's secrets.
    Hardened,
}

/// What Postfix does with a message when a milter does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MilterAction {
    /// The sender is asked to try again later.
    #[default]
    Tempfail,
    /// The message goes on unfiltered.
    Accept,
    /// The message is refused.
    Reject,
    /// The message is kept in the hold queue.
    Quarantine,
}

/// `[mail]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// The mail tree; `mail` below the data directory if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// The mail server's own name; the host of `public_url` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<DomainName>,
    /// The host that mail programs are told; `hostname` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_host: Option<String>,
    /// How Dovecot's processes are used.
    pub processes: Processes,
    /// Largest message, as sent over the wire.
    pub message_size: Size,
    /// Milters that see every message, in order: `inet:HOST:PORT` or `unix:/PATH`.
    pub milters: Vec<String>,
    /// What happens while a milter does not answer.
    pub milter_action: MilterAction,
    /// Where outgoing mail goes; straight to the recipients' servers if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
}

/// `[mail.relay]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Host name of the relay.
    pub host: String,
    /// Its port.
    #[serde(default = "submission_port")]
    pub port: u16,
    /// Account at the relay; with `password_file` or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

const fn submission_port() -> u16 {
    587
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            dir: None,
            hostname: None,
            client_host: None,
            processes: Processes::default(),
            message_size: Size::mib(50),
            milters: Vec::new(),
            milter_action: MilterAction::default(),
            relay: None,
        }
    }
}

impl Mail {
    pub(super) fn check(&self, config: &Config, problems: &mut Problems) {
        if config.listen.any_mail() && DomainName::parse(config.mail_hostname()).is_err() {
            problems.add(
                "mail.hostname",
                "missing; the host of public_url is no name a mail server can greet with",
            );
        }
        if let Some(host) = &self.client_host
            && url::Host::parse(host).is_err()
        {
            problems.add("mail.client_host", format!("{host:?} is no host name"));
        }
        if let Some(dir) = &self.dir {
            check_directory("mail.dir", dir, problems);
        }
        // Postfix counts in a signed 32-bit number on some systems, and refuses 0 as "no limit".
        if !(64 << 10..=i32::MAX as u64).contains(&self.message_size.bytes()) {
            problems.add(
                "mail.message_size",
                "must be between 64 KiB and 2 GiB less one byte",
            );
        }
        for milter in &self.milters {
            if !is_milter(milter) {
                problems.add(
                    "mail.milters",
                    format!("{milter:?} is neither inet:HOST:PORT nor unix:/PATH"),
                );
            }
        }
        if let Some(relay) = &self.relay {
            relay.check(problems);
        }
    }
}

impl Relay {
    fn check(&self, problems: &mut Problems) {
        if url::Host::parse(&self.host).is_err() {
            problems.add(
                "mail.relay.host",
                format!("{:?} is no host name", self.host),
            );
        }
        if self.port == 0 {
            problems.add("mail.relay.port", "must be between 1 and 65535");
        }
        match (&self.user, &self.password_file) {
            (Some(_), None) => {
                problems.add(
                    "mail.relay.password_file",
                    "missing; mail.relay.user needs it",
                );
            }
            (None, Some(_)) => {
                problems.add(
                    "mail.relay.user",
                    "missing; mail.relay.password_file needs it",
                );
            }
            (Some(user), Some(file)) => {
                if user.is_empty() || user.contains(|c: char| c.is_whitespace() || c == ':') {
                    problems.add("mail.relay.user", "may hold neither spaces nor a colon");
                }
                if !file.is_absolute() {
                    problems.add("mail.relay.password_file", "must be an absolute path");
                }
            }
            (None, None) => {}
        }
    }
}

fn is_milter(text: &str) -> bool {
    // The list becomes one line of Postfix's configuration, separated by spaces and commas.
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '$')) {
        return false;
    }
    if let Some(path) = text.strip_prefix("unix:") {
        return path.starts_with('/');
    }
    let Some((host, port)) = text
        .strip_prefix("inet:")
        .and_then(|rest| rest.rsplit_once(':'))
    else {
        return false;
    };
    url::Host::parse(host).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_milters_from_other_texts() {
        for good in [
            "inet:127.0.0.1:11332",
            "inet:rspamd.lan:11332",
            "unix:/run/rspamd/milter",
        ] {
            assert!(is_milter(good), "{good}");
        }
        for bad in [
            "127.0.0.1:11332",
            "inet:127.0.0.1",
            "inet:host:0",
            "unix:milter",
            "inet:a:1, b",
        ] {
            assert!(!is_milter(bad), "{bad}");
        }
    }
}
