//! TCP ports for servers that must be told theirs.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below those that systems give to outgoing connections (32768 and up on Linux), of which one
/// could take a port before the server does that was told to listen on it.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// `N` different ports on 127.0.0.1 that were free a moment ago, none of them handed out by this
/// process before. Where a server can bind port 0 by itself, let it.
///
/// # Errors
/// When no port is left.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    static HANDED_OUT: AtomicU32 = AtomicU32::new(0);
    // Processes that run beside each other begin at different places.
    let begin = std::process::id().wrapping_mul(61);
    let mut ports = [0; N];
    for port in &mut ports {
        *port = (0..COUNT)
            .find_map(|_| {
                let n = begin.wrapping_add(HANDED_OUT.fetch_add(1, Ordering::Relaxed));
                let port = u16::try_from(FIRST + n % COUNT).ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
                Some(port)
            })
            .ok_or(io::ErrorKind::AddrInUse)?;
    }
    Ok(ports)
}

/// One such port.
///
/// # Errors
/// When no port is left.
pub fn free_port() -> io::Result<u16> {
    free_ports::<1>().map(|[port]| port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ports_differ_and_can_be_bound() {
        let ports = free_ports::<8>().unwrap();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 8);
        assert!(
            ports
                .iter()
                .all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        );
    }
}
