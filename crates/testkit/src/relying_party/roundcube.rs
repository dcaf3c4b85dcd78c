//! Debian's Roundcube under PHP's own web server, with SQLite. Its OAuth knows neither discovery nor
//! PKCE nor nonce (1.6), sends the secret in the form, and opens the mailbox with the access token
//! before it holds somebody for signed in: see [`Mailbox`](super::Mailbox).

use super::{Endpoints, Registration, RelyingPartyError, installed, listening};
use crate::ports::free_port;
use crate::process::Process;
use crate::tempdir::ShortDir;
use std::net::SocketAddr;
use std::process::Command;

const PHP: &str = "/usr/bin/php";
const PAGES: &str = "/var/lib/roundcube/public_html";
const DEFAULTS: &str = "/etc/roundcube/defaults.inc.php";

/// A webmail that is about to be set up: its URLs are known, so that the provider can be told.
pub struct Roundcube {
    // Before its directory, which goes after it.
    process: Option<Process>,
    dir: ShortDir,
    port: u16,
}

impl Roundcube {
    /// Reserves a place for it.
    ///
    /// # Errors
    /// When its packages are missing, or there is no port or directory.
    pub fn new() -> Result<Self, RelyingPartyError> {
        installed(&[PHP, PAGES, DEFAULTS])?;
        Ok(Self {
            process: None,
            dir: ShortDir::new()?,
            port: free_port()?,
        })
    }

    /// Where the button of its sign-in page leads: straight on to the provider.
    #[must_use]
    pub fn sign_in_page(&self) -> String {
        self.redirect_uri()
    }

    /// Where the provider's answers go.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}/index.php/login/oauth", self.port)
    }

    /// Starts it; mail is at `imap`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(
        &mut self,
        registration: &Registration,
        provider: &Endpoints,
        imap: SocketAddr,
    ) -> Result<(), RelyingPartyError> {
        let settings = self.dir.join("config");
        std::fs::create_dir(&settings)?;
        std::fs::create_dir(self.dir.join("temp"))?;
        std::fs::copy(DEFAULTS, settings.join("defaults.inc.php"))?;
        let own = self.configuration(registration, provider, imap);
        std::fs::write(settings.join("config.inc.php"), own)?;
        let mut command = Command::new(PHP);
        command
            .arg("-S")
            .arg(format!("127.0.0.1:{}", self.port))
            .args(["-t", PAGES])
            .env("ROUNDCUBE_CONFIG_DIR", settings)
            .current_dir(self.dir.path());
        let process = Process::start(command)?;
        listening(self.port, &process).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Everything it has written, for a failed test's message.
    #[must_use]
    pub fn output(&self) -> String {
        let output = self.process.as_ref().map(Process::output);
        output.unwrap_or_default()
    }

    fn configuration(
        &self,
        registration: &Registration,
        provider: &Endpoints,
        imap: SocketAddr,
    ) -> String {
        let dir = self.dir.path().display();
        let Registration {
            client_id,
            client_secret,
            ..
        } = registration;
        let Endpoints {
            authorize,
            token,
            profile,
        } = provider;
        format!(
            r"<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///{dir}/roundcube.db?mode=0600';
$config['imap_host'] = '{imap}';
$config['des_key'] = 'of-this-test-alone-24-ch';
$config['temp_dir'] = '{dir}/temp';
$config['log_driver'] = 'stdout';
$config['plugins'] = [];
$config['oauth_provider'] = 'generic';
$config['oauth_provider_name'] = 'Example';
$config['oauth_client_id'] = '{client_id}';
$config['oauth_client_secret'] = '{client_secret}';
$config['oauth_auth_uri'] = '{authorize}';
$config['oauth_token_uri'] = '{token}';
$config['oauth_identity_uri'] = '{profile}';
$config['oauth_scope'] = 'openid profile email';
$config['oauth_identity_fields'] = ['email'];
"
        )
    }
}
