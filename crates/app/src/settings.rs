//! How long records are kept, as administrators set it on the pages or the command line. What is
//! not set there is as the configuration file has it.

use crate::{App, FieldProblem, Problem, audit};
use model::audit::Actor;
use model::time::DAY;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::ops::RangeInclusive;
use std::time::Duration;
use store::{Conn, StoreError};

/// The setting's name in the store.
const SETTING: &str = "retention";

/// A kind of records, by the name of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// Attempts on the web, with their steps and claims.
    Attempts,
    /// Attempts of mail programs, and app passwords after they were revoked.
    MailAttempts,
    /// Who changed what.
    Audit,
}

impl Records {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Attempts, Self::MailAttempts, Self::Audit];

    /// The field of forms, options and JSON.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Attempts => "keep_attempts",
            Self::MailAttempts => "keep_mail_attempts",
            Self::Audit => "keep_audit",
        }
    }

    /// The days it may be kept. The record of changes cannot be made to vanish overnight.
    #[must_use]
    pub const fn bounds(self) -> RangeInclusive<u32> {
        match self {
            Self::Attempts | Self::MailAttempts => 1..=400,
            Self::Audit => 30..=3660,
        }
    }
}

/// Days for each kind, where an administrator has set them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Attempts on the web.
    pub keep_attempts: Option<u32>,
    /// Attempts of mail programs.
    pub keep_mail_attempts: Option<u32>,
    /// The record of changes.
    pub keep_audit: Option<u32>,
}

impl Retention {
    /// The days of one kind.
    #[must_use]
    pub const fn of(&self, records: Records) -> Option<u32> {
        match records {
            Records::Attempts => self.keep_attempts,
            Records::MailAttempts => self.keep_mail_attempts,
            Records::Audit => self.keep_audit,
        }
    }

    fn check(&self) -> Result<(), Problem> {
        let wrong = |records: Records| {
            let (bounds, days) = (records.bounds(), self.of(records)?);
            (!bounds.contains(&days)).then(|| FieldProblem {
                field: records.field().to_owned(),
                message: format!("{} to {} days", bounds.start(), bounds.end()),
            })
        };
        let problems: Vec<_> = Records::ALL.into_iter().filter_map(wrong).collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Problem::Invalid(problems))
        }
    }
}

impl App {
    /// What administrators have set.
    pub async fn retention(&self) -> Result<Retention, Problem> {
        let mut read = self.store.read()?;
        let stored = store::settings::get(&mut read, SETTING).await?;
        // A value of no use is as none: the configuration file's then.
        let set = stored.and_then(|text| serde_json::from_str(&text).ok());
        Ok(set.unwrap_or_default())
    }

    /// How long a kind of records is kept, with what is set.
    #[must_use]
    pub fn kept_for(&self, set: &Retention, records: Records) -> Duration {
        let from_file = match records {
            Records::Attempts => self.config.keep_attempts,
            Records::MailAttempts => self.config.keep_mail_attempts,
            Records::Audit => self.config.keep_audit,
        };
        set.of(records).map_or(from_file, |days| DAY * days)
    }

    /// Sets how long records are kept. What is older then is removed within minutes, for good.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for days out of [`Records::bounds`].
    pub async fn set_retention(&self, actor: &Actor, set: Retention) -> Result<(), Problem> {
        set.check()?;
        let before = self.retention().await?;
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let text = json!(set).to_string();
                store::settings::set(tx, SETTING, &text).await?;
                let details = json!({ "before": before, "after": set });
                audit::note(tx, now, &actor, "settings.edit", SETTING, details).await?;
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_bounds() {
        let days = |attempts, audit| Retention {
            keep_attempts: attempts,
            keep_mail_attempts: None,
            keep_audit: audit,
        };
        for (set, field) in [
            (days(None, None), None),
            (days(Some(1), Some(30)), None),
            (days(Some(400), Some(3660)), None),
            (days(Some(0), None), Some("keep_attempts")),
            (days(Some(401), None), Some("keep_attempts")),
            (days(None, Some(29)), Some("keep_audit")),
        ] {
            let wrong = match set.check() {
                Err(Problem::Invalid(problems)) => Some(problems[0].field.clone()),
                _ => None,
            };
            assert_eq!(wrong.as_deref(), field, "{set:?}");
        }
    }
}
