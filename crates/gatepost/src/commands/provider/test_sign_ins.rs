//! Test sign-ins as text, in the words of their page.

use app::test_sign_in::TestClaim;
use model::rules::outcomes;

use crate::administration::test_sign_ins::{TestDocument, TestList, TestRefusal};
use crate::commands::attempt::state;
use crate::commands::output::{details, table, when};

/// Where one is started, and the results in a line each.
pub(super) fn where_to(list: TestList) -> String {
    let mut text = format!(
        "Open this address in a browser, signed in as an administrator:\n  {}",
        list.open
    );
    if list.passed {
        text.push_str("\n\nOne has passed with the provider as it is set up now.");
    }
    let row = |test: TestDocument| {
        let who = test.found.identity.as_ref().map(|who| {
            let address = who.address.clone();
            address.unwrap_or_else(|| who.subject.clone())
        });
        [
            when(&test.at),
            ended(&test),
            who.unwrap_or_else(|| "nobody was proven".to_owned()),
            test.by,
        ]
    };
    let rows: Vec<_> = list.tests.into_iter().map(row).collect();
    if !rows.is_empty() {
        let rows = table(["WHEN", "ENDED", "WHO CAME", "TESTED BY"], &rows);
        text.push_str(&format!("\n\n{rows}"));
    }
    text
}

/// The results in full, newest first.
pub(super) fn all(list: TestList) -> String {
    if list.tests.is_empty() {
        return format!(
            "No result is kept: they stay for half an hour, and no longer than the server runs.\n\
             A test sign-in is started at {}",
            list.open
        );
    }
    let texts: Vec<_> = list.tests.into_iter().map(one).collect();
    texts.join("\n\n")
}

fn ended(test: &TestDocument) -> String {
    match &test.refusal {
        Some(refusal) => refusal.code.clone(),
        None => "passed".to_owned(),
    }
}

fn one(test: TestDocument) -> String {
    let ended = ended(&test);
    let told = |refusal: &Option<TestRefusal>, words: fn(&TestRefusal) -> &str| {
        refusal
            .as_ref()
            .map(|r| words(r).to_owned())
            .unwrap_or_default()
    };
    let who = test.found.identity.as_ref();
    let of = |field: Option<String>| field.unwrap_or_default();
    let steps = test.found.steps.iter().map(|step| {
        let took = step
            .took_ms
            .map(|ms| format!(" ({ms} ms)"))
            .unwrap_or_default();
        format!(
            "{:8} {}: {}{took}",
            state(step.state),
            step.gate,
            step.evidence
        )
    });
    let rules = outcomes::named(&test.found.rules).map(|(name, rule)| {
        let outcome = rule.outcome.label();
        format!("{name}: {}; {outcome}, {}", rule.gives, rule.why)
    });
    let fields = test
        .found
        .mailbox
        .fields
        .iter()
        .map(|field| match &field.before {
            Some(before) if field.changes() => {
                format!("{}: {before} → {}", field.field, field.after)
            }
            _ => format!("{}: {}", field.field, field.after),
        });
    let room = test.found.room.as_ref().map(|room| match &room.then {
        Some(then) => format!("{}: {}\nthen {then}", room.domain, room.now),
        None => format!("{}: {}", room.domain, room.now),
    });
    let lines = |lines: &mut dyn Iterator<Item = String>| lines.collect::<Vec<_>>().join("\n");
    details(&[
        (
            "When",
            format!("{}, kept until {}", when(&test.at), when(&test.kept_until)),
        ),
        ("Tested by", test.by.clone()),
        ("Ended", format!("{ended}. {}", test.sentence)),
        ("Reason", told(&test.refusal, |refusal| &refusal.admin)),
        (
            "Person reads",
            told(&test.refusal, |refusal| &refusal.person),
        ),
        ("To notice", told(&test.notice, |notice| &notice.person)),
        ("Mended by", of(test.found.fix.clone())),
        ("Address", of(who.and_then(|who| who.address.clone()))),
        ("Name", of(who.and_then(|who| who.name.clone()))),
        ("Subject", of(who.map(|who| who.subject.clone()))),
        ("Known at", of(who.map(|who| who.namespace.clone()))),
        ("Scopes asked for", test.found.scopes_asked.clone()),
        (
            "Scopes granted",
            of(who.map(|who| who.scopes_granted.clone())),
        ),
        (
            "Mailbox",
            format!(
                "{}\n{}",
                test.found.mailbox.sentence,
                lines(&mut { fields })
            ),
        ),
        ("Limits", of(room)),
        ("Rules", lines(&mut { rules })),
        ("Claims", lines(&mut test.found.claims.iter().map(claim))),
        ("Steps", lines(&mut { steps })),
        ("Saved", "nothing".to_owned()),
    ])
}

fn claim(claim: &TestClaim) -> String {
    let cut = if claim.cut { ", cut" } else { "" };
    let (value, origin) = (claim.text(), claim.came_in());
    format!("{} = {value} ({origin}{cut})", claim.name)
}
