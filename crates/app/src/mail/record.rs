//! What mail logins teach, gathered by the minute before it leaves for the writer: a credential's
//! last use once a minute, failures once a minute per account, network and code.

use crate::ports::{Learned, Recorder};
use model::app_password::LastUse;
use model::attempt::{Attempt, Door, Reference, Trace};
use model::ids::{AppPasswordId, AttemptId, MailboxId};
use model::outcome::Refusal;
use model::protocol::Protocol;
use model::random::Random;
use model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most keys gathered between two flushes; what comes beyond is counted and dropped.
const MOST: usize = 10_000;

/// Gathers and, at each [`Coalescer::flush`], hands on.
pub struct Coalescer {
    recorder: Arc<dyn Recorder>,
    gathered: Mutex<Gathered>,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Gathered {
    app_passwords: HashMap<AppPasswordId, LastUse>,
    passwords: HashMap<(MailboxId, Protocol, Option<IpAddr>), LastUse>,
    failures: HashMap<String, Attempt>,
    /// The minute in which each credential was handed on last.
    handed: HashMap<AppPasswordId, i64>,
}

impl std::fmt::Debug for Coalescer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coalescer")
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

impl Coalescer {
    /// Hands on to `recorder`.
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self {
            recorder,
            gathered: Mutex::default(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Things that found no place since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn app_password_used(&self, id: AppPasswordId, last: LastUse) {
        let mut gathered = self.gathered.lock();
        if gathered.handed.get(&id) == Some(&minute(last.at)) {
            return;
        }
        if gathered.app_passwords.len() < MOST || gathered.app_passwords.contains_key(&id) {
            gathered.app_passwords.insert(id, last);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn password_used(&self, mailbox: MailboxId, last: LastUse) {
        let mut gathered = self.gathered.lock();
        if gathered.passwords.len() < MOST {
            gathered
                .passwords
                .insert((mailbox, last.protocol, last.ip), last);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn rehash(&self, mailbox: MailboxId, old: String, new: String) {
        self.recorder.record(Learned::Rehash(mailbox, old, new));
    }

    pub(super) fn failed(
        &self,
        random: &dyn Random,
        now: Timestamp,
        protocol: Protocol,
        account: &str,
        ip: Option<IpAddr>,
        refusal: &Refusal,
    ) {
        let network = ip.map_or_else(|| "-".to_owned(), |ip| ip.to_string());
        let bucket = format!(
            "{}|{protocol}|{account}|{network}|{}",
            minute(now),
            refusal.code
        );
        let mut gathered = self.gathered.lock();
        if let Some(attempt) = gathered.failures.get_mut(&bucket) {
            attempt.count += 1;
            return;
        }
        if gathered.failures.len() >= MOST {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let attempt = Attempt {
            id: AttemptId(0),
            reference: Reference::generate(random),
            at: now,
            door: Door::Mail(protocol),
            provider: None,
            mailbox: None,
            address: Some(account.to_owned()),
            ip,
            user_agent: String::new(),
            refusal: Some(refusal.clone()),
            notice: None,
            trace: Trace::default(),
            count: 1,
        };
        gathered.failures.insert(bucket, attempt);
    }

    /// Hands on what was gathered; called every second or so by the auth worker.
    pub fn flush(&self, now: Timestamp) {
        let mut gathered = self.gathered.lock();
        let this_minute = minute(now);
        gathered.handed.retain(|_, at| *at >= this_minute);
        let uses: Vec<_> = gathered.app_passwords.drain().collect();
        for (id, last) in uses {
            gathered.handed.insert(id, minute(last.at));
            self.recorder.record(Learned::AppPasswordUsed(id, last));
        }
        for ((mailbox, _, _), last) in gathered.passwords.drain() {
            self.recorder.record(Learned::PasswordUsed(mailbox, last));
        }
        for (bucket, attempt) in gathered.failures.drain() {
            self.recorder
                .record(Learned::Attempt(Box::new(attempt), bucket));
        }
    }
}

fn minute(at: Timestamp) -> i64 {
    at.secs().div_euclid(60)
}
