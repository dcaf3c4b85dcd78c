//! TCP ports for servers that must be told theirs.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// `N` different ports on 127.0.0.1 that were free a moment ago. Where a server can bind port 0
/// by itself, let it: between this call and the server's bind somebody else may take the port.
///
/// # Errors
/// When the system has no port left.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    // Held together, so that no port is handed out twice.
    let listeners: Vec<TcpListener> = (0..N)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<_>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// One such port.
///
/// # Errors
/// When the system has no port left.
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
