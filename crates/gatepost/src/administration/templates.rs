//! Mailbox templates.

use app::templates::TemplateForm;
use app::{App, Problem};
use model::audit::Actor;
use model::ids::TemplateId;
use model::protocol::{Protocol, Protocols};
use model::tag::Tags;
use model::template::{Keep, Template, TemplateField, TemplateSettings, Templated};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

use super::{deleted, document, moment};

/// What is asked about templates, by name without regard to case.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateRequest {
    /// Adds one.
    Add {
        /// Its name.
        name: String,
        /// What is not left at its default.
        change: TemplateChange,
    },
    /// All of them.
    List,
    /// One.
    Show(String),
    /// Changes one.
    Edit {
        /// Its name.
        name: String,
        /// Its new name.
        rename: Option<String>,
        /// What changes.
        change: TemplateChange,
    },
    /// Deletes one that no rule names.
    Delete(String),
}

/// What to set; `None` leaves a field alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TemplateChange {
    /// Quota in bytes; 0 takes the domain's default.
    pub quota: Option<i64>,
    /// The protocols that are allowed.
    pub protocols: Option<Protocols>,
    /// Whether mailboxes are switched on.
    pub active: Option<bool>,
    /// The mailbox's tags.
    #[serde(default)]
    pub tags: Option<Tags>,
    /// Fields kept in step from now on.
    pub in_step: Vec<TemplateField>,
    /// Fields set once from now on.
    pub once: Vec<TemplateField>,
}

/// A template. Each field has its value, and `keep`: `in_step` or `once`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TemplateDocument {
    /// Its name.
    pub name: String,
    /// Quota in bytes; 0 takes the domain's default.
    pub quota: Templated<i64>,
    /// IMAP is allowed.
    pub imap: Templated<bool>,
    /// POP3 is allowed.
    pub pop3: Templated<bool>,
    /// Submission by SMTP is allowed.
    pub smtp: Templated<bool>,
    /// `ManageSieve` is allowed.
    pub sieve: Templated<bool>,
    /// The mailbox is switched on.
    pub active: Templated<bool>,
    /// The mailbox's tags.
    pub tags: Templated<Tags>,
    /// How many mailboxes it is assigned to, counted to 1,000 at most.
    pub mailboxes: u32,
    /// When it was added.
    pub created: String,
    /// When it was last changed.
    pub modified: String,
}

/// All templates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TemplateList {
    /// By name.
    pub templates: Vec<TemplateDocument>,
}

impl TemplateDocument {
    fn new((template, mailboxes): (Template, u32)) -> Self {
        let TemplateSettings {
            quota,
            imap,
            pop3,
            smtp,
            sieve,
            active,
            tags,
        } = template.settings;
        Self {
            name: template.name,
            quota,
            imap,
            pop3,
            smtp,
            sieve,
            active,
            tags,
            mailboxes,
            created: moment(template.created),
            modified: moment(template.modified),
        }
    }
}

impl TemplateChange {
    fn over(&self, settings: TemplateSettings) -> TemplateSettings {
        let switch = |protocol: Protocol| {
            let before = settings.protocol(protocol);
            let value = self
                .protocols
                .map_or(before.value, |protocols| protocols.contains(protocol));
            self.kept(TemplateField::of(protocol), value, before.keep)
        };
        let (quota, active, tags) = (settings.quota, settings.active, settings.tags.clone());
        TemplateSettings {
            quota: self.kept(
                TemplateField::Quota,
                self.quota.unwrap_or(quota.value),
                quota.keep,
            ),
            imap: switch(Protocol::Imap),
            pop3: switch(Protocol::Pop3),
            smtp: switch(Protocol::Smtp),
            sieve: switch(Protocol::Sieve),
            active: self.kept(
                TemplateField::Active,
                self.active.unwrap_or(active.value),
                active.keep,
            ),
            tags: self.kept(
                TemplateField::Tags,
                self.tags.clone().unwrap_or(tags.value),
                tags.keep,
            ),
        }
    }

    fn kept<T>(&self, field: TemplateField, value: T, before: Keep) -> Templated<T> {
        let keep = if self.once.contains(&field) {
            Keep::Once
        } else if self.in_step.contains(&field) {
            Keep::InStep
        } else {
            before
        };
        Templated { value, keep }
    }
}

pub(super) async fn answer(
    app: &App,
    actor: &Actor,
    request: TemplateRequest,
) -> Result<Value, Problem> {
    match request {
        TemplateRequest::Add { name, change } => {
            let settings = change.over(TemplateSettings::default());
            let form = TemplateForm { name, settings };
            let template = app.create_template(actor, form).await?;
            document(TemplateDocument::new((template, 0)))
        }
        TemplateRequest::List => {
            let templates = app.templates().await?;
            document(TemplateList {
                templates: templates.into_iter().map(TemplateDocument::new).collect(),
            })
        }
        TemplateRequest::Show(name) => show(app, &name).await,
        TemplateRequest::Edit {
            name,
            rename,
            change,
        } => {
            let before = app.template(&name).await?;
            let form = TemplateForm {
                name: rename.unwrap_or(before.name),
                settings: change.over(before.settings),
            };
            let seen = Some(before.modified);
            let after = app.edit_template(actor, before.id, form, seen).await?;
            show(app, &after.name).await
        }
        TemplateRequest::Delete(name) => {
            let template = app.template(&name).await?;
            app.delete_template(actor, template.id).await?;
            deleted(template.name)
        }
    }
}

async fn show(app: &App, name: &str) -> Result<Value, Problem> {
    let wanted = app.template(name).await?;
    let used = app
        .templates()
        .await?
        .into_iter()
        .find(|(template, _)| template.id == wanted.id)
        .map_or(0, |(_, used)| used);
    document(TemplateDocument::new((wanted, used)))
}

/// The names of all templates.
pub(super) async fn names(app: &App) -> Result<HashMap<TemplateId, String>, Problem> {
    let templates = app.templates().await?;
    Ok(templates
        .into_iter()
        .map(|(template, _)| (template.id, template.name))
        .collect())
}
