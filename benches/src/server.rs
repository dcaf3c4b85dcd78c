//! `gatepost serve` itself, without mail engines, in directories of its own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use store::MasterKey;

use crate::auth_client::Load;
use crate::crowd::fill;
use crate::installation::{database, key};
use crate::people::{Kind, Mix};

const START: Duration = Duration::from_secs(30);
/// Between two tries to connect; far below what is measured.
const PAUSE: Duration = Duration::from_millis(1);

/// The binary to measure: `GATEPOST_BINARY`, or the one beside this program.
pub(crate) fn binary() -> Result<PathBuf, String> {
    let path = match std::env::var_os("GATEPOST_BINARY") {
        Some(path) => PathBuf::from(path),
        None => std::env::current_exe()
            .map_err(|error| error.to_string())?
            .with_file_name("gatepost"),
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!(
            "{} is missing: cargo build --profile dist --package gatepost, or name another one in \
             GATEPOST_BINARY",
            path.display()
        ))
    }
}

/// An installation that `gatepost serve` made and was given people.
pub(crate) struct Server {
    binary: PathBuf,
    directory: tempfile::TempDir,
    port: u16,
    pub(crate) people: u32,
    pub(crate) secrets_each: u32,
}

impl Server {
    /// Has `gatepost serve` make its directories and store, stops it, and adds the people.
    pub(crate) fn new(
        binary: PathBuf,
        parent: &Path,
        people: u32,
        secrets_each: u32,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("gpb").tempdir_in(parent)?;
        open_to_all(directory.path())?;
        let server = Self {
            binary,
            directory,
            port: TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port(),
            people,
            secrets_each,
        };
        fs::write(server.path("gatepost.toml"), server.configuration())?;
        let data = server.data();
        let first = server.spawn()?;
        let started = Instant::now();
        while !server.socket().exists() || !database(&data).exists() {
            ensure!(started.elapsed() < START, "no start: {}", server.log());
            thread::sleep(PAUSE);
        }
        server.first_answer(Kind::UnknownName)?;
        drop(first);
        let master = MasterKey::load(&key(&data), &database(&data))?;
        fill(&database(&data), &master, people, secrets_each)?;
        Ok(server)
    }

    /// Starts the server; it runs until what is returned is dropped.
    pub(crate) fn spawn(&self) -> anyhow::Result<Running> {
        let log = File::create(self.path("log"))?;
        let child = Command::new(&self.binary)
            .args(["serve", "--config"])
            .arg(self.path("gatepost.toml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| self.binary.display().to_string())?;
        Ok(Running(child))
    }

    /// Asks until there is a decision: a fault of ours is none, nor is a socket that is not there.
    pub(crate) fn first_answer(&self, kind: Kind) -> anyhow::Result<()> {
        let end = Instant::now() + START;
        let load = self.load(1, Mix::Only(kind));
        loop {
            match load.run(&self.socket()) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end => {
                    return Err(error).context(self.log());
                }
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    /// Attempts of one client for the people of this server.
    pub(crate) fn load(&self, operations: u64, mix: Mix) -> Load {
        Load {
            connections: 1,
            window: 16,
            operations,
            people: self.people.max(1),
            secrets_each: self.secrets_each.max(1),
            mix,
            seed: 1,
        }
    }

    /// Where Dovecot's login processes would ask.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/dovecot-login/socket")
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Where it answers HTTP: address and port.
    pub(crate) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What it has written to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Plain HTTP on a free port of loopback, no mail listeners, accounts that need not exist.
    fn configuration(&self) -> String {
        let web = self.authority();
        format!(
            "public_url = \"http://{web}\"
[listen]
web = {web:?}
imap = \"off\"
imaps = \"off\"
pop3 = \"off\"
pop3s = \"off\"
sieve = \"off\"
submission = \"off\"
submissions = \"off\"
smtp = \"off\"
[data]
dir = {:?}
[run]
dir = {:?}
[users]
web = 61001
auth = 61002
mail = 61003
",
            self.data(),
            self.path("run")
        )
    }
}

/// A running keeper; its workers are below it.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The keeper ends its workers on SIGTERM; on SIGKILL they would stay.
        if let Ok(pid) = i32::try_from(self.0.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// The workers run as other accounts and go through this directory.
fn open_to_all(directory: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
