//! The configuration: one TOML file, environment overrides, secrets by file.
//!
//! A section is a struct in a file of its own; it says its defaults through `Default` and checks
//! itself in `check`, which reports every problem with the path of the key. Values that can be
//! wrong by themselves (a URL, a duration, an address) are types that cannot be. Objects that
//! change while the server runs (domains, providers, …) are not here: they live in the store.
//!
//! To add a key: a field in its section, a row in [`keys::KEYS`] (which gives it its environment
//! variable and its line in `gatepost config explain`), and, if it can be wrong, a line in `check`.

mod endpoint;
mod files;
pub mod keys;
pub mod layout;
mod lifetimes;
mod listen;
mod log;
mod mail;
mod network;
mod paths;
mod problem;
mod public_url;
mod quantity;
mod read;
mod tls;
mod users;

use serde::{Deserialize, Serialize};

pub use endpoint::Endpoint;
pub use layout::Layout;
pub use lifetimes::{Retention, Sessions};
pub use listen::Listen;
pub use log::{Log, LogFormat};
pub use mail::{Mail, MilterAction, Processes, Relay, RelayTls};
pub use paths::{Data, Run};
pub use problem::{ConfigError, Problem, Problems};
pub use public_url::PublicUrl;
pub use quantity::{Size, Span};
pub use tls::{Tls, TlsMode};
pub use users::{Account, Users};

use model::address::DomainName;

/// Everything the file and the environment say, defaults filled in and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The one origin all absolute URLs are made from.
    pub public_url: PublicUrl,
    /// Further host names this server answers to, such as `autoconfig.example.org`.
    #[serde(default)]
    pub hosts: Vec<DomainName>,
    /// Peers whose `X-Forwarded-For` and `Forwarded` count.
    #[serde(default, deserialize_with = "network::list")]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// `[tls]`
    #[serde(default)]
    pub tls: Tls,
    /// `[listen]`
    #[serde(default)]
    pub listen: Listen,
    /// `[data]`
    #[serde(default)]
    pub data: Data,
    /// `[run]`
    #[serde(default)]
    pub run: Run,
    /// `[mail]`
    #[serde(default)]
    pub mail: Mail,
    /// `[users]`
    #[serde(default)]
    pub users: Users,
    /// `[log]`
    #[serde(default)]
    pub log: Log,
    /// `[retention]`
    #[serde(default)]
    pub retention: Retention,
    /// `[sessions]`
    #[serde(default)]
    pub sessions: Sessions,
}

impl Config {
    /// Reads `file`, lays the overrides found in `environment` over it, and checks the result.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file, the key and, where there is one, the line.
    pub fn load(
        file: &std::path::Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        read::load(file, environment)
    }

    /// The effective configuration as TOML. Secrets are named by file only, so none can show.
    ///
    /// # Errors
    /// When a value has no TOML form; every value that [`Config::load`] lets in has one.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// Problems of files the configuration names: missing, unreadable, too open.
    #[must_use]
    pub fn file_problems(&self) -> Vec<Problem> {
        files::check(self)
    }

    /// The mail server's own name, in greetings and in `Received:` lines.
    #[must_use]
    pub fn mail_hostname(&self) -> &str {
        self.mail
            .hostname
            .as_ref()
            .map_or_else(|| self.public_url.host(), DomainName::as_str)
    }

    /// The host that people type into their mail programs.
    #[must_use]
    pub fn client_host(&self) -> &str {
        let host = self.mail.client_host.as_deref();
        host.unwrap_or_else(|| self.mail_hostname())
    }

    /// Whether the web listener speaks TLS itself.
    #[must_use]
    pub fn web_speaks_tls(&self) -> bool {
        self.public_url.is_https() && self.tls.mode != TlsMode::Proxy
    }

    /// Every path below the data and run directories.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::new(self)
    }

    /// Sections whose change only a restart of the whole server can take over, since the keeper
    /// has already acted on them (bound sockets, made directories, taken accounts).
    #[must_use]
    pub fn sections_bound_at_start(&self, new: &Self) -> Vec<&'static str> {
        let changed = [
            ("listen", self.listen != new.listen),
            ("data", self.data != new.data),
            ("run", self.run != new.run),
            ("users", self.users != new.users),
            ("mail.dir", self.mail.dir != new.mail.dir),
        ];
        changed
            .into_iter()
            .filter_map(|(section, differs)| differs.then_some(section))
            .collect()
    }

    fn check(&self, problems: &mut Problems) {
        self.tls.check(self, problems);
        self.listen.check(self, problems);
        self.data.check(problems);
        self.run.check(problems);
        self.mail.check(self, problems);
        self.users.check(problems);
        self.log.check(problems);
        self.sessions.check(problems);
    }
}
