//! How many sign-ins by a provider one network may start: each leaves a row in the store until it
//! ends, and nobody has proven anything yet.

use super::meter::Meter;
use super::network::Network;
use crate::ports::Wait;
use model::time::Monotonic;
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A whole school behind one address comes in at eight: a thousand at once, then ten a second. A
/// network that goes on for ever has 7,000 rows in the store, a few megabytes.
const AT_ONCE: u32 = 1000;
const THEN_EACH: Duration = Duration::from_millis(100);

/// The starts of each network, in the memory of the web worker: starting needs no other process.
pub(crate) struct Starts {
    time: Arc<dyn Monotonic>,
    meter: Mutex<Meter>,
}

impl Starts {
    pub(crate) fn new(time: Arc<dyn Monotonic>) -> Self {
        Self {
            time,
            meter: Mutex::new(Meter::new(AT_ONCE, THEN_EACH)),
        }
    }

    /// Counts one more start.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn begin(&self, ip: Option<IpAddr>) -> Result<(), Wait> {
        let (now, network) = (self.time.elapsed(), Network::from(ip));
        self.meter.lock().take(network, now)
    }

    /// Forgets what was counted of a network.
    pub(crate) fn clear(&self, ip: Option<IpAddr>) {
        self.meter.lock().clear(Network::from(ip));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopwatch(Mutex<Duration>);
    impl Monotonic for Stopwatch {
        fn elapsed(&self) -> Duration {
            *self.0.lock()
        }
    }

    #[test]
    fn a_school_gets_in_and_a_flood_does_not() {
        let time = Arc::new(Stopwatch(Mutex::default()));
        let starts = Starts::new(time.clone());
        let from = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        let begun = |last: u8, tries: usize| {
            let begun = (0..tries).filter(|_| starts.begin(from(last)).is_ok());
            begun.count()
        };
        assert_eq!(begun(1, 5000), 1000);
        assert_eq!(begun(2, 10), 10);
        starts.clear(from(2));
        assert_eq!(begun(2, 5000), 1000, "as if nothing had been");
        assert_eq!(begun(1, 10), 0, "and nothing of another");
        for second in 1..=60 {
            *time.0.lock() = Duration::from_secs(second);
            assert_eq!(begun(1, 100), 10, "in second {second}");
        }
    }
}
