//! What a sign-in would lead to, with claims that are known: the very decision of the sign-in,
//! with nothing carried out. Replaying a recorded attempt and asking "what if" are both this.

use crate::rules::claims_in;
use crate::sign_in::{Known, Vouched};
use crate::{App, Problem};
use model::address::Address;
use model::attempt::{Attempt, Reference, Step, Trace};
use model::link::Namespace;
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::rules::difference::{self, Difference};
use model::rules::mapping::Claims;
use model::rules::provision::{self, Verdict};
use serde::{Deserialize, Serialize};
use store::{Conn, StoreError};

/// Somebody, as a provider would vouch for them.
#[derive(Debug, Clone)]
pub struct Presented {
    /// Where the subject is unique.
    pub namespace: Namespace,
    /// The provider's stable name of the person.
    pub subject: String,
    /// Everything it says about them.
    pub claims: Claims,
}

impl Presented {
    fn vouched(&self) -> Vouched<'_> {
        Vouched {
            namespace: &self.namespace,
            subject: &self.subject,
            claims: &self.claims,
        }
    }
}

/// A decision that nothing followed from.
pub(crate) struct Dry {
    /// What was decided.
    pub(crate) verdict: Verdict,
    /// Why, step by step.
    pub(crate) trace: Trace,
    /// What is known here of the person.
    pub(crate) known: Known,
    /// The address that was decided about, where there is one.
    pub(crate) address: Option<Address>,
}

/// Decides as a sign-in would, from the store as it is now, and carries nothing out.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub(crate) async fn decide_dry(
    conn: &mut Conn,
    now: model::time::Timestamp,
    provider: &Provider,
    presented: &Presented,
) -> Result<Dry, StoreError> {
    let mut trace = Trace::default();
    let known = Known::read(conn, provider, presented.vouched(), now).await?;
    let verdict = match provision::switched_on(provider) {
        Err(refusal) => Verdict::Refuse(refusal),
        Ok(()) => known.judge(now, provider, presented.vouched(), &mut trace),
    };
    Ok(Dry {
        address: known.address(provider, presented.vouched()),
        verdict,
        trace,
        known,
    })
}

/// What would happen, in words and values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foretold {
    /// The provider's slug.
    pub provider: String,
    /// The address that was decided about.
    pub address: Option<String>,
    /// Whether the person would get in.
    pub gets_in: bool,
    /// What would happen, in a sentence.
    pub sentence: String,
    /// Why not.
    pub refusal: Option<Refusal>,
    /// What would change, field by field; before is empty for a new mailbox.
    pub changes: Vec<Change>,
    /// The gates, in order.
    pub steps: Vec<Step>,
    /// Claims of a recorded attempt that were too large to be kept: the decision was made without
    /// them.
    pub cut: Vec<String>,
}

/// One field that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which: `quota`.
    pub field: String,
    /// As it is.
    pub before: String,
    /// As it would be.
    pub after: String,
}

impl From<Difference> for Change {
    fn from(difference: Difference) -> Self {
        Self {
            field: difference.field.key().to_owned(),
            before: difference.before.unwrap_or_default(),
            after: difference.after,
        }
    }
}

impl App {
    /// Decides anew on a recorded attempt: with the claims kept with it, and everything else as it
    /// is now. Changes nothing.
    ///
    /// # Errors
    /// [`Problem::NotFound`]; [`Problem::InUse`] for an attempt that never got as far as claims.
    pub async fn replay(&self, reference: &Reference) -> Result<Foretold, Problem> {
        let private = self.private_claims().await?;
        let mut read = self.store.read()?;
        let attempt = self.recorded(&mut read, reference).await?;
        let (provider, presented, cut) = self
            .kept(&mut read, &attempt)
            .await?
            .ok_or_else(|| Problem::InUse(NOT_KEPT.to_owned()))?;
        let dry = decide_dry(&mut read, self.clock.now(), &provider, &presented).await?;
        Ok(tell(&provider, dry, cut, &attempt.trace, &private))
    }

    /// What would happen if somebody came from a provider with these claims: a new person, or, with
    /// a claim `sub`, whoever that is there. Changes nothing.
    ///
    /// # Errors
    /// [`Problem::NotFound`] for the provider; a problem of the field `claims`.
    pub async fn what_if(&self, slug: &str, claims: &str) -> Result<Foretold, Problem> {
        let claims = claims_in("claims", claims)?;
        let provider = self.provider(slug).await?;
        let named = provider.settings.subject_claim.as_deref().unwrap_or("sub");
        let subject = claims.get(named).and_then(serde_json::Value::as_str);
        let presented = Presented {
            namespace: provider.namespace.clone(),
            // No provider sends an empty one, so it is nobody who is linked.
            subject: subject.unwrap_or_default().to_owned(),
            claims,
        };
        let mut read = self.store.read()?;
        let dry = decide_dry(&mut read, self.clock.now(), &provider, &presented).await?;
        Ok(tell(&provider, dry, Vec::new(), &Trace::default(), &[]))
    }

