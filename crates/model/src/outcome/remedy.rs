//! What would mend a refusal, as far as the refusal itself tells: the one setting to change, and
//! the value for it where one can be known.

use super::{Code, Refusal};

/// The value of [`Code::DiscoveryFailed`] that names the issuer which the provider states, where
/// that lies at the same place as the configured one.
pub const ANSWERED: &str = "answered";
/// The value of [`Code::DomainQuotaFull`] that says which limit is in the way, and of which size in
/// bytes it would be enough.
pub const TOO_SMALL: &str = "too_small";
/// As [`TOO_SMALL`]: the size.
pub const ENOUGH: &str = "enough";

/// Mailboxes added to a limit that is reached.
const MORE_MAILBOXES: i64 = 10;
/// Scopes that every OpenID provider knows.
const KNOWN_EVERYWHERE: [&str; 3] = ["openid", "profile", "email"];

/// One setting to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// This host may have an internal address at the provider.
    AllowHost(String),
    /// This is the issuer.
    Issuer(String),
    /// This endpoint is another: `authorization`, `token` or `userinfo`.
    Endpoint(String),
    /// The client secret is another.
    Secret,
    /// The provider is asked for these scopes only; without `refused`.
    Scopes {
        /// Those that stay.
        scopes: String,
        /// The one that goes.
        refused: String,
    },
    /// The provider may say nothing about whether an address is verified.
    AcceptAbsent,
    /// The provider may sign in people of this domain.
    DomainOfProvider(String),
    /// The provider is switched on.
    ProviderOn,
    /// The domain is switched on.
    DomainOn,
    /// The domain may hold so many mailboxes.
    Mailboxes(i64),
    /// All mailboxes of the domain together may have so many bytes.
    DomainQuota(i64),
    /// One mailbox of the domain may have so many bytes.
    LargestQuota(i64),
    /// The network and the account may try again.
    ClearTries,
}

impl Refusal {
    /// What would mend it, where that is one setting.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        let fact = |name| self.facts.get(name).map(String::as_str);
        let owned = |name| fact(name).map(str::to_owned);
        match self.code {
            Code::InternalAddress => owned("host").map(Remedy::AllowHost),
            Code::DiscoveryFailed => owned(ANSWERED).map(Remedy::Issuer),
            Code::EndpointOnOwnHost => owned("endpoint").map(Remedy::Endpoint),
            Code::ClientRejected => Some(Remedy::Secret),
            Code::ScopeRefused => scopes(fact("scopes")?, fact("detail").unwrap_or_default()),
            Code::EmailVerifiedAbsent => Some(Remedy::AcceptAbsent),
            Code::DomainNotOfProvider => owned("domain").map(Remedy::DomainOfProvider),
            Code::ProviderOff => Some(Remedy::ProviderOn),
            Code::DomainInactive => Some(Remedy::DomainOn),
            Code::DomainFull => {
                let limit: i64 = fact("limit")?.parse().ok()?;
                Some(Remedy::Mailboxes(limit.checked_add(MORE_MAILBOXES)?))
            }
            Code::DomainQuotaFull => {
                let enough = fact(ENOUGH)?.parse().ok()?;
                match fact(TOO_SMALL)? {
                    "max_quota" => Some(Remedy::LargestQuota(enough)),
                    "domain_quota" => Some(Remedy::DomainQuota(enough)),
                    _ => None,
                }
            }
            Code::TooManyTries | Code::MailThrottled => Some(Remedy::ClearTries),
            _ => None,
        }
    }
}

/// The scopes without the refused one: the one that the provider's words name, else mailcow's, else
/// the only one that not every provider knows. Its words choose among ours; none of them is used.
fn scopes(asked: &str, words: &str) -> Option<Remedy> {
    let asked: Vec<&str> = asked.split_whitespace().collect();
    let own: Vec<&str> = asked
        .iter()
        .copied()
        .filter(|scope| !KNOWN_EVERYWHERE.contains(scope))
        .collect();
    let apart = |c: char| !(c.is_alphanumeric() || "_-.:/".contains(c));
    let named = |scope: &&&str| words.split(apart).any(|word| word == **scope);
    let refused = *own
        .iter()
        .find(named)
        .or_else(|| {
            own.iter()
                .find(|scope| **scope == crate::rule::MAILCOW_CLAIM)
        })
        .or(match own.as_slice() {
            [only] => Some(only),
            _ => None,
        })?;
    let kept: Vec<&str> = asked
        .into_iter()
        .filter(|scope| *scope != refused)
        .collect();
    Some(Remedy::Scopes {
        scopes: kept.join(" "),
        refused: refused.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(asked: &str, words: &str) -> Option<(String, String)> {
        match scopes(asked, words)? {
            Remedy::Scopes { scopes, refused } => Some((scopes, refused)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_refused_scope_is_told_from_the_others() {
        let both = "openid email groups mailcow_template";
        for (asked, words, expected) in [
            ("openid profile email", "invalid", None),
            ("openid email groups", "", Some(("openid email", "groups"))),
            (both, "", Some(("openid email groups", "mailcow_template"))),
            (
                both,
                "The scope 'groups' is not known.",
                Some(("openid email mailcow_template", "groups")),
            ),
            // A word that only contains it names another.
            (
                both,
                "my-groups",
                Some(("openid email groups", "mailcow_template")),
            ),
            ("openid a b", "neither", None),
            ("", "", None),
        ] {
            let expected = expected.map(|(kept, gone)| (kept.to_owned(), gone.to_owned()));
            assert_eq!(refused(asked, words), expected, "{asked} / {words}");
        }
    }

    #[test]
    fn values_that_mend_come_from_the_refusal() {
        let full = Refusal::new(Code::DomainFull)
            .with("have", 50)
            .with("limit", 50);
        assert_eq!(full.remedy(), Some(Remedy::Mailboxes(60)));
        let most = Refusal::new(Code::DomainFull).with("limit", i64::MAX);
        assert_eq!(most.remedy(), None);
        let quota = |field: &str| {
            let refusal = Refusal::new(Code::DomainQuotaFull).with(ENOUGH, 1 << 30);
            refusal.with(TOO_SMALL, field).remedy()
        };
        assert_eq!(quota("max_quota"), Some(Remedy::LargestQuota(1 << 30)));
        assert_eq!(quota("domain_quota"), Some(Remedy::DomainQuota(1 << 30)));
        assert_eq!(quota("another"), None);
        assert_eq!(Refusal::new(Code::DomainQuotaFull).remedy(), None);
        assert_eq!(Refusal::new(Code::DiscoveryFailed).remedy(), None);
        assert_eq!(
            Refusal::new(Code::ClientRejected).remedy(),
            Some(Remedy::Secret)
        );
    }
}
