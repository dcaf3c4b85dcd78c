//! Moving people from one provider to another: campaigns, with a preview before they start.

use super::form::{FormPage, Yes, ask, day_text, last_day, own_password, problems_of, status_of};
use super::list::count;
use crate::error::Failure;
use crate::form::{Posted, Typed as TypedSecret};
use crate::page::Page;
use crate::parts::{
    Empty, Field, Icon, Link, Notice, Opt, Problems, Question, State as Standing, Tag, When,
};
use crate::route::{Policy, Routes};
use crate::session::{Administrator, Visitor};
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::relinks::{KnownRelink, RelinkForm, RelinkPreview};
use app::step_up::Doer;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::address::DomainName;
use model::ids::RelinkId;
use model::provider::Provider;
use model::relink::Relink;
use model::time::{DAY, Timestamp};
use serde::Deserialize;

/// Where the campaigns are.
pub(super) const LIST: &str = "/admin/relinks";

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, LIST, list)
        .post(admin, LIST, start)
        .get(admin, "/admin/relinks/new", new)
        .post(admin, "/admin/relinks/preview", preview)
        .get(admin, "/admin/relinks/{id}/stop", ask_to_stop)
        .post(admin, "/admin/relinks/{id}/stop", stop)
}

#[derive(Template)]
#[template(path = "admin/relinks.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    empty: Option<Empty>,
}

struct Row {
    known: KnownRelink,
    domains: String,
    state: Tag,
    open: bool,
}

fn state_of(relink: &Relink, now: Timestamp) -> Tag {
    match relink.stopped {
        Some(_) => Tag::new(Standing::Neutral, "Stopped"),
        None if relink.is_open(now) => Tag::new(Standing::Ok, "Open"),
        None => Tag::new(Standing::Neutral, "Ended"),
    }
}

async fn list(State(state): State<WebState>, admin: Administrator) -> Result<Response, Failure> {
    let now = state.app.now();
    let row = |known: KnownRelink| Row {
        domains: joined(&known.domains),
        state: state_of(&known.relink, now),
        open: known.relink.is_open(now),
        known,
    };
    let rows: Vec<_> = state.app.relinks().await?.into_iter().map(row).collect();
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Providers),
        empty: rows.is_empty().then(|| {
            Empty::new(
                "Nobody is being moved",
                "When your people move from one provider to another, a campaign lets them keep \
                 their mailboxes.",
            )
            .with(Link::new("/admin/relinks/new", "Move people"))
        }),
        rows,
    })
    .into_response())
}

fn joined(domains: &[DomainName]) -> String {
    let names: Vec<_> = domains.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    from: String,
    to: String,
    domains: String,
    until: String,
    own_password: TypedSecret,
}

impl Typed {
    fn form(&self) -> Result<RelinkForm, Problems> {
        let mut problems = Problems::new();
        let mut domains = Vec::new();
        let names = self.domains.split(|c: char| c == ',' || c.is_whitespace());
        for name in names.filter(|name| !name.is_empty()) {
            match DomainName::parse(name) {
                Ok(name) => domains.push(name),
                Err(error) => {
                    problems.add(
                        "domains",
                        format!("One of these is no domain name: {error}."),
                    );
                }
            }
        }
        match last_day(&self.until, "until", &mut problems) {
            Some(ends) if problems.is_empty() => Ok(RelinkForm {
                from: self.from.clone(),
                to: self.to.clone(),
                domains,
                ends,
            }),
            Some(_) => Err(problems),
            None => {
                if problems.of("until").is_none() {
                    problems.add("until", "Say on which day it ends.");
                }
                Err(problems)
            }
        }
    }

