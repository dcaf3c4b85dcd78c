//! Aliases.

use app::aliases::AliasForm;
use app::domains::Page;
use app::{App, Problem};
use model::address::{Address, DomainName};
use model::alias::Alias;
use model::audit::Actor;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{deleted, document, moment};

/// What is asked about aliases.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasRequest {
    /// Adds one.
    Add(AliasForm),
    /// A page, by address.
    List {
        /// Of this domain only.
        domain: Option<DomainName>,
        /// Which page.
        page: Page,
    },
    /// One.
    Show(Address),
    /// Changes one.
    Edit {
        /// Its address.
        address: Address,
        /// New targets.
        targets: Option<Vec<Address>>,
        /// Switched on.
        active: Option<bool>,
    },
    /// Deletes one.
    Delete(Address),
}

/// An alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AliasDocument {
    /// Its address.
    pub address: String,
    /// The mailboxes it delivers to.
    pub targets: Vec<String>,
    /// Switched on.
    pub active: bool,
    /// When it was added.
    pub created: String,
    /// When it was last changed.
    pub modified: String,
}

/// A page of aliases.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AliasList {
    /// By address.
    pub aliases: Vec<AliasDocument>,
    /// Where the next page starts.
    pub next: Option<String>,
}

impl From<Alias> for AliasDocument {
    fn from(alias: Alias) -> Self {
        let targets = alias.targets.into_iter();
        Self {
            address: alias.address.to_string(),
            targets: targets.map(|(_, address)| address.to_string()).collect(),
            active: alias.active,
            created: moment(alias.created),
            modified: moment(alias.modified),
        }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: AliasRequest,
) -> Result<Value, Problem> {
    let alias = match request {
        AliasRequest::Add(form) => app.create_alias(actor, form).await?,
        AliasRequest::List { domain, page } => {
            let listed = app.aliases(domain, page).await?;
            return document(AliasList {
                aliases: listed.rows.into_iter().map(AliasDocument::from).collect(),
                next: listed.next,
            });
        }
        AliasRequest::Show(address) => app.alias(&address).await?,
        AliasRequest::Edit {
            address,
            targets,
            active,
        } => {
            let before = app.alias(&address).await?;
            let kept = before.targets.into_iter().map(|(_, address)| address);
            let form = AliasForm {
                address,
                targets: targets.unwrap_or_else(|| kept.collect()),
                active: active.unwrap_or(before.active),
            };
            app.edit_alias(actor, form, Some(before.modified)).await?
        }
        AliasRequest::Delete(address) => {
            app.delete_alias(actor, &address).await?;
            return deleted(address);
        }
    };
    document(AliasDocument::from(alias))
}
