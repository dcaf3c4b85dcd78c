//! The demo's app: a web application of somebody else, which people sign in to through Gatepost.

use super::cli::Cli;
use super::clients::Clients;
use super::instance::Server;
use anyhow::{Context as _, bail};
use serde_json::json;
use std::io::Write;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::Child;
use tokio::task::JoinSet;

/// What people read on the consent page.
pub(super) const NAME: &str = "Noticeboard";

/// The app, running until this is dropped.
pub(super) struct Noticeboard {
    /// Goes before the program does: that it ends with the demo is no news.
    _complaints: JoinSet<()>,
    _child: Child,
    /// Where people open it.
    pub(super) address: String,
    /// Its name in requests.
    pub(super) client_id: String,
}

impl Noticeboard {
    /// Starts the app and makes it known to Gatepost, as an administrator would.
    pub(super) async fn open(
        server: &Server,
        clients: &Clients,
        cli: &Cli,
    ) -> anyhow::Result<Self> {
        let mut child = clients
            .script("noticeboard.py")
            .stdin(Stdio::piped())
            .spawn()
            .context("the sample app")?;
        let said = child.stderr.take().context("no complaints")?;
        let mut complaints = JoinSet::new();
        complaints.spawn(pass_on(said, std::io::stderr()));
        match make_known(&mut child, server, cli).await {
            Ok((address, client_id)) => Ok(Self {
                _complaints: complaints,
                _child: child,
                address,
                client_id,
            }),
            Err(error) => {
                // Whatever it has to say about that comes first.
                child.kill().await?;
                complaints.join_all().await;
                Err(error)
            }
        }
    }
}

/// Tells Gatepost of the app and the app of Gatepost; the app's address and its name in requests.
async fn make_known(
    child: &mut Child,
    server: &Server,
    cli: &Cli,
) -> anyhow::Result<(String, String)> {
    let lines = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(lines).lines();
    let address = lines.next_line().await?;
    let address = address.context("the sample app said no address")?;
    let redirect = format!("{address}/callback");
    let words = ["app", "add", "generic", "--name", NAME, "--redirect"];
    let made = cli
        .run(&[&words[..], &[redirect.as_str()]].concat())
        .await?;
    let client_id = &made["app"]["client_id"];
    let known = json!({
        "issuer": server.base,
        "client_id": client_id,
        "client_secret": made["client_secret"],
    });
    let mut input = child.stdin.take().context("no input")?;
    input.write_all(format!("{known}\n").as_bytes()).await?;
    match lines.next_line().await?.as_deref() {
        Some("ready") => {}
        other => bail!(
            "the sample app did not start: {}",
            other.unwrap_or("nothing")
        ),
    }
    Ok((address, client_id.as_str().unwrap_or_default().to_owned()))
}

/// Shows whoever runs the demo what the app complains about, and that it has ended.
async fn pass_on(said: impl AsyncRead + Unpin, mut to: impl Write) {
    let mut lines = BufReader::new(said).lines();
    // What is not text ends it too: it is not the app's own words.
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = writeln!(to, "{NAME}: {line}");
    }
    let _ = writeln!(to, "{NAME}: the sample app has ended");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tokio::process::Command;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_an_app_dies_of_is_shown() {
        let mut child = Command::new("python3")
            .args(["-c", "raise ValueError('the board is full')"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let terminal = Terminal::default();
        pass_on(child.stderr.take().unwrap(), terminal.clone()).await;
        let shown = String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "Noticeboard: Traceback (most recent call last):");
        let [.., why, end] = lines[..] else {
            panic!("{shown}");
        };
        assert_eq!(why, "Noticeboard: ValueError: the board is full");
        assert_eq!(end, "Noticeboard: the sample app has ended");
        assert!(!child.wait().await.unwrap().success());
    }
}
