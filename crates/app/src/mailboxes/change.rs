//! Changing, switching off and on, and deleting a mailbox.

use super::{MailboxEdit, by_address, checked_name};
use crate::outbox::{self, Effect};
use crate::{App, Problem, audit, blocks, local_password, revoke, templates};
use model::address::Address;
use model::audit::Actor;
use model::domain::{DomainUse, MailDomain};
use model::mailbox::{Disabled, Mailbox};
use model::protocol::Protocol;
use model::rules::limits::{self, Ask};
use model::rules::provision;
use model::template::{TemplateField, TemplateFields};
use model::time::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::Conn;

impl App {
    /// Changes one. `seen` is the `modified` that the form was made from; `None` skips the check.
    pub async fn edit_mailbox(
        &self,
        actor: &Actor,
        address: &Address,
        edit: MailboxEdit,
        seen: Option<Timestamp>,
    ) -> Result<Mailbox, Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let before = by_address(tx, &address).await?;
            let after = edited(tx, &before, &edit).await?;
            save(tx, &after, seen, now).await?;
            revoke::end_what_was_lost(tx, &before, &after, now).await?;
            let details = json!({ "before": before, "after": after });
            audit::note(tx, now, &actor, "mailbox.edit", &address, details).await?;
            by_address(tx, &address).await
        })
        .await
    }

    /// Switches one off: its sessions, app passwords and live mail sessions end at once. Mail is
    /// still received.
    pub async fn disable_mailbox(
        &self,
        actor: &Actor,
        address: &Address,
        reason: &str,
    ) -> Result<Mailbox, Problem> {
        self.disable(actor, address, reason, false).await
    }

    /// The same, and the people linked to it may not come back: see [`App::block_people`].
    ///
    /// # Errors
    /// A problem of the field `block` if nobody is linked there.
    pub async fn disable_mailbox_and_block(
        &self,
        actor: &Actor,
        address: &Address,
        reason: &str,
    ) -> Result<Mailbox, Problem> {
        self.disable(actor, address, reason, true).await
    }

    async fn disable(
        &self,
        actor: &Actor,
        address: &Address,
        reason: &str,
        block: bool,
    ) -> Result<Mailbox, Problem> {
        let reason: String = reason.trim().chars().take(200).collect();
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let before = by_address(tx, &address).await?;
            let disabled = Disabled {
                at: now,
                by: actor.name().to_owned(),
                reason: reason.clone(),
            };
            let after = Mailbox {
                active: false,
                disabled: Some(disabled),
                overrides: before.overrides.with(TemplateField::Active, true),
                ..before.clone()
            };
            save(tx, &after, None, now).await?;
            // Once more for one that was off already: somebody saw a reason to.
            let on = Mailbox {
                active: true,
                ..before
            };
            revoke::end_what_was_lost(tx, &on, &after, now).await?;
            audit::note(
                tx,
                now,
                &actor,
                "mailbox.disable",
                &address,
                json!({ "reason": reason }),
            )
            .await?;
            if block {
                block_linked(tx, now, &actor, &after, &reason).await?;
            }
            by_address(tx, &address).await
        })
        .await
    }

    /// Switches one on again.
    pub async fn enable_mailbox(
        &self,
        actor: &Actor,
        address: &Address,
    ) -> Result<Mailbox, Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let before = by_address(tx, &address).await?;
                let after = Mailbox {
                    active: true,
                    disabled: None,
                    overrides: before.overrides.with(TemplateField::Active, true),
                    ..before
                };
                save(tx, &after, None, now).await?;
                audit::note(tx, now, &actor, "mailbox.enable", &address, Value::Null).await?;
                by_address(tx, &address).await
            })
            .await
    }

    /// Sets the local password; it stays dormant while the provider is the only method. Ends live
    /// mail sessions and web sessions.
    pub async fn set_mailbox_password(
        &self,
        actor: &Actor,
        address: &Address,
        password: SecretString,
    ) -> Result<(), Problem> {
        local_password::check_new(&password)?;
        let hash = self.desk.hash(password).await?;
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let mailbox = by_address(tx, &address).await?;
            store::mailboxes::set_password(tx, mailbox.id, Some(&hash), now).await?;
            revoke::end_web(tx, mailbox.id).await?;
            outbox::put(
                tx,
                &Effect::Kick {
                    address: address.clone(),
                },
                now,
            )
            .await?;
            audit::note(tx, now, &actor, "mailbox.password", &address, Value::Null).await?;
            Ok(())
        })
        .await
    }

    /// Deletes one. Its mail is kept by storage id for the configured time and never shown to a
    /// later owner of the address. Tells when it is removed.
    pub async fn delete_mailbox(
        &self,
        actor: &Actor,
        address: &Address,
    ) -> Result<Timestamp, Problem> {
        self.delete(actor, address, false).await
    }

    /// The same, and the people linked to it may not come back: see [`App::block_people`]. Without
    /// anybody linked it is the same alone.
    pub async fn delete_mailbox_and_block(
        &self,
        actor: &Actor,
        address: &Address,
    ) -> Result<Timestamp, Problem> {
        self.delete(actor, address, true).await
    }

    async fn delete(
        &self,
        actor: &Actor,
        address: &Address,
        block: bool,
    ) -> Result<Timestamp, Problem> {
        let now = self.clock.now();
        let remove_at = now.plus(self.config.keep_deleted_mail);
        let (actor, address) = (actor.clone(), address.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let mailbox = by_address(tx, &address).await?;
            if let Some(alias) = store::aliases::only_target(tx, mailbox.id).await? {
                return Err(Problem::InUse(format!(
                    "the alias {alias} delivers only to this mailbox; change or delete it first"
                )));
            }
            if block {
                block_linked(tx, now, &actor, &mailbox, "").await?;
            }
            store::mailboxes::delete(tx, mailbox.id, actor.name(), now, remove_at).await?;
            outbox::put(
                tx,
                &Effect::Kick {
                    address: address.clone(),
                },
                now,
            )
            .await?;
            let details = json!({ "storage": mailbox.storage, "mail_removed": remove_at });
            audit::note(tx, now, &actor, "mailbox.delete", &address, details).await?;
            Ok(remove_at)
        })
        .await
    }
}

