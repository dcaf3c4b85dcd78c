//! OpenID providers that somebody else wrote, each with mistakes and habits of its own.
//!
//! Each is the real program on a free loopback port with a directory of its own, set up the way its
//! own administrator would (forms, interface, configuration), and gone with the handle that
//! [`RealProvider::start`] returns. Their documented recipes differ, what a test asks of them does
//! not: a client, a person, a claim that changes, and a sign-in through their own forms.

mod canaille;
mod forms;
mod glewlwyd;
mod lemonldap;
mod oidc_provider;
mod setup;
mod told;

pub use canaille::Canaille;
pub use glewlwyd::Glewlwyd;
pub use lemonldap::LemonLdap;
pub use oidc_provider::OidcProvider;
pub use setup::Setup;

use crate::browser::{BrowserError, Tab};
use crate::poll::InVain;
use crate::process::ProcessError;
use serde_json::{Value, json};
use std::path::Path;
use url::Url;

/// Everybody's password at every provider.
pub const PASSWORD: &str = "correct horse, wrong stable";

/// Why a provider does not run, or does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Its packages are not there.
    #[error("{0} is missing: run `make deps`")]
    NotInstalled(String),
    /// Nobody has this login.
    #[error("nobody has the login {0:?}")]
    NoSuchPerson(String),
    /// Its own interface refused what was asked.
    #[error("{asked}: {answer}")]
    Refused {
        /// What was asked.
        asked: String,
        /// What it said.
        answer: String,
    },
    /// It did not start or did not answer.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It did not listen in time.
    #[error("{0}; its output:\n{1}")]
    NotListening(InVain, String),
    /// Its pages could not be gone through.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// Its files could not be laid out.
    #[error("its files: {0}")]
    Io(#[from] std::io::Error),
    /// Its keys could not be made.
    #[error("its keys: {0}")]
    Keys(#[from] rcgen::Error),
}

/// Whether this part of a provider is there.
fn installed(part: impl AsRef<Path>) -> Result<(), ProviderError> {
    let part = part.as_ref();
    if part.exists() {
        return Ok(());
    }
    Err(ProviderError::NotInstalled(part.display().to_string()))
}

/// What a test asks of a provider, whichever it is.
#[expect(
    async_fn_in_trait,
    reason = "tests wait for it on the thread they run on"
)]
pub trait RealProvider: Sized {
    /// Its name, as people know it.
    const NAME: &'static str;

    /// Starts it.
    ///
    /// # Errors
    /// When its packages are missing, it does not start or it refuses the set-up.
    async fn start(setup: Setup) -> Result<Self, ProviderError>;

    /// The issuer, exactly as it states it; discovery lies under it.
    fn issuer(&self) -> &str;

    /// Changes or adds a person's claim. What a running session of that person says of it is the
    /// provider's affair; a new sign-in says the new value.
    ///
    /// # Errors
    /// When nobody has the login or the provider does not take the change.
    async fn set_claim(
        &mut self,
        login: &str,
        claim: &str,
        value: impl Into<Value>,
    ) -> Result<(), ProviderError>;

    /// Opens an authorization URL and signs in through the provider's own forms, consent included;
    /// returns where the browser is sent with the answer, without going there.
    ///
    /// # Errors
    /// When the forms are not as expected, or do not let the person through.
    async fn sign_in(&self, tab: &mut Tab, url: &str, login: &str) -> Result<Url, ProviderError>;

    /// Everything it has printed, for a failed test's message.
    fn output(&self) -> String;

    /// The claim that names a person's template, and its value for `template`: mailcow's, where the
    /// provider can be taught new claims.
    #[must_use]
    fn template(template: &str) -> (&'static str, Value) {
        ("mailcow_template", json!(template))
    }

    /// The scopes by which the template's claim is had.
    #[must_use]
    fn scopes() -> &'static str {
        "openid profile email mailcow_template"
    }

    /// Starts it, or says that the test is skipped where its packages are missing.
    ///
    /// # Errors
    /// As [`RealProvider::start`], but for missing packages.
    async fn start_or_skip(setup: Setup) -> Result<Option<Self>, ProviderError> {
        match Self::start(setup).await {
            Ok(provider) => Ok(Some(provider)),
            Err(error @ ProviderError::NotInstalled(_)) => {
                crate::skip::skip(&error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
