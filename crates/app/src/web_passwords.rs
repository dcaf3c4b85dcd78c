//! Human passwords typed into pages: judged at the desk, and every wrong one answered a fixed time
//! after it was sent, so that neither what it cost to find out nor its account shows.

use crate::ports::{Account, PasswordQuestion, PasswordVerdict, Unavailable};
use crate::sign_in::locked;
use crate::{App, Client, Problem};
use secrecy::SecretString;
use tokio::time::Instant;

/// Most wrong answers held back at once.
pub(crate) const MOST_HELD: usize = 512;

/// What became of a password that was looked at.
pub(crate) enum Judged {
    /// Right, with a better hash if there is one to store.
    Right { rehash: Option<String> },
    /// Wrong, and counted.
    Wrong,
}

impl App {
    /// Judges a password within the budgets.
    ///
    /// # Errors
    /// [`Problem::Refused`] over budget, [`Problem::Unavailable`].
    pub(crate) async fn judge(
        &self,
        account: Account,
        password: SecretString,
        hash: Option<String>,
        client: &Client,
    ) -> Result<Judged, Problem> {
        let asked = Instant::now();
        let question = PasswordQuestion {
            account,
            ip: client.ip,
            password,
            hash,
        };
        match self.desk.verify(question).await {
            PasswordVerdict::Right { rehash } => Ok(Judged::Right { rehash }),
            PasswordVerdict::Wrong { due } => {
                // An answer at once would tell a guesser that guessing just became faster.
                let _held = self.held.try_acquire().map_err(|_| Unavailable)?;
                tokio::time::sleep_until(asked + due).await;
                Ok(Judged::Wrong)
            }
            PasswordVerdict::Throttled(wait) => Err(wait.into()),
            PasswordVerdict::Stopped => Err(Problem::Refused(locked())),
            PasswordVerdict::Unavailable => Err(Unavailable.into()),
        }
    }
}
