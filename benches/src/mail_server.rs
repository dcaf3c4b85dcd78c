//! Gatepost's side of the auth socket: the desk of the auth worker over the use cases of mail, in a
//! process of its own, so that its CPU time is not mixed with the load client's.
//!
//! What logins teach is gathered and handed on every second as in the auth worker, and then let go:
//! telling the web worker is not part of a decision.

use std::io::Read as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use app::mail::{Coalescer, MailApp, MailConfig, MailParts};
use app::passwords::{Budgets, HashPool, LocalDesk};
use app::ports::{Learned, Recorder};
use mailauth::{Desk, Door, Listener, QuotaField, Settings};
use model::random::Random;
use model::time::{Clock, SystemClock, SystemMonotonic};
use store::{MasterKey, OsRandom, Store};

use crate::installation::{Installation, database, key};

/// Under valgrind a start takes a second or two.
const START: Duration = Duration::from_secs(60);

/// How often the auth worker hands on what it learned.
const PACE: Duration = Duration::from_secs(1);

/// A running server. It ends when it is dropped.
pub(crate) struct MailServer {
    process: Child,
    socket: PathBuf,
}

impl MailServer {
    pub(crate) fn start(installation: &Installation) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        Self::start_by(Command::new(program), installation)
    }

    /// The same, every instruction counted; the sum stands in `counts` once the server has ended.
    pub(crate) fn start_counted(
        installation: &Installation,
        counts: &Path,
    ) -> anyhow::Result<Self> {
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", counts.display()))
            .arg(std::env::current_exe()?);
        Self::start_by(valgrind, installation).context("valgrind: apt-get install valgrind")
    }

    fn start_by(mut command: Command, installation: &Installation) -> anyhow::Result<Self> {
        let socket = socket(installation.path());
        let process = command
            .arg("--serve-mail")
            .arg(installation.path())
            .stdin(Stdio::piped())
            .spawn()?;
        let mut server = Self { process, socket };
        let end = Instant::now() + START;
        while UnixStream::connect(&server.socket).is_err() {
            ensure!(
                server.process.try_wait()?.is_none(),
                "the mail server ended"
            );
            ensure!(Instant::now() < end, "the mail server does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // The end of its standard input ends it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("auth")
}

/// What the child does: serves until its standard input ends.
pub(crate) fn serve(directory: &Path) -> anyhow::Result<()> {
    let listener = Listener {
        door: Door::DovecotLogin,
        socket: UnixListener::bind(socket(directory))?,
        allowed: vec![rustix::process::geteuid().as_raw()],
    };
    let coalescer = Arc::new(Coalescer::new(Arc::new(LetGo)));
    let app = Arc::new(mail_app(directory, Arc::clone(&coalescer))?);
    let settings = Settings::new(std::process::id(), QuotaField::Rule);
    // The same runtime as the auth worker's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let _desk = Desk::open(app, Arc::new(OsRandom), settings, vec![listener], None)?;
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let hand_on = async {
            let mut pace = tokio::time::interval(PACE);
            loop {
                pace.tick().await;
                coalescer.flush(SystemClock.now());
            }
        };
        tokio::select! {
            _ = end => Ok(()),
            () = hand_on => Ok(()),
        }
    })
}

fn mail_app(directory: &Path, coalescer: Arc<Coalescer>) -> anyhow::Result<MailApp> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let database = database(directory);
    let pool = HashPool::new(Arc::clone(&random)).context("password hashing")?;
    Ok(MailApp::new(MailParts {
        store: Store::open_read_only(&database),
        app_password_key: MasterKey::load(&key(directory), &database)?
            .auth_keys()?
            .app_password,
        desk: LocalDesk::new(
            Arc::new(Budgets::new(Arc::new(SystemMonotonic::start()))),
            Arc::new(pool),
        ),
        coalescer,
        clock,
        random,
        config: MailConfig {
            devices_url: "https://mail.example.test/devices".to_owned(),
            mail_root: "/nonexistent".to_owned(),
            uid: 65534,
            gid: 65534,
            hostname: None,
        },
    }))
}

struct LetGo;

impl Recorder for LetGo {
    fn record(&self, _: Learned) {}
}
