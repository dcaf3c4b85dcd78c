//! What mail logins teach, gathered by the minute before it leaves for the writer: a credential's
//! last use once a minute, failures once a minute per account, network and code. A flood of made-up
//! names is told by its network, and one from everywhere as one.

use crate::passwords::Network;
use crate::ports::{Learned, Recorder};
use model::app_password::LastUse;
use model::attempt::{Attempt, Door, Reference, Trace};
use model::ids::{AppPasswordId, AttemptId, MailboxId};
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use model::random::Random;
use model::time::Timestamp;
use parking_lot::Mutex;
use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most keys gathered between two flushes; what comes beyond is counted and dropped.
const MOST: usize = 10_000;

/// Most accounts of one network that a minute's failures are told apart by. A company behind one
/// address has no more people with a wrong password at once.
const MOST_OF_NETWORK: u32 = 60;

/// Most buckets of a minute, so that what is stored keeps far behind what is forgotten.
const MOST_OF_MINUTE: usize = 2_000;

/// Gathers and, at each [`Coalescer::flush`], hands on.
pub struct Coalescer {
    recorder: Arc<dyn Recorder>,
    gathered: Mutex<Gathered>,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Gathered {
    app_passwords: HashMap<AppPasswordId, LastUse>,
    passwords: HashMap<Program, LastUse>,
    failures: HashMap<Bucket, Failure>,
    told: Told,
    /// Credentials whose use in `minute` was handed on.
    handed: HashSet<AppPasswordId>,
    /// Programs whose use of a local password in `minute` was handed on.
    handed_programs: HashSet<Program>,
    minute: i64,
}

/// A mail program, as far as it can be told from others with the same password.
type Program = (MailboxId, Protocol, Option<IpAddr>);

/// Failures that are counted together.
#[derive(PartialEq, Eq, Hash)]
struct Bucket {
    minute: i64,
    protocol: Protocol,
    code: Code,
    ip: Option<IpAddr>,
    account: String,
}

/// Which failures of a minute were told apart so far, across flushes.
#[derive(Default)]
struct Told {
    minute: i64,
    buckets: HashSet<u64>,
    networks: HashMap<Network, u32>,
    hasher: RandomState,
}

impl Told {
    /// The bucket itself; or that of its network, or of everybody, if too many are told apart.
    fn bucket(&mut self, mut bucket: Bucket) -> Bucket {
        if self.minute != bucket.minute {
            self.minute = bucket.minute;
            self.buckets.clear();
            self.networks.clear();
        }
        if self.admits(&bucket, MOST_OF_NETWORK) {
            return bucket;
        }
        bucket.account.clear();
        if !self.admits(&bucket, u32::MAX) {
            bucket.ip = None;
        }
        bucket
    }

