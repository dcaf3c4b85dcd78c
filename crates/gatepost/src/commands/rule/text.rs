//! Rules as text.

use crate::administration::rules::{
    HistoryDocument, LintDocument, PreviewDocument, RuleDocument, RuleList, TrialDocument,
};
use crate::commands::output::{table, when};
use model::rules::lint::{Finding, Severity};
use model::rules::versions::Mark;

pub(super) fn list(list: RuleList) -> String {
    let else_row = [
        "else".to_owned(),
        String::new(),
        "everyone".to_owned(),
        list.everyone_else.unwrap_or_else(|| "refused".to_owned()),
    ];
    let rows: Vec<_> = list.rules.into_iter().map(row).chain([else_row]).collect();
    table(["RULE", "CLAIM", "TEST", "TEMPLATE"], &rows)
}

fn row(rule: RuleDocument) -> [String; 4] {
    [
        rule.number.to_string(),
        rule.claim,
        rule.test.words(),
        rule.template.unwrap_or_else(|| "deleted".to_owned()),
    ]
}

fn finding(finding: &Finding) -> String {
    let severity = match finding.kind.severity() {
        Severity::Error => "error",
        Severity::Warning => "warn",
    };
    let place = finding.position.map_or_else(
        || "everyone else".to_owned(),
        |position| format!("rule {}", position + 1),
    );
    format!("{severity:6} {place}: {}", finding.words)
}

pub(super) fn lint(lint: LintDocument) -> String {
    if lint.findings.is_empty() {
        return format!(
            "Nothing looks wrong; people whose claims are known: {}",
            lint.people_known
        );
    }
    let lines: Vec<_> = lint.findings.iter().map(finding).collect();
    lines.join("\n")
}

pub(super) fn preview(preview: PreviewDocument) -> String {
    let preview = preview.survey;
    let mut lines = vec![format!(
        "{} people looked at{}",
        preview.people,
        if preview.complete {
            ""
        } else {
            "; there are more"
        }
    )];
    let counts = [
        (preview.unchanged, "keep what they have"),
        (preview.changed, "get another template"),
        (
            preview.not_applied,
            "would get a template that does not fit",
        ),
        (
            preview.unmatched,
            "are matched by no rule any more and keep what they have",
        ),
        (preview.refused, "would be refused at their next sign-in"),
        (
            preview.unknown,
            "are not known: they have not come since claims are kept",
        ),
    ];
    lines.extend(
        counts
            .iter()
            .map(|(number, words)| format!("{number:6} {words}")),
    );
    let rows: Vec<_> = preview
        .rows
        .into_iter()
        .map(|row| {
            [
                row.address.to_string(),
                row.effect.label().to_owned(),
                row.template.unwrap_or_default(),
                row.becomes.unwrap_or_default(),
                row.words,
            ]
        })
        .collect();
    if !rows.is_empty() {
        let heading = ["MAILBOX", "EFFECT", "TEMPLATE", "BECOMES", "WHAT CHANGES"];
        lines.push(format!("\n{}", table(heading, &rows)));
    }
    if preview.more_rows {
        lines.push("There are more.".to_owned());
    }
    if !preview.findings.is_empty() {
        lines.push(String::new());
        lines.extend(preview.findings.iter().map(finding));
    }
    lines.join("\n")
}

pub(super) fn trial(trial: TrialDocument) -> String {
    let mut lines = vec![trial.outcome];
    if let Some(code) = &trial.code {
        lines.push(format!("more: gatepost help {code}"));
    }
    lines.push(String::new());
    lines.extend(trial.verdicts.iter().map(|verdict| {
        let mark = match (verdict.decides, verdict.matched) {
            (true, _) => "decides",
            (false, true) => "matches",
            (false, false) => "no",
        };
        format!("{mark:8} {}. {}", verdict.number, verdict.words)
    }));
    if !trial.fields.is_empty() {
        let rows: Vec<_> = trial
            .fields
            .into_iter()
            .map(|line| {
                let (now, then) = match &trial.address {
                    Some(_) => (line.is, line.becomes),
                    None => (String::new(), String::new()),
                };
                let field = line.field.label().to_owned();
                [field, now, then, line.says, line.held.label().to_owned()]
            })
            .collect();
        let heading = ["FIELD", "NOW", "THEN", "TEMPLATE SAYS", "HOW"];
        lines.push(format!("\n{}", table(heading, &rows)));
    }
    if !trial.left_out.is_empty() {
        lines.push(format!(
            "\nToo large to be kept: {}",
            trial.left_out.join(", ")
        ));
    }
    lines.join("\n")
}

pub(super) fn history(history: HistoryDocument) -> String {
    let mut lines = Vec::new();
    for (at, state) in history.states.iter().enumerate() {
        if at > 0 {
            lines.push(String::new());
        }
        let force = if at == 0 { ", in force" } else { "" };
        lines.push(format!(
            "{}  {} by {}{force}",
            state.id,
            when(&state.at),
            state.by
        ));
        lines.extend(state.changes.iter().map(|change| {
            let mark = match change.mark {
                Mark::Same => ' ',
                Mark::Gone => '-',
                Mark::New => '+',
            };
            format!("  {mark} {}", change.line)
        }));
    }
    lines.join("\n")
}
