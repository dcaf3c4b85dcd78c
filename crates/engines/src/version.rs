//! Which engine releases are installed and whether there is a renderer for them.

use std::fmt;

/// A dotted version as the engines print it, up to three numbers; a missing one is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

impl Version {
    /// Reads the version at the start of `text`, such as `2.3.19.1 (9b53102964)`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let dotted = text
            .trim()
            .split(|c: char| c.is_whitespace() || c == '-')
            .next()?;
        let mut numbers = dotted.split('.').map(str::parse::<u16>);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
        Some(Self {
            major,
            minor,
            patch,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A release nothing is rendered for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{engine} {found} is installed, but Gatepost configures {supported}")]
pub struct Unsupported {
    /// `Dovecot` or `Postfix`.
    pub engine: &'static str,
    /// What the engine said.
    pub found: String,
    /// What would do.
    pub supported: &'static str,
}

/// A release line of Dovecot with a renderer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DovecotRelease {
    /// 2.3.19 and later 2.3 (Debian 12).
    V2_3,
}

impl DovecotRelease {
    /// The release line of what `dovecot --version` printed.
    ///
    /// # Errors
    /// [`Unsupported`] names the releases that would do. A distribution's security patches do not
    /// show in the number, so none is refused for advisories.
    pub fn of(printed: &str) -> Result<Self, Unsupported> {
        match Version::parse(printed) {
            Some(Version {
                major: 2,
                minor: 3,
                patch: 19..,
            }) => Ok(Self::V2_3),
            _ => Err(unsupported(
                "Dovecot",
                printed,
                "Dovecot 2.3 from 2.3.19 on (Debian 12: apt install dovecot-core)",
            )),
        }
    }
}

/// A release line of Postfix with a renderer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostfixRelease {
    /// 3.7.11 and later 3.7 (Debian 12).
    V3_7,
}

impl PostfixRelease {
    /// The release line of what `postconf -d -h mail_version` printed.
    ///
    /// # Errors
    /// [`Unsupported`] names the releases that would do.
    pub fn of(printed: &str) -> Result<Self, Unsupported> {
        match Version::parse(printed) {
            // Earlier ones lack `smtpd_forbid_bare_newline = normalize`.
            Some(Version {
                major: 3,
                minor: 7,
                patch: 11..,
            }) => Ok(Self::V3_7),
            _ => Err(unsupported(
                "Postfix",
                printed,
                "Postfix 3.7 from 3.7.11 on (Debian 12: apt install postfix)",
            )),
        }
    }
}

fn unsupported(engine: &'static str, printed: &str, supported: &'static str) -> Unsupported {
    Unsupported {
        engine,
        found: printed.trim().chars().take(40).collect(),
        supported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_12_is_supported() {
        assert_eq!(
            DovecotRelease::of("2.3.19.1 (9b53102964)\n"),
            Ok(DovecotRelease::V2_3)
        );
        assert_eq!(PostfixRelease::of("3.7.11\n"), Ok(PostfixRelease::V3_7));
    }

    #[test]
    fn an_unknown_release_is_refused_and_the_supported_ones_are_named() {
        for printed in ["2.4.1-4 (7d8c0e5759)", "2.3.18", "3.0.0", "", "next"] {
            let refused = DovecotRelease::of(printed).unwrap_err();
            assert!(refused.to_string().contains("2.3.19"), "{refused}");
        }
        for printed in ["3.10.13", "3.7.10", "4.0.0", "20240101"] {
            let refused = PostfixRelease::of(printed).unwrap_err();
            assert!(refused.to_string().contains("3.7.11"), "{refused}");
        }
        assert_eq!(
            DovecotRelease::of("2.4.1-4 (7d8c0e5759)")
                .unwrap_err()
                .to_string(),
            "Dovecot 2.4.1-4 (7d8c0e5759) is installed, but Gatepost configures Dovecot 2.3 from \
             2.3.19 on (Debian 12: apt install dovecot-core)"
        );
    }
}
