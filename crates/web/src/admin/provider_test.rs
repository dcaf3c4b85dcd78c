//! Test sign-ins: leaving for one, and the pages on which its result stays for half an hour.

use super::fix;
use super::fix::path_of;
use super::form::Yes;
use crate::error::Failure;
use crate::flow_cookie::BrowserId;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Checks, Code as Block, Empty, Link, State as Standing, Tag, Verdict, When};
use crate::route::{Policy, Routes};
use crate::session::{Administrator, Visitor};
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::App;
use app::test_sign_in::{
    TestBegun, TestClaim, TestId, TestIdentity, TestMailbox, TestRoom, TestSignIn,
};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;
use model::foreign::printable;
use model::provider::Provider;
use model::rules::outcomes::{self, RuleLine, RuleOutcome};
use model::rules::privacy::HIDDEN;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/providers/{name}/test", begin)
        .get(admin, "/admin/providers/{name}/tests", list)
        .get(admin, "/admin/providers/{name}/tests/{id}", show)
        .post(admin, "/admin/providers/{name}/tests/{id}/open", open)
}

/// Where a provider's results are.
fn list_path(slug: &str) -> String {
    format!("{}/tests", path_of(slug))
}

/// Where a result is.
pub(crate) fn result_path(slug: &str, test: &TestId) -> String {
    format!("{}/{test}", list_path(slug))
}

/// Leaves for the provider. A link, as a sign-in's is, because forms may lead to us alone. Somebody
/// else's link only leads to the page on which ours stands.
async fn begin(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    BrowserId(browser): BrowserId,
    Visitor(client): Visitor,
    headers: HeaderMap,
) -> Result<Redirect, Failure> {
    if of_another_site(&headers) {
        return Ok(Redirect::to(&list_path(&name)));
    }
    let begun = state
        .app
        .begin_test_sign_in(&admin.actor(), &name, browser.expose_secret(), &client)
        .await?;
    Ok(match begun {
        TestBegun::Leave(url) => Redirect::to(&url),
        TestBegun::Ended(test) => Redirect::to(&result_path(&name, &test)),
    })
}

/// Whether the browser says that another site sent it here. Old ones say nothing.
fn of_another_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

/// A result as a row of a table.
pub(super) struct Row {
    /// Where its page is.
    pub path: String,
    /// When it ended.
    pub at: When,
    /// How.
    pub ended: Tag,
    /// Who came.
    pub who: String,
    /// Which administrator tested.
    pub by: String,
}

/// The results of a provider that are kept, newest first.
pub(super) async fn rows(app: &App, slug: &str) -> Result<Vec<Row>, Failure> {
    let now = app.now();
    let tests = app.test_sign_ins(slug).await?;
    let row = |test: &TestSignIn| Row {
        path: result_path(slug, &test.id),
        at: When::ago(test.at, now),
        ended: ended(test),
        who: who(test),
        by: test.by.clone(),
    };
    Ok(tests.iter().map(|test| row(test)).collect())
}

fn ended(test: &TestSignIn) -> Tag {
    match &test.refusal {
        Some(refusal) => Tag::new(Standing::Error, refusal.code.id()),
        None => Tag::new(Standing::Ok, "Passed"),
    }
}

fn who(test: &TestSignIn) -> String {
    let identity = test.found.identity.as_ref();
    identity.map_or_else(
        || "nobody was proven".to_owned(),
        |identity| {
            let address = identity.address.clone();
            address.unwrap_or_else(|| identity.subject.clone())
        },
    )
}

#[derive(Template)]
#[template(path = "admin/provider_tests.html")]
struct ListPage {
    shell: AdminShell,
    name: String,
    path: String,
    tests: Vec<Row>,
    empty: Option<Empty>,
}

