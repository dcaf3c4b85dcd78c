//! The rules of a provider: editing a draft, trying it, seeing what it would change, saving it, and
//! the states before.
//!
//! The draft lives in the form alone; every button sends all of it, so that the page works without
//! a script and nothing half-made is stored.

use super::fix::path_of;
use super::mend::For;
use super::rules_draft::{Act, Draft, Typed};
use super::rules_page::{Shown, page};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Notice, Problems, State as Standing, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::Problem;
use app::rules::{Reach, RulesInForce, Saving, Survey, Trial, Tried, pasted};
use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::handler::Handler as _;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use model::address::Address;
use model::attempt::Reference;
use model::audit::Actor;
use model::ids::RuleVersionId;
use model::outcome::{Code, Fix};
use model::rules::suggest::Suggestion;
use model::rules::versions::{Mark, RuleSet, difference};
use model::template::Template as MailboxTemplate;
use serde::Deserialize;

/// A form with pasted claims of the largest size, percent-encoded.
const FORM_BYTES: usize = 384 * 1024;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    let roomy = DefaultBodyLimit::max(FORM_BYTES);
    Routes::new()
        .get(admin, "/admin/providers/{name}/rules", show)
        .post(admin, "/admin/providers/{name}/rules", act.layer(roomy))
        .get(admin, "/admin/providers/{name}/rules/history", history)
}

/// What the editor is opened with, besides an attempt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Opened {
    /// An earlier state to load as a draft.
    version: Option<i64>,
}

/// All templates.
pub(super) async fn templates(state: &WebState) -> Result<Vec<MailboxTemplate>, Failure> {
    let listed = state.app.templates().await?;
    Ok(listed.into_iter().map(|(template, _)| template).collect())
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Query(opened): Query<Opened>,
    Query(attempt): Query<For>,
) -> Result<Response, Failure> {
    let in_force = state.app.rules(&name).await?;
    let mut notice = None;
    let set = match opened.version {
        None => in_force.version.set.clone(),
        Some(id) => {
            let version = state.app.rule_version(&name, RuleVersionId(id)).await?;
            let words = format!(
                "These are the rules saved on {} by {}. They are a draft until you save them.",
                When::exactly(version.at).text(),
                version.actor.name()
            );
            notice = Some(Notice::new(Standing::Neutral, words));
            version.set
        }
    };
    let mut draft = Draft::of(&set);
    let mut suggested = None;
    // Only for the rules in force: an earlier state is looked at for its own sake.
    if opened.version.is_none()
        && let Some(mending) = attempt.mending(&state.app).await?
        && mending.provider == Some(in_force.provider.id)
        && mending.refusal.code.entry().fix == Fix::Rules
        // No rule mends a claim that the provider left out.
        && mending.refusal.code != Code::ClaimWithheld
    {
        let provider = &in_force.provider;
        let suggestion = state.app.suggested_rule(provider, &mending).await?;
        let words = suggestion_words(suggestion.as_ref(), &mending.reference);
        notice = Some(Notice::new(Standing::Neutral, words));
        suggested = suggestion.and_then(|suggestion| draft.suggest(&suggestion));
    }
    let survey = state.app.survey_rules(&name, &set, Reach::GLANCE).await?;
    let (typed, templates) = (Typed::default(), templates(&state).await?);
    let shown = Shown {
        survey: Some(&survey),
        notice,
        suggested,
        ..bare(&in_force, &templates, &draft, &typed)
    };
    Ok(page(&admin, shown))
}

/// What the editor says about a draft that an attempt was read into.
fn suggestion_words(suggestion: Option<&Suggestion>, reference: &Reference) -> String {
    match suggestion {
        Some(Suggestion::Add { claim, .. }) => format!(
            "A rule for what attempt {reference} came with in {claim} is added below and not saved \
             yet. Choose the template it gives, put it in its place, and look at the preview."
        ),
        Some(Suggestion::IgnoreCase { position, .. }) => format!(
            "Rule {} below ignores capital letters now, so that it fits attempt {reference}. It is \
             not saved yet: look at the preview.",
            position + 1
        ),
        Some(Suggestion::Template(position)) => format!(
            "Attempt {reference} was matched by rule {}, whose template was deleted. Choose another \
             one for it.",
            position + 1
        ),
        Some(Suggestion::EveryoneElse) => format!(
            "Attempt {reference} gets what everyone else gets, and that template was deleted. Choose \
             another one."
        ),
        None => format!(
            "Nothing that attempt {reference} came with tells kinds of people apart. Choose what \
             everyone else gets, or have the provider send a claim to go by."
        ),
    }
}

fn bare<'a>(
    in_force: &'a RulesInForce,
    templates: &'a [MailboxTemplate],
    draft: &'a Draft,
    typed: &'a Typed,
) -> Shown<'a> {
    Shown {
        in_force,
        templates,
        draft,
        typed,
        problems: Problems::new(),
        survey: None,
        preview: false,
        asks: false,
        trial: None,
        notice: None,
        suggested: None,
        status: StatusCode::OK,
    }
}

