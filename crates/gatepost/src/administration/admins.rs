//! Set-up, and local administrators.

use app::admins::{Admin, NewAdmin};
use app::setup::{LINK_LIFETIME, SetupState};
use app::{App, Problem};
use model::audit::Actor;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{deleted, document, moment};
use crate::wiring::WireSecret;

/// What is asked about administrators.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminRequest {
    /// Adds one.
    Create {
        /// Name.
        name: String,
        /// Where alerts and role mail go.
        email: String,
        /// Password.
        password: WireSecret,
    },
    /// All of them.
    List,
    /// Sets a new password and ends the sessions.
    Reset {
        /// Name.
        name: String,
        /// Password.
        password: WireSecret,
    },
    /// Removes one; never the last.
    Delete {
        /// Name.
        name: String,
    },
}

/// An administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdminDocument {
    /// Name.
    pub name: String,
    /// Where alerts and role mail go.
    pub email: String,
    /// When it was added.
    pub created: String,
}

/// All administrators.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdminList {
    /// By name.
    pub admins: Vec<AdminDocument>,
}

/// A set-up link.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetupLink {
    /// The link, which holds a one-time secret.
    pub link: String,
    /// The command that leads to it from elsewhere, where set-up answers on the server only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// When it ends.
    pub ends: String,
}

impl From<Admin> for AdminDocument {
    fn from(admin: Admin) -> Self {
        Self {
            name: admin.name,
            email: admin.email,
            created: moment(admin.created),
        }
    }
}

pub(super) async fn setup_link(app: &App) -> Result<Value, Problem> {
    let link = app.issue_setup_link().await?;
    document(SetupLink {
        link: link.expose_secret().to_owned(),
        tunnel: None,
        ends: moment(app.now().plus(LINK_LIFETIME)),
    })
}

/// Whether set-up is still to be done.
pub(super) async fn setup_needed(app: &App) -> Result<bool, Problem> {
    Ok(app.setup_state().await? == SetupState::Needed)
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: AdminRequest,
) -> Result<Value, Problem> {
    match request {
        AdminRequest::Create {
            name,
            email,
            password,
        } => {
            let new = NewAdmin {
                name,
                email,
                password: password.into_inner(),
            };
            document(AdminDocument::from(app.create_admin(actor, new).await?))
        }
        AdminRequest::List => document(list(app).await?),
        AdminRequest::Reset { name, password } => {
            app.reset_admin(actor, &name, password.into_inner()).await?;
            let all = list(app).await?;
            let same = |admin: &AdminDocument| admin.name.eq_ignore_ascii_case(&name);
            document(all.admins.into_iter().find(same))
        }
        AdminRequest::Delete { name } => {
            app.delete_admin(actor, &name).await?;
            deleted(name)
        }
    }
}

async fn list(app: &App) -> Result<AdminList, Problem> {
    let admins = app.admins().await?;
    Ok(AdminList {
        admins: admins.into_iter().map(AdminDocument::from).collect(),
    })
}
