//! Every path below the data and run directories, in one place.

use std::path::{Path, PathBuf};

use mailauth::Door;

use super::Config;

/// The directories and files of one instance. Paths only; the keeper makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    run: PathBuf,
    data: PathBuf,
    mail: PathBuf,
}

impl Layout {
    pub(super) fn new(config: &Config) -> Self {
        let data = config.data.dir.clone();
        Self {
            mail: config.mail.dir.clone().unwrap_or_else(|| data.join("mail")),
            run: config.run.dir.clone(),
            data,
        }
    }

    /// The run directory: traversable by everybody, listable by its owner.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The data directory: traversable by everybody, listable by its owner.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The store: the web worker writes, the auth worker's group reads.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.data.join("store")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.store().join("gatepost.db")
    }

    /// The master key, made together with the database.
    #[must_use]
    pub fn master_key(&self) -> PathBuf {
        self.store().join("master.key")
    }

    /// The one-time link to set-up, while there is no administrator.
    #[must_use]
    pub fn setup_link(&self) -> PathBuf {
        self.store().join("setup-link")
    }

    /// The directory of the keys that the keeper hands out.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.run.join("keys")
    }

    /// The auth worker's keys, readable by its account only.
    #[must_use]
    pub fn auth_keys(&self) -> PathBuf {
        self.keys().join("auth")
    }

    /// Mail files, readable by the mail account only.
    #[must_use]
    pub fn mail(&self) -> &Path {
        &self.mail
    }

    /// Where the web worker names mailboxes whose mail is to go, and the mail account takes the
    /// names away again when it is gone.
    #[must_use]
    pub fn removals(&self) -> PathBuf {
        self.data.join("removals")
    }

    /// The self-signed certificate and its key.
    #[must_use]
    pub fn self_signed(&self) -> PathBuf {
        self.data.join("tls")
    }

    /// Held by whoever may open the store for writing: the running instance, or one command.
    #[must_use]
    pub fn data_lock(&self) -> PathBuf {
        self.data.join("lock")
    }

    /// Held by the keeper while it lives; holds its process id.
    #[must_use]
    pub fn instance_lock(&self) -> PathBuf {
        self.run.join("keeper.lock")
    }

    /// Commands talk to the web worker here.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.run.join("admin")
    }

    /// The web worker talks to the auth worker here.
    #[must_use]
    pub fn channel_socket(&self) -> PathBuf {
        self.run.join("channel")
    }

    /// The directory of one of the engines' sockets, open to that engine's group only.
    #[must_use]
    pub fn door_directory(&self, door: Door) -> PathBuf {
        self.run.join(door.name())
    }

    /// One of the engines' sockets.
    #[must_use]
    pub fn door_socket(&self, door: Door) -> PathBuf {
        self.door_directory(door).join("socket")
    }

    /// The certificate and key in use: checked copies, made by the keeper.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.run.join("tls")
    }

    /// The chain in use, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.certificates().join("cert.pem")
    }

    /// The key in use, PEM.
    #[must_use]
    pub fn certificate_key(&self) -> PathBuf {
        self.certificates().join("key.pem")
    }

    /// Rendered configuration of the engines.
    #[must_use]
    pub fn engine_config(&self) -> PathBuf {
        self.data.join("engines")
    }

    /// What the engines remember between starts.
    #[must_use]
    pub fn engine_state(&self) -> PathBuf {
        self.data.join("state")
    }

    /// Postfix's queue.
    #[must_use]
    pub fn queue(&self) -> PathBuf {
        self.data.join("queue")
    }
}
