//! The running server: workers and ports.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use app::warn_people::UNSENT;
use mailauth::Door;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::Check;
use crate::administration::status::Status;
use crate::administration::{Connection, OpenError, Request};
use crate::config::{Config, Endpoint};

const GROUP: &str = "server";
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn look(config: &Config) -> Vec<Check> {
    let layout = config.layout();
    let connection = match Connection::to_server(&layout).await {
        Ok(Some(connection)) => connection,
        Ok(None) => {
            let seen = format!("nothing answers at {}", layout.admin_socket().display());
            return vec![Check::warn(
                GROUP,
                "web worker",
                seen,
                "start gatepost serve",
            )];
        }
        Err(error @ OpenError::NotPermitted { .. }) => {
            let fix = "run doctor as root, or as the account that runs the server";
            return vec![Check::warn(GROUP, "web worker", error.to_string(), fix)];
        }
        Err(error) => {
            let fix = "look into the server's log";
            return vec![Check::failed(GROUP, "web worker", error.to_string(), fix)];
        }
    };
    let mut checks = web_worker(connection).await;
    checks.push(auth_worker(&layout.door_socket(Door::DovecotLogin)).await);
    for (name, endpoint) in config.listen.entries() {
        if let Endpoint::On { address, port } = endpoint {
            checks.push(listener(name, address, port).await);
        }
    }
    checks
}

async fn web_worker(mut connection: Connection) -> Vec<Check> {
    let answer = timeout(PATIENCE, connection.ask(Request::Status, &mut |_| {})).await;
    let status = match answer {
        Ok(Ok(document)) => serde_json::from_value::<Status>(document).map_err(|e| e.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let status = match status {
        Ok(status) => status,
        Err(why) => {
            let fix = "look into the server's log";
            return vec![Check::failed(GROUP, "web worker", why, fix)];
        }
    };
    let own = env!("CARGO_PKG_VERSION");
    let mut checks = Vec::new();
    if status.version == own {
        let seen = format!("answers; version {own}");
        checks.push(Check::ok(GROUP, "web worker", seen));
    } else {
        let seen = format!("runs version {}, this command is {own}", status.version);
        let fix = "send SIGHUP to gatepost serve: it takes over the new program";
        checks.push(Check::warn(GROUP, "web worker", seen, fix));
    }
    if status.setup_needed {
        let fix = "gatepost setup link";
        checks.push(Check::warn(
            GROUP,
            "set-up",
            "there is no administrator yet",
            fix,
        ));
    }
    if status.providers == 0 {
        let fix = "gatepost provider add";
        checks.push(Check::warn(GROUP, "providers", "none is switched on", fix));
    }
    for slug in &status.checks_stopped {
        let seen = format!("background checks of {slug} stopped: too many people gone at once");
        let fix = format!("look at the provider, then: gatepost provider resume-checks {slug}");
        checks.push(Check::failed(GROUP, "providers", seen, fix));
    }
    if status.cannot_warn {
        let fix = "turn listen.smtp on, so that Postfix takes mail";
        checks.push(Check::warn(GROUP, "warning mails", UNSENT, fix));
    }
    checks
}

/// The greeting of the auth-client protocol ends with DONE; it comes from the worker itself.
async fn auth_worker(socket: &Path) -> Check {
    let greeting = async {
        let mut lines = BufReader::new(UnixStream::connect(socket).await?).lines();
        while let Some(line) = lines.next_line().await? {
            if line == "DONE" {
                return Ok(());
            }
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    };
    let fix = "look into the server's log; mail programs are asked to try again meanwhile";
    match timeout(PATIENCE, greeting).await {
        Ok(Ok(())) => Check::ok(GROUP, "auth worker", "greets as Dovecot expects"),
        Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            let fix = "run doctor as root";
            Check::warn(GROUP, "auth worker", error.to_string(), fix)
        }
        Ok(Err(error)) => Check::failed(GROUP, "auth worker", error.to_string(), fix),
        Err(_) => Check::failed(GROUP, "auth worker", "does not answer", fix),
    }
}

async fn listener(name: &str, address: Option<IpAddr>, port: u16) -> Check {
    let host = address.filter(|address| !address.is_unspecified());
    let to = SocketAddr::new(host.unwrap_or(Ipv4Addr::LOCALHOST.into()), port);
    let fix = "look into the server's log: the engine behind it may have ended";
    match timeout(PATIENCE, TcpStream::connect(to)).await {
        Ok(Ok(_)) => Check::ok(GROUP, format!("port {name}"), format!("{to} accepts")),
        Ok(Err(error)) => {
            let seen = format!("{to}: {error}");
            Check::failed(GROUP, format!("port {name}"), seen, fix)
        }
        Err(_) => Check::failed(GROUP, format!("port {name}"), format!("{to}: silent"), fix),
    }
}
