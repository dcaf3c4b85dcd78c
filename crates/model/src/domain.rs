//! Mail domains and their limits.

use crate::address::{Address, DomainName};
use crate::ids::{DomainId, ProviderId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A mail domain that this server receives mail for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailDomain {
    /// Its id.
    pub id: DomainId,
    /// Its name in A-label form.
    pub name: DomainName,
    /// Switched off: no mail is received, nobody signs in.
    pub active: bool,
    /// What mailboxes together and alone may take.
    pub limits: DomainLimits,
    /// Where mail for role addresses (postmaster, abuse) goes unless a mailbox or alias of that
    /// name exists. May be outside this server.
    pub role_target: Address,
    /// The one provider by which its people sign in; `None` for any that may sign them in.
    #[serde(default)]
    pub provider: Option<ProviderId>,
    /// Whether mail programs stop when no provider has confirmed the person for a while.
    #[serde(default)]
    pub confirm: Option<ConfirmPolicy>,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// In how many days a provider has to confirm people, or their mail programs stop, and apps that go on
/// without them. For providers that tell nobody when somebody leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmPolicy {
    /// In how many days, 1 to [`MOST_CONFIRM_DAYS`].
    pub within_days: u16,
    /// When it was set: nobody's days began before.
    pub since: Timestamp,
}

/// The longest such time.
pub const MOST_CONFIRM_DAYS: u16 = 730;

/// Limits of a domain. Bytes and counts; 0 means "no limit" in each field but `default_quota`,
/// where it means an unlimited mailbox and is only valid without the other two quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainLimits {
    /// How many mailboxes may exist, disabled ones included.
    pub max_mailboxes: i64,
    /// Quota of a mailbox when neither its template nor an administrator names one, in bytes.
    pub default_quota: i64,
    /// The largest quota one mailbox may have, in bytes.
    pub max_quota: i64,
    /// The sum of all mailbox quotas, in bytes.
    pub domain_quota: i64,
}

/// Bytes in one MiB, the unit in which quotas are typed.
pub const MIB: i64 = 1 << 20;
/// Bytes in one GiB.
pub const GIB: i64 = 1 << 30;

impl Default for DomainLimits {
    /// No limit on mailboxes and the domain; 5 GiB for a mailbox by default, 50 GiB at most.
    fn default() -> Self {
        Self {
            max_mailboxes: 0,
            default_quota: 5 * GIB,
            max_quota: 50 * GIB,
            domain_quota: 0,
        }
    }
}

/// Why limits contradict each other. Shown beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A negative number.
    #[error("limits cannot be negative")]
    Negative,
    /// `default_quota` above `max_quota`.
    #[error("the default quota is larger than the largest quota per mailbox")]
    DefaultAboveMax,
    /// `max_quota` (or `default_quota`) above `domain_quota`.
    #[error("the quota per mailbox is larger than the quota of the whole domain")]
    AboveDomain,
    /// An unlimited default in a domain that limits quotas.
    #[error("an unlimited default quota needs a domain without quota limits")]
    UnlimitedDefault,
}

impl DomainLimits {
    /// Checks that the fields fit together.
    ///
    /// # Errors
    /// The first contradiction.
    pub const fn validate(&self) -> Result<(), LimitsError> {
        if self.max_mailboxes < 0
            || self.default_quota < 0
            || self.max_quota < 0
            || self.domain_quota < 0
        {
            return Err(LimitsError::Negative);
        }
        if self.default_quota == 0 && !self.allows_unlimited() {
            return Err(LimitsError::UnlimitedDefault);
        }
        if self.max_quota > 0 && self.default_quota > self.max_quota {
            return Err(LimitsError::DefaultAboveMax);
        }
        if self.domain_quota > 0
            && (self.max_quota > self.domain_quota || self.default_quota > self.domain_quota)
        {
            return Err(LimitsError::AboveDomain);
        }
        Ok(())
    }

    /// Whether a mailbox of this domain may have quota 0, unlimited.
    #[must_use]
    pub const fn allows_unlimited(&self) -> bool {
        self.max_quota == 0 && self.domain_quota == 0
    }
}

/// What the mailboxes of a domain take now: maintained counters, never counted live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DomainUse {
    /// Mailboxes that exist, disabled ones included, deleted ones not.
    pub mailboxes: i64,
    /// The sum of their quotas in bytes.
    pub quota: i64,
}
