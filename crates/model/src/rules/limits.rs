//! Whether a mailbox fits its domain. Asked inside the transaction that makes or changes it.

use crate::domain::{DomainLimits, DomainUse, GIB};
use crate::outcome::remedy::{ENOUGH, TOO_SMALL};
use crate::outcome::{Code, Refusal};

/// The largest quota of one mailbox: 1 PiB. Sums over a million of them stay far from the end of
/// what a number of bytes can say.
pub const LARGEST: i64 = 1 << 50;

/// A quota as it would be given out, and whether it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Bytes asked for; 0 is unlimited.
    pub quota: i64,
    /// Bytes this mailbox holds already (an update), or `None` for a new one.
    pub held: Option<i64>,
}

/// Checks count and quota exactly.
///
/// # Errors
/// [`Code::DomainFull`] or [`Code::DomainQuotaFull`] with the numbers.
pub fn check(limits: &DomainLimits, used: DomainUse, ask: Ask) -> Result<(), Refusal> {
    if ask.held.is_none() && limits.max_mailboxes > 0 && used.mailboxes >= limits.max_mailboxes {
        return Err(Refusal::new(Code::DomainFull)
            .with("have", used.mailboxes)
            .with("limit", limits.max_mailboxes));
    }
    if ask.held == Some(ask.quota) {
        // A mailbox that asks for what it holds is never refused, even where limits were lowered.
        return Ok(());
    }
    let too_large = |detail: String| {
        let need = match ask.quota {
            0 => "unlimited size".to_owned(),
            quota => size(quota),
        };
        Err(Refusal::new(Code::DomainQuotaFull)
            .with("need", need)
            .with("detail", detail))
    };
    if ask.quota == 0 && !limits.allows_unlimited() {
        return too_large("a mailbox there needs a quota".to_owned());
    }
    if ask.quota > LARGEST {
        let most = size(LARGEST);
        return too_large(format!("no mailbox anywhere gets more than {most}"));
    }
    if limits.max_quota > 0 && ask.quota > limits.max_quota {
        let most = size(limits.max_quota);
        let refused = too_large(format!("one mailbox gets at most {most} there"));
        return refused.map_err(|r| mended_by(r, "max_quota", ask.quota));
    }
    let others = used.quota - ask.held.unwrap_or(0);
    if limits.domain_quota > 0 && others.saturating_add(ask.quota) > limits.domain_quota {
        let whole = size(limits.domain_quota);
        let refused = too_large(match others {
            0 => format!("the whole domain has {whole}"),
            given => format!("{} of its {whole} are given to others", size(given)),
        });
        return refused.map_err(|r| mended_by(r, "domain_quota", others.saturating_add(ask.quota)));
    }
    Ok(())
}

/// Says which limit would have to be how large: whole GiB, as people set it.
fn mended_by(refusal: Refusal, limit: &str, bytes: i64) -> Refusal {
    let over = bytes % GIB;
    let whole = if over == 0 {
        bytes
    } else {
        bytes.saturating_add(GIB - over)
    };
    refusal.with(TOO_SMALL, limit).with(ENOUGH, whole)
}

/// The quota a template's value means in a domain: 0 is the domain's default.
#[must_use]
pub const fn effective_quota(template: i64, limits: &DomainLimits) -> i64 {
    if template == 0 {
        limits.default_quota
    } else {
        template
    }
}

