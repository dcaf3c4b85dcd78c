//! How often devices ask, and how often people type wrong codes: in the memory of the web worker,
//! the only process that answers either. A restart forgets it, and codes end soon after.

use super::{INTERVAL, LIFETIME};
use crate::passwords::{Meter, Network};
use crate::ports::Wait;
use model::ids::{MailboxId, WaitingDeviceId};
use model::time::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// New codes for one network: an office sets up its screens, then one each six seconds. No network
/// has more than 300 rows in the store.
const CODES: (u32, Duration) = (100, Duration::from_secs(6));
/// Wrong codes of one person. With a thousand codes waiting, a guess meets one in 25 million times.
const WRONG: (u32, Duration) = (10, Duration::from_secs(60));
/// What is added to the interval of a device that asks too often (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// Clocks of devices and networks are not exact.
const EARLY: Duration = Duration::from_secs(1);
/// Most devices told apart.
const MOST: usize = 100_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    codes: Meter,
    wrong: Meter,
    asked: HashMap<WaitingDeviceId, Pace>,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    last: Timestamp,
    interval: Duration,
}

impl Default for DeviceMemory {
    fn default() -> Self {
        Self {
            codes: Meter::new(CODES.0, CODES.1),
            wrong: Meter::new(WRONG.0, WRONG.1),
            asked: HashMap::new(),
        }
    }
}

impl DeviceMemory {
    /// Counts one more code for a network.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn new_code(&mut self, ip: Option<IpAddr>, now: Timestamp) -> Result<(), Wait> {
        self.codes.take(Network::from(ip), since_epoch(now))
    }

    /// Counts a code that a person types as a wrong one, before it is looked up: of many at once none
    /// is looked up beyond the limit.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn types(&mut self, person: MailboxId, now: Timestamp) -> Result<(), Wait> {
        self.wrong.take(person, since_epoch(now))
    }

    /// The code that was counted was no wrong one, or nobody could look.
    pub(super) fn was_not_wrong(&mut self, person: MailboxId, now: Timestamp) {
        self.wrong.give_back(person, since_epoch(now));
    }

    /// Forgets the wrong codes of a person: an administrator's act.
    pub(crate) fn forgive(&mut self, person: MailboxId) {
        self.wrong.clear(person);
    }

    /// A device asks, and nobody has answered yet. `false` if it asks too early; it waits longer
    /// from now on.
    pub(super) fn asks_in_time(&mut self, device: WaitingDeviceId, now: Timestamp) -> bool {
        if self.asked.len() >= MOST && !self.asked.contains_key(&device) {
            self.make_room(now);
        }
        let first = Pace {
            last: now,
            interval: INTERVAL,
        };
        let Some(pace) = self.asked.get_mut(&device) else {
            self.asked.insert(device, first);
            return true;
        };
        let in_time = now.since(pace.last) + EARLY >= pace.interval;
        pace.last = now;
        if !in_time {
            pace.interval += SLOWER;
        }
        in_time
    }

    /// A device need not ask any more.
    pub(super) fn forget(&mut self, device: WaitingDeviceId) {
        self.asked.remove(&device);
    }

    /// Devices whose codes have ended go; when that is not enough, all: they may ask early once.
    fn make_room(&mut self, now: Timestamp) {
        self.asked.retain(|_, pace| now.since(pace.last) < LIFETIME);
        if self.asked.len() >= MOST {
            self.asked.clear();
        }
    }
}

fn since_epoch(now: Timestamp) -> Duration {
    now.since(Timestamp(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TV: WaitingDeviceId = WaitingDeviceId(1);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + second)
    }

    #[test]
    fn a_hasty_device_waits_longer_each_time() {
        let mut memory = DeviceMemory::default();
        for (second, in_time) in [
            (0, true),
            (5, true),
            (9, true),
            (12, false),
            (21, true),
            (29, false),
            (43, true),
            (44, false),
            (62, false),
            (86, true),
        ] {
            assert_eq!(memory.asks_in_time(TV, at(second)), in_time, "at {second}");
        }
        assert!(memory.asks_in_time(WaitingDeviceId(2), at(86)));
        memory.forget(TV);
        assert!(memory.asks_in_time(TV, at(86)));
    }

    #[test]
    fn devices_without_number_are_forgotten() {
        let mut memory = DeviceMemory::default();
        for n in 0..=MOST as i64 {
            assert!(memory.asks_in_time(WaitingDeviceId(n), at(0)));
        }
        assert!(memory.asked.len() <= MOST);
    }

    #[test]
    fn wrong_codes_and_new_codes_are_counted_apart() {
        let mut memory = DeviceMemory::default();
        let (one, other) = (MailboxId(1), MailboxId(2));
        for _ in 0..10 {
            assert_eq!(memory.types(one, at(0)), Ok(()));
        }
        let minute = Err(Wait(Duration::from_secs(60)));
        assert_eq!(memory.types(one, at(0)), minute);
        assert_eq!(memory.types(other, at(0)), Ok(()));
        assert_eq!(memory.types(one, at(60)), Ok(()));
        assert_eq!(
            memory.types(one, at(60)),
            minute,
            "a refused one counts nothing"
        );
        memory.forgive(one);
        assert_eq!(memory.types(one, at(60)), Ok(()));

        let ip = |last| Some(IpAddr::from([192, 0, 2, last]));
        let begun = (0..500).filter(|_| memory.new_code(ip(1), at(0)).is_ok());
        assert_eq!(begun.count(), 100);
        assert_eq!(memory.new_code(ip(2), at(0)), Ok(()));
    }

    #[test]
    fn right_codes_count_nothing_and_take_no_wrong_one_back() {
        let mut memory = DeviceMemory::default();
        let person = MailboxId(1);
        for second in 0..100 {
            assert_eq!(memory.types(person, at(second)), Ok(()));
            memory.was_not_wrong(person, at(second));
        }
        for _ in 0..9 {
            assert_eq!(memory.types(person, at(100)), Ok(()));
        }
        for second in 100..130 {
            assert_eq!(memory.types(person, at(second)), Ok(()), "at {second}");
            memory.was_not_wrong(person, at(second));
        }
        assert_eq!(memory.types(person, at(130)), Ok(()));
        let half = Err(Wait(Duration::from_secs(30)));
        assert_eq!(memory.types(person, at(130)), half);
    }
}
