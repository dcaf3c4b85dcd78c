//! The anchor: Dovecot's own auth server with an sqlite passdb, in a directory of its own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, params};

use crate::people::{address, secret};

const START: Duration = Duration::from_secs(10);

/// How the anchor finds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// One salted SHA-256 hash for each mailbox: Dovecot's fast scheme, and less work than
    /// Gatepost does, since there is only one secret to compare with.
    Ssha256,
    /// All of a mailbox's secrets in clear, the right one found by the query itself: the same job
    /// as Gatepost's, at a safety that nobody should run.
    ClearInSql,
}

/// A running Dovecot that does nothing but authenticate.
pub(crate) struct Dovecot {
    process: Child,
    directory: tempfile::TempDir,
}

impl Dovecot {
    /// Fills a database with `people` and starts Dovecot on it. Needs root, as Dovecot does.
    pub(crate) fn start(people: u32, secrets_each: u32, scheme: Scheme) -> anyhow::Result<Self> {
        // Its sockets have paths of at most 107 bytes, hence not the usual temporary directory.
        let directory = tempfile::Builder::new().prefix("gpb").tempdir_in("/tmp")?;
        open_to_all(directory.path())?;
        fill(
            &directory.path().join("people.db"),
            people,
            secrets_each,
            scheme,
        )?;
        let configuration = directory.path().join("dovecot.conf");
        fs::write(&configuration, render(directory.path()))?;
        fs::write(
            directory.path().join("sql.conf"),
            render_sql(directory.path(), scheme),
        )?;
        let process = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(&configuration)
            .stdin(Stdio::null())
            .spawn()
            .context("dovecot: apt-get install dovecot-core dovecot-sqlite")?;
        let mut dovecot = Self { process, directory };
        dovecot.wait_until_listening()?;
        Ok(dovecot)
    }

    /// The socket that answers the auth-client protocol.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("run/auth-client")
    }

    /// Dovecot's master process; the others are below it.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    fn wait_until_listening(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + START;
        while UnixStream::connect(self.socket()).is_err() {
            let log = || fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            if let Some(status) = self.process.try_wait()? {
                bail!("dovecot ended with {status}: {}", log());
            }
            ensure!(Instant::now() < end, "dovecot does not listen: {}", log());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // The master ends its children on SIGTERM; on SIGKILL it would leave them behind.
        if let Ok(pid) = i32::try_from(self.process.id())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
    }
}

/// Dovecot's processes run as other accounts and read below this directory.
fn open_to_all(directory: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn fill(path: &Path, people: u32, secrets_each: u32, scheme: Scheme) -> anyhow::Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch(
        "CREATE TABLE secrets (name TEXT NOT NULL, secret TEXT NOT NULL, \
         PRIMARY KEY (name, secret)) WITHOUT ROWID",
    )?;
    let transaction = database.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO secrets VALUES ($1, $2)")?;
        for person in 0..people {
            let name = address(person);
            for which in 0..secrets_each {
                let secret = secret(person, which);
                let stored = match scheme {
                    Scheme::Ssha256 => ssha256(&secret, person),
                    Scheme::ClearInSql => secret,
                };
                insert.execute(params![name, stored])?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// `{SSHA256}` of Dovecot: base64 of the digest of secret and salt, followed by the salt.
fn ssha256(secret: &str, salt: u32) -> String {
    let salt = salt.to_be_bytes();
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(secret.as_bytes());
    context.update(&salt);
    let mut bytes = context.finish().as_ref().to_vec();
    bytes.extend_from_slice(&salt);
    STANDARD.encode(bytes)
}

fn render(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "protocols =
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
auth_cache_size = 0
# What the client measures is deciding, not waiting.
auth_failure_delay = 0
passdb {{
  driver = sql
  args = {directory}/sql.conf
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener auth-client {{
    mode = 0600
  }}
}}
"
    )
}

fn render_sql(directory: &Path, scheme: Scheme) -> String {
    let directory = directory.display();
    let query = match scheme {
        Scheme::Ssha256 => {
            "default_pass_scheme = SSHA256\n\
             password_query = SELECT name AS user, secret AS password FROM secrets WHERE name = '%u'"
        }
        Scheme::ClearInSql => {
            "password_query = SELECT name AS user, NULL AS password, 'Y' AS nopassword \
             FROM secrets WHERE name = '%u' AND secret = '%w'"
        }
    };
    format!("driver = sqlite\nconnect = {directory}/people.db\n{query}\n")
}
