//! How patient the supervision is and what it reports.

use std::time::Duration;

/// How patient the supervision is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From start to the first greeting; also how long a reload may take.
    pub ready: Duration,
    /// From being asked to stop to being killed. Dovecot alone takes more than a second.
    pub patience: Duration,
    /// Wait after the first failure; doubles with each one that follows.
    pub first_delay: Duration,
    /// Longest wait between two tries.
    pub longest_delay: Duration,
    /// A life at least this long forgets earlier failures.
    pub stable: Duration,
    /// Between two checks whether a running engine still greets.
    pub probe_every: Duration,
    /// How long a greeting may take.
    pub probe_limit: Duration,
    /// After this many missing greetings in a row the engine is restarted.
    pub probe_failures: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(60),
            patience: Duration::from_secs(15),
            first_delay: Duration::from_millis(250),
            longest_delay: Duration::from_secs(30),
            stable: Duration::from_secs(60),
            probe_every: Duration::from_secs(60),
            probe_limit: Duration::from_secs(20),
            probe_failures: 3,
        }
    }
}

/// What an engine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not yet greeting.
    Starting,
    /// Greeting.
    Running {
        /// Of the process that was started.
        pid: u32,
    },
    /// Missed a greeting; restarted if it misses more.
    Unresponsive {
        /// Of the process that was started.
        pid: u32,
    },
    /// Failed; started again after `delay`.
    Waiting {
        /// In a row.
        failures: u32,
        /// Until the next try.
        delay: Duration,
        /// What the engine said.
        words: String,
    },
    /// Stopped by order.
    Stopped,
}

/// Both engines, and whether the newest configuration is the one in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Reading mail.
    pub dovecot: State,
    /// Transporting mail; absent without a transport.
    pub postfix: Option<State>,
    /// Why an older configuration is in force instead of the one last given. Cleared when one is
    /// accepted.
    pub refused: Option<String>,
}
