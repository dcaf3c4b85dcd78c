//! Debian's Apache with `mod_auth_openidc`: a page behind a sign-in, without its administrator having
//! written a line of code. Neither a service nor the configuration of the machine is used.

use super::{Registration, RelyingPartyError, installed, listening};
use crate::ports::free_port;
use crate::process::Process;
use crate::tempdir::ShortDir;
use std::fmt::Write as _;
use std::process::Command;

const PROGRAM: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";

/// What is loaded, in this order.
const LOADED: [&str; 9] = [
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "dir",
    "mime",
    "env",
    "include",
    "auth_openidc",
];

/// A server that is about to be set up: its URLs are known, so that the provider can be told.
pub struct Apache {
    // Before its directory, which goes after it.
    process: Option<Process>,
    dir: ShortDir,
    port: u16,
}

impl Apache {
    /// Reserves a place for it.
    ///
    /// # Errors
    /// When its packages are missing, or there is no port or directory.
    pub fn new() -> Result<Self, RelyingPartyError> {
        let module = format!("{MODULES}/mod_auth_openidc.so");
        installed(&[PROGRAM, &module])?;
        Ok(Self {
            process: None,
            // Its children drop root before they read the page.
            dir: ShortDir::traversable()?,
            port: free_port()?,
        })
    }

    /// The page behind the sign-in: its environment, line by line, with `OIDC_CLAIM_email=…`.
    #[must_use]
    pub fn page(&self) -> String {
        format!("http://127.0.0.1:{}/index.shtml", self.port)
    }

    /// Where the provider's answers go.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}/callback", self.port)
    }

    /// Where the provider tells that somebody has left.
    #[must_use]
    pub fn backchannel_logout_uri(&self) -> String {
        format!("{}?logout=backchannel", self.redirect_uri())
    }

    /// Starts it with PKCE, as its documentation advises.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&mut self, registration: &Registration) -> Result<(), RelyingPartyError> {
        let pages = self.dir.join("pages");
        std::fs::create_dir(&pages)?;
        std::fs::write(
            pages.join("index.shtml"),
            "<!doctype html><title>Behind the sign-in</title><pre><!--#printenv --></pre>\n",
        )?;
        let file = self.dir.join("httpd.conf");
        std::fs::write(&file, self.configuration(registration))?;
        let mut command = Command::new(PROGRAM);
        command
            .arg("-d")
            .arg(self.dir.path())
            .arg("-f")
            .arg(file)
            .arg("-DFOREGROUND");
        let process = Process::start(command)?;
        listening(self.port, &process).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Everything it has written, for a failed test's message.
    #[must_use]
    pub fn output(&self) -> String {
        self.process
            .as_ref()
            .map(Process::output)
            .unwrap_or_default()
    }

    fn configuration(&self, registration: &Registration) -> String {
        let mut text = String::new();
        for module in LOADED {
            // Writing to a string does not fail.
            let _ = writeln!(text, "LoadModule {module}_module {MODULES}/mod_{module}.so");
        }
        let dir = self.dir.path().display();
        let port = self.port;
        let redirect_uri = self.redirect_uri();
        let Registration {
            issuer,
            client_id,
            client_secret,
        } = registration;
        let issuer = issuer.trim_end_matches('/');
        let _ = write!(
            text,
            r#"ServerName 127.0.0.1
Listen 127.0.0.1:{port}
DefaultRuntimeDir {dir}
PidFile {dir}/httpd.pid
ErrorLog /dev/stderr
LogLevel auth_openidc:info
User www-data
Group www-data
StartServers 1
TypesConfig /dev/null
DocumentRoot {dir}/pages
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret "{client_secret}"
OIDCRedirectURI {redirect_uri}
OIDCCryptoPassphrase a-passphrase-of-this-test-alone
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCCookieSameSite On
OIDCSessionType server-cache
<Location />
    AuthType openid-connect
    Require valid-user
    Options +Includes
</Location>
"#
        );
        text
    }
}
