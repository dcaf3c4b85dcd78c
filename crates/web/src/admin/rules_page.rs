//! The rules editor as it is shown.

use super::fix::path_of;
use super::rules_draft::{Draft, Typed};
use super::rules_row;
use crate::page::Page;
use crate::parts::{Field, Icon, Notice, Opt, Problems, State as Standing, Tag, When};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use app::rules::{EffectKind, RulesInForce, Survey, Trial};
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use model::foreign::is_plain;
use model::rules::fields::{FieldLine, Held};
use model::rules::lint::{Kind, Severity};
use model::template::Template as MailboxTemplate;

/// Everything the editor shows beside the draft.
pub(super) struct Shown<'a> {
    pub in_force: &'a RulesInForce,
    pub templates: &'a [MailboxTemplate],
    pub draft: &'a Draft,
    pub typed: &'a Typed,
    pub problems: Problems,
    /// What a pass over the people said.
    pub survey: Option<&'a Survey>,
    /// Whether that is the preview that was asked for.
    pub preview: bool,
    /// Whether saving was asked for, and people would be refused.
    pub asks: bool,
    pub trial: Option<&'a Trial>,
    pub notice: Option<Notice>,
    /// The row that was filled in for an attempt.
    pub suggested: Option<usize>,
    pub status: StatusCode,
}

#[derive(Template)]
#[template(path = "admin/rules.html")]
struct RulesPage {
    shell: AdminShell,
    path: String,
    provider: String,
    name: String,
    saved: When,
    saved_by: String,
    seen: i64,
    problems: Problems,
    notice: Option<Notice>,
    rows: Vec<RowShown>,
    everyone_else: Field,
    else_recent: Option<u32>,
    else_decides: bool,
    else_findings: Vec<Remark>,
    claims: Vec<String>,
    looked_at: Option<String>,
    preview: Option<Preview>,
    asks: bool,
    try_fields: Vec<Field>,
    trial: Option<TrialShown>,
}

struct RowShown {
    number: usize,
    claim: String,
    tests: Vec<Opt>,
    value: String,
    templates: Vec<Opt>,
    recent: Option<u32>,
    problem: Option<String>,
    remarks: Vec<Remark>,
    verdict: Option<Remark>,
    decides: bool,
    /// The cell to look at first, where the row was filled in for an attempt: `template`, `value`.
    suggested: &'static str,
}

struct Remark {
    tag: Tag,
    words: String,
}

struct Preview {
    summary: Vec<(u32, &'static str)>,
    people: Vec<Person>,
    more: bool,
    complete: bool,
    looked_at: u32,
}

struct Person {
    address: String,
    path: String,
    tag: Tag,
    template: String,
    becomes: String,
    words: String,
}

struct TrialShown {
    outcome: Notice,
    whose: Option<(String, When)>,
    fields: Vec<FieldLine>,
    of_person: bool,
    claims: Vec<(String, String)>,
    left_out: String,
    /// Some values are hidden, and can be opened.
    hidden: bool,
}

impl TrialShown {
    fn held(held: Held) -> Tag {
        Tag::new(Standing::Neutral, held.label())
    }
}

/// The page.
pub(super) fn page(admin: &Administrator, shown: Shown<'_>) -> Response {
    let provider = &shown.in_force.provider;
    let status = shown.status;
    let else_decides = shown.trial.is_some_and(|trial| trial.decides.is_none());
    let page = RulesPage {
        shell: admin.shell(AdminEntry::Rules),
        path: format!("{}/rules", path_of(&provider.slug)),
        provider: path_of(&provider.slug),
        name: provider.settings.name.clone(),
        saved: When::exactly(shown.in_force.version.at),
        saved_by: shown.in_force.version.actor.name().to_owned(),
        seen: shown.in_force.version.id.0,
        rows: rows(&shown),
        everyone_else: everyone_else(&shown),
        else_recent: shown.survey.map(|survey| survey.recent_else),
        else_decides,
        else_findings: findings(&shown, None),
        claims: shown.survey.map_or_else(Vec::new, |survey| {
            survey
                .seen
                .paths()
                .map(|(path, _)| path.to_owned())
                // Nobody can type the others, and they would hide or turn what stands beside them.
                .filter(|path| is_plain(path))
                .collect()
        }),
        looked_at: shown
            .survey
            .filter(|survey| !survey.complete)
            .map(|survey| format!("counted among the first {} people", grouped(survey.people))),
        preview: shown.survey.filter(|_| shown.preview).map(preview),
        asks: shown.asks,
        try_fields: try_fields(&shown),
        trial: shown.trial.map(trial),
        notice: shown.notice,
        problems: shown.problems,
    };
    (status, Page(page)).into_response()
}

fn rows(shown: &Shown<'_>) -> Vec<RowShown> {
    let places = shown.draft.places();
    let rows = shown.draft.rows.iter().enumerate();
    rows.map(|(at, row)| {
        // The rule of this row, if the row says something.
        let rule = places.iter().position(|place| *place == at);
        let verdict = rule.and_then(|rule| shown.trial?.verdicts.get(rule));
        let mut templates = vec![Opt::new("", "Choose…", row.template.is_empty())];
        templates.extend(shown.templates.iter().map(|template| {
            let chosen = template.id.to_string() == row.template;
            Opt::new(template.id, template.name.as_str(), chosen)
        }));
        let known = shown
            .templates
            .iter()
            .any(|t| t.id.to_string() == row.template);
        if !row.template.is_empty() && !known {
            templates.push(Opt::new(&row.template, "a deleted template", true));
        }
        RowShown {
            number: at + 1,
            claim: row.claim.clone(),
            tests: rules_row::test_options(&row.test),
            value: row.value.clone(),
            templates,
            recent: rule.and_then(|rule| shown.survey?.recent.get(rule).copied()),
            problem: shown
                .problems
                .of(&format!("rule-{}", at + 1))
                .map(ToOwned::to_owned),
            remarks: rule.map_or_else(Vec::new, |rule| findings(shown, Some(rule))),
            verdict: verdict.map(|verdict| Remark {
                tag: match (verdict.decides, verdict.matched) {
                    (true, _) => Tag::new(Standing::Ok, "decides"),
                    (false, true) => Tag::new(Standing::Neutral, "matches too"),
                    (false, false) => Tag::new(Standing::Neutral, "does not match"),
                },
                words: verdict.words(),
            }),
            decides: verdict.is_some_and(|verdict| verdict.decides),
            suggested: match (shown.suggested == Some(at), row.template.is_empty()) {
                (true, true) => "template",
                (true, false) => "value",
                (false, _) => "",
            },
        }
    })
    .collect()
}

fn findings(shown: &Shown<'_>, position: Option<usize>) -> Vec<Remark> {
    let all = shown.survey.map_or(&[][..], |survey| &survey.findings);
    let here = all.iter().filter(|finding| finding.position == position);
    here.map(|finding| Remark {
        tag: match finding.kind.severity() {
            Severity::Error => Tag::new(Standing::Error, title(finding.kind)),
            Severity::Warning => Tag::new(Standing::Warn, title(finding.kind)),
        },
        words: finding.words.clone(),
    })
    .collect()
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::TemplateMissing => "template missing",
        Kind::Pattern => "not a pattern",
        Kind::Duplicate => "twice",
        Kind::Unreachable => "never decides",
        Kind::ClaimNeverSeen => "claim never seen",
        Kind::OnlyCaseDiffers => "capital letters",
        Kind::ValueIsClaim => "name of a claim",
        Kind::Shape => "other kind of value",
    }
}

