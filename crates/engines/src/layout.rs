//! Where the parts of one instance lie below its directories.

use std::path::{Path, PathBuf};

use crate::description::{Directories, KickListener, MailSystem};
use crate::processes::Engine;

/// The fixed places of an instance. Paths in rendered files go through the `current` link, so a
/// reload picks up a new generation without any path changing.
#[derive(Debug, Clone)]
pub struct Layout {
    directories: Directories,
}

impl Layout {
    /// The places below `directories`.
    #[must_use]
    pub fn of(directories: &Directories) -> Self {
        Self {
            directories: directories.clone(),
        }
    }

    /// The link to the generation in force.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.directories.config.join("current")
    }

    /// Dovecot's configuration file, through the `current` link.
    #[must_use]
    pub fn dovecot_conf(&self) -> PathBuf {
        self.current().join(DOVECOT_CONF)
    }

    /// Postfix's configuration directory, through the `current` link.
    #[must_use]
    pub fn postfix_directory(&self) -> PathBuf {
        self.current().join(POSTFIX_DIRECTORY)
    }

    /// The address of Postfix's internal listener in the generation in force.
    pub(crate) fn internal_listener(&self) -> PathBuf {
        self.postfix_directory().join(INTERNAL_LISTENER)
    }

    /// Dovecot's `base_dir`.
    #[must_use]
    pub fn dovecot_run(&self) -> PathBuf {
        self.directories.run.join("dovecot")
    }

    /// Dovecot's `state_dir`.
    #[must_use]
    pub fn dovecot_state(&self) -> PathBuf {
        self.directories.state.join("dovecot")
    }

    /// Postfix's `data_directory`; must belong to its account.
    #[must_use]
    pub fn postfix_state(&self) -> PathBuf {
        self.directories.state.join("postfix")
    }

    /// LMTP, for Postfix only.
    #[must_use]
    pub fn lmtp_socket(&self) -> PathBuf {
        self.dovecot_run().join(LMTP_SOCKET)
    }

    /// Dovecot's quota policy service, for Postfix only.
    #[must_use]
    pub fn quota_socket(&self) -> PathBuf {
        self.dovecot_run().join(QUOTA_SOCKET)
    }

    /// The closed directory around the kick socket.
    #[must_use]
    pub fn kick_directory(&self) -> PathBuf {
        self.directories.run.join("kick")
    }

    /// Dovecot decides by the *name* `http` that this listener speaks HTTP.
    #[must_use]
    pub fn kick_socket(&self) -> PathBuf {
        self.kick_directory().join("http")
    }

    /// Secrets of the run directory: the API key, the internal certificate's key and the smart
    /// host's password. Root only.
    #[must_use]
    pub fn secrets_directory(&self) -> PathBuf {
        self.directories.run.join("secret")
    }

    /// The doveadm API key, read by Dovecot when it reads its configuration. Kept out of the
    /// generations so that falling back to an older one does not bring an old key back.
    #[must_use]
    pub fn kick_key(&self) -> PathBuf {
        self.secrets_directory().join("doveadm-key")
    }

    /// The smart host's name and password, read by Postfix's smtp client as root. Out of the
    /// generations, which lie on disk.
    pub(crate) fn relay_passwords(&self) -> PathBuf {
        self.secrets_directory().join("relay-passwords")
    }

    /// What an engine writes to. Names its users, so it is root's too.
    pub(crate) fn journal(&self, engine: Engine) -> PathBuf {
        let name = match engine {
            Engine::Dovecot => "dovecot.log",
            Engine::Postfix => "postfix.log",
        };
        self.secrets_directory().join(name)
    }

    /// The certificate both ends of the internal submission connection show. Not secret: mail
    /// processes read it as the only CA they trust.
    #[must_use]
    pub fn internal_certificate(&self) -> PathBuf {
        self.directories.run.join("internal-cert.pem")
    }

    /// Its key.
    #[must_use]
    pub fn internal_key(&self) -> PathBuf {
        self.secrets_directory().join("internal-key.pem")
    }

    /// The longest socket path Dovecot itself makes below its `base_dir`.
    pub(crate) fn longest_dovecot_socket(&self) -> PathBuf {
        self.dovecot_run().join("token-login/tokenlogin")
    }

    pub(crate) fn directories(&self) -> &Directories {
        &self.directories
    }
}

/// Names within Dovecot's `base_dir`.
pub(crate) const LMTP_SOCKET: &str = "lmtp";
pub(crate) const QUOTA_SOCKET: &str = "quota-status";
/// Dovecot's file within a generation.
pub(crate) const DOVECOT_CONF: &str = "dovecot.conf";
/// A note of ours beside Postfix's files; Postfix does not read it.
pub(crate) const INTERNAL_LISTENER: &str = "internal-listener";
/// Postfix's directory within a generation.
pub(crate) const POSTFIX_DIRECTORY: &str = "postfix";

/// Where a [`crate::kick::Kicker`] of this system connects.
#[must_use]
pub fn kick_endpoint(system: &MailSystem) -> crate::kick::Endpoint {
    match system.store.kick.listener {
        KickListener::Unix { .. } => {
            crate::kick::Endpoint::Unix(Layout::of(&system.directories).kick_socket())
        }
        KickListener::Loopback(address) => crate::kick::Endpoint::Tcp(address),
    }
}

/// Text of a path that [`crate::check`] has held to ASCII.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
