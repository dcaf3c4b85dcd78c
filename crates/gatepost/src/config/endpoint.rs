//! Where a listener listens.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `off`, a port on every address, or one address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Nobody listens.
    Off,
    /// Listens on `port`, on every address of the machine (IPv4 and IPv6) or on one.
    On {
        /// `None` means every address.
        address: Option<IpAddr>,
        /// Never 0: others must be told the port before it is bound.
        port: u16,
    },
}

/// A text that is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a port (443), an address and port (127.0.0.1:8443, [::1]:8443) or \"off\" is needed")]
pub struct EndpointError;

impl Endpoint {
    /// `port` on every address.
    #[must_use]
    pub const fn every_address(port: u16) -> Self {
        Self::On {
            address: None,
            port,
        }
    }

    /// Whether anybody listens.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// The port, unless off.
    #[must_use]
    pub const fn port(self) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::On { port, .. } => Some(port),
        }
    }

    /// Whether both would take the same port of the same address.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let (
            Self::On {
                address: mine,
                port,
            },
            Self::On {
                address: theirs,
                port: other_port,
            },
        ) = (self, other)
        else {
            return false;
        };
        let wide = |address: Option<IpAddr>| address.is_none_or(|a| a.is_unspecified());
        port == other_port && (wide(mine) || wide(theirs) || mine == theirs)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let endpoint = if let Ok(port) = text.parse::<u16>() {
            Self::every_address(port)
        } else {
            let socket: SocketAddr = text.parse().map_err(|_| EndpointError)?;
            Self::On {
                address: Some(socket.ip()),
                port: socket.port(),
            }
        };
        if endpoint.port() == Some(0) {
            Err(EndpointError)
        } else {
            Ok(endpoint)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => out.write_str("off"),
            Self::On {
                address: None,
                port,
            } => write!(out, "{port}"),
            Self::On {
                address: Some(address),
                port,
            } => {
                write!(out, "{}", SocketAddr::new(*address, *port))
            }
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::quantity::from_text_or_integer(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_survives_a_round_trip() {
        for text in ["off", "443", "127.0.0.1:8443", "[::1]:8443", "0.0.0.0:25"] {
            assert_eq!(endpoint(text).to_string(), text);
        }
    }

    #[test]
    fn refuses_what_nobody_could_bind() {
        for text in [
            "",
            "0",
            "127.0.0.1:0",
            "65536",
            "mail.example.org:443",
            "127.0.0.1",
            "on",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError), "{text}");
        }
    }

    #[test]
    fn overlap_means_the_same_port_of_the_same_address() {
        assert!(endpoint("443").overlaps(endpoint("127.0.0.1:443")));
        assert!(endpoint("0.0.0.0:443").overlaps(endpoint("127.0.0.1:443")));
        assert!(endpoint("127.0.0.1:443").overlaps(endpoint("127.0.0.1:443")));
        assert!(!endpoint("127.0.0.1:443").overlaps(endpoint("127.0.0.2:443")));
        assert!(!endpoint("443").overlaps(endpoint("8443")));
        assert!(!endpoint("off").overlaps(endpoint("off")));
    }
}
