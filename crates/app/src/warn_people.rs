//! Telling people by mail, to their own mailbox, before their mail programs, and websites that go on
//! without them, stop because no provider has confirmed them: while they still work.
//!
//! Each letter is left in the outbox by the transaction that finds it due, and looked at once more
//! when it is sent: whoever was confirmed meanwhile gets none.

use crate::outbox::{self, Effect};
use crate::ports::{EffectFailed, Engines, Letter};
use crate::{App, Problem, audit};
use model::audit::Actor;
use model::ids::{DomainId, MailboxId};
use model::mailbox::Mailbox;
use model::rules::confirmation::{Standing, Warning};
use model::time::Timestamp;
use serde_json::json;
use store::{Conn, StoreError};

/// What an administrator is told where such letters cannot be sent.
pub const UNSENT: &str = "Warning mails cannot be sent, for nothing listens for SMTP here. People \
                          see on their first page only that their mail programs and apps will stop.";

/// Letters left in one look, a minute's work: a whole company's may be due at once.
const AT_ONCE: u32 = 500;
/// Domains in one query.
const DOMAINS: u32 = 500;

/// What a person has that will stop.
#[derive(Debug, Clone, Copy)]
struct Stops {
    /// Something opens mail programs.
    mail: bool,
    /// Some app goes on while they are away.
    apps: bool,
}

impl App {
    /// Whether there are people to be warned by mail, and no way to send any.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only.
    pub async fn cannot_warn(&self) -> Result<bool, Problem> {
        if self.config.helpdesk.is_some() {
            return Ok(false);
        }
        let mut read = self.store.read()?;
        let policies = store::confirmation::policies(&mut read, DomainId(0), 1).await?;
        Ok(!policies.is_empty())
    }

    /// Leaves the letters that are due, a bounded number. Without a way to send them they are not
    /// due yet: they are, as long as there is time, once there is one.
    pub(crate) async fn warn_people(&self) -> Result<(), Problem> {
        if self.config.helpdesk.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let left = self
            .store
            .write(async move |tx: &mut Conn| leave(tx, now).await)
            .await?;
        if left > 0 {
            tracing::info!(
                letters = left,
                "people are warned that their mail programs and apps will stop"
            );
        }
        Ok(())
    }

    /// Sends one, if it still says what is so.
    pub(crate) async fn warn(
        &self,
        (id, letter, deadline): (MailboxId, Warning, Timestamp),
        engines: &dyn Engines,
    ) -> Result<(), EffectFailed> {
        let failed = |error: StoreError| EffectFailed(error.to_string());
        let now = self.clock.now();
        let wanted = self.wanted(id, letter, deadline, now).await;
        let Some((mailbox, standing, stops)) = wanted.map_err(failed)? else {
            return Ok(());
        };
        let text = written(
            &self.config.public_url,
            &mailbox,
            &standing,
            stops,
            deadline,
        );
        engines.send(&text).await?;
        self.store
            .write(async move |tx: &mut Conn| {
                store::confirmation::warned(tx, id, now).await?;
                let (at, by) = (&mailbox.address, Actor::System);
                let details = json!({ "letter": letter, "deadline": deadline });
                audit::note(tx, now, &by, "mailbox.warned", at, details).await
            })
            .await
            .map_err(failed)
    }

    /// Whom a letter goes to; `None` if nobody needs it any more.
    async fn wanted(
        &self,
        id: MailboxId,
        letter: Warning,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Option<(Mailbox, Standing, Stops)>, StoreError> {
        let mut read = self.store.read()?;
        let Some(mailbox) = store::mailboxes::by_id(&mut read, id).await? else {
            return Ok(None);
        };
        let domain = store::domains::by_id(&mut read, mailbox.domain).await?;
        let standing = store::confirmation::of(&mut read, id).await?;
        let standing = standing.filter(|standing| standing.wants(letter, deadline, now));
        let (true, Some(standing)) = (
            mailbox.active && domain.is_some_and(|domain| domain.active),
            standing,
        ) else {
            return Ok(None);
        };
        let mail = mailbox.password_opens_mail(now)
            || store::app_passwords::list(&mut read, id)
                .await?
                .iter()
                .any(|one| one.revoked.is_none() && one.ends.is_none_or(|ends| now < ends));
        let apps = store::app_grants::go_on(&mut read, id, now).await?;
        Ok((mail || apps).then_some((mailbox, standing, Stops { mail, apps })))
    }
}

/// How many letters were left.
async fn leave(tx: &mut Conn, now: Timestamp) -> Result<u32, StoreError> {
    let (mut after, mut room) = (DomainId(0), AT_ONCE);
    loop {
        let policies = store::confirmation::policies(tx, after, DOMAINS).await?;
        let Some((last, _)) = policies.last() else {
            return Ok(AT_ONCE - room);
        };
        after = *last;
        for (domain, policy) in policies {
            for letter in Warning::ALL {
                let Some(bounds) = letter.due(policy, now).filter(|_| room > 0) else {
                    continue;
                };
                let due = store::confirmation::soon(tx, domain, letter, bounds, room).await?;
                for (mailbox, confirmed) in due {
                    let effect = Effect::Warn {
                        mailbox,
                        letter,
                        deadline: policy.deadline(confirmed),
                    };
                    outbox::put(tx, &effect, now).await?;
                    room = room.saturating_sub(1);
                }
            }
        }
    }
}

impl Stops {
    /// What the letter calls it in its subject and in its first line, and what it says of the time after.
    const fn words(self) -> [&'static str; 3] {
        match (self.mail, self.apps) {
            (true, false) => [
                "your mail programs",
                "Your mail programs and phones stop getting and sending mail for",
                "No mail gets lost, and your app passwords stay. If your programs have\n\
                 stopped, they go on by themselves as soon as you have signed in.",
            ],
            (true, true) => [
                "mail programs and websites",
                "Your mail programs and phones, and websites that go on without you, stop for",
                "No mail gets lost, and your app passwords stay. Whatever has stopped goes on\n\
                 by itself as soon as you have signed in; some websites ask you to sign in to\n\
                 them once more.",
            ],
            (false, _) => [
                "connected websites",
                "Websites that go on without you stop for",
                "Whatever has stopped goes on by itself as soon as you have signed in; some\n\
                 websites ask you to sign in to them once more.",
            ],
        }
    }
}

/// The letter: what will happen, when, and what to do.
fn written(
    public: &str,
    mailbox: &Mailbox,
    standing: &Standing,
    stops: Stops,
    deadline: Timestamp,
) -> Letter {
    let (address, when) = (&mailbox.address, deadline.minute());
    let days = standing.policy.map_or(0, |policy| policy.within_days);
    let every = match days {
        1 => "every day".to_owned(),
        days => format!("every {days} days"),
    };
    let [short, what, afterwards] = stops.words();
    let text = format!(
        "{what}\n\
         {address}\n\
         on {when}, unless you sign in before.\n\n\
         To keep them going, sign in once in a browser:\n\
         {public}/\n\n\
         Why: {domain} wants your company's sign-in to confirm at least\n\
         {every} that you are still there. It last did on {confirmed}.\n\n\
         {afterwards}\n\
         If you have signed in since this letter was written, there is nothing to do.\n\n\
         Nobody will ask for an app password there. If you are in doubt about this\n\
         letter, type the address yourself, or ask your helpdesk.\n",
        domain = address.domain(),
        confirmed = standing.confirmed.date(),
    );
    Letter {
        to: address.clone(),
        subject: format!("Sign in before {when}, or {short} stop"),
        text,
    }
}
