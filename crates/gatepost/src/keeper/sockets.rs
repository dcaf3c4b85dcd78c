//! The keeper's listening sockets. They live as long as the keeper, whatever the workers do.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use mailauth::Door;
use socket2::{Domain, Protocol, Socket, Type};

use super::accounts::Accounts;
use super::directories::door_gid;
use super::port;
use crate::channel::control::{DOORS, Listening, SocketName};
use crate::config::{Config, Endpoint};

/// Connections that wait while a worker restarts. The kernel caps it (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody else has the port.
    #[error(
        "port {port} ({key}) is taken{}: stop that program, or set {key} to another port",
        holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default()
    )]
    Taken {
        /// The key in the configuration.
        key: String,
        /// The port.
        port: u16,
        /// Who has it, as far as we may know.
        holder: Option<String>,
    },
    /// Ports below 1024 are root's.
    #[error(
        "port {port} ({key}) is open to root only: start gatepost as root, give it \
         CAP_NET_BIND_SERVICE, or set {key} to a port above 1023, such as {}", port + 8000
    )]
    Forbidden {
        /// The key in the configuration.
        key: String,
        /// The port.
        port: u16,
    },
    /// No interface has that address, or IPv6 is off.
    #[error("{endpoint} ({key}) cannot be listened on: {source}")]
    Address {
        /// The key in the configuration.
        key: String,
        /// As configured.
        endpoint: Endpoint,
        /// The system's reason.
        source: io::Error,
    },
    /// A unix socket cannot be made.
    #[error("cannot make the socket {}: {source}", path.display())]
    Unix {
        /// Its path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// A bound, listening socket.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listening: Listening,
    socket: OwnedFd,
    /// Removed at an orderly stop.
    path: Option<PathBuf>,
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Binds everything. Call only after left-overs of this instance are gone: socket files of former
/// lives are replaced.
pub(super) fn bind(config: &Config, accounts: &Accounts) -> Result<Vec<Bound>, SocketError> {
    let layout = config.layout();
    let mut bound = Vec::new();
    let web = listen_tcp("listen.web", config.listen.web)?;
    bound.extend(web.map(|socket| Bound {
        listening: Listening {
            name: SocketName::Web,
            allowed: Vec::new(),
        },
        socket,
        path: None,
    }));
    let own = accounts.own_uid;
    let (web, auth) = (accounts.web, accounts.auth);
    bound.push(unix(
        layout.admin_socket(),
        SocketName::Admin,
        None,
        vec![own, web.uid],
    )?);
    bound.push(unix(
        layout.channel_socket(),
        SocketName::Channel,
        Some(web.gid),
        vec![web.uid, auth.uid],
    )?);
    for door in DOORS {
        bound.push(unix(
            layout.door_socket(door),
            SocketName::Mail(door),
            door_gid(accounts, door),
            door_users(accounts, door),
        )?);
    }
    Ok(bound)
}

/// Refuses mail ports that somebody has, before an engine fails over them in its own words.
pub(super) fn probe_mail_ports(config: &Config) -> Result<(), SocketError> {
    for (name, endpoint) in config.listen.entries() {
        if name != "web" {
            listen_tcp(&format!("listen.{name}"), endpoint)?;
        }
    }
    Ok(())
}

/// Takes the socket files away; nobody is behind them any more.
pub(super) fn remove(sockets: &[Bound]) {
    for path in sockets.iter().filter_map(|bound| bound.path.as_ref()) {
        if let Err(error) = fs::remove_file(path) {
            tracing::debug!(%error, path = %path.display(), "a socket file stays behind");
        }
    }
}

/// Users that may connect to a door. Root may always: Dovecot's mail processes connect before
/// they drop to the mail account, and some of them later connect again.
fn door_users(accounts: &Accounts, door: Door) -> Vec<u32> {
    let engine = match door {
        Door::DovecotLogin => accounts.dovecot_login,
        Door::DovecotMaster => Some(accounts.mail),
        Door::DovecotUserdb => accounts.dovecot,
        Door::PostfixAuth | Door::Socketmap | Door::Policy => accounts.postfix,
    };
    let mut users = vec![0];
    users.extend(engine.map(|ids| ids.uid).filter(|uid| *uid != 0));
    users
}

fn listen_tcp(key: &str, endpoint: Endpoint) -> Result<Option<OwnedFd>, SocketError> {
    let Endpoint::On { address, port } = endpoint else {
        return Ok(None);
    };
    let result = match address {
        Some(address) => listen_on(SocketAddr::new(address, port), false),
        // One socket for IPv4 and IPv6; without IPv6 in the kernel, IPv4 alone.
        None => listen_on(
            SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
            true,
        )
        .or_else(|error| {
            match error
                .raw_os_error()
                .map(rustix::io::Errno::from_raw_os_error)
            {
                Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL) => {
                    listen_on(
                        SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
                        false,
                    )
                }
                _ => Err(error),
            }
        }),
    };
    result.map(Some).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => SocketError::Taken {
            key: key.to_owned(),
            port,
            holder: port::holder(port),
        },
        io::ErrorKind::PermissionDenied => SocketError::Forbidden {
            key: key.to_owned(),
            port,
        },
        _ => SocketError::Address {
            key: key.to_owned(),
            endpoint,
            source,
        },
    })
}

fn listen_on(address: SocketAddr, dual_stack: bool) -> io::Result<OwnedFd> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of a former life that are still closing do not count as taken.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual_stack)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn unix(
    path: PathBuf,
    name: SocketName,
    group: Option<u32>,
    allowed: Vec<u32>,
) -> Result<Bound, SocketError> {
    match listen_unix(&path, group) {
        Ok(socket) => Ok(Bound {
            listening: Listening { name, allowed },
            socket,
            path: Some(path),
        }),
        Err(source) => Err(SocketError::Unix { path, source }),
    }
}

/// The keeper's umask lets nobody else in between the first call and the last.
fn listen_unix(path: &Path, group: Option<u32>) -> io::Result<OwnedFd> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    rustix::net::listen(&listener, BACKLOG)?;
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    chown(path, None, group)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(listener.into())
}
