//! Acts that ask administrators for their own password once more: an open page, a borrowed screen
//! or a stolen session cookie is not enough for them.
//!
//! The password comes with the act, so nothing about it is kept and nothing has to lapse. It is
//! looked at only when the use case asks, within the same budgets as signing in.

use crate::ports::Account;
use crate::web_passwords::Judged;
use crate::{App, Client, Problem};
use model::audit::Actor;
use secrecy::{ExposeSecret as _, SecretString};

/// The field of the password in forms.
pub const FIELD: &str = "own_password";

/// Who acts, with the password that proves it once more if they sent one.
#[derive(Debug, Clone)]
pub struct Doer {
    pub(crate) actor: Actor,
    proof: Option<Proof>,
    /// Whether they turn a provider on untested and say so.
    pub(crate) untested: bool,
}

#[derive(Debug, Clone)]
struct Proof {
    password: SecretString,
    client: Client,
}

impl Doer {
    /// Somebody with what they typed into the field [`FIELD`]; an empty text proves nothing.
    #[must_use]
    pub fn with_password(actor: Actor, password: SecretString, client: Client) -> Self {
        let typed = !password.expose_secret().is_empty();
        Self {
            actor,
            proof: typed.then_some(Proof { password, client }),
            untested: false,
        }
    }

    /// The same, who turns a provider on although no test sign-in has passed
    /// ([`crate::providers::UNTESTED`]).
    #[must_use]
    pub fn untested(self, untested: bool) -> Self {
        Self { untested, ..self }
    }
}

impl From<&Actor> for Doer {
    /// Somebody who proves nothing beyond what let them in.
    fn from(actor: &Actor) -> Self {
        Self {
            actor: actor.clone(),
            proof: None,
            untested: false,
        }
    }
}

impl App {
    /// Lets an act go on whose doer is proven: an administrator by the own password. Whoever holds
    /// the server's command line needs no password of ours.
    ///
    /// # Errors
    /// A problem of the field [`FIELD`] if the password is missing or wrong, which is counted;
    /// [`Problem::Throttled`].
    pub(crate) async fn demand_step_up(&self, doer: &Doer) -> Result<(), Problem> {
        let (id, name) = match &doer.actor {
            Actor::CommandLine => return Ok(()),
            Actor::Admin { id, name } => (*id, name),
            Actor::Person { .. } | Actor::System => {
                return Err(Problem::field(
                    FIELD,
                    "a local administrator has to do this",
                ));
            }
        };
        let Some(Proof { password, client }) = &doer.proof else {
            return Err(Problem::field(FIELD, "type your own password to do this"));
        };
        let hash = store::admins::password_hash(&mut *self.store.read()?, id).await?;
        let account = Account::Admin(name.to_lowercase());
        match self.judge(account, password.clone(), hash, client).await? {
            Judged::Right { .. } => Ok(()),
            Judged::Wrong => {
                tracing::warn!(admin.name = %name, "a wrong password for an act that asks for it");
                Err(Problem::field(FIELD, "this is not your password"))
            }
        }
    }
}
