//! The demo's app: a web application of somebody else, which people sign in to through Gatepost.

use super::cli::Cli;
use super::clients::Clients;
use super::instance::Server;
use anyhow::{Context as _, bail};
use serde_json::json;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

/// What people read on the consent page.
pub(super) const NAME: &str = "Noticeboard";

/// The app, running until this is dropped.
pub(super) struct Noticeboard {
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
        Ok(Self {
            _child: child,
            address,
            client_id: client_id.as_str().unwrap_or_default().to_owned(),
        })
    }
}