async fn act(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let in_force = state.app.rules(&name).await?;
    let templates = templates(&state).await?;
    let (draft, act) = Draft::typed(&typed);
    let bare = || bare(&in_force, &templates, &draft, &typed);
    let wrong = |problems: Problems| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        page(
            &admin,
            Shown {
                problems,
                status,
                ..bare()
            },
        )
    };
    if act == Act::Show {
        // Rows may be half-typed: nothing is judged yet.
        return Ok(page(&admin, bare()));
    }
    let set = match draft.set() {
        Ok(set) => set,
        Err(problems) => return Ok(wrong(problems)),
    };
    match act {
        Act::Show => Ok(page(&admin, bare())),
        Act::Try | Act::TryOpened => {
            let survey = state.app.survey_rules(&name, &set, Reach::GLANCE).await?;
            let opened_by = (act == Act::TryOpened).then(|| admin.actor());
            match tried(&state, opened_by, &name, &set, &typed).await {
                Ok(trial) => Ok(page(
                    &admin,
                    Shown {
                        survey: Some(&survey),
                        trial: Some(&trial),
                        ..bare()
                    },
                )),
                Err(problem @ Problem::Invalid(_)) => Ok(wrong(draft.wrong(problem))),
                Err(problem) => Err(problem.into()),
            }
        }
        Act::Csv => {
            let survey = state.app.survey_rules(&name, &set, Reach::ALL).await?;
            csv(&name, &survey)
        }
        Act::Preview => {
            let survey = state.app.survey_rules(&name, &set, Reach::PAGE).await?;
            Ok(page(
                &admin,
                Shown {
                    survey: Some(&survey),
                    preview: true,
                    ..bare()
                },
            ))
        }
        Act::Save | Act::SaveAnyway => {
            let seen = Some(RuleVersionId(typed.seen));
            let anyway = act == Act::SaveAnyway;
            let actor = admin.actor();
            let saving = state.app.save_asking(&actor, &name, set, seen, anyway);
            match saving.await {
                Ok(Saving::Asks(survey)) => {
                    let asks = Shown {
                        survey: Some(&survey),
                        preview: true,
                        asks: true,
                        ..bare()
                    };
                    Ok(page(&admin, asks))
                }
                Ok(Saving::Saved(provider)) => {
                    let words = format!("The rules of {} are saved.", provider.settings.name);
                    let history = format!("{}/rules/history", path_of(&name));
                    let link = crate::parts::Link::new(history, "What changed");
                    admin.tell(Notice::done(words).with(link));
                    Ok(Redirect::to(&format!("{}/rules", path_of(&name))).into_response())
                }
                Err(Problem::Stale) => {
                    let mut problems = Problems::new();
                    let version = &in_force.version;
                    problems.add(
                        "",
                        format!(
                            "{} changed these rules meanwhile ({}). Your draft is below and not \
                             saved. Look at the history, then save it again to put it in place of \
                             theirs.",
                            version.actor.name(),
                            When::exactly(version.at).text()
                        ),
                    );
                    let status = StatusCode::CONFLICT;
                    Ok(page(
                        &admin,
                        Shown {
                            problems,
                            status,
                            ..bare()
                        },
                    ))
                }
                Err(problem @ Problem::Invalid(_)) => Ok(wrong(draft.wrong(problem))),
                Err(problem) => Err(problem.into()),
            }
        }
    }
}

async fn tried(
    state: &WebState,
    opened_by: Option<Actor>,
    name: &str,
    set: &RuleSet,
    typed: &Typed,
) -> Result<Trial, Problem> {
    let tried = match typed.try_from.as_str() {
        "json" => Tried::Claims(pasted(&typed.try_json)?),
        "test" => Tried::LastTest,
        _ => {
            let address = Address::parse(typed.try_address.trim());
            Tried::Person(address.map_err(|error| Problem::field("try_address", error))?)
        }
    };
    match opened_by {
        None => state.app.try_rules(name, set, tried).await,
        Some(actor) => state.app.open_trial(&actor, name, set, tried).await,
    }
}

fn csv(name: &str, survey: &Survey) -> Result<Response, Failure> {
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let file = format!("attachment; filename=\"rules-{name}.csv\"");
    let file = HeaderValue::from_str(&file).map_err(Failure::internal)?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, file),
    ];
    Ok((headers, survey.csv()?).into_response())
}

#[derive(Template)]
#[template(path = "admin/rules_history.html")]
struct HistoryPage {
    shell: AdminShell,
    path: String,
    name: String,
    states: Vec<StateShown>,
}

struct StateShown {
    id: i64,
    at: When,
    who: String,
    lines: Vec<(Mark, String)>,
    in_force: bool,
    first: bool,
}

async fn history(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let templates = templates(&state).await?;
    let versions = state.app.rule_history(&name).await?;
    let named = |id| {
        let found = templates.iter().find(|template| template.id == id);
        found.map(|template| template.name.clone())
    };
    let lines: Vec<_> = versions.iter().map(|v| v.set.lines(named)).collect();
    let nothing = Vec::new();
    let states = versions.iter().enumerate().map(|(at, version)| StateShown {
        id: version.id.0,
        at: When::exactly(version.at),
        who: version.actor.name().to_owned(),
        lines: difference(lines.get(at + 1).unwrap_or(&nothing), &lines[at]),
        in_force: at == 0,
        first: at + 1 == versions.len(),
    });
    Ok(Page(HistoryPage {
        shell: admin.shell(AdminEntry::Rules),
        path: format!("{}/rules", path_of(&provider.slug)),
        name: provider.settings.name,
        states: states.collect(),
    })
    .into_response())
}
