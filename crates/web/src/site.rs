//! What this installation is called and who may speak to it: the facts of the configuration that
//! every request is judged by.

use crate::client_addr::TrustedProxies;
use std::net::IpAddr;

/// The installation as browsers see it.
#[derive(Debug, Clone)]
pub struct Site {
    origin: String,
    host: String,
    hosts: Vec<String>,
    https: bool,
    proxies: TrustedProxies,
    tunnel: Option<Tunnel>,
}

/// How set-up is reached while it answers on this machine only, for want of a certificate.
#[derive(Debug, Clone)]
pub struct Tunnel {
    /// The command that a person types at home.
    pub command: String,
    /// Scheme, host and port at the near end, which that person's browser then asks.
    pub origin: String,
    /// The one address listened on, if it is not every: what comes through the tunnel seems to come
    /// from there.
    pub own: Option<IpAddr>,
}

/// A configuration that no site can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Not a URL of scheme, host and optional port alone.
    #[error("public_url `{0}` must be like https://mail.example.org, without a path")]
    PublicUrl(String),
    /// Passwords would cross the network in the clear.
    #[error("public_url `{0}` must begin with https: (plain http only works on this machine)")]
    Insecure(String),
    /// A further host name that is none.
    #[error("`{0}` is not a host name")]
    Host(String),
    /// A proxy that is neither an address nor a network.
    #[error("trusted proxy `{0}` is neither an address nor a network such as 10.0.0.0/8")]
    Proxy(String),
}

impl Site {
    /// A site at `public_url` (scheme, host, optional port) that also answers to `further_hosts`
    /// and believes the `trusted_proxies` (addresses or networks) about client addresses.
    ///
    /// # Errors
    /// [`SiteError`] names the value that cannot be used.
    pub fn new(
        public_url: &str,
        further_hosts: &[String],
        trusted_proxies: &[String],
    ) -> Result<Self, SiteError> {
        let bad = || SiteError::PublicUrl(public_url.to_owned());
        let url = url::Url::parse(public_url).map_err(|_| bad())?;
        let plain = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host_str().filter(|_| plain).ok_or_else(bad)?.to_owned();
        let https = match url.scheme() {
            "https" => true,
            "http" if is_loopback(&host) => false,
            "http" => return Err(SiteError::Insecure(public_url.to_owned())),
            _ => return Err(bad()),
        };
        let mut hosts = vec![host.clone()];
        for name in further_hosts {
            let parsed = url::Host::parse(name).map_err(|_| SiteError::Host(name.clone()))?;
            hosts.push(parsed.to_string());
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            host,
            hosts,
            https,
            proxies: TrustedProxies::parse(trusted_proxies).map_err(SiteError::Proxy)?,
            tunnel: None,
        })
    }

    /// The same with a set-up that answers on this machine only. Whoever comes through the tunnel
    /// may call the site by its near end's name.
    #[must_use]
    pub fn set_up_through(self, tunnel: Option<Tunnel>) -> Self {
        Self { tunnel, ..self }
    }

    /// How set-up is reached; `None` where it answers everybody.
    #[must_use]
    pub const fn tunnel(&self) -> Option<&Tunnel> {
        self.tunnel.as_ref()
    }

    /// Scheme, host and port, as a browser's `Origin` header gives them.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host of `public_url`, the name people know this server by.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether browsers reach this site by https, possibly through a proxy.
    #[must_use]
    pub const fn https(&self) -> bool {
        self.https
    }

    /// The absolute URL of `path`, which begins with a slash. Made from `public_url` alone: what a
    /// request's Host header says never ends up in a link.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Whether requests of `client` for `host` (without port) are answered here.
    #[must_use]
    pub fn answers_to(&self, host: &str, client: IpAddr) -> bool {
        let through_tunnel = |tunnel: &Tunnel| is_loopback(host) && tunnel.is_here(client);
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
            || self.tunnel.as_ref().is_some_and(through_tunnel)
    }

    /// The proxies that are believed about client addresses.
    #[must_use]
    pub const fn proxies(&self) -> &TrustedProxies {
        &self.proxies
    }
}

impl Tunnel {
    /// Whether `client` is on this machine, at whose end of the tunnel everybody seems to be.
    #[must_use]
    pub fn is_here(&self, client: IpAddr) -> bool {
        client.is_loopback() || self.own == Some(client)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_origin_and_nothing_more() {
        let site = Site::new("https://Mail.Example.org:8443/", &[], &[]).unwrap();
        assert_eq!(site.origin(), "https://mail.example.org:8443");
        assert_eq!(site.host(), "mail.example.org");
        assert_eq!(
            site.url("/devices"),
            "https://mail.example.org:8443/devices"
        );
        assert!(site.https());
        for bad in [
            "",
            "mail.example.org",
            "https://mail.example.org/mail",
            "https://a@mail.example.org",
            "https://mail.example.org?x",
            "https://mail.example.org#x",
            "ftp://mail.example.org",
            "http://mail.example.org",
        ] {
            assert!(Site::new(bad, &[], &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_works_on_this_machine_only() {
        for good in [
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:8080",
        ] {
            assert!(!Site::new(good, &[], &[]).unwrap().https(), "{good}");
        }
        assert!(matches!(
            Site::new("http://192.168.1.5", &[], &[]),
            Err(SiteError::Insecure(_))
        ));
    }

    #[test]
    fn names_the_value_that_is_wrong() {
        let text = |result: Result<Site, SiteError>| result.unwrap_err().to_string();
        let hosts = ["not a host".to_owned()];
        assert!(text(Site::new("https://a.test", &hosts, &[])).contains("not a host"));
        let proxies = ["10.0.0.0/33".to_owned()];
        assert!(text(Site::new("https://a.test", &[], &proxies)).contains("10.0.0.0/33"));
    }
}