    /// The person of an attempt as far as that was kept, with the provider as it is now.
    pub(crate) async fn kept(
        &self,
        read: &mut Conn,
        attempt: &Attempt,
    ) -> Result<Option<(Provider, Presented, Vec<String>)>, Problem> {
        let (Some(identity), Some(id)) = (&attempt.trace.identity, attempt.provider) else {
            return Ok(None);
        };
        let Some(provider) = store::providers::by_id(read, id).await? else {
            return Ok(None);
        };
        let (claims, cut) = attempt.trace.kept_claims();
        let presented = Presented {
            namespace: identity.namespace.clone(),
            subject: identity.subject.clone(),
            claims,
        };
        Ok(Some((provider, presented, cut)))
    }
}

const NOT_KEPT: &str = "nothing to replay: this attempt never got as far as the provider's word \
    about the person, or its provider is gone";

fn tell(
    provider: &Provider,
    dry: Dry,
    cut: Vec<String>,
    seen: &Trace,
    private: &[String],
) -> Foretold {
    let at = dry
        .address
        .as_ref()
        .map_or_else(|| "the person".to_owned(), ToString::to_string);
    let templates = &dry.known.templates;
    let changed = |mailbox, wanted| difference::changed(mailbox, wanted, templates);
    let (mut sentence, mut refusal, mut fields) = (String::new(), None, Vec::new());
    match dry.verdict {
        Verdict::SignIn {
            changes: wanted,
            renamed,
        } => {
            sentence = format!("Signs in to {at}.");
            if let Some((theirs, _)) = renamed {
                sentence.push_str(&format!(
                    " The provider calls the person {theirs} ({}).",
                    Code::AddressChanged
                ));
            }
            if let Some((_, mailbox, ..)) = &dry.known.linked {
                fields = changed(mailbox, &wanted);
            }
        }
        Verdict::Link {
            mailbox,
            changes: wanted,
            ..
        } => {
            sentence = format!("Is linked to {at}, which waits for this person, and signs in.");
            fields = changed(&mailbox, &wanted);
        }
        Verdict::Create(new) => {
            sentence = if new.active {
                format!("The mailbox {at} is made, and the person signs in.")
            } else {
                format!("The mailbox {at} is made switched off, so the person is not let in.")
            };
            fields = difference::made(&new, templates);
            if !new.active {
                refusal = Some(Refusal::new(Code::MailboxInactive).with("address", &new.address));
            }
        }
        Verdict::ProveLocal { refusal: why, .. } => {
            sentence = format!("Has to prove the local password of {at} first.");
            refusal = Some(why);
        }
        Verdict::SwitchOff {
            changes: wanted,
            refusal: why,
        } => {
            sentence = format!("Is refused, and {at} is switched off.");
            if let Some((_, mailbox, ..)) = &dry.known.linked {
                fields = changed(mailbox, &wanted);
            }
            refusal = Some(why);
        }
        Verdict::Refuse(why) => refusal = Some(why),
    }
    // What the attempt's private claims say is hidden in the new words as in the old ones.
    let mut trace = Trace {
        claims: seen.claims.clone(),
        ..dry.trace
    };
    let viewer = model::rules::privacy::Viewer::Administrator;
    let quoted = model::rules::privacy::Quoted::of_seen(viewer, private, &seen.claims);
    for field in &mut fields {
        field
            .before
            .iter_mut()
            .for_each(|text| quoted.take_out_of(text));
        quoted.take_out_of(&mut field.after);
    }
    model::rules::privacy::hide(viewer, private, &mut trace, refusal.as_mut());
    if let Some(why) = &refusal
        && sentence.is_empty()
    {
        sentence = format!("Is refused. {}", why.admin());
    }
    Foretold {
        provider: provider.slug.clone(),
        address: dry.address.map(String::from),
        gets_in: refusal.is_none(),
        sentence,
        refusal,
        changes: fields
            .into_iter()
            .filter(Difference::changes)
            .map(Change::from)
            .collect(),
        steps: trace.steps,
        cut,
    }
}
