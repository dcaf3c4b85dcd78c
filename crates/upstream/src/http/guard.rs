//! Where a call may go: not to ourselves, and into private networks only where an administrator
//! allowed the host.

use super::address::{self, Reach};
use super::error::HttpError;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use url::Url;

/// What of this machine is Gatepost itself, and so never a provider.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    origins: BTreeSet<(String, u16)>,
    listeners: Vec<SocketAddr>,
}

impl Guard {
    /// `public_urls`: every URL under which people reach us. `listeners`: every address our
    /// processes listen on; an unspecified address stands for all of this machine's.
    #[must_use]
    pub fn new<'a>(
        public_urls: impl IntoIterator<Item = &'a Url>,
        listeners: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        Self {
            origins: public_urls
                .into_iter()
                .map(|url| (oidc::endpoint::host(url), port(url)))
                .collect(),
            listeners: listeners.into_iter().collect(),
        }
    }

    /// Whether `url` is one of our public addresses by name. The published guide that prints the
    /// provider's endpoints on the mail host is caught here, before anything is resolved.
    #[must_use]
    pub fn is_own_url(&self, url: &Url) -> bool {
        self.is_own_name(&oidc::endpoint::host(url), port(url))
    }

    fn is_own_name(&self, host: &str, port: u16) -> bool {
        self.origins.iter().any(|(h, p)| h == host && *p == port)
    }

    /// Whether a connection to `to` would end at one of our listeners.
    fn owns_listener(&self, to: SocketAddr) -> bool {
        let ip = to.ip().to_canonical();
        self.listeners.iter().any(|own| {
            own.port() == to.port()
                && (own.ip().to_canonical() == ip || (own.ip().is_unspecified() && is_local(ip)))
        })
    }
}

/// Whether `ip` is an address of this machine. The kernel picks the address itself as the source
/// of a connection to it; connecting a datagram socket asks for that choice and sends nothing.
fn is_local(ip: IpAddr) -> bool {
    let any = match ip {
        IpAddr::V4(_) => "0.0.0.0:0",
        IpAddr::V6(_) => "[::]:0",
    };
    let source = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind(any)?;
        socket.connect((ip, 9))?;
        Ok(socket.local_addr()?.ip())
    };
    ip.is_loopback() || source().is_ok_and(|own| own == ip)
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

/// Scheme, host and port: what one connection is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https:`; else `http:`.
    pub tls: bool,
    /// Name in lower case, or IP literal without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Origin {
    /// The origin of `url`.
    ///
    /// # Errors
    /// [`HttpError::BadUrl`] for anything but `http:` and `https:` with a host and without
    /// credentials.
    pub fn of(url: &Url) -> Result<Self, HttpError> {
        let known = matches!(url.scheme(), "https" | "http");
        if !known || !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::BadUrl);
        }
        Ok(Self {
            tls: url.scheme() == "https",
            host: oidc::endpoint::host(url),
            port: port(url),
        })
    }
}

/// `host:port`.
impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The guard's word about one origin of one provider.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) guard: std::sync::Arc<Guard>,
    pub(crate) origin: Origin,
    /// Whether an administrator allowed private addresses for this host.
    pub(crate) allowed: bool,
}

impl Gate {
    /// Everything that can be said before a name is resolved.
    pub(crate) fn check_name(&self) -> Result<(), HttpError> {
        if self.guard.is_own_name(&self.origin.host, self.origin.port) {
            return Err(self.own_host());
        }
        match self.origin.host.parse() {
            Ok(ip) => self.check_ip(ip),
            Err(_) => Ok(()),
        }
    }

    /// Whether a connection may go to `ip`. Asked at the moment of connecting.
    pub(crate) fn check_ip(&self, ip: IpAddr) -> Result<(), HttpError> {
        if self.guard.owns_listener((ip, self.origin.port).into()) {
            return Err(self.own_host());
        }
        let reach = address::reach(ip);
        let allowable = matches!(reach, Reach::Loopback | Reach::Private);
        if reach != Reach::Public && !(allowable && self.allowed) {
            return Err(HttpError::InternalAddress {
                host: self.origin.host.clone(),
                ip,
                allowable,
            });
        }
        if !self.origin.tls && reach != Reach::Loopback {
            return Err(HttpError::PlainHttp {
                host: self.origin.host.clone(),
            });
        }
        Ok(())
    }

    fn own_host(&self) -> HttpError {
        HttpError::OwnHost {
            host: self.origin.host.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn gate(guard: &Guard, url: &str, allowed: bool) -> Gate {
        Gate {
            guard: Arc::new(guard.clone()),
            origin: Origin::of(&url.parse().unwrap()).unwrap(),
            allowed,
        }
    }

    fn guard() -> Guard {
        let public: Url = "https://mail.example.org".parse().unwrap();
        let listeners = [
            "0.0.0.0:8443".parse().unwrap(),
            "127.0.0.1:25".parse().unwrap(),
        ];
        Guard::new([&public], listeners)
    }

    #[test]
    fn our_own_addresses_are_refused_by_name_and_by_listener() {
        let check = |url: &str| gate(&guard(), url, true).check_name();
        for own in [
            "https://mail.example.org/application/o/token/",
            "https://MAIL.example.org./x",
            "http://mail.example.org:443/",
            "https://127.0.0.1:8443/",
            "https://127.0.0.1:25/",
            "https://[::ffff:127.0.0.1]:8443/",
        ] {
            assert!(
                matches!(check(own), Err(HttpError::OwnHost { .. })),
                "{own}"
            );
        }
        for other in [
            "https://mail.example.org:9091/",
            "https://auth.example.org/",
            "https://127.0.0.1:8444/",
            "https://127.0.0.2:25/",
        ] {
            assert!(check(other).is_ok(), "{other}");
        }
    }

    #[test]
    fn private_addresses_need_an_administrators_word() {
        let check = |url, allowed| gate(&Guard::default(), url, allowed).check_name();
        for url in [
            "https://10.0.0.5/",
            "http://127.0.0.1:9/",
            "https://[fd00::1]/",
            "https://0x7f.1/",
        ] {
            assert!(check(url, true).is_ok(), "{url}");
            assert!(
                matches!(
                    check(url, false),
                    Err(HttpError::InternalAddress {
                        allowable: true,
                        ..
                    })
                ),
                "{url}"
            );
        }
        for url in [
            "https://169.254.169.254/",
            "https://[fe80::1]/",
            "https://0.0.0.0/",
        ] {
            assert!(
                matches!(
                    check(url, true),
                    Err(HttpError::InternalAddress {
                        allowable: false,
                        ..
                    })
                ),
                "{url}"
            );
        }
        assert!(check("https://8.8.8.8/", false).is_ok());
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let check = |url, allowed| gate(&Guard::default(), url, allowed).check_name();
        assert!(matches!(
            check("http://10.0.0.5/", true),
            Err(HttpError::PlainHttp { .. })
        ));
        assert!(matches!(
            check("http://8.8.8.8/", false),
            Err(HttpError::PlainHttp { .. })
        ));
        assert!(check("http://[::1]/", true).is_ok());
    }

    #[test]
    fn only_http_has_an_origin() {
        let of = |url: &str| Origin::of(&url.parse().unwrap()).map(|o| o.to_string());
        assert_eq!(of("https://a.example/x").unwrap(), "a.example:443");
        assert_eq!(of("http://[::1]/x").unwrap(), "[::1]:80");
        for bad in [
            "ftp://a.example",
            "file:///etc/passwd",
            "data:,x",
            "https://u@a.example",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
