//! Running counts, for metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A snapshot of what a desk has done since it opened.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The live counters behind [`Counts`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: AtomicU64,)*
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Counts {
                Counts { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counts! {
    /// Connections accepted.
    accepted,
    /// Connections taken over from another worker.
    resumed,
    /// Connections that have ended or were handed over.
    closed,
    /// Connections refused because of the peer's user.
    strangers,
    /// Connections closed because the peer could not be understood.
    framing_errors,
    /// Connections closed because the peer stopped in the middle or did not read.
    stalled,
    /// Logins allowed.
    logins_ok,
    /// Logins refused, misfits included.
    logins_refused,
    /// Logins answered as unavailable.
    logins_unavailable,
    /// Refusals that could not be held back because too many were waiting.
    held_overflow,
    /// OKs forgotten because too many were remembered.
    forgotten,
    /// Sessions started after a login.
    requests_ok,
    /// Sessions that did not start: unknown, revoked meanwhile, or unavailable.
    requests_failed,
    /// User look-ups, socketmap look-ups and policy requests answered.
    lookups,
    /// Such answers that said "unavailable".
    lookups_unavailable,
}

/// Adds one.
pub(crate) fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
