//! What can go wrong between us and a provider.

use model::time::Timestamp;
use std::net::IpAddr;
use std::time::Duration;

/// In which part of a call the time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Resolving the name, connecting, shaking hands.
    Connect,
    /// Waiting for the answer's head.
    Answer,
    /// Reading its body.
    Body,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "while connecting",
            Self::Answer => "while waiting for the answer",
            Self::Body => "while reading the answer",
        })
    }
}

/// Why a call brought no answer. Nothing of what the other side sent is repeated in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The name has no address.
    #[error("name {host} not found ({detail})")]
    NameNotFound {
        /// The name.
        host: String,
        /// The resolver's words.
        detail: String,
    },
    /// Nothing listens there.
    #[error("connection to {host} refused")]
    Refused {
        /// Host and port.
        host: String,
    },
    /// No way there.
    #[error("{host} cannot be reached ({detail})")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        detail: String,
    },
    /// The time ran out.
    #[error("{host}: timed out after {} s {stage}", seconds(*after))]
    TimedOut {
        /// Host and port.
        host: String,
        /// In which part of the call.
        stage: Stage,
        /// The limit that was reached.
        after: Duration,
    },
    /// The connection ended before the answer did.
    #[error("{host} closed the connection before the answer was complete")]
    Closed {
        /// Host and port.
        host: String,
    },
    /// The certificate is not trusted, or there is no TLS.
    #[error("{host}: {fault}")]
    Tls {
        /// Host and port.
        host: String,
        /// What is wrong.
        fault: Box<TlsFault>,
    },
    /// The host has an internal address that nobody allowed, or nobody may.
    #[error("{host} is {ip}, {}", internal(*allowable))]
    InternalAddress {
        /// The host name or literal.
        host: String,
        /// The address.
        ip: IpAddr,
        /// Whether an administrator may allow it.
        allowable: bool,
    },
    /// The URL leads back to us.
    #[error("{host} is this mail server itself")]
    OwnHost {
        /// The host name or literal.
        host: String,
    },
    /// `http:` to anything but loopback.
    #[error("http: to {host}: without TLS only loopback addresses are reached")]
    PlainHttp {
        /// The host name or literal.
        host: String,
    },
    /// Neither `http:` nor `https:`, or with credentials.
    #[error("not a URL that can be called")]
    BadUrl,
    /// More bytes than allowed.
    #[error("{host} sent more than {limit} bytes")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// A compressed answer, which we never ask for and never unpack.
    #[error("{host} sent a compressed answer ({encoding})")]
    Compressed {
        /// Host and port.
        host: String,
        /// Its `Content-Encoding`.
        encoding: String,
    },
    /// A redirect that is not followed.
    #[error("{host} answered {status}, a redirect to {to}")]
    Redirected {
        /// Host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// Where to: scheme, host and port only.
        to: String,
    },
    /// Not HTTP, or broken HTTP.
    #[error("{host} does not speak proper HTTP ({detail})")]
    Protocol {
        /// Host and port.
        host: String,
        /// The library's words.
        detail: String,
    },
    /// Not tried: too many calls in a row failed.
    #[error("not tried for {} s more after {failures} failures in a row; the last: {last}", seconds(*retry_in))]
    Paused {
        /// How many in a row.
        failures: u32,
        /// When the next call is let through.
        retry_in: Duration,
        /// What the last one failed with.
        last: Box<HttpError>,
    },
}

const fn internal(allowable: bool) -> &'static str {
    if allowable {
        "an internal address"
    } else {
        "an address that no provider has"
    }
}

fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) || millis >= 10_000 {
        (millis / 1000).to_string()
    } else {
        format!("{:.1}", duration.as_secs_f64())
    }
}

impl HttpError {
    /// Whether the provider could not be connected to, or kept us waiting: what the circuit
    /// breaker counts. A refusal by the guard and a wrong answer say nothing about reachability.
    #[must_use]
    pub const fn is_connection_failure(&self) -> bool {
        matches!(
            self,
            Self::NameNotFound { .. }
                | Self::Refused { .. }
                | Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Closed { .. }
                | Self::Tls { .. }
        )
    }

    /// The failure itself; for a call that was not tried, the one that paused it.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::Paused { last, .. } => last.root(),
            other => other,
        }
    }
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// It vouches for itself.
    #[error("the certificate is self-signed (of {subject}, SHA-256 {sha256})")]
    SelfSigned {
        /// Whom it names.
        subject: String,
        /// Its fingerprint, for trusting exactly this one.
        sha256: String,
    },
    /// An authority nobody told us to trust.
    #[error("the certificate was issued by {issuer}, which is not trusted (SHA-256 {sha256})")]
    UnknownIssuer {
        /// Who issued it.
        issuer: String,
        /// Its fingerprint, for trusting exactly this one.
        sha256: String,
    },
    /// Past its end.
    #[error("the certificate expired on {}", day(*ended))]
    Expired {
        /// Its end.
        ended: Timestamp,
    },
    /// Before its start.
    #[error("the certificate is valid from {} only", day(*starts))]
    NotYetValid {
        /// Its start.
        starts: Timestamp,
    },
    /// For other names.
    #[error(
        "the certificate does not name {expected}; it names {}",
        list(presented)
    )]
    WrongName {
        /// The host we called.
        expected: String,
        /// The names it has.
        presented: Vec<String>,
    },
    /// Another one than the pinned one.
    #[error("the certificate is not the pinned one: SHA-256 {observed}, expected {expected}")]
    NotPinned {
        /// The pinned fingerprint.
        expected: String,
        /// The fingerprint of what was presented.
        observed: String,
    },
    /// Anything else about the certificate or the handshake.
    #[error("TLS failed: {0}")]
    Other(String),
}

fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        names => names.join(", "),
    }
}

/// `2026-11-30`.
#[must_use]
pub fn day(at: Timestamp) -> String {
    time::OffsetDateTime::from_unix_timestamp(at.secs()).map_or_else(
        |_| "a day out of range".to_owned(),
        |at| at.date().to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_dates() {
        let at = |secs| day(Timestamp::from_secs(secs));
        assert_eq!(at(0), "1970-01-01");
        assert_eq!(at(951_782_400), "2000-02-29");
        assert_eq!(at(1_798_675_199), "2026-12-30");
        assert_eq!(at(-1), "1969-12-31");
        assert_eq!(at(4_102_444_800), "2100-01-01");
    }

    #[test]
    fn a_paused_call_tells_why() {
        let refused = HttpError::Refused {
            host: "a.example:443".into(),
        };
        let paused = HttpError::Paused {
            failures: 5,
            retry_in: Duration::from_millis(9500),
            last: Box::new(refused.clone()),
        };
        assert_eq!(paused.root(), &refused);
        assert_eq!(
            paused.to_string(),
            "not tried for 9.5 s more after 5 failures in a row; the last: connection to a.example:443 refused"
        );
    }
}
