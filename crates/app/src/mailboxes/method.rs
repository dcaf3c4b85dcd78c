//! Switching how the owner of a mailbox signs in.

use super::change::save;
use super::{MethodSwitch, by_address, provider_for};
use crate::outbox::{self, Effect};
use crate::{App, Problem, audit};
use model::address::Address;
use model::audit::Actor;
use model::ids::ProviderId;
use model::link::{PENDING_LINK_LIFETIME, PendingLink};
use model::mailbox::{Mailbox, SignInMethods};
use model::session::Principal;
use model::time::Timestamp;
use serde_json::json;
use store::Conn;

impl App {
    /// Switches the sign-in method and ends web sessions. The local password is never touched: it
    /// lies dormant under a provider and opens the mailbox again after switching back.
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
                    wait_for_person(tx, &before, provider.id, expected_subject.clone(), now)
                        .await?;
                    Mailbox {
                        methods: SignInMethods::PROVIDER,
                        password_until: keep_password_until.filter(|until| *until > now),
                        ..before.clone()
                    }
                }
            };
            save(tx, &after, None, now).await?;
            store::mailboxes::bump_generation(tx, before.id).await?;
            store::sessions::delete_all(tx, Principal::Person(before.id)).await?;
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
                store::sessions::delete_all(tx, Principal::Person(mailbox.id)).await?;
                let details = json!({ "namespace": link.namespace, "subject": link.subject });
                audit::note(tx, now, &actor, "mailbox.unlink", &address, details).await?;
                Ok(())
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

/// Leaves a pending link, unless the mailbox is linked at that provider already.
async fn wait_for_person(
    tx: &mut Conn,
    mailbox: &Mailbox,
    provider: ProviderId,
    expected_subject: Option<String>,
    now: Timestamp,
) -> Result<(), Problem> {
    let links = store::links::of_mailbox(tx, mailbox.id).await?;
    if links.iter().any(|link| link.provider == provider) {
        return Ok(());
    }
    let ends = now.plus(PENDING_LINK_LIFETIME);
    let pending = PendingLink {
        mailbox: mailbox.id,
        provider,
        expected_subject,
        ends,
    };
    Ok(store::links::put_pending(tx, &pending).await?)
}
