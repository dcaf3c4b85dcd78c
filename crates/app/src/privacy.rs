//! Which claims are private, and opening their values: written down each time.

use crate::{App, Problem, audit};
use model::attempt::{Attempt, Reference};
use model::audit::Actor;
use model::rules::privacy::{self, DEFAULT_PRIVATE, Viewer};
use serde_json::json;
use store::{Conn, StoreError};

/// The setting's name in the store.
const SETTING: &str = "private_claims";

/// Most names, and the longest.
const MOST: usize = 100;
const LONGEST: usize = 100;

impl App {
    /// The names of the claims whose values nobody sees without opening them.
    pub async fn private_claims(&self) -> Result<Vec<String>, Problem> {
        Ok(private_names(&mut *self.store.read()?).await?)
    }

    /// Says which claims are private; returns them in order, each once.
    ///
    /// # Errors
    /// A problem of the field `private_claims`.
    pub async fn set_private_claims(
        &self,
        actor: &Actor,
        names: Vec<String>,
    ) -> Result<Vec<String>, Problem> {
        let mut names: Vec<_> = names
            .iter()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        names.dedup();
        let bad = |name: &String| {
            name.chars().count() > LONGEST || name.contains(|c: char| c.is_control())
        };
        if names.len() > MOST || names.iter().any(bad) {
            return Err(Problem::field(
                SETTING,
                "at most 100 names of claims, each of at most 100 characters",
            ));
        }
        let before = self.private_claims().await?;
        let (now, actor, after) = (self.clock.now(), actor.clone(), names.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let text = json!(after).to_string();
                store::settings::set(tx, SETTING, &text).await?;
                let details = json!({ "before": before, "after": after });
                audit::note(tx, now, &actor, "settings.edit", SETTING, details).await
            })
            .await?;
        Ok(names)
    }

    /// An attempt with all its values, for an administrator who has a reason to see them: that it
    /// was opened, and by whom, is written down first.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub async fn open_attempt(
        &self,
        actor: &Actor,
        reference: &Reference,
    ) -> Result<Attempt, Problem> {
        let mut read = self.store.read()?;
        let attempt = self.recorded(&mut read, reference).await?;
        drop(read);
        self.note_opened(actor, "attempt.open", reference).await?;
        Ok(attempt)
    }

    /// Writes down that private values were opened, before anybody sees them.
    pub(crate) async fn note_opened(
        &self,
        actor: &Actor,
        act: &'static str,
        object: impl std::fmt::Display,
    ) -> Result<(), Problem> {
        let (now, actor, object) = (self.clock.now(), actor.clone(), object.to_string());
        self.store
            .write(async move |tx: &mut Conn| {
                audit::note(tx, now, &actor, act, &object, json!({})).await?;
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// An attempt as it is stored.
    pub(crate) async fn recorded(
        &self,
        read: &mut Conn,
        reference: &Reference,
    ) -> Result<Attempt, Problem> {
        store::attempts::by_reference(read, reference)
            .await?
            .ok_or_else(|| {
                Problem::NotFound(format!(
                    "attempt {reference}; it may be older than attempts are kept"
                ))
            })
    }
}

/// The names of the claims that are private, as they are stored.
pub(crate) async fn private_names(read: &mut Conn) -> Result<Vec<String>, StoreError> {
    let stored = store::settings::get(read, SETTING).await?;
    // A value of no use hides what the default hides.
    let named = stored.and_then(|text| serde_json::from_str(&text).ok());
    Ok(named.unwrap_or_else(|| DEFAULT_PRIVATE.map(str::to_owned).to_vec()))
}

/// Takes out what an administrator does not see at first.
pub(crate) fn masked(mut attempt: Attempt, private: &[String]) -> Attempt {
    let refusal = attempt.refusal.as_mut();
    privacy::hide(Viewer::Administrator, private, &mut attempt.trace, refusal);
    attempt
}
