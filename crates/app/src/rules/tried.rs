//! Trying a draft of rules on one set of claims: a person's last sign-in, or pasted ones.

use super::survey::{names, with_rules};
use crate::providers::by_slug;
use crate::{App, Problem};
use model::address::Address;
use model::outcome::{Code, Refusal};
use model::provider::{EveryoneElse, Provider};
use model::rules::claims::{Claims, brief};
use model::rules::effect::{self, Change, Effect, LastClaims};
use model::rules::fields::{self, FieldLine};
use model::rules::mapping::{self, Mapped, RuleVerdict};
use model::rules::versions::RuleSet;
use model::template::Template;
use model::time::Timestamp;
use store::Conn;
use store::link_claims::KeptClaims;

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

/// What a draft does with one set of claims. Nothing was written.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Every rule, and why it matches or not.
    pub verdicts: Vec<RuleVerdict>,
    /// The rule that decides, from 0.
    pub decides: Option<usize>,
    /// What comes of it, in sentences.
    pub outcome: String,
    /// The refusal that a new person would meet.
    pub refusal: Option<Refusal>,
    /// The fields of the person's mailbox, or of a new one (where *is* and *becomes* are what it
    /// gets).
    pub fields: Vec<FieldLine>,
    /// The claims, each in one line.
    pub claims: Vec<(String, String)>,
    /// Names of claims that were too large to be kept.
    pub left_out: Vec<String>,
    /// Whose they are, and when the person first came with just these.
    pub person: Option<(Address, Timestamp)>,
}

impl App {
    /// Tries a draft. A person without known claims is a problem of the field `try_address`, no test
    /// sign-in one of the field `try_from`.
    pub async fn try_rules(
        &self,
        slug: &str,
        draft: &RuleSet,
        tried: Tried,
    ) -> Result<Trial, Problem> {
        let mut read = self.store.read()?;
        let provider = by_slug(&mut read, slug).await?;
        let templates = store::templates::all(&mut read).await?;
        let after = with_rules(&provider, draft);
        match tried {
            Tried::Claims(claims) => Ok(of_nobody(&after, &templates, &claims)),
            Tried::LastTest => {
                let (claims, left_out) = self.last_test(slug).await?;
                let mut trial = of_nobody(&after, &templates, &claims);
                trial.left_out = left_out;
                Ok(trial)
            }
            Tried::Person(address) => {
                let (kept, linked) = person(&mut read, &provider, &address).await?;
                let mut trial = trial(&after, &kept.claims);
                trial.left_out = kept.left_out.clone();
                trial.person = Some((address, kept.since));
                // Judged against no rules at all: what these rules do, not what they change.
                let none = RuleSet {
                    rules: Vec::new(),
                    everyone_else: EveryoneElse::Refuse,
                };
                let change = Change {
                    now: self.clock.now(),
                    before: &with_rules(&provider, &none),
                    after: &after,
                    templates: &templates,
                };
                let last = LastClaims {
                    claims: &kept.claims,
                    left_out: &kept.left_out,
                };
                let effect = effect::effect(&change, &linked, Some(last));
                for_person(&mut trial, effect, &after, &templates, &linked);
                Ok(trial)
            }
        }
    }
}

