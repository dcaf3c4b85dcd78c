//! Right human passwords, remembered for a few minutes so that a mail program that opens ten
//! connections is hashed for once.
//!
//! The memory holds MACs under a key made at each start; stored hash and generation are part of
//! them, so any change of the mailbox's credentials forgets exactly.

use aws_lc_rs::hmac;
use model::ids::MailboxId;
use model::random::{self, Random};
use model::time::{Clock, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const GOOD_FOR: Duration = Duration::from_secs(300);
const MOST: usize = 50_000;

pub(super) struct Verdicts {
    key: hmac::Key,
    clock: Arc<dyn Clock>,
    right: Mutex<HashMap<[u8; 32], Timestamp>>,
}

impl Verdicts {
    pub(super) fn new(random: &dyn Random, clock: Arc<dyn Clock>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>(random));
        Self {
            key,
            clock,
            right: Mutex::default(),
        }
    }

    pub(super) fn knows(&self, id: MailboxId, generation: i64, hash: &str, password: &str) -> bool {
        let tag = self.tag(id, generation, hash, password);
        let now = self.clock.now();
        self.right
            .lock()
            .get(&tag)
            .is_some_and(|at| now.since(*at) < GOOD_FOR && *at <= now)
    }

    pub(super) fn remember(&self, id: MailboxId, generation: i64, hash: &str, password: &str) {
        let tag = self.tag(id, generation, hash, password);
        let now = self.clock.now();
        let mut right = self.right.lock();
        if right.len() >= MOST {
            right.retain(|_, at| now.since(*at) < GOOD_FOR);
        }
        if right.len() < MOST {
            right.insert(tag, now);
        }
    }

    fn tag(&self, id: MailboxId, generation: i64, hash: &str, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&id.0.to_be_bytes());
        context.update(&generation.to_be_bytes());
        context.update(&(hash.len() as u64).to_be_bytes());
        context.update(hash.as_bytes());
        context.update(password.as_bytes());
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}
