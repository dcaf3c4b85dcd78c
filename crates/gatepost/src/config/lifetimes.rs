//! `[retention]` and `[sessions]`: how long things are kept and how long people stay signed in.

use serde::{Deserialize, Serialize};

use super::{Problems, Span};

/// `[retention]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Sign-in attempts of the web, with their steps and claims.
    pub attempts: Span,
    /// Attempts of mail programs, one row per minute and credential or cause.
    pub mail_attempts: Span,
    /// Who changed what.
    pub audit: Span,
}

/// `[sessions]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// A person's session ends after this long without a request …
    pub idle: Span,
    /// … and after this long in any case.
    pub lifetime: Span,
    /// The same for sessions with an administrator's role.
    pub admin_idle: Span,
    /// The same for sessions with an administrator's role.
    pub admin_lifetime: Span,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            attempts: Span::days(30),
            mail_attempts: Span::days(30),
            audit: Span::days(730),
        }
    }
}

impl Default for Sessions {
    // Administrators: NIST SP 800-63B asks for a new sign-in after 24 hours or one idle hour at
    // its second level; a working day is enough.
    fn default() -> Self {
        Self {
            idle: Span::days(1),
            lifetime: Span::days(7),
            admin_idle: Span::hours(1),
            admin_lifetime: Span::hours(12),
        }
    }
}

impl Sessions {
    pub(super) fn check(&self, problems: &mut Problems) {
        let pairs = [
            (
                "sessions.idle",
                self.idle,
                "sessions.lifetime",
                self.lifetime,
            ),
            (
                "sessions.admin_idle",
                self.admin_idle,
                "sessions.admin_lifetime",
                self.admin_lifetime,
            ),
        ];
        for (idle_key, idle, lifetime_key, lifetime) in pairs {
            if idle.duration().is_zero() {
                problems.add(idle_key, "must be longer than nothing");
            }
            if idle > lifetime {
                problems.add(
                    idle_key,
                    format!("{idle} is longer than {lifetime_key} ({lifetime})"),
                );
            }
        }
    }
}