/// Bytes as people read them: `5 GiB`, `1.5 GiB`, `300 MiB`, `12 KiB`; 0 is `unlimited`.
#[must_use]
pub fn size(bytes: i64) -> String {
    const UNITS: [(i64, &str); 4] = [
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    if bytes == 0 {
        return "unlimited".to_owned();
    }
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = bytes / (unit / 10).max(1);
            return if tenths % 10 == 0 || bytes % unit == 0 {
                format!("{} {name}", bytes / unit)
            } else {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            };
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::GIB;

    const LIMITS: DomainLimits = DomainLimits {
        max_mailboxes: 3,
        default_quota: GIB,
        max_quota: 4 * GIB,
        domain_quota: 10 * GIB,
    };

    fn code(used: DomainUse, ask: Ask) -> Option<Code> {
        check(&LIMITS, used, ask).err().map(|r| r.code)
    }

    #[test]
    fn what_does_not_fit_reads_as_a_sentence() {
        let words = |quota, others| {
            let used = DomainUse {
                mailboxes: 1,
                quota: others,
            };
            let refused = check(&LIMITS, used, Ask { quota, held: None }).unwrap_err();
            let refused = refused.with("domain", "x.org").with("template", "Staff");
            refused.admin()
        };
        for (quota, others, expected) in [
            (
                0,
                0,
                "A mailbox of unlimited size does not fit x.org: a mailbox there needs a quota",
            ),
            (
                5 * GIB,
                0,
                "A mailbox of 5 GiB does not fit x.org: one mailbox gets at most 4 GiB there",
            ),
            (
                2 * GIB,
                9 * GIB,
                "A mailbox of 2 GiB does not fit x.org: 9 GiB of its 10 GiB are given to others",
            ),
        ] {
            assert_eq!(
                words(quota, others),
                format!("{expected} (template: Staff).")
            );
        }
    }

    #[test]
    fn no_quota_is_so_large_that_sums_overflow() {
        let limits = DomainLimits {
            max_mailboxes: 0,
            default_quota: GIB,
            max_quota: 0,
            domain_quota: 0,
        };
        let used = DomainUse {
            mailboxes: 1,
            quota: LARGEST,
        };
        let asked = |quota| check(&limits, used, Ask { quota, held: None });
        assert!(asked(LARGEST).is_ok());
        assert!(asked(LARGEST + 1).is_err());
        assert!(asked(i64::MAX).is_err());
    }

    #[test]
    fn the_last_place_and_the_last_byte_are_given_out() {
        let used = DomainUse {
            mailboxes: 2,
            quota: 8 * GIB,
        };
        assert_eq!(
            code(
                used,
                Ask {
                    quota: 2 * GIB,
                    held: None
                }
            ),
            None
        );
        assert_eq!(
            code(
                used,
                Ask {
                    quota: 2 * GIB + 1,
                    held: None
                }
            ),
            Some(Code::DomainQuotaFull)
        );
        let full = DomainUse {
            mailboxes: 3,
            quota: 0,
        };
        assert_eq!(
            code(
                full,
                Ask {
                    quota: GIB,
                    held: None
                }
            ),
            Some(Code::DomainFull)
        );
        assert_eq!(
            code(
                full,
                Ask {
                    quota: GIB,
                    held: Some(2 * GIB)
                }
            ),
            None
        );
    }

    #[test]
    fn unlimited_never_slips_into_a_limited_domain() {
        let used = DomainUse::default();
        assert_eq!(
            code(
                used,
                Ask {
                    quota: 0,
                    held: None
                }
            ),
            Some(Code::DomainQuotaFull)
        );
        assert_eq!(effective_quota(0, &LIMITS), GIB);
        let open = DomainLimits {
            max_quota: 0,
            domain_quota: 0,
            ..LIMITS
        };
        assert!(
            check(
                &open,
                used,
                Ask {
                    quota: 0,
                    held: None
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn what_a_mailbox_holds_stays_allowed() {
        let over = DomainUse {
            mailboxes: 9,
            quota: 90 * GIB,
        };
        assert_eq!(
            code(
                over,
                Ask {
                    quota: 9 * GIB,
                    held: Some(9 * GIB)
                }
            ),
            None
        );
        assert_eq!(
            code(
                over,
                Ask {
                    quota: 3 * GIB,
                    held: Some(9 * GIB)
                }
            ),
            Some(Code::DomainQuotaFull)
        );
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "unlimited"),
            (5 * GIB, "5 GiB"),
            (GIB + GIB / 2, "1.5 GiB"),
            (300 << 20, "300 MiB"),
            (512, "512 bytes"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
