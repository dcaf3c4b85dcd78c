//! The short-lived process that removes the mail of deleted mailboxes.

use std::time::Duration;

use super::bench::Bench;
use super::worker::{StartError, Worker};
use crate::channel::control::{Report, Role};

/// Some hundred mailboxes of a hundred thousand files each take minutes on a slow disk. What is left
/// then is begun again.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Runs it to its end. An error names what could not be removed.
pub(super) async fn run(bench: &Bench) -> Result<(), StartError> {
    let worker = Worker::start(bench, &bench.edition(), Role::Collect).await?;
    let collected = |word: &Report| matches!(word, Report::Collected);
    worker.done(collected, PATIENCE).await.map(drop)
}