impl App {
    /// The claims of the newest test sign-in, and the names of those that were cut.
    async fn last_test(&self, slug: &str) -> Result<(Claims, Vec<String>), Problem> {
        let tests = self.test_sign_ins(slug).await?;
        let proved = tests.into_iter().find(|test| test.identity.is_some());
        let test = proved.ok_or_else(|| {
            let words =
                "no test sign-in of the last 30 minutes got as far as claims; run one first";
            Problem::field("try_from", words)
        })?;
        let (cut, whole): (Vec<_>, Vec<_>) = test.claims.iter().partition(|claim| claim.cut);
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
    let wrong = |words: String| Problem::field("try_json", words);
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

fn trial(provider: &Provider, claims: &Claims) -> Trial {
    let verdicts = mapping::explain_all(&provider.settings.rules, claims);
    Trial {
        decides: verdicts.iter().position(|verdict| verdict.decides),
        verdicts,
        outcome: String::new(),
        refusal: None,
        fields: Vec::new(),
        claims: claims
            .iter()
            .map(|(name, value)| (model::foreign::printable(name, 100), brief(value)))
            .collect(),
        left_out: Vec::new(),
        person: None,
    }
}

fn of_nobody(provider: &Provider, templates: &[Template], claims: &Claims) -> Trial {
    let mut trial = trial(provider, claims);
    let settings = &provider.settings;
    let (mapped, _) = mapping::map(&settings.rules, settings.everyone_else, claims);
    let found = |id| templates.iter().find(|template| template.id == id);
    let (who, template) = match mapped {
        Mapped::Rule { position, template } => {
            (format!("Rule {} decides", position + 1), found(template))
        }
        Mapped::EveryoneElse(template) => {
            ("No rule matches; everyone else".to_owned(), found(template))
        }
        Mapped::Refused { near } => {
            let (code, detail) = match near {
                Some((position, want, value)) => (
                    Code::NearMapping,
                    format!(
                        " Rule {} says “{want}” and “{value}” came: capital and small letters \
                         count.",
                        position + 1
                    ),
                ),
                None => (Code::NoMapping, String::new()),
            };
            trial.outcome = format!(
                "No rule matches, and everyone else is refused: a new person would meet {}.\
                 {detail} A mailbox that exists keeps what it has.",
                code
            );
            trial.refusal = Some(Refusal::new(code));
            return trial;
        }
    };
    match template {
        Some(template) => {
            trial.outcome = format!("{who}: a new mailbox gets {}.", template.name);
            trial.fields = fields::of_new(template);
        }
        None => {
            let code = Code::TemplateGone;
            trial.outcome = format!(
                "{who}, but its template does not exist any more: a new person would meet {}.",
                code
            );
            trial.refusal = Some(Refusal::new(code));
        }
    }
    trial
}

fn for_person(
    trial: &mut Trial,
    effect: Effect,
    after: &Provider,
    templates: &[Template],
    linked: &effect::Linked,
) {
    let names = names(templates);
    let (_, mailbox, domain, _) = linked;
    let rule = trial.decides.map_or_else(
        || "No rule matches".to_owned(),
        |at| format!("Rule {} decides", at + 1),
    );
    let decides = trial.decides.map(|at| after.settings.rules[at].template);
    let template = decides.and_then(|id| templates.iter().find(|t| t.id == id));
    let has = mailbox.template.and_then(|id| names.get(&id));
    let has = has.map_or_else(|| "no template".to_owned(), Clone::clone);
    trial.outcome = match (&effect, template) {
        (Effect::Unknown, _) => {
            "A claim that the rules ask for was too large to be kept, so the outcome is not known."
                .to_owned()
        }
        (Effect::Refused(refusal), _) => {
            trial.refusal = Some((**refusal).clone());
            format!(
                "{rule}: the next sign-in would be refused. {}",
                refusal.admin()
            )
        }
        (Effect::Changed(changed), Some(template)) => {
            trial.fields.clone_from(&changed.fields);
            match &changed.not_applied {
                Some(refusal) => format!(
                    "{rule}: {} would be given in place of {has}, but it does not fit, and \
                     everything stays as it is. {}",
                    template.name,
                    refusal.admin()
                ),
                None if mailbox.template == Some(template.id) => {
                    format!("{rule}: {} is brought up to date.", template.name)
                }
                None => format!("{rule}: {} takes the place of {has}.", template.name),
            }
        }
        (_, Some(template)) => {
            trial.fields = fields::lines(mailbox, mailbox, template, &domain.limits);
            format!("{rule}: {}, nothing changes.", template.name)
        }
        (_, None) if decides.is_some() => {
            format!("{rule}, but its template does not exist any more; nothing changes.")
        }
        (_, None) => format!(
            "{rule}: the mailbox keeps what it has ({has}). “Everyone else” is for new mailboxes \
             only."
        ),
    };
}
