//! Who listens on a port, for messages about taken ports; and which port stays ours.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use model::random::Random;

/// A loopback port that nobody listens on now, and that the kernel gives to no outgoing connection
/// later: a service that starts again on it finds it free.
pub(super) fn lasting(random: &dyn Random) -> Option<SocketAddr> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let (lowest, end) = below_ephemeral(&range);
    (0..256).find_map(|_| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let offset = u64::from_ne_bytes(bytes) % u64::from(end - lowest);
        let port = lowest + u16::try_from(offset).ok()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).is_ok().then_some(address)
    })
}

/// From the first port to the one after the last, by the text of `ip_local_port_range` (ip(7)).
/// High ones, since low ones belong to well-known services; where the range leaves none, low ones.
fn below_ephemeral(range: &str) -> (u16, u16) {
    let first = range.split_whitespace().next().and_then(|n| n.parse().ok());
    match first.unwrap_or(32_768) {
        end @ 20_001.. => (10_000, end),
        end @ 2_049.. => (1_024, end),
        _ => (1_024, u16::MAX),
    }
}

/// `nginx (process 812)`; `None` if nobody can be named, for instance another user's process that
/// we may not look into.
pub(super) fn holder(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_sockets(&table, port))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let holds = fs::read_dir(entry.path().join("fd"))
            .ok()?
            .flatten()
            .any(|descriptor| {
                fs::read_link(descriptor.path())
                    .is_ok_and(|target| sockets.iter().any(|socket| target == Path::new(socket)))
            });
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        holds.then(|| format!("{} (process {pid})", name.trim()))
    })
}

/// Listening sockets on `port` in a table of `proc_net_tcp(5)`: local address in the
/// second column as HEX:HEX, state in the fourth (`0A` is listening), inode in the tenth. As the
/// links in `/proc/PID/fd` name them.
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let listening = columns.get(1)?.ends_with(&suffix) && *columns.get(3)? == "0A";
            listening
                .then(|| columns.get(9).map(|inode| format!("socket:[{inode}]")))
                .flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_ourselves() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let found = holder(listener.local_addr().unwrap().port()).unwrap();
        assert!(
            found.ends_with(&format!("(process {})", std::process::id())),
            "{found}"
        );
    }

    #[test]
    fn a_lasting_port_lies_below_those_of_outgoing_connections() {
        assert_eq!(below_ephemeral("32768\t60999\n"), (10_000, 32_768));
        assert_eq!(below_ephemeral("15000 65000"), (1_024, 15_000));
        assert_eq!(below_ephemeral("1024 65535"), (1_024, u16::MAX));
        assert_eq!(below_ephemeral(""), (10_000, 32_768));
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let (lowest, end) = below_ephemeral(&range);
        let address = lasting(&store::OsRandom).unwrap();
        assert!((lowest..end).contains(&address.port()), "{address}");
        TcpListener::bind(address).unwrap();
    }

    #[test]
    fn nobody_is_nobody() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        assert_eq!(holder(port), None);
    }
}
