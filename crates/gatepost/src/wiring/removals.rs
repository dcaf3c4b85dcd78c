//! The mail of deleted mailboxes, as far as the web worker can have it removed.
//!
//! It names the mailbox in the spool and asks the keeper to collect; the name is taken away when the
//! mail is gone ([`crate::worker`], the collect process).

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::ports::Progress;
use model::mailbox::directory_of;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::channel::control::Verb;
use crate::worker::Keeper;

/// What is to be removed. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Removals {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    spool: PathBuf,
    keeper: Keeper,
    /// Named in the spool by this process.
    named: Mutex<HashSet<Uuid>>,
    collecting: AtomicBool,
}

impl Removals {
    /// Forgets what a former life has named: the store knows better, and after a restored backup a
    /// name may stand for a mailbox that lives.
    pub(super) fn new(spool: PathBuf, keeper: Keeper) -> Self {
        for entry in fs::read_dir(&spool).into_iter().flatten().flatten() {
            if let Err(error) = fs::remove_file(entry.path()) {
                tracing::error!(%error, path = %entry.path().display(), "this cannot be removed");
            }
        }
        Self {
            shared: Arc::new(Shared {
                spool,
                keeper,
                named: Mutex::default(),
                collecting: AtomicBool::new(false),
            }),
        }
    }

    /// Has a mailbox's directory removed. Never waits for it: ask again.
    pub(super) fn remove(&self, storage: Uuid) -> io::Result<Progress> {
        let entry = self.shared.spool.join(storage.simple().to_string());
        {
            let mut named = self.shared.named.lock();
            if named.contains(&storage) && !entry.try_exists()? {
                named.remove(&storage);
                let directory = directory_of(storage);
                tracing::info!(
                    mail.directory = directory,
                    "the mail of a deleted mailbox is gone"
                );
                return Ok(Progress::Done);
            }
            match fs::File::create_new(&entry) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => named.insert(storage),
            };
        }
        self.collect();
        Ok(Progress::UnderWay)
    }

    /// Asks the keeper, unless it is at it. Whatever it has missed then is asked for again.
    fn collect(&self) {
        let shared = Arc::clone(&self.shared);
        if shared.collecting.swap(true, Ordering::AcqRel) {
            return;
        }
        tokio::spawn(async move {
            if let Err(error) = shared.keeper.ask(Verb::Collect).await {
                tracing::error!(%error, "mail of deleted mailboxes cannot be removed");
            }
            shared.collecting.store(false, Ordering::Release);
        });
    }
}
