//! One private instance in a temporary directory with a short path.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use engines::description::{
    Accounts, CertificateFiles, DEFAULT_MESSAGE_SIZE_LIMIT, Directories, Ids, Kick, KickListener,
    MailSystem, Milters, OutwardTls, ProcessModel, Sockets, Store, Transport,
};
use engines::supervise::Pace;
use engines::{Engines, MailSystem as System};
use model::address::{Address, DomainName};
use tempfile::TempDir;

use super::gatepost::{self, Table};

/// Numbers without accounts, as `demo` uses.
pub const MAIL: Ids = Ids {
    uid: 54_321,
    gid: 54_321,
};
pub const KICK_GID: u32 = 54_322;
pub const API_KEY: &str = "a-key-of-this-test";

/// A loopback address that nobody listens on. Below the range the kernel takes the ports of
/// outgoing connections from, or one of them might be there first.
pub fn free_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id().wrapping_mul(61) + n) % 22_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap()));
        if TcpListener::bind(any(address)).is_ok() {
            return address;
        }
    }
}

/// Listens on all of 127.0.0.0/8, so that a client may come from an address of its own.
pub fn any(address: SocketAddr) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()))
}

pub fn directory() -> TempDir {
    let directory = tempfile::Builder::new()
        .prefix("gp")
        .tempdir_in("/tmp")
        .unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    directory
}

/// A self-signed certificate for the name and for loopback.
pub fn write_certificate(files: &CertificateFiles) {
    let names = ["mail.example.test", "127.0.0.1"].map(str::to_owned);
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(&files.certificate, pair.cert.pem()).unwrap();
    std::fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
}

pub fn description(root: &Path) -> MailSystem {
    let below = |name: &str| root.join(name);
    MailSystem {
        directories: Directories {
            run: below("run"),
            state: below("state"),
            config: below("config"),
            mail: below("mail"),
            queue: below("queue"),
        },
        hostname: DomainName::parse("mail.example.test").unwrap(),
        postmaster: Address::parse("postmaster@example.test").unwrap(),
        recipient_delimiter: '+',
        message_size_limit: DEFAULT_MESSAGE_SIZE_LIMIT,
        tls: CertificateFiles {
            certificate: below("cert.pem"),
            key: below("key.pem"),
        },
        sockets: Sockets::below(&below("for-dovecot"), &below("for-postfix")),
        accounts: Accounts::debian(MAIL),
        sessions: 64,
        processes: ProcessModel::Fast,
        store: Store {
            imap: vec![any(free_port())],
            imaps: vec![free_port()],
            pop3: Vec::new(),
            pop3s: vec![free_port()],
            managesieve: vec![free_port()],
            lmtp: Vec::new(),
            sieve: true,
            quota: true,
            kick: Kick {
                listener: KickListener::Unix { gid: KICK_GID },
                api_key: API_KEY.to_owned().into(),
            },
        },
        transport: Some(Transport {
            smtp: vec![any(free_port())],
            submission: vec![free_port()],
            submissions: vec![free_port()],
            sieve_submission: free_port(),
            outward_tls: OutwardTls::Opportunistic,
            relay: None,
            milters: Milters::default(),
        }),
    }
}

pub fn pace() -> Pace {
    Pace {
        patience: Duration::from_secs(5),
        first_delay: Duration::from_millis(100),
        ..Pace::default()
    }
}

pub struct Instance {
    pub engines: Engines,
    pub system: System,
    pub table: Arc<Table>,
    pub root: TempDir,
}

impl Instance {
    pub async fn start() -> Self {
        Self::with(|_| {}, 100 << 20, pace()).await
    }

    /// With the description changed, the mailboxes' quota in bytes and another pace.
    pub async fn with(change: impl FnOnce(&mut System), quota: u64, pace: Pace) -> Self {
        let root = directory();
        let mut system = description(root.path());
        change(&mut system);
        write_certificate(&system.tls);
        let table = Table::new(&system.directories.mail, system.accounts.mail(), quota);
        gatepost::serve(&system.sockets, &table);
        let engines = Engines::start(system.clone(), pace).await.unwrap();
        Self {
            engines,
            system,
            table,
            root,
        }
    }

    pub fn transport(&self) -> &Transport {
        self.system.transport.as_ref().unwrap()
    }

    pub async fn stop(self) {
        self.engines.stop().await;
        let left = processes_in(self.root.path());
        assert_eq!(left, Vec::<String>::new(), "left behind");
    }
}

/// Every process that works in the directory or was given a path in it.
pub fn processes_in(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let numeric = entry.file_name().to_str().unwrap().parse::<u32>();
        let Ok(pid) = numeric else { continue };
        if pid == std::process::id() {
            continue;
        }
        let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if cwd.starts_with(root) || line.contains(root.to_str().unwrap()) {
            found.push(format!("{pid} {line}"));
        }
    }
    found
}