async fn list(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let tests = rows(&state.app, &name).await?;
    let empty = tests.is_empty().then(|| {
        Empty::new(
            "No result is kept",
            "A result stays here for half an hour, and no longer than the server runs.",
        )
    });
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Providers),
        path: path_of(&provider.slug),
        name: provider.settings.name,
        tests,
        empty,
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "admin/provider_test.html")]
struct ResultPage {
    shell: AdminShell,
    name: String,
    path: String,
    at: When,
    ends: When,
    by: String,
    verdict: Verdict,
    /// The provider is as it was tested, and off: what its form carries.
    turn_on: Option<i64>,
    /// It passed, and was changed since.
    changed_since: bool,
    told: Option<Told>,
    notice: Option<Told>,
    fix: Option<String>,
    identity: Option<TestIdentity>,
    scopes_asked: String,
    claims: Vec<ClaimRow>,
    /// Some values are hidden, and can be opened here.
    open: Option<String>,
    raw: Option<Block>,
    report: Block,
    rules: Vec<RuleRow>,
    mailbox: TestMailbox,
    /// Whether the mailbox exists already.
    exists: bool,
    room: Option<TestRoom>,
    steps: Checks,
}

/// A code and the words for the person.
struct Told {
    title: String,
    person: String,
    help: Link,
}

impl Told {
    fn of(refusal: &model::outcome::Refusal) -> Self {
        Self {
            title: refusal.title(),
            person: refusal.person(),
            help: fix::help(refusal.code),
        }
    }
}

struct ClaimRow {
    name: String,
    value: String,
    origin: &'static str,
    cut: bool,
}

struct RuleRow {
    rule: String,
    gives: String,
    ended: Tag,
    why: String,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let test = state.app.test_sign_in(&name, &id).await?;
    page(&state, &admin, &name, &test).await
}