/// Blocks the people linked to a mailbox that is taken from them; a problem if there is nobody.
async fn block_linked(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    mailbox: &Mailbox,
    reason: &str,
) -> Result<(), Problem> {
    let links = store::links::of_mailbox(tx, mailbox.id).await?;
    if links.is_empty() {
        return Err(Problem::field("block", blocks::NOBODY_LINKED));
    }
    Ok(blocks::block(tx, now, actor, mailbox, &links, reason).await?)
}

/// Stores `after` if it was not changed since `seen`.
pub(super) async fn save(
    tx: &mut Conn,
    after: &Mailbox,
    seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Problem> {
    if store::mailboxes::update(tx, after, seen, now).await? {
        Ok(())
    } else {
        Err(Problem::Stale)
    }
}

async fn edited(tx: &mut Conn, before: &Mailbox, edit: &MailboxEdit) -> Result<Mailbox, Problem> {
    let (domain, used) = domain_of(tx, before).await?;
    let mut after = before.clone();
    if let Some(name) = &edit.name {
        after.name = checked_name(name)?;
    }
    if edit.follow_template {
        let disabled_by_hand = before.overrides.contains(TemplateField::Active) && !before.active;
        after.overrides = TemplateFields::NONE.with(TemplateField::Active, disabled_by_hand);
        after.template_seen = None;
    }
    match edit.template.as_deref() {
        Some("") => (after.template, after.template_seen) = (None, None),
        Some(name) => assign(
            &mut after,
            templates::by_name(tx, name).await?,
            &domain,
            used,
        )?,
        None if edit.follow_template => {
            if let Some(id) = after.template
                && let Some(template) = store::templates::by_id(tx, id).await?
            {
                after.template = None;
                assign(&mut after, template, &domain, used)?;
            }
        }
        None => {}
    }
    if let Some(quota) = edit.quota.filter(|quota| *quota != after.quota) {
        after.quota = quota;
        after.overrides = after.overrides.with(TemplateField::Quota, true);
    }
    if let Some(protocols) = edit.protocols {
        for protocol in Protocol::ALL {
            if protocols.contains(protocol) != after.protocols.contains(protocol) {
                after.overrides = after.overrides.with(TemplateField::of(protocol), true);
            }
        }
        after.protocols = protocols;
    }
    if let Some(tags) = edit.tags.as_ref().filter(|tags| **tags != after.tags) {
        after.tags.clone_from(tags);
        after.overrides = after.overrides.with(TemplateField::Tags, true);
    }
    let ask = Ask {
        quota: after.quota,
        held: Some(before.quota),
    };
    limits::check(&domain.limits, used, ask).map_err(|r| {
        Problem::Refused(
            r.with("domain", &domain.name)
                .with("template", "none, set by hand"),
        )
    })?;
    Ok(after)
}

/// Assigns a template: all its fields but the overridden ones.
fn assign(
    mailbox: &mut Mailbox,
    template: model::template::Template,
    domain: &MailDomain,
    used: DomainUse,
) -> Result<(), Problem> {
    let changes = provision::apply_template(mailbox, &template, domain, used);
    if let Some(refusal) = changes.refused {
        return Err(Problem::Refused(refusal));
    }
    changes.apply_to(mailbox);
    Ok(())
}

async fn domain_of(tx: &mut Conn, mailbox: &Mailbox) -> Result<(MailDomain, DomainUse), Problem> {
    crate::domains::of(tx, &mailbox.address.domain()).await
}
