//! `[tls]`: where the server's certificate comes from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use engines::check::is_plain_path;

use super::paths::PLAIN_PATH;
use super::{Config, Problems};

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// `cert` and `key` name PEM files, read again whenever they change.
    Files,
    /// A proxy in front ends TLS for the web; the mail ports, if on, still need `cert` and `key`.
    Proxy,
    /// Gatepost makes one for itself. Mail programs and browsers warn about it.
    #[default]
    SelfSigned,
}

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Where the certificate comes from.
    #[serde(default)]
    pub mode: TlsMode,
    /// PEM file with the certificate chain, leaf first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// PEM file with the private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl Tls {
    /// The named certificate and key files, if both are named.
    #[must_use]
    pub fn named_files(&self) -> Option<(&Path, &Path)> {
        Some((self.cert.as_deref()?, self.key.as_deref()?))
    }

    pub(super) fn check(&self, config: &Config, problems: &mut Problems) {
        for (key, path) in [("tls.cert", &self.cert), ("tls.key", &self.key)] {
            if path.as_ref().is_some_and(|path| !path.is_absolute()) {
                problems.add(key, "must be an absolute path");
            }
            // Both engines' configurations name these files.
            if path.as_ref().is_some_and(|path| !is_plain_path(path)) {
                problems.add(key, PLAIN_PATH);
            }
        }
        match self.mode {
            TlsMode::Files => {
                for (key, path) in [("tls.cert", &self.cert), ("tls.key", &self.key)] {
                    if path.is_none() {
                        problems.add(
                            key,
                            "missing; tls.mode = \"files\" needs tls.cert and tls.key",
                        );
                    }
                }
            }
            TlsMode::SelfSigned => {
                if self.cert.is_some() || self.key.is_some() {
                    problems.add(
                        "tls.mode",
                        "\"self-signed\" takes no tls.cert and tls.key; to use them say \"files\"",
                    );
                }
            }
            TlsMode::Proxy => {
                if self.cert.is_some() != self.key.is_some() {
                    problems.add("tls", "cert and key are needed together");
                }
                if self.named_files().is_none() && config.listen.any_mail() {
                    problems.add(
                        "tls.cert",
                        "missing; the proxy covers the web only, so the mail ports need tls.cert \
                         and tls.key (or set them to \"off\" in [listen])",
                    );
                }
                if config.public_url.is_https() && config.trusted_proxies.is_empty() {
                    problems.add(
                        "trusted_proxies",
                        "missing; with tls.mode = \"proxy\" name the proxy, such as \
                         [\"127.0.0.1/32\"], or everybody seems to come from its address",
                    );
                }
            }
        }
    }
}
