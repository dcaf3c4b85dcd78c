//! The administrator's hand in the demo: the command line, with its answers as JSON.

use anyhow::{Context as _, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Runs verbs of this very program against the running server.
pub(super) struct Cli {
    program: PathBuf,
    config: PathBuf,
}

/// What a verb said.
pub(super) struct Said {
    /// Its exit code.
    pub(super) code: i32,
    /// Standard output.
    pub(super) text: String,
}

impl Cli {
    pub(super) fn new(config: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            config: config.to_owned(),
        })
    }

    /// Runs a verb that must succeed; its JSON.
    pub(super) async fn run(&self, words: &[&str]) -> anyhow::Result<Value> {
        self.with_input(words, "").await
    }

    /// The same, with a secret on standard input.
    pub(super) async fn with_input(&self, words: &[&str], input: &str) -> anyhow::Result<Value> {
        let said = self.say(&[words, &["--json"]].concat(), input).await?;
        if said.code != 0 {
            bail!(
                "gatepost {} ended with {}: {}",
                words.join(" "),
                said.code,
                said.text.trim()
            );
        }
        serde_json::from_str(&said.text).with_context(|| {
            format!(
                "gatepost {} printed no JSON: {}",
                words.join(" "),
                said.text
            )
        })
    }

    /// Runs a verb as a person would; whatever it says.
    pub(super) async fn say(&self, words: &[&str], input: &str) -> anyhow::Result<Said> {
        let mut child = Command::new(&self.program)
            .args(words)
            .env("GATEPOST_CONFIG", &self.config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(Said {
            code: output.status.code().unwrap_or(-1),
            text,
        })
    }
}
