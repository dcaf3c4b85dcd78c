//! Dovecot and Postfix: from the configuration to the engines' own description, and their life.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use engines::description::{
    self, CertificateFiles, Directories, Kick, KickListener, MailSystem, Milter, Milters,
    OutwardTls, ProcessModel, RelayCredentials, RelayTls, Sockets, Store, Transport,
};
use engines::programs::{Programs, ProgramsError};
use engines::render::{Releases, render};
use engines::rendered::RenderedFile;
use engines::supervise::{Engines, EnginesError, Pace};
use engines::version::DovecotRelease;
use mailauth::Door;
use model::address::{Address, AddressError, DomainName};
use model::random::Random;
use nix::unistd::{Gid, Group, Uid, User};
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};

use super::accounts::Accounts;
use super::port;
use crate::channel::control::QuotaStyle;
use crate::config::{self, Config, Endpoint, MilterAction, Processes, Relay};

/// Why the mail engines do not run.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// They are not installed, or of a version that Gatepost does not know.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// They refuse the configuration, or do not start.
    #[error(transparent)]
    Engines(#[from] EnginesError),
    /// The host in `mail.hostname` or `public_url` is no name of a mail server.
    #[error("mail.hostname: {0}")]
    Hostname(#[from] AddressError),
    /// The relay's password cannot be read.
    #[error("mail.relay.password_file: cannot read {path}: {source}")]
    Password {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Others can read the relay's password.
    #[error("mail.relay.password_file: {path} can be read by other accounts: chmod 600 {path}")]
    PasswordOpen {
        /// The file.
        path: String,
    },
    /// Mail ports are on, but nothing says which certificate they show.
    #[error("the mail ports need a certificate: see [tls]")]
    NoCertificate,
    /// The system has no loopback port left, or our own account has no name.
    #[error("{0}")]
    System(String),
}

/// The installed engines and what stays the same while the keeper lives.
#[derive(Debug)]
pub(super) struct Plan {
    releases: Releases,
    accounts: Accounts,
    kick_key: SecretString,
    /// Loopback port for mail that filter scripts send.
    sieve_submission: SocketAddr,
    /// What the engines were last given; `None` if they did not take it.
    in_force: Mutex<Option<InForce>>,
}

/// Everything that a reload could bring the engines.
#[derive(Debug)]
struct InForce {
    files: Vec<RenderedFile>,
    /// Is in no rendered file.
    relay_password: Option<SecretString>,
}

impl PartialEq for InForce {
    fn eq(&self, other: &Self) -> bool {
        let mine = self
            .relay_password
            .as_ref()
            .map(SecretString::expose_secret);
        let other_one = other
            .relay_password
            .as_ref()
            .map(SecretString::expose_secret);
        self.files == other.files && mine == other_one
    }
}

impl Plan {
    /// Looks for the engines; `None` when no mail port is on.
    pub(super) async fn new(
        config: &Config,
        accounts: &Accounts,
        random: &dyn Random,
    ) -> Result<Option<Self>, MailError> {
        if !config.listen.any_mail() {
            return Ok(None);
        }
        let programs = Programs::find(config.listen.any_postfix())?;
        let releases = programs.releases().await?;
        Ok(Some(Self {
            releases,
            accounts: *accounts,
            kick_key: SecretString::from(model::random::token(random)),
            sieve_submission: port::lasting(random)
                .ok_or_else(|| MailError::System("no loopback port is free".to_owned()))?,
            in_force: Mutex::default(),
        }))
    }

    /// The key of Dovecot's administration interface, for the web worker.
    pub(super) const fn kick_key(&self) -> &SecretString {
        &self.kick_key
    }

    /// Where Postfix takes mail that Sieve sends.
    pub(super) const fn sieve_submission(&self) -> SocketAddr {
        self.sieve_submission
    }

    /// How this Dovecot takes quota.
    pub(super) const fn quota(&self) -> QuotaStyle {
        match self.releases.dovecot {
            DovecotRelease::V2_3 => QuotaStyle::Rule,
            // 2.4 renamed it.
            _ => QuotaStyle::StorageSize,
        }
    }

    /// Starts both engines; left-overs of this instance are ended first.
    pub(super) async fn start(
        &self,
        config: &Config,
        certificate: Option<&CertificateFiles>,
    ) -> Result<Engines, MailError> {
        let system = self.describe(config, certificate)?;
        let wanted = self.render(&system)?;
        let engines = Engines::start(system, Pace::default()).await?;
        // With an older configuration in force instead, the next change tries again.
        let taken = engines.status().refused.is_none();
        *self.in_force.lock() = taken.then_some(wanted);
        Ok(engines)
    }

    /// Has running engines take over what the configuration says now; `false` if that is what they
    /// have already. Then nothing is touched: a reload ends connections that have not signed in.
    pub(super) async fn apply(
        &self,
        engines: &Engines,
        config: &Config,
        certificate: Option<&CertificateFiles>,
    ) -> Result<bool, MailError> {
        let system = self.describe(config, certificate)?;
        let wanted = self.render(&system)?;
        if self.in_force.lock().as_ref() == Some(&wanted) {
            return Ok(false);
        }
        engines.apply(system).await?;
        *self.in_force.lock() = Some(wanted);
        Ok(true)
    }

    /// Whether the engines would take what the configuration says; nothing is touched.
    pub(super) async fn check(
        &self,
        engines: &Engines,
        config: &Config,
        certificate: Option<&CertificateFiles>,
    ) -> Result<(), MailError> {
        let system = self.describe(config, certificate)?;
        Ok(engines.check(&system).await?)
    }

    fn render(&self, system: &MailSystem) -> Result<InForce, MailError> {
        let files = render(system, self.releases).map_err(EnginesError::from)?;
        let relay = system.transport.as_ref().and_then(|t| t.relay.as_ref());
        let credentials = relay.and_then(|relay| relay.credentials.as_ref());
        Ok(InForce {
            files,
            relay_password: credentials.map(|credentials| credentials.password.clone()),
        })
    }

    /// The engines' description of what the configuration says.
    fn describe(
        &self,
        config: &Config,
        certificate: Option<&CertificateFiles>,
    ) -> Result<MailSystem, MailError> {
        let hostname = DomainName::parse(config.mail_hostname())?;
        let listen = &config.listen;
        let transport = if listen.any_postfix() {
            Some(Transport {
                smtp: addresses(listen.smtp),
                submission: addresses(listen.submission),
                submissions: addresses(listen.submissions),
                sieve_submission: self.sieve_submission,
                outward_tls: OutwardTls::default(),
                relay: config.mail.relay.as_ref().map(relay).transpose()?,
                milters: milters(config),
            })
        } else {
            None
        };
        Ok(MailSystem {
            directories: directories(config),
            postmaster: Address::parse(&format!("postmaster@{}", hostname.as_str()))?,
            hostname,
            recipient_delimiter: '+',
            message_size_limit: config.mail.message_size.bytes(),
            tls: certificate.ok_or(MailError::NoCertificate)?.clone(),
            sockets: sockets(config),
            accounts: self.engine_accounts()?,
            sessions: description::DEFAULT_SESSIONS,
            processes: match config.mail.processes {
                Processes::Fast => ProcessModel::Fast,
                Processes::Hardened => ProcessModel::Hardened,
            },
            store: Store {
                imap: addresses(listen.imap),
                imaps: addresses(listen.imaps),
                pop3: addresses(listen.pop3),
                pop3s: addresses(listen.pop3s),
                managesieve: addresses(listen.sieve),
                lmtp: Vec::new(),
                sieve: true,
                quota: true,
                kick: Kick {
                    listener: KickListener::Unix {
                        gid: self.accounts.web.gid,
                    },
                    api_key: self.kick_key.clone(),
                },
            },
            transport,
        })
    }

    fn engine_accounts(&self) -> Result<description::Accounts, MailError> {
        let mail = self.accounts.mail;
        let ids = description::Ids {
            uid: mail.uid,
            gid: mail.gid,
        };
        if self.accounts.separate {
            return Ok(description::Accounts::debian(ids));
        }
        let nameless = || MailError::System(format!("user {} has no name", ids.uid));
        let user = User::from_uid(Uid::from_raw(ids.uid))
            .ok()
            .flatten()
            .ok_or_else(nameless)?;
        let group = Group::from_gid(Gid::from_raw(ids.gid))
            .ok()
            .flatten()
            .ok_or_else(nameless)?;
        Ok(description::Accounts::Single {
            user: user.name,
            group: group.name,
            ids,
        })
    }
}

/// Where the engines keep their things; also where the web worker finds the socket for kicks.
#[must_use]
pub fn directories(config: &Config) -> Directories {
    let layout = config.layout();
    Directories {
        run: layout.run().to_owned(),
        state: layout.engine_state(),
        config: layout.engine_config(),
        mail: layout.mail().to_owned(),
        queue: layout.queue(),
    }
}

fn sockets(config: &Config) -> Sockets {
    let layout = config.layout();
    Sockets {
        dovecot_login: layout.door_socket(Door::DovecotLogin),
        dovecot_master: layout.door_socket(Door::DovecotMaster),
        dovecot_userdb: layout.door_socket(Door::DovecotUserdb),
        postfix_auth: layout.door_socket(Door::PostfixAuth),
        socketmap: layout.door_socket(Door::Socketmap),
        policy: layout.door_socket(Door::Policy),
    }
}

/// The engines want addresses one by one.
fn addresses(endpoint: Endpoint) -> Vec<SocketAddr> {
    let Endpoint::On { address, port } = endpoint else {
        return Vec::new();
    };
    if let Some(address) = address {
        return vec![SocketAddr::new(address, port)];
    }
    let mut all = vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)];
    // The file is missing when IPv6 is off in the kernel; then an engine would not start with it.
    if Path::new("/proc/net/if_inet6").exists() {
        all.push(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port));
    }
    all
}