fn everyone_else(shown: &Shown<'_>) -> Field {
    let chosen = shown.draft.everyone_else.as_str();
    let mut options = vec![Opt::new("refuse", "is refused", chosen == "refuse")];
    if chosen.is_empty() {
        options.insert(0, Opt::new("", "Choose…", true));
    }
    options.extend(shown.templates.iter().map(|template| {
        let id = template.id.to_string();
        let here = id == chosen;
        Opt::new(id, format!("gets {}", template.name), here)
    }));
    Field::select("everyone_else", "Everyone else", options)
        .help("For people without a mailbox. A mailbox that exists keeps what it has.")
        .problem(shown.problems.of("everyone_else"))
}

fn try_fields(shown: &Shown<'_>) -> Vec<Field> {
    let typed = shown.typed;
    let from = match typed.try_from.as_str() {
        other @ ("json" | "test") => other,
        _ => "person",
    };
    vec![
        Field::radios(
            "try_from",
            "Whose claims",
            vec![
                Opt::new("person", "A person's last sign-in", from == "person"),
                Opt::new("test", "The last test sign-in", from == "test"),
                Opt::new("json", "Claims pasted here", from == "json"),
            ],
        )
        .problem(shown.problems.of("try_from")),
        Field::code("try_address", "Address", typed.try_address.as_str())
            .at_most(254)
            .help("A mailbox whose person signs in by this provider.")
            .problem(shown.problems.of("try_address")),
        Field::area("try_json", "Claims as JSON", typed.try_json.as_str(), 6)
            .attribute("spellcheck", "false")
            .help("One object, such as {\"groups\": [\"staff\"]}. It is not stored.")
            .problem(shown.problems.of("try_json")),
    ]
}

fn preview(survey: &Survey) -> Preview {
    let summary = [
        (survey.unchanged, "keep what they have"),
        (survey.changed, "get another template"),
        (survey.not_applied, "would get a template that does not fit"),
        (
            survey.unmatched,
            "are matched by no rule any more and keep what they have",
        ),
        (survey.refused, "would be refused at their next sign-in"),
        (
            survey.unknown,
            "are not known: they have not come since claims are kept",
        ),
    ];
    let first_or_some = |(at, (number, _)): &(usize, (u32, _))| *at < 2 || *number > 0;
    Preview {
        summary: summary
            .into_iter()
            .enumerate()
            .filter(first_or_some)
            .map(|(_, line)| line)
            .collect(),
        people: survey.rows.iter().map(person).collect(),
        more: survey.more_rows,
        complete: survey.complete,
        looked_at: survey.people,
    }
}

fn person(row: &app::rules::SurveyRow) -> Person {
    let standing = match row.effect {
        EffectKind::Refused => Standing::Error,
        EffectKind::NotApplied | EffectKind::Unmatched => Standing::Warn,
        EffectKind::Changed | EffectKind::Unknown => Standing::Neutral,
    };
    Person {
        address: row.address.to_string(),
        path: super::mailboxes::path_of(&row.address),
        tag: Tag::new(standing, row.effect.label()),
        template: row.template.clone().unwrap_or_else(|| "none".to_owned()),
        becomes: row.becomes.clone().unwrap_or_default(),
        words: row.words.clone(),
    }
}

fn trial(trial: &Trial) -> TrialShown {
    let standing = match trial.refusal {
        Some(_) => Standing::Warn,
        None => Standing::Ok,
    };
    TrialShown {
        outcome: Notice::new(standing, trial.outcome.clone()),
        whose: trial
            .person
            .as_ref()
            .map(|(address, since)| (address.to_string(), When::exactly(since))),
        fields: trial.fields.clone(),
        of_person: trial.person.is_some(),
        claims: trial.claims.clone(),
        left_out: trial.left_out.join(", "),
        hidden: trial.hides(),
    }
}

/// `12,345`
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