/// The same with the values of private claims; that it was asked for is on record.
async fn open(
    State(state): State<WebState>,
    admin: Administrator,
    Path((name, id)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Response, Failure> {
    let app = &state.app;
    let test = app.open_test_sign_in(&admin.actor(), &name, &id).await?;
    page(&state, &admin, &name, &test).await
}

async fn page(
    state: &WebState,
    admin: &Administrator,
    name: &str,
    shown: &TestSignIn,
) -> Result<Response, Failure> {
    let provider = state.app.provider(name).await?;
    let as_tested = state.app.test_passed(&provider).is_some();
    let steps = fix::lines(&shown.found.steps, None);
    Ok(Page(ResultPage {
        shell: admin.shell(AdminEntry::Providers),
        path: path_of(&provider.slug),
        at: When::exactly(shown.at),
        ends: When::exactly(shown.ends),
        by: shown.by.clone(),
        verdict: verdict(shown, &provider),
        turn_on: (shown.passed && as_tested && !provider.settings.active)
            .then_some(provider.modified.0),
        changed_since: shown.passed && !as_tested,
        told: shown.refusal.as_ref().map(Told::of),
        notice: shown.notice.as_ref().map(Told::of),
        fix: shown.found.fix.clone(),
        identity: shown.found.identity.clone(),
        scopes_asked: shown.found.scopes_asked.clone(),
        claims: shown.found.claims.iter().map(claim_row).collect(),
        open: shown
            .hides()
            .then(|| format!("{}/open", result_path(&provider.slug, &shown.id))),
        raw: (!shown.found.claims.is_empty())
            .then(|| Block::new("raw", "Claims as JSON", raw(&shown.found.claims))),
        report: Block::new("report", "As text", report(shown, &provider)),
        rules: outcomes::named(&shown.found.rules).map(rule_row).collect(),
        mailbox: shown.found.mailbox.clone(),
        exists: shown
            .found
            .mailbox
            .fields
            .iter()
            .any(|field| field.before.is_some()),
        room: shown.found.room.clone(),
        steps: Checks::new("Steps of this test", steps),
        name: provider.settings.name,
    })
    .into_response())
}

fn verdict(test: &TestSignIn, provider: &Provider) -> Verdict {
    let Some(refusal) = &test.refusal else {
        return Verdict::new(Standing::Ok, "It works").because(test.sentence.as_str());
    };
    let address = test
        .found
        .identity
        .as_ref()
        .and_then(|who| who.address.as_deref());
    let verdict = Verdict::new(Standing::Error, format!("Refused: {}", refusal.code))
        .because(refusal.admin());
    match fix::button(refusal, address, Some(provider), None) {
        Some(button) => verdict.with(button),
        None => verdict,
    }
}

fn claim_row(claim: &TestClaim) -> ClaimRow {
    ClaimRow {
        name: claim.name.clone(),
        value: claim.text(),
        origin: claim.came_in(),
        cut: claim.cut,
    }
}

fn rule_row((name, rule): (String, &RuleLine)) -> RuleRow {
    RuleRow {
        rule: name,
        gives: rule.gives.clone(),
        ended: match rule.outcome {
            RuleOutcome::Fits => Tag::new(Standing::Ok, "Decides"),
            RuleOutcome::FitsNot => Tag::new(Standing::Neutral, "Does not fit"),
            RuleOutcome::NotLookedAt => Tag::new(Standing::Skipped, "Not looked at"),
        },
        why: rule.why.clone(),
    }
}

/// The claims as the provider's JSON has them, without characters that hide or turn text.
fn raw(claims: &[TestClaim]) -> String {
    let whole: Map<_, _> = claims
        .iter()
        .map(|claim| (claim.name.clone(), claim.value.clone()))
        .collect();
    // Names and values of JSON always have a text.
    let text = serde_json::to_string_pretty(&whole).unwrap_or_default();
    let lines: Vec<_> = text
        .lines()
        .map(|line| printable(line, usize::MAX))
        .collect();
    lines.join("\n")
}

/// The result as text for somebody else, without a value that is the person's.
fn report(test: &TestSignIn, provider: &Provider) -> String {
    // Writing to a string cannot fail.
    let mut text = String::new();
    let _ = match &test.refusal {
        Some(refusal) => writeln!(
            text,
            "refused {}: {}",
            refusal.code,
            refusal.code.entry().admin
        ),
        None => writeln!(text, "passed"),
    };
    let kind = provider.settings.preset.facts().name;
    let _ = writeln!(
        text,
        "kind: {kind}; scopes asked: {}",
        test.found.scopes_asked
    );
    if let Some(identity) = &test.found.identity {
        let _ = writeln!(text, "scopes granted: {}", identity.scopes_granted);
    }
    for step in &test.found.steps {
        let took = step
            .took_ms
            .map(|ms| format!(" ({ms} ms)"))
            .unwrap_or_default();
        let _ = writeln!(text, "step {}: {}{took}", step.gate, standing(step.state));
    }
    for claim in &test.found.claims {
        let origin = claim.came_in();
        let _ = writeln!(
            text,
            "claim {} ({origin}): {}",
            claim.name,
            masked(&claim.value)
        );
    }
    let last = test.found.rules.len();
    for (n, rule) in test.found.rules.iter().enumerate() {
        let name = if n + 1 == last {
            "everyone else".to_owned()
        } else {
            format!("rule {}", n + 1)
        };
        let _ = writeln!(text, "{name}: {}", rule.outcome.label());
    }
    text
}

const fn standing(state: model::attempt::StepState) -> &'static str {
    use model::attempt::StepState;
    match state {
        StepState::Ok => "ok",
        StepState::Blocked => "blocked",
        StepState::Warn => "look",
        StepState::Note => "noted",
        StepState::NotReached => "not reached",
    }
}

/// What kind of value it is.
fn masked(value: &Value) -> String {
    match value {
        value if value == HIDDEN => "private".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => format!("a text of {} characters", text.chars().count()),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_value_of_a_person_is_in_the_text() {
        for (value, words) in [
            (json!("alice@example.org"), "a text of 17 characters"),
            (json!(["staff"]), "a list of 1"),
            (json!({"a": "b"}), "an object of 1 fields"),
            (json!(1_700_000_000), "a number"),
            (json!(false), "false"),
        ] {
            assert_eq!(masked(&value), words);
        }
    }

    #[test]
    fn json_keeps_its_lines_and_loses_what_turns_text() {
        let claim = |name: &str, value: Value| TestClaim {
            name: name.to_owned(),
            value,
            origin: "userinfo".to_owned(),
            cut: false,
        };
        let claims = [
            claim("email", json!("a@example.org")),
            claim("name", json!("A\u{202e}B\nC")),
        ];
        let expected = "{\n  \"email\": \"a@example.org\",\n  \"name\": \"AB\\nC\"\n}";
        assert_eq!(raw(&claims), expected);
    }

    #[test]
    fn only_another_site_is_turned_to_the_page() {
        let headers = |site: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", http::HeaderValue::from_static(site));
            headers
        };
        for (site, other) in [
            ("same-origin", false),
            ("none", false),
            ("same-site", true),
            ("cross-site", true),
        ] {
            assert_eq!(of_another_site(&headers(site)), other, "{site}");
        }
        assert!(!of_another_site(&HeaderMap::new()));
    }
}