    fn admits(&mut self, bucket: &Bucket, most_of_network: u32) -> bool {
        let id = self.hasher.hash_one(bucket);
        if self.buckets.contains(&id) {
            return true;
        }
        let network = Network::from(bucket.ip);
        let of_network = self.networks.get(&network).copied().unwrap_or_default();
        let room = self.buckets.len() < MOST_OF_MINUTE && of_network < most_of_network;
        if room {
            self.networks.insert(network, of_network + 1);
            self.buckets.insert(id);
        }
        room
    }
}

/// The first failure of its bucket, and how many there were.
struct Failure {
    reference: Reference,
    at: Timestamp,
    refusal: Refusal,
    count: i64,
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
        if gathered.minute == minute(last.at) && gathered.handed.contains(&id) {
            return;
        }
        if gathered.app_passwords.len() < MOST || gathered.app_passwords.contains_key(&id) {
            gathered.app_passwords.insert(id, last);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn password_used(&self, mailbox: MailboxId, last: LastUse) {
        let program = (mailbox, last.protocol, last.ip);
        let mut gathered = self.gathered.lock();
        if gathered.minute == minute(last.at) && gathered.handed_programs.contains(&program) {
            return;
        }
        if gathered.passwords.len() < MOST || gathered.passwords.contains_key(&program) {
            gathered.passwords.insert(program, last);
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
        account: String,
        ip: Option<IpAddr>,
        refusal: &Refusal,
    ) {
        let bucket = Bucket {
            minute: minute(now),
            protocol,
            code: refusal.code,
            ip,
            account,
        };
        let mut gathered = self.gathered.lock();
        let bucket = gathered.told.bucket(bucket);
        let full = gathered.failures.len() >= MOST;
        match gathered.failures.entry(bucket) {
            Entry::Occupied(mut known) => known.get_mut().count += 1,
            Entry::Vacant(_) if full => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            Entry::Vacant(place) => {
                place.insert(Failure {
                    reference: Reference::generate(random),
                    at: now,
                    refusal: refusal.clone(),
                    count: 1,
                });
            }
        }
    }

    /// Hands on what was gathered; called every second or so by the auth worker. Logins go on
    /// meanwhile: they wait only while what was gathered is taken away.
    pub fn flush(&self, now: Timestamp) {
        let (uses, passwords, failures) = {
            let mut gathered = self.gathered.lock();
            let gathered = &mut *gathered;
            (
                std::mem::take(&mut gathered.app_passwords),
                std::mem::take(&mut gathered.passwords),
                std::mem::take(&mut gathered.failures),
            )
        };
        self.handed(&uses, &passwords, minute(now));
        for (id, last) in uses {
            self.recorder.record(Learned::AppPasswordUsed(id, last));
        }
        for ((mailbox, _, _), last) in passwords {
            self.recorder.record(Learned::PasswordUsed(mailbox, last));
        }
        for (bucket, failure) in failures {
            let name = bucket.to_string();
            let attempt = Box::new(failure.attempt(bucket));
            self.recorder.record(Learned::Attempt(attempt, name));
        }
    }

    /// Notes that these uses were handed on; the minutes before `this` are forgotten.
    fn handed(
        &self,
        uses: &HashMap<AppPasswordId, LastUse>,
        passwords: &HashMap<Program, LastUse>,
        this: i64,
    ) {
        let mut gathered = self.gathered.lock();
        let past = (gathered.minute != this).then(|| {
            let handed = std::mem::take(&mut gathered.handed);
            (handed, std::mem::take(&mut gathered.handed_programs))
        });
        gathered.minute = this;
        let programs = passwords.iter().filter(|(_, last)| minute(last.at) == this);
        gathered
            .handed_programs
            .extend(programs.map(|(program, _)| *program));
        let ids = uses.iter().filter(|(_, last)| minute(last.at) == this);
        gathered.handed.extend(ids.map(|(id, _)| *id));
        drop(gathered);
        // Possibly millions, and nobody should wait for them to go.
        drop(past);
    }
}

/// The name by which the store adds later failures of the same bucket.
impl std::fmt::Display for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            minute,
            protocol,
            code,
            ip,
            account,
        } = self;
        write!(f, "{minute}|{protocol}|{account}|")?;
        match ip {
            Some(ip) => write!(f, "{ip}|{code}"),
            None => write!(f, "-|{code}"),
        }
    }
}

impl Failure {
    fn attempt(self, bucket: Bucket) -> Attempt {
        Attempt {
            id: AttemptId(0),
            reference: self.reference,
            at: self.at,
            door: Door::Mail(bucket.protocol),
            provider: None,
            app: None,
            mailbox: None,
            address: (!bucket.account.is_empty()).then_some(bucket.account),
            ip: bucket.ip,
            user_agent: String::new(),
            refusal: Some(self.refusal),
            notice: None,
            trace: Trace::default(),
            count: self.count,
        }
    }
}

