//! Applications that sign people in at an OpenID provider, as somebody else wrote them.
//!
//! Whichever it is, a test registers its redirect URI at the provider, hands it what its
//! administrator would type in ([`Registration`]), and sends a browser there. Real programs run on a
//! free loopback port in a directory of their own, and are gone with their handle.

mod apache;
mod authentik_like;
mod mailbox;
mod roundcube;
mod strict;

pub use apache::Apache;
pub use authentik_like::{AuthentikLike, CallsLike, Identity};
pub use mailbox::Mailbox;
pub use roundcube::Roundcube;
pub use strict::{Strict, connect_device, sign_in};

use crate::browser::{BrowserError, Page, Tab};
use crate::poll::{self, InVain};
use crate::process::{Process, ProcessError};
use std::path::Path;
use std::time::Duration;

/// How long a program may take to listen, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// What an application's administrator is given by the provider's.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The issuer, exactly as the provider states it.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

/// Where a provider listens, for applications that know nothing of discovery.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Where browsers go.
    pub authorize: String,
    /// Where codes become tokens.
    pub token: String,
    /// Where a token tells whose it is.
    pub profile: String,
}

/// Why an application does not run, or does not sign the person in.
#[derive(Debug, thiserror::Error)]
pub enum RelyingPartyError {
    /// Its packages are not there.
    #[error("{0} is missing: run `make deps`")]
    NotInstalled(String),
    /// It holds what the provider did for wrong. The text is its own.
    #[error("refused: {0}")]
    Refused(String),
    /// It did not start or did not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It did not listen in time.
    #[error("{0}; its output:\n{1}")]
    NotListening(InVain, String),
    /// Its pages could not be gone through.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The provider could not be reached or did not answer in JSON.
    #[error("no answer: {0}")]
    Transport(String),
    /// Its files could not be laid out.
    #[error("its files: {0}")]
    Io(#[from] std::io::Error),
}

/// Says that the test is skipped where the application is missing.
///
/// # Errors
/// Any other error of `made`.
pub fn or_skip<T>(made: Result<T, RelyingPartyError>) -> Result<Option<T>, RelyingPartyError> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error @ RelyingPartyError::NotInstalled(_)) => {
            crate::skip::skip(&error.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether these parts of an application are there.
fn installed(parts: &[&str]) -> Result<(), RelyingPartyError> {
    match parts.iter().find(|part| !Path::new(part).exists()) {
        Some(part) => Err(RelyingPartyError::NotInstalled((*part).to_owned())),
        None => Ok(()),
    }
}

/// Waits until something listens on this loopback port.
async fn listening(port: u16, process: &Process) -> Result<(), RelyingPartyError> {
    poll::until("the application to listen", START, async || {
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        connected.ok()
    })
    .await
    .map(drop)
    .map_err(|vain| RelyingPartyError::NotListening(vain, process.output()))
}

/// Opens a page of an application that sends the browser to the provider; returns the question,
/// without asking it.
///
/// # Errors
/// When the page does not lead to `provider`, the start of its URLs.
pub async fn question(
    tab: &mut Tab,
    page: &str,
    provider: &str,
) -> Result<String, RelyingPartyError> {
    tab.stop_before(provider);
    let page = tab.open(page).await?;
    tab.stop_nowhere();
    match page.location()? {
        Some(question) => Ok(question.into()),
        None => Err(stuck(&page)),
    }
}

fn stuck(page: &Page) -> RelyingPartyError {
    RelyingPartyError::Refused(format!("{} at {}", page.text(), page.url()))
}
