//! SASL mechanisms, as steps from response to claim.
//!
//! A mechanism never decides anything: it ends in a [`Claim`], whose secret the decisions judge.

mod login;
mod plain;

use crate::decisions::Misfit;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The mechanisms that we offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// RFC 4616.
    Plain,
    /// The two-question mechanism that some mail programs still prefer
    /// (draft-murchison-sasl-login).
    Login,
}

impl Mechanism {
    /// All of them, in the order in which they are offered.
    pub(crate) const ALL: [Self; 2] = [Self::Plain, Self::Login];

    /// The registered name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// From a name in upper case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Takes the initial response, in base64, or starts the exchange without one.
    pub(crate) fn start(self, response: Option<&[u8]>) -> Step {
        let exchange = match self {
            Self::Plain => Exchange::Plain,
            Self::Login => Exchange::LoginName,
        };
        match response {
            Some(response) => exchange.next(response),
            None => exchange.ask(),
        }
    }
}

/// An exchange that waits for the mail program. Holds no secret; handed over between workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Exchange {
    /// PLAIN without an initial response.
    Plain,
    /// LOGIN, waiting for the name.
    LoginName,
    /// LOGIN, waiting for the secret.
    LoginSecret {
        /// The name given before.
        name: String,
    },
}

impl Exchange {
    /// Takes the mail program's next response, in base64.
    pub(crate) fn next(self, response: &[u8]) -> Step {
        let Some(response) = decode(response) else {
            return Step::Misfit(Misfit::Response);
        };
        match self {
            Self::Plain => plain::claim(&response),
            Self::LoginName => login::name(&response),
            Self::LoginSecret { name } => login::secret(name, &response),
        }
    }

    fn ask(self) -> Step {
        let question = match &self {
            Self::Plain => "",
            Self::LoginName => "Username:",
            Self::LoginSecret { .. } => "Password:",
        };
        Step::Challenge {
            base64: STANDARD.encode(question),
            then: self,
        }
    }
}

/// What follows from a response.
#[derive(Debug)]
pub(crate) enum Step {
    /// Ask on.
    Challenge {
        /// The question, in base64.
        base64: String,
        /// What takes the answer.
        then: Exchange,
    },
    /// The exchange is complete.
    Claim(Claim),
    /// The response cannot be judged.
    Misfit(Misfit),
}

/// A completed exchange: somebody claims to be `name` and shows a secret.
#[derive(Debug)]
pub(crate) struct Claim {
    /// On whose behalf; empty for the claimant's own.
    pub(crate) authzid: String,
    /// Who. Never empty.
    pub(crate) name: String,
    /// The proof.
    pub(crate) secret: SecretString,
}

impl Claim {
    /// Whether this claim may be judged at all. Acting for another mailbox is refused even with a
    /// right password, and the empty password is refused unseen: no back end must ever take it for
    /// an anonymous bind.
    pub(crate) fn misfit(&self) -> Option<Misfit> {
        use secrecy::ExposeSecret as _;
        if self.secret.expose_secret().is_empty() {
            Some(Misfit::EmptyPassword)
        } else if !self.authzid.is_empty() && !same(&self.authzid, &self.name) {
            Some(Misfit::Authzid)
        } else {
            None
        }
    }
}

