//! A draft of rules on one set of claims: which rule decides, and what comes of it.

use crate::address::Address;
use crate::outcome::{Code, Refusal};
use crate::provider::{EveryoneElse, Provider};
use crate::rules::claims::{Claims, brief};
use crate::rules::effect::{self, Change, Effect, LastClaims, Linked};
use crate::rules::fields::{self, FieldLine};
use crate::rules::mapping::{self, Mapped, RuleVerdict};
use crate::rules::privacy::{self, HIDDEN, Quoted, Viewer};
use crate::rules::provision;
use crate::rules::versions::RuleSet;
use crate::template::Template;
use crate::time::Timestamp;

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

impl Trial {
    /// Takes out what `viewer` does not see of the claims it was tried on, also where a sentence
    /// quotes it.
    pub fn hide(&mut self, viewer: Viewer, private: &[String], claims: &Claims) {
        for ((name, _), (_, shown)) in claims.iter().zip(&mut self.claims) {
            if !privacy::may_see(viewer, name, private) {
                HIDDEN.clone_into(shown);
            }
        }
        let claims = claims.iter().map(|(name, value)| (name.as_str(), value));
        let quoted = Quoted::of(viewer, private, claims);
        for verdict in &mut self.verdicts {
            quoted.take_out_of(&mut verdict.why);
        }
        quoted.take_out_of(&mut self.outcome);
        if let Some(refusal) = &mut self.refusal {
            quoted.take_out_of_refusal(refusal);
        }
    }

    /// Whether values are hidden.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.claims.iter().any(|(_, value)| value == HIDDEN)
    }
}

/// Of claims that are nobody's in particular: what a new person would meet.
#[must_use]
pub fn of_nobody(provider: &Provider, templates: &[Template], claims: &Claims) -> Trial {
    let mut trial = trial(provider, claims);
    let settings = &provider.settings;
    let (mapped, _) = mapping::map(&settings.rules, settings.everyone_else, claims);
    let found = |id| templates.iter().find(|template| template.id == id);
    let (who, template) = match mapped {
        Mapped::Rule { position, template } => {
            (format!("Rule {} decides", position + 1), found(template))
        }
        Mapped::Withheld { position, pointer } => {
            let rule = &settings.rules[position];
            let refusal = provision::withheld(rule, pointer).with("provider", &settings.name);
            trial.outcome = format!(
                "No rule matches, but rule {} could not be asked: a pointer came in place of {}. A \
                 new person would meet {}. A mailbox that exists keeps what it has.",
                position + 1,
                crate::foreign::printable(&rule.claim, 100),
                refusal.code
            );
            trial.refusal = Some(refusal);
            return trial;
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

/// Of the claims with which a linked person came last.
#[must_use]
pub fn of_person(
    now: Timestamp,
    after: &Provider,
    templates: &[Template],
    linked: &Linked,
    last: LastClaims<'_>,
) -> Trial {
    let mut trial = trial(after, last.claims);
    trial.left_out = last.left_out.to_vec();
    // Judged against no rules at all: what these rules do, not what they change.
    let none = RuleSet {
        rules: Vec::new(),
        everyone_else: EveryoneElse::Refuse,
    };
    let change = Change {
        now,
        before: &none.put_in(after),
        after,
        templates,
    };
    let effect = effect::effect(&change, linked, Some(last));
    for_person(&mut trial, effect, after, templates, linked);
    trial
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
            .map(|(name, value)| (crate::foreign::printable(name, 100), brief(value)))
            .collect(),
        left_out: Vec::new(),
        person: None,
    }
}

fn for_person(
    trial: &mut Trial,
    effect: Effect,
    after: &Provider,
    templates: &[Template],
    linked: &Linked,
) {
    let (_, mailbox, domain, _) = linked;
    let rule = trial.decides.map_or_else(
        || "No rule matches".to_owned(),
        |at| format!("Rule {} decides", at + 1),
    );
    let decides = trial.decides.map(|at| after.settings.rules[at].template);
    let template = decides.and_then(|id| templates.iter().find(|t| t.id == id));
    let has = templates.iter().find(|t| Some(t.id) == mailbox.template);
    let has = has.map_or("no template", |template| template.name.as_str());
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
                Some(words) => format!(
                    "{rule}: {} would be given in place of {has}, but it does not fit. {words}",
                    template.name
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DomainId, ProviderId};
    use crate::link::Namespace;
    use crate::preset::Preset;
    use crate::rule::{Rule, Test};
    use crate::time::Timestamp;
    use serde_json::json;

    fn provider(rules: Vec<Rule>) -> Provider {
        let mut settings = Preset::Issuer.settings();
        settings.rules = rules;
        settings.domains = vec![DomainId(1)];
        Provider {
            id: ProviderId(1),
            slug: "p".to_owned(),
            created: Timestamp(0),
            modified: Timestamp(0),
            secret: None,
            checks_stopped: None,
            namespace: Namespace("n".to_owned()),
            settings,
        }
    }

    #[test]
    fn who_helps_people_sees_which_rule_decides_and_no_value() {
        let asks = |claim: &str, value: &str| Rule {
            claim: claim.to_owned(),
            test: Test::Is(value.to_owned()),
            template: crate::ids::TemplateId(1),
        };
        let provider = provider(vec![asks("dept", "boss"), asks("dept", "SALES OF LYON")]);
        let claims = json!({"dept": "Sales of Lyon", "groups": ["canaries"]});
        let claims = claims.as_object().unwrap();
        let whole = of_nobody(&provider, &[], claims);
        assert!(whole.outcome.contains("Sales of Lyon"), "{}", whole.outcome);
        for (viewer, private, hidden) in [
            (Viewer::Helpdesk, "", vec!["Sales of Lyon", "canaries"]),
            (Viewer::Administrator, "dept", vec!["Sales of Lyon"]),
            (Viewer::Administrator, "other", vec![]),
            (Viewer::AdministratorOpened, "dept", vec![]),
        ] {
            let mut trial = whole.clone();
            trial.hide(viewer, &[private.to_owned()], claims);
            assert_eq!(trial.hides(), !hidden.is_empty(), "{viewer:?} {private}");
            let text = format!("{trial:?}");
            for value in ["Sales of Lyon", "canaries"] {
                assert_eq!(text.contains(value), !hidden.contains(&value), "{text}");
            }
            assert!(text.contains("dept") && text.contains("groups"), "{text}");
        }
    }
}
