//! The first run: the one-time link by which the first administrator is made.
//!
//! The link is a secret: it goes to the terminal the server was started from and to a file that
//! only root and the web worker read, never to a log.

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use app::App;
use app::setup::SetupState;
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::Config;

/// Where the link is left.
#[must_use]
pub fn link_file(config: &Config) -> PathBuf {
    config.layout().store().join("setup-link")
}

/// Makes a new link if there is no administrator yet; removes an old one otherwise.
pub async fn offer(app: &App, config: &Config) {
    let file = link_file(config);
    match app.setup_state().await {
        Ok(SetupState::Done) => {
            // Nothing to take back if it is not there.
            let _ = std::fs::remove_file(&file);
        }
        Ok(SetupState::Needed) => match app.issue_setup_link().await {
            Ok(link) => tell(&link, &file),
            Err(error) => tracing::error!(%error, "no set-up link could be made"),
        },
        Err(error) => tracing::error!(%error, "it is not known whether set-up is done"),
    }
}

fn tell(link: &SecretString, file: &Path) {
    let text = format!("{}\n", link.expose_secret());
    match write_private(file, &text) {
        Ok(()) => {
            tracing::info!(file = %file.display(), "set-up is waiting: the link is in this file")
        }
        Err(error) => {
            tracing::error!(%error, file = %file.display(), "the set-up link cannot be written")
        }
    }
    let mut terminal = std::io::stdout();
    if terminal.is_terminal() {
        // Whoever closed the terminal finds the link in the file.
        let _ = write!(
            terminal,
            "\nSet up Gatepost here; the link works once, within 60 minutes:\n\n  {text}\n\
             A new one: gatepost setup link\n\n"
        );
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let fresh = file.with_extension("new");
    // Made anew, so that an old file's permissions do not matter.
    let _ = std::fs::remove_file(&fresh);
    let mut options = std::fs::OpenOptions::new();
    let mut out = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    out.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, file)
}