/// Whether two names mean one mailbox: compared in canonical form, and byte by byte if either has
/// none.
fn same(one: &str, other: &str) -> bool {
    use model::address::Address;
    match (Address::parse(one), Address::parse(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Base64 as RFC 4648 has it, padding included. SMTP writes the empty response as `=` (RFC 4954 4).
fn decode(base64: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if base64 == b"=" {
        return Some(Zeroizing::default());
    }
    // Allocated once at full size, so that no copy of a secret stays behind a reallocation.
    let mut plain = Zeroizing::new(vec![0; base64::decoded_len_estimate(base64.len())]);
    let length = STANDARD.decode_slice(base64, &mut plain).ok()?;
    plain.truncate(length);
    Some(plain)
}

/// Bytes as text without NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|t| !t.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    fn plain(response: &[u8]) -> Step {
        Mechanism::Plain.start(Some(STANDARD.encode(response).as_bytes()))
    }

    fn claimed(step: Step) -> (String, String, String) {
        match step {
            Step::Claim(c) => (
                c.authzid.clone(),
                c.name.clone(),
                c.secret.expose_secret().into(),
            ),
            other => panic!("{other:?}"),
        }
    }

    fn misfit(step: Step) -> Option<Misfit> {
        match step {
            Step::Misfit(misfit) => Some(misfit),
            Step::Claim(claim) => claim.misfit(),
            Step::Challenge { .. } => None,
        }
    }

    #[test]
    fn plain_takes_authzid_name_and_secret() {
        assert_eq!(
            claimed(plain(b"\0a@example.org\0s3cret")),
            (String::new(), "a@example.org".into(), "s3cret".into())
        );
        assert_eq!(claimed(plain(b"z\0a\0\x01\tp\nw")).2, "\u{1}\tp\nw");
        let long = "p".repeat(4096);
        assert_eq!(claimed(plain(format!("\0a\0{long}").as_bytes())).2, long);
    }

    #[test]
    fn plain_with_another_number_of_parts_is_a_misfit() {
        for bad in [
            &b""[..],
            b"a",
            b"\0",
            b"a\0b",
            b"\0\0",
            b"\0\0secret",
            b"\0a\0b\0c",
            b"\0a\0b\0",
            b"\0a\0b\0c\0d",
            b"\0\xff\0b",
            b"\0a\0\xff",
            b"\xff\0a\0b",
        ] {
            assert_eq!(misfit(plain(bad)), Some(Misfit::Response), "{bad:?}");
        }
        for bad in [
            "!",
            "AGEAYg",
            "AGEAYg=",
            "AGEA Yg==",
            "AGEAYg==\r",
            "AGEAYh==",
        ] {
            let step = Mechanism::Plain.start(Some(bad.as_bytes()));
            assert_eq!(misfit(step), Some(Misfit::Response), "{bad:?}");
        }
        assert_eq!(
            misfit(Mechanism::Plain.start(Some(b"="))),
            Some(Misfit::Response)
        );
    }

    #[test]
    fn the_empty_password_is_refused_unseen() {
        assert_eq!(misfit(plain(b"\0a\0")), Some(Misfit::EmptyPassword));
        let step = Exchange::LoginSecret { name: "a".into() }.next(b"");
        assert_eq!(misfit(step), Some(Misfit::EmptyPassword));
    }

    #[test]
    fn acting_for_somebody_else_is_refused() {
        let with = |authzid: &str| misfit(plain(format!("{authzid}\0a@example.org\0x").as_bytes()));
        assert_eq!(with(""), None);
        assert_eq!(with("a@example.org"), None);
        assert_eq!(with("A@EXAMPLE.org."), None);
        assert_eq!(with("b@example.org"), Some(Misfit::Authzid));
        assert_eq!(with("a"), Some(Misfit::Authzid));
        assert_eq!(with(" "), Some(Misfit::Authzid));
    }

    #[test]
    fn login_asks_for_name_and_secret() {
        let Step::Challenge { base64, then } = Mechanism::Login.start(None) else {
            panic!("no question");
        };
        assert_eq!(base64, "VXNlcm5hbWU6");
        let Step::Challenge { base64, then } = then.next(b"YUBleGFtcGxlLm9yZw==") else {
            panic!("no second question");
        };
        assert_eq!(base64, "UGFzc3dvcmQ6");
        assert_eq!(
            claimed(then.next(b"eA==")),
            (String::new(), "a@example.org".into(), "x".into())
        );
        assert!(matches!(
            Mechanism::Login.start(Some(b"YQ==")),
            Step::Challenge {
                then: Exchange::LoginSecret { .. },
                ..
            }
        ));
    }

    #[test]
    fn login_refuses_what_is_no_name_or_secret() {
        for bad in ["", "=", "AA==", "YQBi", "/w==", "???"] {
            let step = Exchange::LoginName.next(bad.as_bytes());
            assert_eq!(misfit(step), Some(Misfit::Response), "{bad:?}");
        }
        for bad in ["/w==", "YQBi", "???"] {
            let step = Exchange::LoginSecret { name: "a".into() }.next(bad.as_bytes());
            assert_eq!(misfit(step), Some(Misfit::Response), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_response_panics_or_yields_an_empty_name(bytes in any::<Vec<u8>>()) {
            for exchange in [Exchange::Plain, Exchange::LoginName, Exchange::LoginSecret { name: "a".into() }] {
                for response in [bytes.clone(), STANDARD.encode(&bytes).into_bytes()] {
                    if let Step::Claim(claim) = exchange.clone().next(&response) {
                        prop_assert!(!claim.name.is_empty() && !claim.name.contains('\0'));
                    }
                }
            }
        }
    }
}
