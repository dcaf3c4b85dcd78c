//! From a proven identity to a session: facts, verdict and writes in one transaction.

use super::begin::Asked;
use super::record::Record;
use super::verdict::Known;
use super::{Ended, Refused, ReturnTo, SignedIn};
use crate::confirmation::{self, KeptRefresh};
use crate::provider_calls::Identity;
use crate::rules::{self, Kept};
use crate::sessions::{NewSession, Standing, Who};
use crate::{App, Client, Problem, audit, helpdesk, revoke};
use model::address::Address;
use model::attempt::StepState;
use model::audit::Actor;
use model::ids::{LinkId, MailboxId};
use model::link::LinkOrigin;
use model::mailbox::Mailbox;
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::random;
use model::rules::provision::{self, Changes, Verdict};
use model::session::Principal;
use model::time::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use store::link_proofs::Proof;
use store::{Conn, StoreError};
use uuid::Uuid;

/// Everything one transaction needs; it may run again, since a database may ask for that.
struct Case {
    now: Timestamp,
    provider: Provider,
    identity: Identity,
    /// What is remembered of the claims with the link.
    kept: Kept,
    record: Record,
    /// The refusal of an answer that belongs to nothing any more.
    moved: Refusal,
    session: NewSession,
    refresh: Option<KeptRefresh>,
    storage: Uuid,
    proof_token: SecretString,
    proof_tag: Vec<u8>,
    browser_tag: Vec<u8>,
    /// Whether mail to helpdesks can be sent.
    posts: bool,
}

/// What the transaction did.
enum Done {
    In {
        mailbox: MailboxId,
        created: bool,
        notice: Option<Refusal>,
    },
    Prove {
        address: Address,
    },
    Refused(Box<Refused>),
}

/// A verdict that could not be carried out; nothing of it is left.
struct Failed {
    /// At which step; `None` before anything was to be written.
    step: Option<&'static str>,
    error: StoreError,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self { step: None, error }
    }
}

impl Failed {
    fn at(step: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |error| Self {
            step: Some(step),
            error,
        }
    }

    /// What the person meets: the store cannot answer now, or one step was refused by it.
    fn problem(self, address: &str) -> Problem {
        let Self { step, error } = self;
        match (step, error) {
            (Some(step), error) if !matches!(error, StoreError::Unavailable(_)) => {
                tracing::error!(%error, step, "a mailbox could not be made or updated");
                let refusal = Refusal::new(Code::ProvisioningFailed)
                    .with("address", address)
                    .with("step", step)
                    .with("detail", error);
                Problem::Refused(refusal)
            }
            (_, error) => error.into(),
        }
    }
}

impl App {
    /// Decides on a proven identity and carries the verdict out.
    pub(super) async fn carry_out(
        &self,
        provider: Provider,
        identity: Identity,
        return_to: ReturnTo,
        browser: &str,
        client: &Client,
        record: Record,
    ) -> Ended {
        let proof_token = random::token(self.random.as_ref());
        let case = Arc::new(Case {
            now: self.clock.now(),
            session: self.new_session(
                Principal::Person(MailboxId(0)),
                Some(Standing::of(&provider, &identity)),
                client,
            ),
            refresh: self.kept_refresh(&provider, &identity),
            storage: self.new_storage(),
            proof_tag: self.proof_tag(&proof_token),
            proof_token: SecretString::from(proof_token),
            browser_tag: self.browser_tag(browser),
            posts: self.config.helpdesk.is_some(),
            kept: rules::kept(&identity.claims),
            provider,
            identity,
            record: record.clone(),
            moved: self.foreign_state(),
        });
        let inside = Arc::clone(&case);
        let done = self
            .write_ringing(async move |tx: &mut Conn| inside.run(tx).await)
            .await;
        match done {
            Err(failed) => {
                let mut record = record;
                let address = provision::claimed_address(&case.provider, &case.identity.claims);
                if let Ok(address) = &address {
                    record.about(None, address);
                }
                let address = address.map_or_else(|_| "the mailbox".to_owned(), String::from);
                self.refuse_for(record, failed.problem(&address)).await
            }
            Ok(Done::Refused(refused)) => Ended::Refused(refused),
            Ok(Done::Prove { address }) => Ended::ProveLocal {
                proof: case.proof_token.clone(),
                address: address.to_string(),
                provider: case.provider.settings.name.clone(),
                wrong: 0,
                return_to,
            },
            Ok(Done::In {
                mailbox,
                created,
                notice,
            }) => {
                let who = match self.person(mailbox).await {
                    Ok(who) => who,
                    Err(problem) => return self.refuse_for(record, problem).await,
                };
                let token = case.session.token.clone();
                Ended::SignedIn(Box::new(SignedIn {
                    token,
                    who,
                    return_to,
                    created,
                    notice,
                }))
            }
        }
    }

