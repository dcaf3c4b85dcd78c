//! A person's own local password.

use crate::outbox::{self, Effect};
use crate::ports::Account;
use crate::web_passwords::Judged;
use crate::{App, Client, Problem, audit};
use model::audit::Actor;
use model::ids::{MailboxId, SessionId};
use model::session::Principal;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use store::Conn;

/// Shortest local password (NIST SP 800-63B asks for 15 as a single factor; mail protocols make it one).
pub const MIN_CHARS: usize = 12;
/// Longest, so that hashing stays bounded.
pub const MAX_CHARS: usize = 256;

impl App {
    /// Changes a person's local password after checking the old one; ends the other sessions and
    /// live mail sessions.
    pub async fn change_password(
        &self,
        mailbox: MailboxId,
        keep: SessionId,
        old: SecretString,
        new: SecretString,
        client: &Client,
    ) -> Result<(), Problem> {
        check_new(&new)?;
        let (row, generation, hash) = {
            let mut read = self.store.read()?;
            let row = store::mailboxes::by_id(&mut read, mailbox).await?;
            (
                row,
                // Before the hash: if it is the same later, so is the password.
                store::mailboxes::generation(&mut read, mailbox).await?,
                store::mailboxes::password_hash(&mut read, mailbox).await?,
            )
        };
        let row = row.ok_or_else(|| Problem::NotFound("such mailbox".to_owned()))?;
        if !row.methods.local {
            return Err(Problem::InUse(
                "this mailbox signs in by its provider; it has no password of its own to change"
                    .to_owned(),
            ));
        }
        let account = Account::Mailbox(row.address.to_string());
        match self.judge(account, old, hash, client).await? {
            Judged::Right { .. } => {}
            Judged::Wrong => return Err(Problem::field("old", "this is not your password")),
        }
        let hash = self.desk.hash(new).await?;
        let now = self.clock.now();
        let actor = Actor::Person {
            id: mailbox,
            address: row.address.to_string(),
        };
        self.write_ringing(async move |tx: &mut Conn| {
            // Reset or switched meanwhile: the old password proves nothing any more.
            if store::mailboxes::generation(tx, mailbox).await? != generation {
                return Err(Problem::Stale);
            }
            store::mailboxes::set_password(tx, mailbox, Some(&hash), now).await?;
            store::sessions::delete_others(tx, Principal::Person(mailbox), keep).await?;
            outbox::put(
                tx,
                &Effect::Kick {
                    address: row.address.clone(),
                },
                now,
            )
            .await?;
            audit::note(
                tx,
                now,
                &actor,
                "mailbox.password",
                &row.address,
                Value::Null,
            )
            .await?;
            Ok::<_, Problem>(())
        })
        .await
    }
}

/// Checks a new password by length alone, as NIST SP 800-63B asks.
///
/// # Errors
/// A problem of the field `password`.
pub fn check_new(password: &SecretString) -> Result<(), Problem> {
    let chars = password.expose_secret().chars().count();
    if chars < MIN_CHARS {
        return Err(Problem::field(
            "password",
            format!("use at least {MIN_CHARS} characters"),
        ));
    }
    if chars > MAX_CHARS || password.expose_secret().contains('\0') {
        return Err(Problem::field(
            "password",
            format!("use at most {MAX_CHARS} characters"),
        ));
    }
    Ok(())
}
