use super::*;
use crate::domain::{DomainLimits, GIB};
use crate::outcome::Code;
use crate::protocol::Protocol;
use crate::provider::EmailTrust;
use crate::rule::{Rule, Test};
use crate::rules::example::{self, NOW, STAFF, domain, link, mailbox};
use crate::rules::fields::Held;
use crate::template::{TemplateField, TemplateFields, TemplateSettings, Templated};
use serde_json::json;

const SALES: TemplateId = TemplateId(2);
const LEFT: TemplateId = TemplateId(3);
const HUGE: TemplateId = TemplateId(4);

fn templates() -> Vec<Template> {
    let template = |id, quota, pop3, active| Template {
        id,
        name: format!("T{}", id.0),
        settings: TemplateSettings {
            quota: Templated::in_step(quota),
            pop3: Templated::in_step(pop3),
            active: Templated::once(active),
            ..TemplateSettings::default()
        },
        created: NOW,
        modified: NOW,
    };
    vec![
        template(STAFF, 2 * GIB, true, true),
        template(SALES, 4 * GIB, false, true),
        template(LEFT, 2 * GIB, true, false),
        template(HUGE, 9000 * GIB, true, true),
    ]
}

fn rule(value: &str, template: TemplateId) -> Rule {
    Rule {
        claim: "groups".to_owned(),
        test: Test::Is(value.to_owned()),
        template,
    }
}

fn provider(rules: Vec<Rule>) -> Provider {
    example::provider(EmailTrust::AcceptAbsent, rules)
}

fn person() -> Linked {
    let limits = DomainLimits {
        max_quota: 10 * GIB,
        ..DomainLimits::default()
    };
    let used = DomainUse {
        mailboxes: 1,
        quota: 2 * GIB,
    };
    (link("alice"), mailbox(), domain(limits), used)
}

fn judged(before: Vec<Rule>, after: Vec<Rule>, person: &Linked, groups: &[&str]) -> Effect {
    let claims = json!({ "groups": groups, "email": "alice@example.org" });
    let last = LastClaims {
        claims: claims.as_object().unwrap(),
        left_out: &[],
    };
    effect_of(before, after, person, Some(last))
}

fn effect_of(
    before: Vec<Rule>,
    after: Vec<Rule>,
    person: &Linked,
    last: Option<LastClaims<'_>>,
) -> Effect {
    let change = Change {
        now: NOW,
        before: &provider(before),
        after: &provider(after),
        templates: &templates(),
    };
    effect(&change, person, last)
}

fn changed(effect: Effect) -> Changed {
    match effect {
        Effect::Changed(changed) => *changed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_template_is_told_field_by_field() {
    let rules = |template| vec![rule("staff", template)];
    let mut alice = person();
    let told = changed(judged(rules(STAFF), rules(SALES), &alice, &["staff"]));
    assert_eq!((told.template, told.after.template), (SALES, Some(SALES)));
    let moved: Vec<_> = told.fields.iter().filter(|line| line.changes()).collect();
    let words: Vec<_> = moved
        .iter()
        .map(|line| (line.field, line.is.as_str(), line.becomes.as_str()))
        .collect();
    assert_eq!(
        words,
        [
            (TemplateField::Quota, "2 GiB", "4 GiB"),
            (TemplateField::Pop3, "allowed", "not allowed"),
        ]
    );

    // What was set by hand stays, and the template's word for it is told.
    alice.1.overrides = TemplateFields::NONE.with(TemplateField::Quota, true);
    let told = changed(judged(rules(STAFF), rules(SALES), &alice, &["staff"]));
    let quota = &told.fields[0];
    assert_eq!(quota.held, Held::ByHand);
    assert_eq!(
        (quota.becomes.as_str(), quota.says.as_str()),
        ("2 GiB", "4 GiB")
    );
    assert!(quota.differs() && !quota.changes());
    assert!(told.after.protocols.contains(Protocol::Imap));
}

#[test]
fn the_same_template_by_another_rule_changes_nothing() {
    let alice = person();
    let after = vec![rule("it", STAFF), rule("staff", SALES)];
    let before = vec![rule("staff", STAFF)];
    assert_eq!(
        judged(before, after, &alice, &["it", "staff"]),
        Effect::Unchanged
    );
    // She has the template already that will decide.
    let before = vec![rule("staff", SALES)];
    let after = vec![rule("staff", STAFF)];
    assert_eq!(judged(before, after, &alice, &["staff"]), Effect::Unchanged);
}

#[test]
fn whom_no_rule_matches_any_more_keeps_the_mailbox() {
    let alice = person();
    let effect = judged(vec![rule("staff", STAFF)], vec![], &alice, &["staff"]);
    assert_eq!(effect, Effect::Unmatched);
    assert_eq!(
        judged(vec![], vec![], &alice, &["staff"]),
        Effect::Unchanged
    );
}

#[test]
fn only_who_gets_in_now_can_be_refused() {
    let mut alice = person();
    let (before, after) = (vec![rule("staff", STAFF)], vec![rule("staff", LEFT)]);
    match judged(before.clone(), after.clone(), &alice, &["staff"]) {
        Effect::Refused(refusal) => assert_eq!(refusal.code, Code::MailboxInactive),
        other => panic!("{other:?}"),
    }
    alice.1.active = false;
    alice.1.overrides = TemplateFields::NONE.with(TemplateField::Active, true);
    assert_eq!(judged(before, after, &alice, &["staff"]), Effect::Unchanged);
}

#[test]
fn a_template_that_does_not_fit_is_told() {
    let alice = person();
    let (before, after) = (vec![rule("staff", STAFF)], vec![rule("staff", HUGE)]);
    let told = changed(judged(before, after, &alice, &["staff"]));
    assert!(told.not_applied.is_some());
    assert!(told.fields.iter().all(|line| !line.changes()));
}

#[test]
fn what_is_not_known_is_not_guessed() {
    let alice = person();
    let rules = || (vec![rule("staff", STAFF)], vec![rule("staff", SALES)]);
    let (before, after) = rules();
    assert_eq!(effect_of(before, after, &alice, None), Effect::Unknown);
    let claims = json!({"email": "alice@example.org"});
    for (left_out, unknown) in [
        ("groups", true),
        (EVERYTHING, true),
        ("group", false),
        ("other", false),
    ] {
        let left_out = [left_out.to_owned()];
        let last = LastClaims {
            claims: claims.as_object().unwrap(),
            left_out: &left_out,
        };
        let (before, after) = rules();
        let effect = effect_of(before, after, &alice, Some(last));
        assert_eq!(effect == Effect::Unknown, unknown, "{left_out:?}");
    }
}