    pub(super) fn proof_tag(&self, token: &str) -> Vec<u8> {
        self.keys.tag.tag(&[b"proof", token.as_bytes()])
    }

    /// The person of a mailbox that was just signed in to.
    pub(super) async fn person(&self, id: MailboxId) -> Result<Who, Problem> {
        let mut read = self.store.read()?;
        let found = match store::mailboxes::by_id(&mut read, id).await? {
            Some(mailbox) => {
                store::domains::by_id(&mut read, mailbox.domain)
                    .await?
                    .map(|domain| Who::Person {
                        mailbox: Box::new(mailbox),
                        domain: Box::new(domain),
                    })
            }
            None => None,
        };
        found.ok_or_else(|| Problem::NotFound("such mailbox any more".to_owned()))
    }
}

impl Case {
    async fn run(&self, tx: &mut Conn) -> Result<Done, Failed> {
        let mut record = self.record.clone();
        let ours = record.use_up(tx).await?;
        let still = self.look_again(tx).await?;
        let provider = match still.and_then(|now| ours.then_some(now).ok_or(self.moved.clone())) {
            Ok(provider) => provider,
            Err(refusal) => {
                let refused = record.insert_refused(tx, refusal).await?;
                return Ok(Done::Refused(refused));
            }
        };
        let run = Run {
            case: self,
            provider,
            record,
        };
        run.judge(tx).await
    }

    /// Takes the provider as it is now: asking it took a while. What it said counts no more if it
    /// was switched off or moved meanwhile; its domains, rules and trust count as they are.
    async fn look_again(&self, tx: &mut Conn) -> Result<Result<Provider, Refusal>, StoreError> {
        let asked = &self.provider;
        let now = store::providers::by_id(tx, asked.id).await?;
        let Some(now) = now.filter(|now| now.settings.active) else {
            let name = &asked.settings.name;
            let off = Refusal::new(Code::ProviderOff).with("provider", name);
            return Ok(Err(off));
        };
        let same = Asked::of(&now) == Asked::of(asked) && now.settings.tls == asked.settings.tls;
        if !same {
            return Ok(Err(self.moved.clone()));
        }
        Ok(Ok(now))
    }
}

/// A case with what the transaction found.
struct Run<'a> {
    case: &'a Case,
    /// The provider as it is now.
    provider: Provider,
    record: Record,
}