fn relay(relay: &Relay) -> Result<description::Relay, MailError> {
    let credentials = match (&relay.user, &relay.password_file) {
        (Some(user), Some(file)) => {
            let password = password(file)?;
            Some(RelayCredentials {
                user: user.clone(),
                password: SecretString::from(password.trim_end_matches(['\r', '\n'])),
            })
        }
        _ => None,
    };
    Ok(description::Relay {
        host: relay.host.clone(),
        port: relay.port,
        tls: match relay.tls() {
            _ if relay.port == 465 => RelayTls::Implicit,
            config::RelayTls::Required => RelayTls::Required,
            config::RelayTls::Opportunistic => RelayTls::Opportunistic,
        },
        credentials,
    })
}

fn password(file: &Path) -> Result<String, MailError> {
    let path = || file.display().to_string();
    let read = || -> std::io::Result<(u32, String)> {
        let mut open = std::fs::File::open(file)?;
        let mode = open.metadata()?.permissions().mode();
        let mut text = String::new();
        open.read_to_string(&mut text)?;
        Ok((mode, text))
    };
    let (mode, text) = read().map_err(|source| MailError::Password {
        path: path(),
        source,
    })?;
    if mode & 0o077 == 0 {
        Ok(text)
    } else {
        Err(MailError::PasswordOpen { path: path() })
    }
}

fn milters(config: &Config) -> Milters {
    let list = config.mail.milters.iter().filter_map(|text| {
        if let Some(path) = text.strip_prefix("unix:") {
            return Some(Milter::Unix(path.into()));
        }
        let (host, port) = text.strip_prefix("inet:")?.rsplit_once(':')?;
        Some(Milter::Inet {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    });
    Milters {
        list: list.collect(),
        default_action: match config.mail.milter_action {
            MilterAction::Tempfail => description::MilterAction::TempFail,
            MilterAction::Accept => description::MilterAction::Accept,
            MilterAction::Reject => description::MilterAction::Reject,
            MilterAction::Quarantine => description::MilterAction::Quarantine,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "secret\n").unwrap();
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(password(&file).is_ok(), taken, "{mode:o}");
        }
    }
}
