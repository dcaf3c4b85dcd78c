//! Linking a proven identity to a local mailbox by the mailbox's password.

use super::record::Record;
use super::{Ended, ReturnTo, SignedIn};
use crate::ports::Account;
use crate::sessions::Standing;
use crate::{App, Client, Problem, audit, facts};
use model::attempt::{Door, StepState};
use model::audit::Actor;
use model::link::LinkOrigin;
use model::mailbox::{Mailbox, SignInMethods};
use model::outcome::{Code, Refusal};
use model::rules::provision::{self, LinkFacts};
use model::session::Principal;
use secrecy::SecretString;
use serde_json::json;
use store::Conn;
use store::link_proofs::Proof;

/// Wrong passwords before the identity has to be proven anew.
const MOST_TRIES: i64 = 5;

impl App {
    /// Links a proven identity to a local mailbox by the mailbox's local password. The proof is
    /// bound to identity, mailbox and browser; a wrong password leaves it, five end it.
    pub async fn prove_local_password(
        &self,
        proof: &str,
        password: SecretString,
        browser: Option<&str>,
        client: &Client,
    ) -> Ended {
        let mut record = Record::new(self, Door::Provider, client);
        match self
            .prove(proof, password, browser, client, &mut record)
            .await
        {
            Ok(ended) => ended,
            Err(problem) => self.refuse_for(record, problem).await,
        }
    }

    async fn prove(
        &self,
        token: &str,
        password: SecretString,
        browser: Option<&str>,
        client: &Client,
        record: &mut Record,
    ) -> Result<Ended, Problem> {
        let tag = self.proof_tag(token);
        let browser_tag = self.browser_tag(browser.unwrap_or_default());
        let now = self.clock.now();
        let (proof, provider, mailbox, hash, generation) = {
            let mut read = self.store.read()?;
            let proof = store::link_proofs::get(&mut read, &tag, &browser_tag, now)
                .await?
                .ok_or_else(over)?;
            let provider = store::providers::by_id(&mut read, proof.provider)
                .await?
                .ok_or_else(over)?;
            let mailbox = store::mailboxes::by_id(&mut read, proof.mailbox)
                .await?
                .ok_or_else(over)?;
            // Before the hash: if it is the same later, so is the password.
            let generation = store::mailboxes::generation(&mut read, mailbox.id).await?;
            let hash = store::mailboxes::password_hash(&mut read, mailbox.id).await?;
            (proof, provider, mailbox, hash, generation)
        };
        record.by(&provider);
        record.about(Some(mailbox.id), &mailbox.address);
        provision::switched_on(&provider).map_err(Problem::Refused)?;
        let account = Account::Mailbox(mailbox.address.to_string());
        let judged = self.judge_password(&account, password, hash, client).await;
        if let Err(Problem::Refused(refusal)) = &judged
            && refusal.code == Code::WrongPassword
        {
            let tries = self.count_wrong(tag.clone()).await?;
            if tries < MOST_TRIES {
                self.refuse(record.clone(), refusal.clone()).await;
                return Ok(Ended::ProveLocal {
                    proof: SecretString::from(token.to_owned()),
                    address: mailbox.address.to_string(),
                    provider: provider.settings.name,
                    wrong: u32::try_from(tries).unwrap_or(u32::MAX),
                    return_to: ReturnTo::Home,
                });
            }
            return Err(over());
        }
        judged?;
        record
            .attempt
            .trace
            .push("local password", StepState::Ok, "proven; linked");
        let standing = Standing::proven(&proof);
        let session = self.new_session(Principal::Person(mailbox.id), Some(standing), client);
        let (inside, saved) = (session.clone(), record.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                // Of two that bring one proof, or after the last try, one or none gets it.
                if !store::link_proofs::delete(tx, &tag).await?
                    || store::mailboxes::generation(tx, proof.mailbox).await? != generation
                {
                    return Err(over());
                }
                link(tx, &proof, now).await?;
                store::mailboxes::touch_sign_in(tx, proof.mailbox, now).await?;
                inside.insert(tx).await?;
                saved.clone().insert(tx).await?;
                Ok::<_, Problem>(())
            })
            .await?;
        let who = self.person(mailbox.id).await?;
        Ok(Ended::SignedIn(Box::new(SignedIn {
            token: session.token,
            who,
            return_to: ReturnTo::Home,
            created: false,
            notice: None,
        })))
    }

    async fn count_wrong(&self, tag: Vec<u8>) -> Result<i64, Problem> {
        self.store
            .write(async move |tx: &mut Conn| {
                let tries = store::link_proofs::count_try(tx, &tag).await?;
                if tries >= MOST_TRIES {
                    store::link_proofs::delete(tx, &tag).await?;
                }
                Ok(tries)
            })
            .await
    }
}

/// Links, after looking once more at everything that may have changed since the proof was given.
async fn link(tx: &mut Conn, proof: &Proof, now: model::time::Timestamp) -> Result<(), Problem> {
    let mailbox = store::mailboxes::by_id(tx, proof.mailbox)
        .await?
        .ok_or_else(over)?;
    let provider = store::providers::by_id(tx, proof.provider)
        .await?
        .ok_or_else(over)?;
    provision::switched_on(&provider).map_err(Problem::Refused)?;
    if provider.namespace != proof.namespace {
        return Err(over());
    }
    let domain = store::domains::by_id(tx, mailbox.domain)
        .await?
        .ok_or_else(over)?;
    let pending = store::links::pending_of(tx, mailbox.id).await?;
    let bound = facts::bound_elsewhere(tx, &provider, Some(&domain)).await?;
    let blocked = store::blocks::by_person(tx, &proof.namespace, &proof.subject).await?;
    let link = LinkFacts {
        now,
        provider: &provider,
        provider_domains: &facts::domains_to_name(tx, &provider, Some(&domain)).await?,
        bound: bound.as_ref(),
        subject: &proof.subject,
        domain: &domain,
        mailbox: &mailbox,
        links: &store::links::of_mailbox(tx, mailbox.id).await?,
        pending: pending.as_ref(),
        blocked: blocked.as_ref(),
    };
    provision::may_link(&link).map_err(Problem::Refused)?;
    store::links::take_pending(tx, mailbox.id).await?;
    let Proof {
        namespace,
        subject,
        provider,
        ..
    } = proof;
    let origin = LinkOrigin::LocalPassword;
    store::links::insert(tx, mailbox.id, *provider, namespace, subject, origin, now).await?;
    store::confirmation::confirm(tx, mailbox.id, now, true).await?;
    let methods = SignInMethods {
        provider: true,
        ..mailbox.methods
    };
    let after = Mailbox { methods, ..mailbox };
    store::mailboxes::update(tx, &after, None, now).await?;
    let details = json!({ "namespace": namespace, "subject": subject, "origin": origin });
    audit::note(
        tx,
        now,
        &Actor::System,
        "mailbox.link",
        &after.address,
        details,
    )
    .await?;
    Ok(())
}

/// The proof is gone: used, ended, or of another browser.
fn over() -> Problem {
    Problem::Refused(Refusal::new(Code::ForeignState))
}