impl Run<'_> {
    async fn judge(mut self, tx: &mut Conn) -> Result<Done, Failed> {
        let known = Known::read(
            tx,
            &self.provider,
            self.case.identity.vouched(),
            self.case.now,
        )
        .await?;
        if let Some((link, ..)) = &known.linked
            && known.blocked.is_none()
        {
            self.keep_claims(tx, link.id).await?;
        }
        let verdict = known.decide(
            self.case.now,
            &self.provider,
            &self.case.identity,
            &mut self.record,
        );
        let linked = known.linked;
        match verdict {
            Verdict::SignIn { changes, renamed } => {
                let Some((link, mailbox, ..)) = linked else {
                    return Err(StoreError::Missing.into());
                };
                let applied = self.apply(tx, &mailbox, &changes).await;
                applied.map_err(Failed::at("apply the template"))?;
                store::links::touch(tx, link.id, self.case.now).await?;
                let notice = renamed.map(|(claimed, address)| {
                    Refusal::new(Code::AddressChanged)
                        .with("claimed", claimed)
                        .with("address", address)
                });
                let opened = self.open(tx, mailbox.id, &mailbox.address, false, notice);
                opened.await.map_err(Failed::at("open the session"))
            }
            Verdict::Link {
                origin,
                relink,
                mailbox,
                changes,
            } => {
                let applied = self.apply(tx, &mailbox, &changes).await;
                applied.map_err(Failed::at("apply the template"))?;
                self.unlink_others(tx, &mailbox).await?;
                let linked = self.link(tx, mailbox.id, &mailbox.address, origin).await;
                linked.map_err(Failed::at("link the person"))?;
                store::links::take_pending(tx, mailbox.id).await?;
                if let Some(campaign) = relink {
                    store::relinks::count_moved(tx, campaign).await?;
                }
                let opened = self.open(tx, mailbox.id, &mailbox.address, false, None);
                opened.await.map_err(Failed::at("open the session"))
            }
            Verdict::Create(new) => {
                let made =
                    store::mailboxes::insert(tx, &new, self.case.storage, self.case.now).await;
                let id = made.map_err(Failed::at("make the mailbox"))?;
                let details = json!({ "provider": self.provider.slug, "quota": new.quota });
                audit::note(
                    tx,
                    self.case.now,
                    &Actor::System,
                    "mailbox.create",
                    &new.address,
                    details,
                )
                .await?;
                let origin = LinkOrigin::FirstSignIn;
                let linked = self.link(tx, id, &new.address, origin).await;
                linked.map_err(Failed::at("link the person"))?;
                if !new.active {
                    return Ok(self.created_switched_off(tx, id, &new.address).await?);
                }
                let opened = self.open(tx, id, &new.address, true, None);
                opened.await.map_err(Failed::at("open the session"))
            }
            Verdict::ProveLocal { mailbox, refusal } => {
                let proof = Proof {
                    mailbox: mailbox.id,
                    provider: self.provider.id,
                    namespace: self.case.identity.namespace.clone(),
                    subject: self.case.identity.subject.clone(),
                    tries: 0,
                };
                let ends = self.case.now.plus(super::FLOW_LIFETIME);
                store::link_proofs::insert(
                    tx,
                    &self.case.proof_tag,
                    &self.case.browser_tag,
                    &proof,
                    ends,
                )
                .await?;
                self.record.about(Some(mailbox.id), &mailbox.address);
                self.record.insert_refused(tx, refusal).await?;
                Ok(Done::Prove {
                    address: mailbox.address,
                })
            }
            Verdict::SwitchOff { changes, refusal } => {
                if let Some((_, mailbox, ..)) = &linked {
                    self.apply(tx, mailbox, &changes).await?;
                }
                let refused = self.record.insert_refused(tx, refusal).await?;
                Ok(Done::Refused(refused))
            }
            Verdict::Refuse(refusal) if self.case.posts && refusal.code.tells_helpdesk() => {
                let told = refusal.helpdesk_told();
                let refused = self.record.insert_refused(tx, told).await?;
                helpdesk::note(tx, refused.refusal.code, &self.record.attempt).await?;
                Ok(Done::Refused(refused))
            }
            Verdict::Refuse(refusal) => {
                let refused = self.record.insert_refused(tx, refusal).await?;
                Ok(Done::Refused(refused))
            }
        }
    }

    /// Writes what a template changes, and ends what it takes away.
    async fn apply(
        &self,
        tx: &mut Conn,
        mailbox: &Mailbox,
        changes: &Changes,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let after = changes.applied(mailbox);
        store::mailboxes::update(tx, &after, None, self.case.now).await?;
        revoke::end_what_was_lost(tx, mailbox, &after, self.case.now).await?;
        let seen = changes.quota.is_some()
            || changes.protocols.is_some()
            || changes.active.is_some()
            || changes.tags.is_some()
            || changes.unfollowed;
        if seen {
            let details = json!({ "before": mailbox, "after": after });
            audit::note(
                tx,
                self.case.now,
                &Actor::System,
                "mailbox.template",
                &after.address,
                details,
            )
            .await?;
        }
        Ok(())
    }

    /// Removes the mailbox's links to others, whom the administrator's pending link or campaign
    /// replaces: at this provider before it moved, or at another one.
    async fn unlink_others(&self, tx: &mut Conn, mailbox: &Mailbox) -> Result<(), StoreError> {
        let links = store::links::of_mailbox(tx, mailbox.id).await?;
        if links.is_empty() {
            return Ok(());
        }
        revoke::end_web(tx, mailbox.id).await?;
        for link in links {
            store::links::delete(tx, link.id).await?;
            let details = json!({ "namespace": link.namespace, "subject": link.subject });
            let (at, by) = (&mailbox.address, Actor::System);
            audit::note(tx, self.case.now, &by, "mailbox.unlink", at, details).await?;
        }
        Ok(())
    }

    /// Remembers what the person came with, so that other rules can be tried on it.
    async fn keep_claims(&self, tx: &mut Conn, link: LinkId) -> Result<(), StoreError> {
        let Kept { claims, left_out } = &self.case.kept;
        store::link_claims::put(tx, link, claims, left_out, self.case.now).await
    }

    async fn link(
        &self,
        tx: &mut Conn,
        mailbox: MailboxId,
        address: &Address,
        origin: LinkOrigin,
    ) -> Result<(), StoreError> {
        let Identity {
            namespace, subject, ..
        } = &self.case.identity;
        let link = store::links::insert(
            tx,
            mailbox,
            self.provider.id,
            namespace,
            subject,
            origin,
            self.case.now,
        )
        .await?;
        self.keep_claims(tx, link).await?;
        let details = json!({ "namespace": namespace, "subject": subject, "origin": origin });
        audit::note(
            tx,
            self.case.now,
            &Actor::System,
            "mailbox.link",
            address,
            details,
        )
        .await
    }

    async fn open(
        mut self,
        tx: &mut Conn,
        mailbox: MailboxId,
        address: &Address,
        created: bool,
        notice: Option<Refusal>,
    ) -> Result<Done, StoreError> {
        self.record.about(Some(mailbox), address);
        self.record.attempt.notice = notice.as_ref().map(|notice| notice.code);
        self.record
            .attempt
            .trace
            .push("outcome", StepState::Ok, "signed in");
        store::mailboxes::touch_sign_in(tx, mailbox, self.case.now).await?;
        let (at, kept) = (self.provider.id, self.case.refresh.as_ref());
        confirmation::signed_in(tx, at, &self.case.identity, kept, self.case.now).await?;
        self.case
            .session
            .clone()
            .for_person(mailbox)
            .insert(tx)
            .await?;
        self.record.insert(tx).await?;
        Ok(Done::In {
            mailbox,
            created,
            notice,
        })
    }

    async fn created_switched_off(
        mut self,
        tx: &mut Conn,
        id: MailboxId,
        address: &Address,
    ) -> Result<Done, StoreError> {
        let mailbox = store::mailboxes::by_id(tx, id)
            .await?
            .ok_or(StoreError::Missing)?;
        self.record.about(Some(id), address);
        let refusal = provision::inactive(&mailbox);
        let refused = self.record.insert_refused(tx, refusal).await?;
        Ok(Done::Refused(refused))
    }
}
