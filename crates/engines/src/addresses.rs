//! Whether the addresses to listen on are free.
//!
//! Asked before a configuration comes into force, because the engines take a taken address badly:
//! Dovecot leaves that service out at a reload, Postfix's master ends.

use std::io;
use std::net::SocketAddr;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::description::{KickListener, MailSystem};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct AddressError {
    /// Which one.
    pub address: SocketAddr,
    /// Taken by another program, not an address of this host, or not allowed for this account.
    pub source: io::Error,
}

/// Every TCP address of the description.
pub(crate) fn of(system: &MailSystem) -> Vec<SocketAddr> {
    let store = &system.store;
    let mut addresses = [
        &store.imap,
        &store.imaps,
        &store.pop3,
        &store.pop3s,
        &store.managesieve,
        &store.lmtp,
    ]
    .map(Vec::as_slice)
    .concat();
    if let KickListener::Loopback(address) = store.kick.listener {
        addresses.push(address);
    }
    if let Some(transport) = &system.transport {
        addresses.extend_from_slice(&transport.smtp);
        addresses.extend_from_slice(&transport.submission);
        addresses.extend_from_slice(&transport.submissions);
        addresses.push(transport.sieve_submission);
    }
    addresses
}

/// Listens on each of them for a moment.
pub(crate) fn check(addresses: &[SocketAddr]) -> Result<(), AddressError> {
    for &address in addresses {
        listen(address).map_err(|errno| AddressError {
            address,
            source: errno.into(),
        })?;
    }
    Ok(())
}

/// As the engines do it: a lingering connection is no obstacle, and an IPv6 wildcard leaves IPv4
/// alone.
fn listen(address: SocketAddr) -> rustix::io::Result<()> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    #[test]
    fn a_taken_address_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let error = check(&[address]).unwrap_err();
        assert_eq!(error.address, address);
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        // The IPv6 wildcard on the same port is another address.
        check(&[format!("[::]:{}", address.port()).parse().unwrap()]).unwrap();
        drop(taken);
        // A program that another test starts holds the socket too until it is executed.
        let free = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            check(&[address]).is_ok()
        });
        assert!(free, "{address} is still taken");
    }
}
