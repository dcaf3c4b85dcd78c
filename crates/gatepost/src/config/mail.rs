//! `[mail]`: what the engines are told.

use std::path::{Path, PathBuf};

use model::address::DomainName;
use serde::{Deserialize, Serialize};

use engines::check::{MESSAGE_SIZES, is_host, is_plain_path};

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

/// TLS towards the relay on other ports than 465, which has it from the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelayTls {
    /// STARTTLS with a certificate that the system's CAs vouch for, or no delivery.
    Required,
    /// STARTTLS where it is offered, whatever the certificate.
    Opportunistic,
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
    /// How the connection is protected; see [`Relay::tls`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RelayTls>,
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
        if !MESSAGE_SIZES.contains(&self.message_size.bytes()) {
            problems.add(
                "mail.message_size",
                "must be between 64 KiB and 2000000000 bytes (1907 MiB)",
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
    /// What is asked for, else required with a password and opportunistic without one.
    #[must_use]
    pub fn tls(&self) -> RelayTls {
        self.tls.unwrap_or(if self.user.is_some() {
            // A password never travels in clear, nor to somebody without the relay's certificate.
            RelayTls::Required
        } else {
            RelayTls::Opportunistic
        })
    }

    fn check(&self, problems: &mut Problems) {
        if !is_host(&self.host) {
            problems.add(
                "mail.relay.host",
                format!(
                    "{:?} is no host name (xn-- form) or address (without brackets)",
                    self.host
                ),
            );
        }
        if self.port == 0 {
            problems.add("mail.relay.port", "must be between 1 and 65535");
        }
        if self.user.is_some() && self.tls == Some(RelayTls::Opportunistic) {
            problems.add(
                "mail.relay.tls",
                "must be \"required\": the password would travel over a connection that may be \
                 in clear",
            );
        }
        if self.port == 465 && self.tls == Some(RelayTls::Opportunistic) {
            problems.add(
                "mail.relay.tls",
                "must be \"required\": port 465 has TLS from the first byte",
            );
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
        return path.starts_with('/') && is_plain_path(Path::new(path));
    }
    let Some((host, port)) = text
        .strip_prefix("inet:")
        .and_then(|rest| rest.rsplit_once(':'))
    else {
        return false;
    };
    is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
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
            "inet:::1:11332",
        ] {
            assert!(is_milter(good), "{good}");
        }
        for bad in [
            "127.0.0.1:11332",
            "inet:127.0.0.1",
            "inet:host:0",
            "unix:milter",
            "inet:a:1, b",
            // Brackets are Postfix's, and the renderer's to add.
            "inet:[::1]:11332",
            "inet:räuber.example:11332",
            "unix:/run/räuber",
        ] {
            assert!(!is_milter(bad), "{bad}");
        }
    }

    /// What the renderer would refuse is told here already, with its key.
    #[test]
    fn a_relay_is_held_to_what_the_engines_take() {
        let relay = |host: &str, port, user: Option<&str>, tls| Relay {
            host: host.to_owned(),
            port,
            user: user.map(str::to_owned),
            password_file: user.map(|_| "/p".into()),
            tls,
        };
        let opportunistic = Some(RelayTls::Opportunistic);
        for (relay, key) in [
            (relay("smtp.example", 587, Some("u"), None), None),
            (relay("smtp.example", 25, None, opportunistic), None),
            (relay("::1", 25, None, Some(RelayTls::Required)), None),
            (relay("[::1]", 25, None, None), Some("mail.relay.host")),
            (
                relay("räuber.example", 25, None, None),
                Some("mail.relay.host"),
            ),
            (
                relay("smtp.example", 587, Some("u"), opportunistic),
                Some("mail.relay.tls"),
            ),
            (
                relay("smtp.example", 465, None, opportunistic),
                Some("mail.relay.tls"),
            ),
        ] {
            let mut problems = Problems::default();
            relay.check(&mut problems);
            let problems = problems.into_vec();
            let keys: Vec<&str> = problems.iter().map(|p| p.key.as_str()).collect();
            assert_eq!(keys, Vec::from_iter(key), "{relay:?}");
        }
        assert_eq!(relay("a", 25, Some("u"), None).tls(), RelayTls::Required);
        assert_eq!(relay("a", 25, None, None).tls(), RelayTls::Opportunistic);
    }
}
