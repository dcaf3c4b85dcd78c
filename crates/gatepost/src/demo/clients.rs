//! The demo's mail programs, browser and sample app: small Python scripts, run as separate processes.

use super::instance::Server;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const SCRIPTS: [(&str, &str); 10] = [
    ("common.py", include_str!("clients/common.py")),
    ("imap_folders.py", include_str!("clients/imap_folders.py")),
    ("imap_idle.py", include_str!("clients/imap_idle.py")),
    ("imap_quota.py", include_str!("clients/imap_quota.py")),
    ("imap_read.py", include_str!("clients/imap_read.py")),
    ("noticeboard.py", include_str!("clients/noticeboard.py")),
    ("pop3_read.py", include_str!("clients/pop3_read.py")),
    ("sieve_put.py", include_str!("clients/sieve_put.py")),
    ("smtp_send.py", include_str!("clients/smtp_send.py")),
    ("web.py", include_str!("clients/web.py")),
];

/// The scripts, unpacked beside each other.
pub(super) struct Clients {
    dir: PathBuf,
    certificate: PathBuf,
    base: String,
}

impl Clients {
    pub(super) fn unpack(server: &Server) -> anyhow::Result<Self> {
        let dir = server.dir.join("clients");
        // Cookies of the story's people are kept here too.
        std::fs::DirBuilder::new().mode(0o700).create(&dir)?;
        for (name, text) in SCRIPTS {
            std::fs::write(dir.join(name), text)?;
        }
        Ok(Self {
            dir,
            certificate: server.certificate.clone(),
            base: server.base.clone(),
        })
    }

    /// A mail program: `script HOST PORT USER --ca FILE options…`. Its evidence, whether or not it
    /// succeeded: `ok` tells.
    pub(super) async fn mail(
        &self,
        script: &str,
        port: u16,
        user: &str,
        password: &str,
        options: &[&str],
    ) -> anyhow::Result<Value> {
        let output = self
            .mail_command(script, port, user, password, options)
            .output()
            .await?;
        last_line(script, &output.stdout, &output.stderr)
    }

    /// A visit to Gatepost's pages. `person` names the cookie jar.
    pub(super) async fn web(
        &self,
        person: &str,
        action: &str,
        password: &str,
        options: &[&str],
    ) -> anyhow::Result<Value> {
        let mut command = self.python("web.py", password);
        command
            .args([action, &self.base, "--jar"])
            .arg(self.dir.join(format!("{person}.cookies")));
        let output = command.args(options).output().await?;
        last_line(action, &output.stdout, &output.stderr)
    }

    /// An IMAP session that waits in IDLE until the server ends it.
    pub(super) async fn idle(&self, port: u16, user: &str, password: &str) -> anyhow::Result<Idle> {
        let mut child = self
            .mail_command("imap_idle.py", port, user, password, &["--max", "20"])
            .spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        match lines.next_line().await?.as_deref() {
            Some("idle") => Ok(Idle { child, lines }),
            other => bail!("no IDLE session: {}", other.unwrap_or("nothing was said")),
        }
    }

    fn mail_command(
        &self,
        script: &str,
        port: u16,
        user: &str,
        password: &str,
        options: &[&str],
    ) -> Command {
        let mut command = self.python(script, password);
        command
            .args(["localhost", &port.to_string(), user, "--ca"])
            .arg(&self.certificate);
        command.args(options);
        command
    }

    fn python(&self, script: &str, password: &str) -> Command {
        let mut command = self.script(script);
        command.env("GATEPOST_CLIENT_PASSWORD", password);
        command
    }

    /// A script that knows no password.
    pub(super) fn script(&self, script: &str) -> Command {
        let mut command = Command::new("python3");
        command
            .arg("-B")
            .arg(self.dir.join(script))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// A live IMAP session.
pub(super) struct Idle {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Idle {
    /// Waits until the server ends it; the client's evidence.
    pub(super) async fn ended(mut self) -> anyhow::Result<Value> {
        let mut last = String::new();
        while let Some(line) = self.lines.next_line().await? {
            last = line;
        }
        self.child.wait().await?;
        serde_json::from_str(&last).with_context(|| format!("the IDLE client said {last:?}"))
    }
}

fn last_line(what: &str, stdout: &[u8], stderr: &[u8]) -> anyhow::Result<Value> {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| {
        format!(
            "{what} said no evidence: {line:?} {}",
            String::from_utf8_lossy(stderr).trim()
        )
    })
}