    fn fields(&self, providers: &[Provider], problems: &Problems) -> Vec<Field> {
        let choice = |chosen: &str| {
            let one = |p: &Provider| Opt::new(&p.slug, &p.settings.name, p.slug == chosen);
            let nobody = Opt::new("", "Choose a provider", chosen.is_empty());
            std::iter::once(nobody)
                .chain(providers.iter().map(one))
                .collect::<Vec<_>>()
        };
        vec![
            Field::select("from", "People linked at", choice(&self.from))
                .problem(problems.of("from")),
            Field::select("to", "Now come by", choice(&self.to)).problem(problems.of("to")),
            Field::code("domains", "Domains", self.domains.as_str())
                .help("Such as example.org; more of them with a comma between.")
                .required()
                .problem(problems.of("domains")),
            Field::date("until", "Last day", self.until.as_str())
                .help("90 days at most. It can be stopped before.")
                .required()
                .problem(problems.of("until")),
        ]
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Suggested {
    from: String,
}

async fn new(
    State(state): State<WebState>,
    admin: Administrator,
    Query(suggested): Query<Suggested>,
) -> Result<Response, Failure> {
    let typed = Typed {
        from: suggested.from,
        until: day_text(Some(state.app.now().plus(DAY * 30))),
        ..Typed::default()
    };
    form_page(&state, &admin, &typed, Problems::new()).await
}

async fn form_page(
    state: &WebState,
    admin: &Administrator,
    typed: &Typed,
    problems: Problems,
) -> Result<Response, Failure> {
    let providers = state.app.providers().await?;
    Ok(FormPage {
        shell: admin.shell(AdminEntry::Providers),
        back: Link::new(LIST, "Moving people"),
        title: "Move people to another provider".to_owned(),
        intro: "Whoever is linked at the one provider and comes by the other, with the mailbox's \
                own address verified there, keeps the mailbox. Nobody else does."
            .to_owned(),
        action: "/admin/relinks/preview".to_owned(),
        hidden: vec![],
        fields: typed.fields(&providers, &problems),
        submit: "Show whom it moves",
        danger: false,
        apart: None,
        problems,
    }
    .answer())
}

#[derive(Template)]
#[template(path = "admin/relink_preview.html")]
struct PreviewPage {
    shell: AdminShell,
    title: String,
    movable: String,
    preview: RelinkPreview,
    hidden: Vec<(&'static str, String)>,
    password: Field,
    problems: Problems,
}

async fn preview(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    match typed.form() {
        Ok(form) => preview_page(&state, &admin, &typed, &form, Problems::new()).await,
        Err(problems) => form_page(&state, &admin, &typed, problems).await,
    }
}

const PLACES: &[(&str, &str)] = &[("ends", "until")];

async fn preview_page(
    state: &WebState,
    admin: &Administrator,
    typed: &Typed,
    form: &RelinkForm,
    problems: Problems,
) -> Result<Response, Failure> {
    let preview = match state.app.preview_relink(form).await {
        Ok(preview) => preview,
        Err(problem) => {
            let problems = problems_of(problem, "", PLACES)?;
            return form_page(state, admin, typed, problems).await;
        }
    };
    let (from, to) = (
        state.app.provider(&form.from).await?.settings.name,
        state.app.provider(&form.to).await?.settings.name,
    );
    let number = count(preview.movable, "person can move", "people can move");
    let status = status_of(&problems);
    let page = PreviewPage {
        shell: admin.shell(AdminEntry::Providers),
        title: format!("From {from} to {to}"),
        movable: if preview.more {
            format!("At least {number}")
        } else {
            number
        },
        preview,
        hidden: vec![
            ("from", typed.from.clone()),
            ("to", typed.to.clone()),
            ("domains", typed.domains.clone()),
            ("until", typed.until.clone()),
        ],
        password: own_password(
            "It hands mailboxes to people of another provider.",
            &problems,
        )
        .required(),
        problems,
    };
    Ok((status, Page(page)).into_response())
}

async fn start(
    State(state): State<WebState>,
    admin: Administrator,
    Visitor(client): Visitor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => return form_page(&state, &admin, &typed, problems).await,
    };
    let doer = Doer::with_password(admin.actor(), typed.own_password.0.clone(), client);
    match state.app.start_relink(doer, &form).await {
        Ok(started) => {
            let words = format!(
                "People of {} who come by {} keep their mailboxes from now on.",
                started.from.1, started.to.1
            );
            admin.tell(Notice::done(words));
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "", PLACES)?;
            preview_page(&state, &admin, &typed, &form, problems).await
        }
    }
}

fn id(text: &str) -> Result<RelinkId, Failure> {
    text.parse().map_err(|_| Failure::not_found())
}

async fn ask_to_stop(
    State(state): State<WebState>,
    admin: Administrator,
    Path(number): Path<String>,
) -> Result<Response, Failure> {
    let known = state.app.relink(id(&number)?).await?;
    let moved = usize::try_from(known.relink.moved).unwrap_or_default();
    let question = Question {
        title: "Stop moving people?".to_owned(),
        lines: vec![
            format!(
                "Whoever is linked at {} and comes by {} is refused from then on (SSO-305).",
                known.from.1, known.to.1
            ),
            format!(
                "{} so far; they stay.",
                count(moved, "was moved", "were moved")
            ),
        ],
        action: format!("{LIST}/{}/stop", known.relink.id),
        act: "Stop",
        danger: true,
        back: LIST.to_owned(),
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Providers, question))
}

async fn stop(
    State(state): State<WebState>,
    admin: Administrator,
    Path(number): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    state.app.stop_relink(&admin.actor(), id(&number)?).await?;
    admin.tell(Notice::done("Nobody is moved any more."));
    Ok(Redirect::to(LIST))
}
