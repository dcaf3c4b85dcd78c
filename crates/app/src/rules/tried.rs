//! Trying a draft of rules on one set of claims: a person's last sign-in, or pasted ones.

use crate::providers::by_slug;
use crate::{App, Problem};
use model::address::Address;
use model::audit::Actor;
use model::provider::Provider;
use model::rules::claims::Claims;
use model::rules::effect::{self, LastClaims};
use model::rules::privacy::Viewer;
use model::rules::trial;
use model::rules::versions::RuleSet;
use store::Conn;
use store::link_claims::KeptClaims;

pub use model::rules::trial::Trial;

/// Largest pasted claims, in bytes.
pub const MOST_PASTED: usize = 64 * 1024;

/// What a draft is tried on.
#[derive(Debug, Clone)]
pub enum Tried {
    /// The claims with which the person of this mailbox came last.
    Person(Address),
    /// The claims of the newest test sign-in that is still kept and proved somebody.
    LastTest,
    /// These claims, of nobody in particular.
    Claims(Claims),
}

impl App {
    /// Tries a draft; values of private claims are hidden, except in claims that somebody typed. A
    /// person without known claims is a problem of the field `try_address`, no test sign-in one of
    /// the field `try_from`.
    pub async fn try_rules(
        &self,
        slug: &str,
        draft: &RuleSet,
        tried: Tried,
    ) -> Result<Trial, Problem> {
        let typed = matches!(tried, Tried::Claims(_));
        let private = self.private_claims().await?;
        let (mut trial, claims) = self.trial(slug, draft, tried).await?;
        if !typed {
            trial.hide(Viewer::Administrator, &private, &claims);
        }
        Ok(trial)
    }

    /// The same with all values: that they were opened, and by whom, is written down first.
    ///
    /// # Errors
    /// As [`App::try_rules`].
    pub async fn open_trial(
        &self,
        actor: &Actor,
        slug: &str,
        draft: &RuleSet,
        tried: Tried,
    ) -> Result<Trial, Problem> {
        let (trial, _) = self.trial(slug, draft, tried).await?;
        let whose = trial.person.as_ref().map(|(address, _)| address.as_str());
        self.note_opened(actor, "claims.open", whose.unwrap_or(slug))
            .await?;
        Ok(trial)
    }

    /// A trial, and the claims it was made on.
    async fn trial(
        &self,
        slug: &str,
        draft: &RuleSet,
        tried: Tried,
    ) -> Result<(Trial, Claims), Problem> {
        let (provider, templates) = {
            let mut read = self.store.read()?;
            let provider = by_slug(&mut read, slug).await?;
            (provider, store::templates::all(&mut read).await?)
        };
        let after = draft.put_in(&provider);
        match tried {
            Tried::Claims(claims) => {
                let trial = trial::of_nobody(&after, &templates, &claims);
                Ok((trial, claims))
            }
            Tried::LastTest => {
                let (claims, left_out) = self.last_test(slug).await?;
                let mut trial = trial::of_nobody(&after, &templates, &claims);
                trial.left_out = left_out;
                Ok((trial, claims))
            }
            Tried::Person(address) => {
                let mut read = self.store.read()?;
                let (kept, linked) = person(&mut read, &provider, &address).await?;
                let last = LastClaims {
                    claims: &kept.claims,
                    left_out: &kept.left_out,
                };
                let now = self.clock.now();
                let mut trial = trial::of_person(now, &after, &templates, &linked, last);
                trial.person = Some((address, kept.since));
                Ok((trial, kept.claims))
            }
        }
    }

    /// The claims of the newest test sign-in, and the names of those that were cut.
    async fn last_test(&self, slug: &str) -> Result<(Claims, Vec<String>), Problem> {
        let tests = self.kept_tests(slug).await?;
        let proved = tests.into_iter().find(|test| test.found.identity.is_some());
        let test = proved.ok_or_else(|| {
            let words =
                "no test sign-in of the last 30 minutes got as far as claims; run one first";
            Problem::field("try_from", words)
        })?;
        let (cut, whole): (Vec<_>, Vec<_>) = test.found.claims.iter().partition(|claim| claim.cut);
        let whole = whole.into_iter();
        Ok((
            whole
                .map(|claim| (claim.name.clone(), claim.value.clone()))
                .collect(),
            cut.into_iter().map(|claim| claim.name.clone()).collect(),
        ))
    }
}

/// Reads pasted claims: one JSON object.
///
/// # Errors
/// A problem of the field `try_json`.
pub fn pasted(text: &str) -> Result<Claims, Problem> {
    claims_in("try_json", text)
}

/// Reads claims that somebody typed into `field`: one JSON object.
///
/// # Errors
/// A problem of the field.
pub(crate) fn claims_in(field: &str, text: &str) -> Result<Claims, Problem> {
    let wrong = |words: String| Problem::field(field, words);
    if text.len() > MOST_PASTED {
        return Err(wrong("at most 64 KiB of claims".to_owned()));
    }
    match serde_json::from_str(text.trim()) {
        Ok(serde_json::Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(wrong("claims are one JSON object: { … }".to_owned())),
        Err(error) => Err(wrong(format!("this is not JSON: {error}"))),
    }
}

type Person = (KeptClaims, effect::Linked);

async fn person(
    read: &mut Conn,
    provider: &Provider,
    address: &Address,
) -> Result<Person, Problem> {
    let wrong = |words: &str| Problem::field("try_address", words);
    let mailbox = store::mailboxes::by_address(read, address)
        .await?
        .ok_or_else(|| wrong("there is no such mailbox"))?;
    let links = store::links::of_mailbox(read, mailbox.id).await?;
    let link = links
        .into_iter()
        .find(|link| link.provider == provider.id && link.namespace == provider.namespace)
        .ok_or_else(|| wrong("nobody at this provider is linked to this mailbox"))?;
    let kept = store::link_claims::of_link(read, link.id)
        .await?
        .ok_or_else(|| {
            wrong("this person's claims are not known yet; they are kept at the next sign-in")
        })?;
    let (domain, used) = store::domains::use_by_id(read, mailbox.domain)
        .await?
        .ok_or_else(|| wrong("there is no such mailbox"))?;
    Ok((kept, (link, mailbox, domain, used)))
}
