//! What use cases need of the configuration file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use app::devices::{MailServer, ServerSettings};
use app::mail::MailConfig;
use app::{AppConfig, HelpdeskPages};
use engines::post::Post;
use model::address::DomainName;
use model::protocol::Protocol;
use model::session::SessionLifetime;
use model::time::DAY;
use upstream::http::Guard;
use url::Url;

use crate::channel::control::Ids;
use crate::config::{Config, Endpoint};

/// How long the mail of a deleted mailbox is kept, in days.
const KEEP_DELETED_MAIL: u32 = 30;

/// The settings of the web worker's use cases.
pub(super) fn app(config: &Config) -> AppConfig {
    let (sessions, retention) = (&config.sessions, &config.retention);
    AppConfig {
        public_url: config.public_url.as_str().to_owned(),
        sessions: SessionLifetime {
            idle: sessions.idle.duration(),
            absolute: sessions.lifetime.duration(),
        },
        admin_sessions: SessionLifetime {
            idle: sessions.admin_idle.duration(),
            absolute: sessions.admin_lifetime.duration(),
        },
        servers: servers(config),
        helpdesk: post(config).map(|_| HelpdeskPages {
            attempts: format!("{}/admin/sign-ins", config.public_url.as_str()),
            codes: format!("{}/help/codes", config.public_url.as_str()),
        }),
        keep_attempts: retention.attempts.duration(),
        keep_mail_attempts: retention.mail_attempts.duration(),
        keep_audit: retention.audit.duration(),
        keep_deleted_mail: DAY * KEEP_DELETED_MAIL,
    }
}

/// The way by which Gatepost's own mail reaches Postfix; `None` where nothing listens for SMTP.
pub(super) fn post(config: &Config) -> Option<Post> {
    let Endpoint::On { address, port } = config.listen.smtp else {
        return None;
    };
    let hostname = DomainName::parse(config.mail_hostname()).ok()?;
    let address = match address {
        Some(address) if !address.is_unspecified() => address,
        Some(IpAddr::V6(_)) => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    };
    Some(Post::new(SocketAddr::new(address, port), hostname))
}

/// The settings of the auth worker's use cases; `owner` has the mail files.
pub(super) fn mail(config: &Config, owner: Ids) -> MailConfig {
    MailConfig {
        devices_url: format!("{}/devices", config.public_url.as_str()),
        mail_root: config.layout().mail().to_string_lossy().into_owned(),
        uid: owner.uid,
        gid: owner.gid,
        hostname: DomainName::parse(config.mail_hostname()).ok(),
    }
}

/// What people type into mail programs: the listeners that are on, TLS from the start first.
fn servers(config: &Config) -> ServerSettings {
    const TLS: &str = "SSL/TLS";
    const STARTTLS: &str = "STARTTLS";
    let listen = &config.listen;
    let listeners = [
        (Protocol::Imap, listen.imaps, TLS),
        (Protocol::Imap, listen.imap, STARTTLS),
        (Protocol::Pop3, listen.pop3s, TLS),
        (Protocol::Pop3, listen.pop3, STARTTLS),
        (Protocol::Smtp, listen.submissions, TLS),
        (Protocol::Smtp, listen.submission, STARTTLS),
        (Protocol::Sieve, listen.sieve, STARTTLS),
    ];
    let servers = listeners
        .into_iter()
        .filter_map(|(protocol, endpoint, security)| {
            Some(MailServer {
                protocol,
                host: config.client_host().to_owned(),
                port: endpoint.port()?,
                security: security.to_owned(),
            })
        });
    ServerSettings {
        servers: servers.collect(),
    }
}

/// Keeps calls to providers away from ourselves, and from what our engines listen on for each other.
pub(super) fn guard(config: &Config, internal: &[SocketAddr]) -> Guard {
    let public = Url::parse(config.public_url.as_str()).ok();
    let further = config.hosts.iter().filter_map(|host| {
        let mut url = public.clone()?;
        url.set_host(Some(host.as_str())).ok()?;
        Some(url)
    });
    let origins: Vec<Url> = public.clone().into_iter().chain(further).collect();
    let listeners = config.listen.entries().into_iter().filter_map(|(_, on)| {
        let Endpoint::On { address, port } = on else {
            return None;
        };
        // The unspecified address stands for every address of this machine, of both families.
        let every = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        Some(SocketAddr::new(address.unwrap_or(every), port))
    });
    Guard::new(&origins, listeners.chain(internal.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(&format!(
            "public_url = \"https://mail.example.org\"\n{text}"
        ))
        .unwrap()
    }

    #[test]
    fn mail_programs_may_be_told_another_host() {
        let config =
            config("[mail]\nhostname = \"mx.example.org\"\nclient_host = \"imap.example.org\"");
        let told = servers(&config).servers;
        assert!(
            told.iter().all(|server| server.host == "imap.example.org"),
            "{told:?}"
        );
    }

    #[test]
    fn mail_programs_are_told_what_listens() {
        let config = config(
            "[listen]\nimap = \"off\"\npop3 = \"off\"\npop3s = \"off\"\nsubmission = 2587\n\
             sieve = \"off\"\n[mail]\nhostname = \"mx.example.org\"",
        );
        let told: Vec<String> = servers(&config)
            .servers
            .into_iter()
            .map(|s| format!("{} {}:{} {}", s.protocol, s.host, s.port, s.security))
            .collect();
        assert_eq!(
            told,
            [
                "IMAP mx.example.org:993 SSL/TLS",
                "SMTP mx.example.org:465 SSL/TLS",
                "SMTP mx.example.org:2587 STARTTLS",
            ]
        );
    }

    #[test]
    fn our_further_hosts_are_ours_too() {
        let guard = guard(&config("hosts = [\"autoconfig.example.org\"]"), &[]);
        for own in [
            "https://mail.example.org/token",
            "https://autoconfig.example.org/token",
        ] {
            assert!(guard.is_own_url(&own.parse().unwrap()), "{own}");
        }
        assert!(!guard.is_own_url(&"https://auth.example.org/".parse().unwrap()));
    }
}
