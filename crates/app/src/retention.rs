//! Sweeping what has ended: sessions, flows, proofs, lapsed pending links, old attempts, what apps
//! were granted, and app passwords revoked long ago. People whose mail programs are about to stop are warned first.

use crate::oauth::devices::KEPT as KEEP_DEVICES;
use crate::settings::{Records, Retention};
use crate::{App, Problem, departures, ended};
use model::time::DAY;
use std::time::Duration;
use store::Conn;

/// Rows taken away in one round and table: a round never holds the writer for long.
const AT_ONCE: u32 = 500;
/// Most rounds of one sweep: 100,000 rows of each table, which is more than a minute brings.
const ROUNDS: usize = 200;
/// How long the counts behind the charts are kept: a year and a day, some rows an hour.
const KEEP_COUNTS: Duration = DAY.saturating_mul(366);
/// So long after its end a sign-in is known to whoever comes back with it: as long as their browser is
/// (its cookie lives for an hour).
const REMEMBER_FLOWS: Duration = Duration::from_secs(60 * 60);
/// How long an answer may be judged: longer than all calls of a sign-in take.
const JUDGED_WITHIN: Duration = Duration::from_secs(60);
/// How long an alert stays that nobody meets any more.
const KEEP_ALERTS: Duration = DAY.saturating_mul(30);

impl App {
    /// Rounds until nothing that has ended is left; called every minute by the web worker. Other
    /// writes go between the rounds.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only.
    pub async fn sweep(&self) -> Result<(), Problem> {
        self.warn_people().await?;
        // What has ended is swept whatever becomes of the keys.
        if let Err(error) = self.rotate_signing_keys().await {
            tracing::error!(%error, "the keys of ID tokens could not be looked after");
        }
        let kept = self.retention().await?;
        for _ in 0..ROUNDS {
            if !self.sweep_some(&kept).await? {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// One bounded round; tells whether some table may hold more.
    async fn sweep_some(&self, kept: &Retention) -> Result<bool, Problem> {
        let now = self.clock.now();
        let oldest = |records| now.minus(self.kept_for(kept, records));
        let oldest_attempt = oldest(Records::Attempts);
        let oldest_mail_attempt = oldest(Records::MailAttempts);
        let oldest_change = oldest(Records::Audit);
        let oldest_count = now.minus(KEEP_COUNTS);
        let oldest_alert = now.minus(KEEP_ALERTS);
        let oldest_device = now.minus(KEEP_DEVICES);
        let public_url = self.config.public_url.clone();
        self.write_ringing(async move |tx: &mut Conn| {
            ended::kick(tx, now).await?;
            store::links::sweep_pending(tx, now).await?;
            store::oauth_apps::sweep_secrets(tx, now).await?;
            store::attempt_counts::prune(tx, oldest_count).await?;
            // One that came back in the last moment is still being judged.
            let ended = now.minus(JUDGED_WITHIN);
            let left = store::sign_in_flows::sweep(tx, ended, AT_ONCE).await?;
            let flows = left.len() as u64;
            departures::lost(tx, left, &public_url, now).await?;
            // A phone that still tries one is told by name as long as its tries are remembered.
            let gone = [
                flows,
                store::sign_in_flows::forget(tx, now.minus(REMEMBER_FLOWS), AT_ONCE).await?,
                store::link_proofs::sweep(tx, now, AT_ONCE).await?,
                store::logout_tokens::sweep(tx, now, AT_ONCE).await?,
                store::sessions::sweep(tx, now, AT_ONCE).await?,
                store::attempts::prune_web(tx, oldest_attempt, AT_ONCE).await?,
                store::attempts::prune_mail(tx, oldest_mail_attempt, AT_ONCE).await?,
                store::app_passwords::forget_revoked(tx, oldest_mail_attempt, AT_ONCE).await?,
                store::audit::prune(tx, oldest_change, AT_ONCE).await?,
                store::alerts::prune(tx, oldest_alert, AT_ONCE).await?,
                store::app_grants::sweep(tx, now, AT_ONCE).await?,
                store::app_tokens::sweep(tx, now, AT_ONCE).await?,
                store::app_devices::sweep(tx, oldest_device, AT_ONCE).await?,
            ];
            Ok(gone.iter().any(|rows| *rows >= u64::from(AT_ONCE)))
        })
        .await
    }
}
