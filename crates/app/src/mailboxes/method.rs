//! Switching how the owner of a mailbox signs in.

use super::change::save;
use super::{MethodSwitch, by_address, provider_for};
use crate::outbox::{self, Effect};
use crate::{App, Problem, audit, revoke};
use model::address::Address;
use model::audit::Actor;
use model::ids::ProviderId;
use model::link::{Link, PENDING_LINK_LIFETIME, PendingLink};
use model::mailbox::{Mailbox, SignInMethods};
use model::provider::Provider;
use model::time::Timestamp;
use serde_json::json;
use store::{Conn, StoreError};

impl App {
    /// Switches the sign-in method and ends web sessions. The local password is never touched: it
    /// lies dormant under a provider and opens the mailbox again after switching back. People
    /// linked by another provider, or under another name at this one, are unlinked: a switch says
    /// who may in from now on.
    pub async fn switch_method(
        &self,
        actor: &Actor,
        address: &Address,
        switch: MethodSwitch,
    ) -> Result<Mailbox, Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.write_ringing(async move |tx: &mut Conn| {
            let before = by_address(tx, &address).await?;
            let after = match &switch {
                MethodSwitch::Local => to_local(tx, &before).await?,
                MethodSwitch::Provider {
                    provider,
                    expected_subject,
                    keep_password_until,
                } => {
                    let provider = provider_for(tx, provider, before.domain).await?;
                    let expected = expected_subject.clone();
                    let unlinked = hand_over(tx, &before, &provider, expected, now).await?;
                    for link in unlinked {
                        note_unlink(tx, now, &actor, &address, &link).await?;
                    }
                    Mailbox {
                        methods: SignInMethods::PROVIDER,
                        password_until: keep_password_until.filter(|until| *until > now),
                        ..before.clone()
                    }
                }
            };
            save(tx, &after, None, now).await?;
            if after.methods.provider && !before.methods.provider {
                // The days without confirmation begin where there is first somebody to confirm it.
                store::confirmation::confirm(tx, before.id, now, false).await?;
            }
            store::mailboxes::bump_generation(tx, before.id).await?;
            revoke::end_web(tx, before.id).await?;
            if !after.password_opens_mail(now) && before.password_opens_mail(now) {
                outbox::put(
                    tx,
                    &Effect::Kick {
                        address: address.clone(),
                    },
                    now,
                )
                .await?;
            }
            let details = json!({
                "before": before.methods,
                "after": after.methods,
                "password_until": after.password_until,
            });
            audit::note(tx, now, &actor, "mailbox.method", &address, details).await?;
            by_address(tx, &address).await
        })
        .await
    }

    /// Removes the link to a person at a provider; that person's web sessions end.
    pub async fn unlink(
        &self,
        actor: &Actor,
        address: &Address,
        provider: ProviderId,
    ) -> Result<(), Problem> {
        let (now, actor, address) = (self.clock.now(), actor.clone(), address.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let mailbox = by_address(tx, &address).await?;
                let links = store::links::of_mailbox(tx, mailbox.id).await?;
                let link = links
                    .iter()
                    .find(|link| link.provider == provider)
                    .ok_or_else(|| Problem::NotFound("such link".to_owned()))?;
                store::links::delete(tx, link.id).await?;
                revoke::end_web(tx, mailbox.id).await?;
                Ok(note_unlink(tx, now, &actor, &address, link).await?)
            })
            .await
    }
}

async fn to_local(tx: &mut Conn, before: &Mailbox) -> Result<Mailbox, Problem> {
    if !before.has_password {
        let words = "this mailbox has no local password; set one first";
        return Err(Problem::field("password", words));
    }
    store::links::take_pending(tx, before.id).await?;
    Ok(Mailbox {
        methods: SignInMethods::LOCAL,
        password_until: None,
        ..before.clone()
    })
}

/// Leaves the mailbox to the person it is switched to: already linked under the provider's present
/// namespace, or waited for by a pending link. Every other link is removed and returned.
async fn hand_over(
    tx: &mut Conn,
    mailbox: &Mailbox,
    provider: &Provider,
    expected_subject: Option<String>,
    now: Timestamp,
) -> Result<Vec<Link>, Problem> {
    let stays = |link: &Link| {
        link.provider == provider.id
            && link.namespace == provider.namespace
            && expected_subject
                .as_ref()
                .is_none_or(|want| *want == link.subject)
    };
    let links = store::links::of_mailbox(tx, mailbox.id).await?;
    let (kept, removed): (Vec<_>, Vec<_>) = links.into_iter().partition(stays);
    for link in &removed {
        store::links::delete(tx, link.id).await?;
    }
    if kept.is_empty() {
        let pending = PendingLink {
            mailbox: mailbox.id,
            provider: provider.id,
            expected_subject,
            ends: now.plus(PENDING_LINK_LIFETIME),
        };
        store::links::put_pending(tx, &pending).await?;
    } else {
        // One that waits for somebody at another provider would let them in beside the linked one.
        store::links::take_pending(tx, mailbox.id).await?;
    }
    Ok(removed)
}

async fn note_unlink(
    tx: &mut Conn,
    now: Timestamp,
    actor: &Actor,
    address: &Address,
    link: &Link,
) -> Result<(), StoreError> {
    let details = json!({ "namespace": link.namespace, "subject": link.subject });
    audit::note(tx, now, actor, "mailbox.unlink", address, details).await
}
