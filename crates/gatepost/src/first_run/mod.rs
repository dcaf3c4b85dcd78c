//! The first run: the one-time link by which the first administrator is made.
//!
//! The link is a secret: it goes to the terminal the server was started from and to a file that
//! only root and the web worker read, never to a log.

mod tunnel;

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use app::App;
use app::setup::SetupState;
use secrecy::{ExposeSecret as _, SecretString};

pub use tunnel::{through, tunnel};

use crate::config::{Config, Layout};

/// Between two looks whether set-up is done.
const LOOK: Duration = Duration::from_millis(500);

/// Makes a new link if there is no administrator yet, and takes it back when there is one. Ends
/// then; may be dropped at any time.
pub async fn attend(app: &App, config: &Config) {
    let layout = config.layout();
    match app.setup_state().await {
        Ok(SetupState::Done) => {}
        Ok(SetupState::Needed) => match app.issue_setup_link().await {
            Ok(link) => tell(&link, config),
            Err(error) => tracing::error!(%error, "no set-up link could be made"),
        },
        Err(error) => tracing::error!(%error, "it is not known whether set-up is done"),
    }
    while !take_back(app, &layout).await {
        tokio::time::sleep(LOOK).await;
    }
}

/// Removes the file with the link once there is an administrator; `false` while there is none.
pub async fn take_back(app: &App, layout: &Layout) -> bool {
    let done = matches!(app.setup_state().await, Ok(SetupState::Done));
    if done {
        match std::fs::remove_file(layout.setup_link()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::error!(%error, "the file with the set-up link cannot be removed");
            }
            _ => {}
        }
    }
    done
}

fn tell(link: &SecretString, config: &Config) {
    let file = config.layout().setup_link();
    let text = format!("{}\n", through(config, link.expose_secret()));
    match write_private(&file, &text) {
        Ok(()) => {
            tracing::info!(file = %file.display(), "set-up is waiting: the link is in this file");
        }
        Err(error) => {
            tracing::error!(%error, file = %file.display(), "the set-up link cannot be written");
        }
    }
    let tunnel = tunnel(config).map(|tunnel| tunnel.command);
    if let Some(command) = &tunnel {
        tracing::info!(
            command,
            "without a certificate set-up answers on this machine only: this command on your \
             computer leads to it"
        );
    }
    let mut terminal = std::io::stdout();
    if terminal.is_terminal() {
        let way = tunnel.map_or_else(
            || "\nSet up Gatepost here; ".to_owned(),
            |command| {
                format!(
                    "\nThere is no certificate yet, so set-up answers on this machine only. Run \
                     this on your computer:\n\n  {command}\n\nand open this there; "
                )
            },
        );
        // Whoever closed the terminal finds the link in the file.
        let _ = write!(
            terminal,
            "{way}the link works once, within 60 minutes:\n\n  {text}\n\
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
