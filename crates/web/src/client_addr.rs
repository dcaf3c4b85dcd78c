//! Who is at the other end: the peer itself, or what trusted proxies say about it.

use crate::site::Site;
use axum::extract::Request;
use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address of the connection, put into each request by [`crate::serve`].
#[derive(Debug, Clone, Copy)]
pub struct PeerAddr(pub SocketAddr);

/// The address a request is judged by: throttles, sessions and attempts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

/// Networks whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// No chain of proxies is longer; a longer header is somebody playing.
const MAX_HOPS: usize = 16;

impl TrustedProxies {
    /// Reads addresses (`10.0.0.5`) and networks (`10.0.0.0/8`).
    ///
    /// # Errors
    /// The first text that is neither.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let net = |text: &String| {
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| text.clone())
        };
        texts.iter().map(net).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `ip` is a trusted proxy.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|net| net.contains(&ip))
    }

    /// The client behind `peer`. `X-Forwarded-For` is walked from its right end, where the nearest
    /// proxy wrote, and only as long as the address reached is itself a trusted proxy. A value
    /// that is no address ends the walk: whoever wrote it knew no better.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let hops = values.iter().rev().flat_map(|value| value.rsplit(','));
        for hop in hops.take(MAX_HOPS) {
            if !self.contains(client) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(ip) => client = ip.to_canonical(),
                Err(_) => break,
            }
        }
        client
    }
}

/// Notes the [`ClientAddr`] of a request. One without a [`PeerAddr`] (only in-process tests make
/// such) counts as coming from this machine.
pub fn note(site: &Site, request: &mut Request) -> ClientAddr {
    let peer = request
        .extensions()
        .get::<PeerAddr>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let client = ClientAddr(site.proxies().client(peer, request.headers()));
    request.extensions_mut().insert(client);
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies: Vec<String> = proxies.iter().map(|p| (*p).to_owned()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        TrustedProxies::parse(&proxies)
            .unwrap()
            .client(peer.parse().unwrap(), &headers)
            .to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(
            client(&["10.0.0.0/8"], "203.0.113.9", &["198.51.100.1"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_nearest_untrusted_address_is_the_client() {
        let proxies = ["10.0.0.0/8", "2001:db8::1"];
        for (forwarded, expected) in [
            (vec!["198.51.100.1"], "198.51.100.1"),
            (vec!["198.51.100.1, 10.0.0.7"], "198.51.100.1"),
            (vec!["1.2.3.4, 198.51.100.1, 10.0.0.7"], "198.51.100.1"),
            (vec!["1.2.3.4", "198.51.100.1", "10.0.0.7"], "198.51.100.1"),
            (vec!["10.1.1.1, 10.0.0.7"], "10.1.1.1"),
            (vec!["::ffff:198.51.100.1"], "198.51.100.1"),
            (vec!["198.51.100.1, 2001:db8::1"], "198.51.100.1"),
        ] {
            assert_eq!(client(&proxies, "10.0.0.1", &forwarded), expected);
        }
        assert_eq!(
            client(&proxies, "::ffff:10.0.0.1", &["198.51.100.1"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn garbage_ends_the_walk_at_the_last_known_address() {
        for garbage in ["", "unknown", "198.51.100.1:443", "<script>", "1.2.3.4.5"] {
            let header = format!("198.51.100.1, {garbage}");
            assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[&header]), "10.0.0.1");
        }
        let endless = ["10.0.0.2"; 500].join(",");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[&endless]), "10.0.0.2");
    }
}
