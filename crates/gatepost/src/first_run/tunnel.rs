//! How a person reaches set-up while there is no certificate that a browser could check.
//!
//! The first password must not travel under a certificate that anybody could have made, so set-up
//! then answers on this machine only, and a person comes through an SSH tunnel.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::{Config, Endpoint, TlsMode};

/// Added to a port that ordinary accounts cannot open on their own computers.
const OPEN_PORTS: u16 = 8000;

/// The way to set-up; `None` where it answers everybody: with a certificate of the administrator's,
/// or behind a proxy, which has one.
#[must_use]
pub fn tunnel(config: &Config) -> Option<web::site::Tunnel> {
    let Endpoint::On { address, port } = config.listen.web else {
        return None;
    };
    if config.tls.mode != TlsMode::SelfSigned {
        return None;
    }
    let listening = address.filter(|address| !address.is_unspecified());
    let target = SocketAddr::new(listening.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), port);
    let near = if port < 1024 { port + OPEN_PORTS } else { port };
    let scheme = if config.web_speaks_tls() {
        "https"
    } else {
        "http"
    };
    Some(web::site::Tunnel {
        command: format!("ssh -L {near}:{target} {}", ssh_host(config)),
        origin: format!("{scheme}://127.0.0.1:{near}"),
        own: listening,
    })
}

/// The link as it is opened at the near end of the tunnel, if there is one.
#[must_use]
pub fn through(config: &Config, link: &str) -> String {
    match (
        tunnel(config),
        link.strip_prefix(config.public_url.as_str()),
    ) {
        (Some(tunnel), Some(rest)) => format!("{}{rest}", tunnel.origin),
        _ => link.to_owned(),
    }
}

/// What this machine is called from elsewhere.
fn ssh_host(config: &Config) -> String {
    let host = config.public_url.host();
    let loopback = host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if loopback {
        let system = rustix::system::uname();
        system.nodename().to_string_lossy().into_owned()
    } else {
        host.to_owned()
    }
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
    fn leads_to_the_listener_and_needs_no_root_at_home() {
        for (listen, command, link) in [
            (
                "443",
                "ssh -L 8443:127.0.0.1:443 mail.example.org",
                "https://127.0.0.1:8443/setup#x",
            ),
            (
                "\"0.0.0.0:8443\"",
                "ssh -L 8443:127.0.0.1:8443 mail.example.org",
                "https://127.0.0.1:8443/setup#x",
            ),
            (
                "\"192.0.2.7:443\"",
                "ssh -L 8443:192.0.2.7:443 mail.example.org",
                "https://127.0.0.1:8443/setup#x",
            ),
            (
                "\"[2001:db8::7]:9443\"",
                "ssh -L 9443:[2001:db8::7]:9443 mail.example.org",
                "https://127.0.0.1:9443/setup#x",
            ),
        ] {
            let config = config(&format!("[listen]\nweb = {listen}"));
            assert_eq!(tunnel(&config).unwrap().command, command);
            assert_eq!(through(&config, "https://mail.example.org/setup#x"), link);
        }
    }

    #[test]
    fn whoever_has_a_certificate_needs_none() {
        for tls in [
            "mode = \"files\"\ncert = \"/c\"\nkey = \"/k\"",
            "mode = \"proxy\"",
        ] {
            let config = config(&format!("[tls]\n{tls}"));
            assert!(tunnel(&config).is_none());
            let link = "https://mail.example.org/setup#x";
            assert_eq!(through(&config, link), link);
        }
    }

    #[test]
    fn a_machine_without_a_public_name_goes_by_its_own() {
        let text = "public_url = \"http://localhost:8080\"\n[listen]\nweb = \"127.0.0.1:8080\"";
        let config: Config = toml::from_str(text).unwrap();
        let tunnel = tunnel(&config).unwrap();
        assert!(tunnel.command.starts_with("ssh -L 8080:127.0.0.1:8080 "));
        assert!(!tunnel.command.ends_with(" localhost"));
        assert_eq!(tunnel.origin, "http://127.0.0.1:8080");
    }
}
