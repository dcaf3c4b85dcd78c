//! What is asked of the person at the terminal: secrets, and the word that deletes.
//!
//! Secrets come by prompt without echo, from standard input or from a file, never from the command
//! line itself, which every process on the machine can read. Reading waits on a thread of its own,
//! so that Ctrl-C ends the command at once and the echo comes back.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret as _, SecretString};
use upstream::http::certificate::MAX_PEM;
use zeroize::Zeroizing;

use super::failure::{NotDone, Usage};

/// Longest secret that is read.
const LONGEST: u64 = 64 * 1024;

/// Where a password comes from.
#[derive(Debug, Default, clap::Args)]
pub(super) struct PasswordSource {
    /// Read the password from standard input.
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from a file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Where a client secret comes from.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ClientSecretSource {
    /// Read the client secret from standard input.
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    /// Read the client secret from a file.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Leave to delete.
#[derive(Debug, clap::Args)]
pub(super) struct Leave {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl PasswordSource {
    /// Whether an option says where from.
    pub(super) const fn is_named(&self) -> bool {
        self.password_stdin || self.password_file.is_some()
    }

    /// The password, from where the options say, else asked for twice.
    pub(super) async fn read(&self) -> anyhow::Result<SecretString> {
        if let Some(password) = named(self.password_stdin, self.password_file.as_deref()).await? {
            return Ok(password);
        }
        let terminal = Terminal::open().ok_or_else(|| {
            Usage(
                "say where the password comes from: --password-stdin or --password-file FILE"
                    .to_owned(),
            )
        })?;
        let first = terminal.secret("Password: ").await?;
        let second = terminal.secret("Again: ").await?;
        if first.expose_secret() == second.expose_secret() {
            Ok(first)
        } else {
            Err(NotDone("the two passwords differ".to_owned()).into())
        }
    }
}

impl ClientSecretSource {
    /// Whether an option says where from.
    pub(super) const fn is_named(&self) -> bool {
        self.secret_stdin || self.secret_file.is_some()
    }

    /// The client secret from where the options say; else asked for on a terminal. `None`: no
    /// secret, since nothing was typed or there is nobody to ask.
    pub(super) async fn read(&self) -> anyhow::Result<Option<SecretString>> {
        if let Some(secret) = named(self.secret_stdin, self.secret_file.as_deref()).await? {
            return Ok(Some(secret));
        }
        let Some(terminal) = Terminal::open() else {
            return Ok(None);
        };
        let prompt = "Client secret (nothing for a client without one): ";
        let secret = terminal.secret(prompt).await?;
        Ok(Some(secret).filter(|secret| !secret.expose_secret().is_empty()))
    }
}

impl ClientSecretSource {
    /// As [`ClientSecretSource::read`], but there must be one.
    pub(super) async fn required(&self) -> anyhow::Result<SecretString> {
        self.read().await?.ok_or_else(|| {
            Usage(
                "say where the client secret comes from: --secret-stdin or --secret-file FILE"
                    .to_owned(),
            )
            .into()
        })
    }
}

impl Leave {
    /// Goes on only if `--yes` was said or the object's name is typed.
    pub(super) async fn to_delete(&self, what: &str, name: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        let Some(terminal) = Terminal::open() else {
            let words = format!("this deletes the {what} {name}: say --yes if that is meant");
            return Err(Usage(words).into());
        };
        let prompt = format!("Type {name} to delete the {what}: ");
        let typed = terminal.line(&prompt).await?;
        if typed == name {
            Ok(())
        } else {
            Err(NotDone(format!("that is not {name}: nothing was deleted")).into())
        }
    }
}

/// A text file, `-` being standard input.
pub(super) async fn text(file: &Path, most: u64) -> anyhow::Result<String> {
    let path = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        if path == Path::new("-") {
            io::stdin().lock().take(most + 1).read_to_end(&mut bytes)?;
        } else {
            File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        }
        io::Result::Ok(bytes)
    });
    let shown = file.display();
    let bytes = reading.await?;
    let bytes = bytes.with_context(|| format!("cannot read {shown}"))?;
    if bytes.len() as u64 > most {
        return Err(Usage(format!("{shown} is longer than {} KiB", most / 1024)).into());
    }
    String::from_utf8(bytes).map_err(|_| Usage(format!("{shown} is not UTF-8 text")).into())
}

/// A PEM file of CA certificates. What it holds is for the server to judge.
pub(super) async fn certificates(file: &Path) -> anyhow::Result<String> {
    text(file, MAX_PEM as u64).await
}

async fn named(stdin: bool, file: Option<&Path>) -> anyhow::Result<Option<SecretString>> {
    let file = match (stdin, file) {
        (true, _) => Path::new("-"),
        (false, Some(file)) => file,
        (false, None) => return Ok(None),
    };
    let text = Zeroizing::new(text(file, LONGEST).await?);
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    Ok(Some(SecretString::from(secret)))
}

/// Whoever sits there.
struct Terminal {
    device: File,
}

impl Terminal {
    /// The terminal of this session, if standard input is one: a script is never kept waiting.
    fn open() -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let device = File::options().read(true).write(true).open("/dev/tty");
        device.ok().map(|device| Self { device })
    }

    async fn line(&self, prompt: &str) -> anyhow::Result<String> {
        let ask = || {
            (&self.device).write_all(prompt.as_bytes())?;
            self.device.try_clone()
        };
        let device = ask().context("cannot ask at the terminal")?;
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(device).read_line(&mut line).map(|_| line)
        });
        let line = reading.await?.context("cannot ask at the terminal")?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn secret(&self, prompt: &str) -> anyhow::Result<SecretString> {
        let silence = Silence::over(&self.device).context("cannot switch off the echo")?;
        let line = self.line(prompt).await;
        drop(silence);
        // The newline that was typed was not echoed either.
        let _ = (&self.device).write_all(b"\n");
        line.map(SecretString::from)
    }
}

/// No echo while it lives.
struct Silence<'t> {
    device: &'t File,
    before: Termios,
}

impl<'t> Silence<'t> {
    fn over(device: &'t File) -> io::Result<Self> {
        let before = tcgetattr(device)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(device, OptionalActions::Flush, &silent)?;
        Ok(Self { device, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // If it fails there is no terminal any more.
        let _ = tcsetattr(self.device, OptionalActions::Flush, &self.before);
    }
}
