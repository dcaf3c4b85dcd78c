//! First run: the one-time set-up link and the first administrator.

use crate::ports::OtherTry;
use crate::sign_in::SignedIn;
use crate::{App, Client, Problem, admins, templates};
use model::audit::Actor;
use model::random;
use secrecy::SecretString;
use std::time::Duration;
use store::Conn;

/// How long a set-up link is good.
pub const LINK_LIFETIME: Duration = Duration::from_secs(3600);

/// Whether set-up is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupState {
    /// No administrator exists.
    Needed,
    /// Done; never offered again.
    Done,
}

impl App {
    /// Whether an administrator exists.
    pub async fn setup_state(&self) -> Result<SetupState, Problem> {
        let mut read = self.store.read()?;
        let admins = store::admins::count(&mut read).await?;
        Ok(if admins == 0 {
            SetupState::Needed
        } else {
            SetupState::Done
        })
    }
    /// A new link, which replaces any earlier one: `PUBLIC_URL/setup#TOKEN` (the token stands in the
    /// fragment and a form field, so that it reaches no log). [`Problem::InUse`] once set-up is done.
    pub async fn issue_setup_link(&self) -> Result<SecretString, Problem> {
        let token = random::token(self.random.as_ref());
        let (tag, ends) = (
            self.keys.tag.tag(&[b"setup", token.as_bytes()]),
            self.clock.now().plus(LINK_LIFETIME),
        );
        self.store
            .write(async move |tx: &mut Conn| {
                if store::admins::count(tx).await? > 0 {
                    return Err(done());
                }
                store::setup_links::put(tx, &tag, ends).await?;
                Ok(())
            })
            .await?;
        Ok(SecretString::from(format!(
            "{}/setup#{token}",
            self.config.public_url
        )))
    }
    /// Creates the first administrator and signs it in; a template to begin with is made too.
    /// Throttled by network.
    pub async fn redeem_setup_link(
        &self,
        token: &str,
        admin: crate::admins::NewAdmin,
        client: &Client,
    ) -> Result<SignedIn, Problem> {
        // A form that cannot be right is no guess at the link.
        let form = admins::validated(&admin)?;
        self.desk.try_other(OtherTry::SetupLink, client.ip).await?;
        let hash = self.desk.hash(admin.password).await?;
        let tag = self.keys.tag.tag(&[b"setup", token.as_bytes()]);
        let now = self.clock.now();
        let created = self
            .store
            .write(async move |tx: &mut Conn| {
                if store::admins::count(tx).await? > 0 {
                    return Err(done());
                }
                if !store::setup_links::take(tx, &tag, now).await? {
                    return Err(Problem::NotFound(
                        "such set-up link: it was used or has run out; run `gatepost setup link` on the server".to_owned(),
                    ));
                }
                let admin = admins::insert(tx, now, &Actor::System, &form, &hash).await?;
                templates::insert_default(tx, now).await?;
                Ok(admin)
            })
            .await?;
        self.desk.forgive(OtherTry::SetupLink, client.ip).await;
        self.open_admin_session(created, client).await
    }
}

fn done() -> Problem {
    Problem::InUse(
        "set-up is done: an administrator exists; sign in, or run `gatepost admin reset`"
            .to_owned(),
    )
}
