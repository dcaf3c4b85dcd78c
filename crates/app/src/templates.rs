//! Mailbox templates.

use crate::{App, Problem, audit};
use model::audit::Actor;
use model::ids::TemplateId;
use model::provider::{EveryoneElse, Provider};
use model::template::{Template, TemplateSettings, Templated};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Conn;

/// The template that a server begins with, so that "everyone else" has something to choose.
const DEFAULT: &str = "Default";

/// What an administrator fills in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TemplateForm {
    /// Name, 1 to 64 characters, unique without regard to case.
    pub name: String,
    /// What it sets.
    pub settings: TemplateSettings,
}

/// Makes the first template, where there is none: the domain's quota and every protocol but POP3.
pub(crate) async fn insert_default(tx: &mut Conn, now: Timestamp) -> Result<(), Problem> {
    if !store::templates::all(tx).await?.is_empty() {
        return Ok(());
    }
    let settings = TemplateSettings {
        pop3: Templated::in_step(false),
        ..TemplateSettings::default()
    };
    store::templates::insert(tx, DEFAULT, &settings, now).await?;
    let by = Actor::System;
    audit::note(tx, now, &by, "template.create", DEFAULT, json!(settings)).await?;
    Ok(())
}

impl App {
    /// Adds a template.
    pub async fn create_template(
        &self,
        actor: &Actor,
        form: TemplateForm,
    ) -> Result<Template, Problem> {
        let form = form.validated()?;
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let id = store::templates::insert(tx, &form.name, &form.settings, now).await?;
                audit::note(
                    tx,
                    now,
                    &actor,
                    "template.create",
                    &form.name,
                    json!(form.settings),
                )
                .await?;
                Ok(Template {
                    id,
                    name: form.name.clone(),
                    settings: form.settings.clone(),
                    created: now,
                    modified: now,
                })
            })
            .await
    }
    /// One, by name (without regard to case).
    pub async fn template(&self, name: &str) -> Result<Template, Problem> {
        by_name(&mut *self.store.read()?, name).await
    }
    /// One, by id.
    pub async fn template_by_id(&self, id: TemplateId) -> Result<Template, Problem> {
        by_id(&mut *self.store.read()?, id).await
    }
    /// All, by name, each with the number of mailboxes it is assigned to (counted to 1,000 at most).
    pub async fn templates(&self) -> Result<Vec<(Template, u32)>, Problem> {
        let mut read = self.store.read()?;
        let mut listed = Vec::new();
        for template in store::templates::all(&mut read).await? {
            let used = store::templates::use_count(&mut read, template.id).await?;
            listed.push((template, used));
        }
        Ok(listed)
    }
    /// Changes one. Mailboxes follow at their next sign-in, field by field as kept.
    pub async fn edit_template(
        &self,
        actor: &Actor,
        id: TemplateId,
        form: TemplateForm,
        seen: Option<Timestamp>,
    ) -> Result<Template, Problem> {
        let form = form.validated()?;
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let before = by_id(tx, id).await?;
                let after = Template {
                    name: form.name.clone(),
                    settings: form.settings.clone(),
                    modified: now,
                    ..before.clone()
                };
                if !store::templates::update(tx, &after, seen, now).await? {
                    return Err(Problem::Stale);
                }
                let details = json!({ "before": before, "after": after });
                audit::note(tx, now, &actor, "template.edit", &after.name, details).await?;
                Ok(after)
            })
            .await
    }
    /// Deletes one that no provider's rule names.
    pub async fn delete_template(&self, actor: &Actor, id: TemplateId) -> Result<(), Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let template = by_id(tx, id).await?;
                let providers = store::providers::all(tx).await?;
                if let Some(provider) = providers.iter().find(|provider| names(provider, id)) {
                    let words =
                        format!("the provider {} gives it to people", provider.settings.name);
                    return Err(Problem::InUse(words));
                }
                store::templates::delete(tx, id).await?;
                audit::note(
                    tx,
                    now,
                    &actor,
                    "template.delete",
                    &template.name,
                    json!(template.settings),
                )
                .await?;
                Ok(())
            })
            .await
    }
}

impl TemplateForm {
    fn validated(self) -> Result<Self, Problem> {
        let name = self.name.trim().to_owned();
        if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(Problem::field("name", "1 to 64 characters"));
        }
        if self.settings.quota.value < 0 {
            return Err(Problem::field("quota", "a quota cannot be negative"));
        }
        Ok(Self { name, ..self })
    }
}

/// The template of a name.
pub(crate) async fn by_name(conn: &mut Conn, name: &str) -> Result<Template, Problem> {
    store::templates::by_name(conn, name)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("template {name}")))
}

async fn by_id(conn: &mut Conn, id: TemplateId) -> Result<Template, Problem> {
    store::templates::by_id(conn, id)
        .await?
        .ok_or_else(|| Problem::NotFound(format!("template with the id {id}")))
}

/// Whether a provider hands the template out.
fn names(provider: &Provider, id: TemplateId) -> bool {
    provider.settings.everyone_else == EveryoneElse::Template(id)
        || provider
            .settings
            .rules
            .iter()
            .any(|rule| rule.template == id)
}
