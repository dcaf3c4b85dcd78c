//! Settings that are changed while the server runs.

use app::settings::{Records, Retention};
use app::{App, Problem};
use model::audit::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document;

/// What is asked about settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsRequest {
    /// How they are.
    Show,
    /// Changes some.
    Edit {
        /// For each kind of records that is changed: days, or nothing for those of the
        /// configuration file.
        keep: Vec<(String, Option<u32>)>,
        /// The names of private claims.
        private_claims: Option<Vec<String>>,
    },
}

/// The settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettingsDocument {
    /// Days for which attempts on the web are kept.
    pub keep_attempts: KeepDocument,
    /// Days for which attempts of mail programs are kept.
    pub keep_mail_attempts: KeepDocument,
    /// Days for which the record of changes is kept.
    pub keep_audit: KeepDocument,
    /// Claims whose values nobody sees without opening them.
    pub private_claims: Vec<String>,
}

/// How long a kind of records is kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct KeepDocument {
    /// Days.
    pub days: u64,
    /// Whether an administrator has set it; else it is as in the configuration file.
    pub set: bool,
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: SettingsRequest,
) -> Result<Value, Problem> {
    if let SettingsRequest::Edit {
        keep,
        private_claims,
    } = request
    {
        if !keep.is_empty() {
            let mut set = app.retention().await?;
            for (field, days) in keep {
                let place = match Records::ALL.into_iter().find(|r| r.field() == field) {
                    Some(Records::Attempts) => &mut set.keep_attempts,
                    Some(Records::MailAttempts) => &mut set.keep_mail_attempts,
                    Some(Records::Audit) => &mut set.keep_audit,
                    None => return Err(Problem::field(&field, "there is no such setting")),
                };
                *place = days;
            }
            app.set_retention(actor, set).await?;
        }
        if let Some(names) = private_claims {
            app.set_private_claims(actor, names).await?;
        }
    }
    let set = app.retention().await?;
    document(SettingsDocument {
        keep_attempts: keep(app, &set, Records::Attempts),
        keep_mail_attempts: keep(app, &set, Records::MailAttempts),
        keep_audit: keep(app, &set, Records::Audit),
        private_claims: app.private_claims().await?,
    })
}

fn keep(app: &App, set: &Retention, records: Records) -> KeepDocument {
    KeepDocument {
        days: app.kept_for(set, records).as_secs() / model::time::DAY.as_secs(),
        set: set.of(records).is_some(),
    }
}