fn minute(at: Timestamp) -> i64 {
    at.secs().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it is told.
    #[derive(Default)]
    struct Heard(Mutex<Vec<Learned>>);
    impl Recorder for Heard {
        fn record(&self, learned: Learned) {
            self.0.lock().push(learned);
        }
    }

    struct Zeros;
    impl Random for Zeros {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0);
        }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn used(coalescer: &Coalescer, id: i64, secs: i64) {
        let last = LastUse {
            at: at(secs),
            protocol: Protocol::Imap,
            ip: None,
        };
        coalescer.app_password_used(AppPasswordId(id), last);
    }

    #[test]
    fn a_credential_is_handed_on_once_a_minute() {
        let heard = Arc::new(Heard::default());
        let coalescer = Coalescer::new(heard.clone());
        let handed_on = |now: i64| -> Vec<(i64, i64)> {
            coalescer.flush(at(now));
            let heard = std::mem::take(&mut *heard.0.lock());
            let uses = heard.into_iter().map(|learned| match learned {
                Learned::AppPasswordUsed(id, last) => (id.0, last.at.secs()),
                other => panic!("{other:?}"),
            });
            uses.collect()
        };
        used(&coalescer, 1, 600);
        used(&coalescer, 1, 601);
        assert_eq!(handed_on(602), [(1, 601)]);
        used(&coalescer, 1, 603);
        used(&coalescer, 2, 603);
        assert_eq!(handed_on(604), [(2, 603)]);
        // Gathered in one minute and handed on in the next.
        used(&coalescer, 3, 659);
        assert_eq!(handed_on(660), [(3, 659)]);
        for id in 1..=3 {
            used(&coalescer, id, 661);
        }
        assert_eq!(handed_on(662).len(), 3);
        assert_eq!(handed_on(663), []);
    }

    #[test]
    fn a_local_password_is_handed_on_once_a_minute_for_each_program() {
        let heard = Arc::new(Heard::default());
        let coalescer = Coalescer::new(heard.clone());
        let log_in = |protocol, secs| {
            let last = LastUse {
                at: at(secs),
                protocol,
                ip: None,
            };
            coalescer.password_used(MailboxId(1), last);
        };
        let handed_on = |now: i64| {
            coalescer.flush(at(now));
            std::mem::take(&mut *heard.0.lock()).len()
        };
        log_in(Protocol::Imap, 600);
        assert_eq!(handed_on(601), 1);
        log_in(Protocol::Imap, 602);
        assert_eq!(handed_on(603), 0);
        log_in(Protocol::Smtp, 604);
        assert_eq!(handed_on(605), 1);
        log_in(Protocol::Imap, 660);
        assert_eq!(handed_on(661), 1);
    }

    #[test]
    fn failures_of_one_account_network_and_code_are_one_attempt() {
        let heard = Arc::new(Heard::default());
        let coalescer = Coalescer::new(heard.clone());
        let fail = |account: &str, last: u8| {
            let ip = Some(IpAddr::from([192, 0, 2, last]));
            let refusal = Refusal::new(Code::MailWrong);
            let account = account.to_owned();
            coalescer.failed(&Zeros, at(600), Protocol::Imap, account, ip, &refusal);
        };
        fail("a@x.example", 1);
        fail("a@x.example", 1);
        fail("a@x.example", 2);
        fail("b@x.example", 1);
        coalescer.flush(at(601));
        let heard = std::mem::take(&mut *heard.0.lock());
        let mut counts: Vec<_> = heard
            .into_iter()
            .map(|learned| match learned {
                Learned::Attempt(attempt, name) => (name, attempt.count),
                other => panic!("{other:?}"),
            })
            .collect();
        counts.sort();
        let named = |account: &str, last: u8| {
            let (protocol, code) = (Protocol::Imap, Code::MailWrong);
            format!("10|{protocol}|{account}|192.0.2.{last}|{code}")
        };
        let expected = [
            (named("a@x.example", 1), 2),
            (named("a@x.example", 2), 1),
            (named("b@x.example", 1), 1),
        ];
        assert_eq!(counts, expected);
    }

    #[test]
    fn floods_of_names_are_told_by_network_and_then_as_one() {
        let heard = Arc::new(Heard::default());
        let coalescer = Coalescer::new(heard.clone());
        let fail = |name: u32, ip: [u8; 4]| {
            let refusal = Refusal::new(Code::MailWrong);
            let account = format!("{name}@x.example");
            let ip = Some(IpAddr::from(ip));
            coalescer.failed(&Zeros, at(600), Protocol::Imap, account, ip, &refusal);
        };
        let handed_on = || {
            coalescer.flush(at(601));
            let mut rows = Vec::new();
            for learned in std::mem::take(&mut *heard.0.lock()) {
                match learned {
                    Learned::Attempt(attempt, _) => rows.push(attempt),
                    other => panic!("{other:?}"),
                }
            }
            rows
        };
        // One network: sixty names, the rest together, also after a flush.
        for name in 0..1000 {
            fail(name, [192, 0, 2, 1]);
        }
        let rows = handed_on();
        assert_eq!(rows.len(), 61);
        let crowd: Vec<_> = rows.iter().filter(|row| row.address.is_none()).collect();
        assert_eq!(crowd.len(), 1);
        assert_eq!((crowd[0].count, crowd[0].ip.is_some()), (940, true));
        fail(3, [192, 0, 2, 1]);
        fail(2000, [192, 0, 2, 1]);
        let again: Vec<_> = handed_on().into_iter().map(|row| row.address).collect();
        assert!(again.contains(&Some("3@x.example".to_owned())) && again.contains(&None));
        // From everywhere: a bounded number of rows, and one for all others.
        for name in 0..100_000_u32 {
            let [_, a, b, c] = name.to_be_bytes();
            fail(name, [10, a, b, c]);
        }
        let rows = handed_on();
        assert_eq!(rows.len(), MOST_OF_MINUTE - 61 + 1);
        let total: i64 = rows.iter().map(|row| row.count).sum();
        assert_eq!(total, 100_000);
    }
}
