//! The short-lived process that brings the store up to date.

use std::time::Duration;

use super::bench::{Bench, Edition};
use super::files::{Owner, write};
use super::worker::{StartError, Worker};
use crate::channel::control::{Report, Role};

/// A million mailboxes take half a minute; this is for slow disks.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// Runs it to its end, and puts the keys it reports where the auth worker alone can read them. The
/// web worker must not run.
pub(super) async fn run(bench: &Bench, edition: &Edition) -> Result<(), StartError> {
    let worker = Worker::start(bench, edition, Role::Migrate).await?;
    let migrated = |word: &Report| matches!(word, Report::Migrated);
    let keys = worker.done(migrated, PATIENCE).await?;
    let path = edition.config.layout().auth_keys();
    let owner = bench.account(Role::Auth);
    let owner = Owner {
        uid: owner.map(|ids| ids.uid),
        gid: owner.map(|ids| ids.gid),
    };
    write(&path, &keys, 0o400, owner)
        .map_err(|error| StartError::Failed(format!("cannot write {}: {error}", path.display())))
}
