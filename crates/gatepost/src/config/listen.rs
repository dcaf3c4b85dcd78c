//! `[listen]`: the ports.

use serde::{Deserialize, Serialize};

use super::{Config, Endpoint, Problems};

/// `[listen]`. The web listener belongs to the keeper; the mail listeners belong to Dovecot and
/// Postfix, which are started only if one of theirs is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Pages, APIs and OAuth endpoints.
    pub web: Endpoint,
    /// IMAP with STARTTLS.
    pub imap: Endpoint,
    /// IMAP over TLS.
    pub imaps: Endpoint,
    /// POP3 with STARTTLS.
    pub pop3: Endpoint,
    /// POP3 over TLS.
    pub pop3s: Endpoint,
    /// ManageSieve.
    pub sieve: Endpoint,
    /// Submission with STARTTLS.
    pub submission: Endpoint,
    /// Submission over TLS.
    pub submissions: Endpoint,
    /// Mail from other servers.
    pub smtp: Endpoint,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            web: Endpoint::every_address(443),
            imap: Endpoint::every_address(143),
            imaps: Endpoint::every_address(993),
            pop3: Endpoint::every_address(110),
            pop3s: Endpoint::every_address(995),
            sieve: Endpoint::every_address(4190),
            submission: Endpoint::every_address(587),
            submissions: Endpoint::every_address(465),
            smtp: Endpoint::every_address(25),
        }
    }
}

impl Listen {
    /// Every listener with its key below `listen.`.
    #[must_use]
    pub const fn entries(&self) -> [(&'static str, Endpoint); 9] {
        [
            ("web", self.web),
            ("imap", self.imap),
            ("imaps", self.imaps),
            ("pop3", self.pop3),
            ("pop3s", self.pop3s),
            ("sieve", self.sieve),
            ("submission", self.submission),
            ("submissions", self.submissions),
            ("smtp", self.smtp),
        ]
    }

    /// Whether Dovecot has a listener.
    #[must_use]
    pub const fn any_dovecot(&self) -> bool {
        self.imap.is_on()
            || self.imaps.is_on()
            || self.pop3.is_on()
            || self.pop3s.is_on()
            || self.sieve.is_on()
    }

    /// Whether Postfix has a listener.
    #[must_use]
    pub const fn any_postfix(&self) -> bool {
        self.submission.is_on() || self.submissions.is_on() || self.smtp.is_on()
    }

    /// Whether any mail port is on.
    #[must_use]
    pub const fn any_mail(&self) -> bool {
        self.any_dovecot() || self.any_postfix()
    }

    pub(super) fn check(&self, config: &Config, problems: &mut Problems) {
        if !self.web.is_on() {
            problems.add(
                "listen.web",
                "cannot be off: everything is administered there",
            );
        }
        let clear = !config.web_speaks_tls();
        if let Endpoint::On { address, .. } = self.web
            && clear
            && !config.public_url.is_https()
            && !address.is_some_and(|address| address.is_loopback())
        {
            problems.add(
                "listen.web",
                "with a plain http public_url it must be a loopback address, such as \
                 127.0.0.1:8080",
            );
        }
        let entries = self.entries();
        for (index, (name, endpoint)) in entries.iter().enumerate() {
            for (other, taken) in entries.iter().take(index) {
                if endpoint.overlaps(*taken) {
                    problems.add(
                        format!("listen.{name}"),
                        format!("{endpoint} is already taken by listen.{other} ({taken})"),
                    );
                }
            }
        }
    }
}
