//! Mailbox templates.

use super::form::{FormPage, Yes, ask, problems_of, seen, size, size_text};
use super::{mailboxes, overview};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Empty, Field, Icon, Link, Notice, Opt, Problems, Question, bytes};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::templates::TemplateForm;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::ids::TemplateId;
use model::protocol::{Protocol, Protocols};
use model::tag::{MOST_CHARS, MOST_TAGS};
use model::template::{Keep, Template, TemplateSettings, Templated};
use serde::Deserialize;

const LIST: &str = AdminEntry::Templates.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, LIST, list)
        .post(Policy::Administrator, LIST, create)
        .get(Policy::Administrator, "/admin/templates/new", new)
        .get(Policy::Administrator, "/admin/templates/{id}", show)
        .post(Policy::Administrator, "/admin/templates/{id}", edit)
        .get(
            Policy::Administrator,
            "/admin/templates/{id}/delete",
            ask_to_delete,
        )
        .post(
            Policy::Administrator,
            "/admin/templates/{id}/delete",
            delete,
        )
}

#[derive(askama::Template)]
#[template(path = "admin/templates.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    empty: Option<Empty>,
}

struct Row {
    template: Template,
    quota: String,
    protocols: Protocols,
    used: String,
}

impl Row {
    fn of((template, used): (Template, u32)) -> Self {
        let settings = &template.settings;
        Self {
            quota: match settings.quota.value {
                0 => "the domain's default".to_owned(),
                quota => bytes(quota),
            },
            protocols: Protocol::ALL
                .into_iter()
                .filter(|protocol| settings.protocol(*protocol).value)
                .collect(),
            used: if used >= 1000 {
                "1,000+".to_owned()
            } else {
                used.to_string()
            },
            template,
        }
    }
}

async fn list(State(state): State<WebState>, admin: Administrator) -> Result<Response, Failure> {
    let templates = state.app.templates().await?;
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Templates),
        empty: templates.is_empty().then(|| {
            Empty::new(
                "No templates yet",
                "A template says what a new mailbox gets: its quota and what mail programs may do.",
            )
            .with(Link::new("/admin/templates/new", "Add a template"))
        }),
        rows: templates.into_iter().map(Row::of).collect(),
    })
    .into_response())
}

/// What a template settles, as the form names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Setting {
    Quota,
    Imap,
    Pop3,
    Smtp,
    Sieve,
    State,
    Tags,
}

impl Setting {
    const ALL: [Self; 7] = [
        Self::Quota,
        Self::Imap,
        Self::Pop3,
        Self::Smtp,
        Self::Sieve,
        Self::State,
        Self::Tags,
    ];

    /// Its name in the form, and for people.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Quota => ("quota", "Quota"),
            Self::Imap => ("imap", "IMAP"),
            Self::Pop3 => ("pop3", "POP3"),
            Self::Smtp => ("smtp", "SMTP"),
            Self::Sieve => ("sieve", "Sieve"),
            Self::State => ("state", "State"),
            Self::Tags => ("tags", "Tags"),
        }
    }

    const fn keep(self, settings: &TemplateSettings) -> Keep {
        match self {
            Self::Quota => settings.quota.keep,
            Self::Imap => settings.imap.keep,
            Self::Pop3 => settings.pop3.keep,
            Self::Smtp => settings.smtp.keep,
            Self::Sieve => settings.sieve.keep,
            Self::State => settings.active.keep,
            Self::Tags => settings.tags.keep,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    quota: String,
    protocols: Vec<Protocol>,
    active: bool,
    tags: String,
    in_step: Vec<Setting>,
    modified: i64,
}

impl Typed {
    fn of(name: &str, settings: &TemplateSettings, modified: i64) -> Self {
        Self {
            name: name.to_owned(),
            quota: match settings.quota.value {
                0 => String::new(),
                quota => size_text(quota),
            },
            protocols: Protocol::ALL
                .into_iter()
                .filter(|protocol| settings.protocol(*protocol).value)
                .collect(),
            active: settings.active.value,
            tags: settings.tags.value.to_string(),
            in_step: Setting::ALL
                .into_iter()
                .filter(|setting| setting.keep(settings) == Keep::InStep)
                .collect(),
            modified,
        }
    }

    fn form(&self) -> Result<TemplateForm, Problems> {
        let mut problems = Problems::new();
        let quota = size(&self.quota, 0, "quota", &mut problems);
        let tags = mailboxes::tags(&self.tags, &mut problems);
        let protocol = |protocol| self.protocols.contains(&protocol);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(TemplateForm {
            name: self.name.clone(),
            settings: TemplateSettings {
                quota: self.templated(Setting::Quota, quota),
                imap: self.templated(Setting::Imap, protocol(Protocol::Imap)),
                pop3: self.templated(Setting::Pop3, protocol(Protocol::Pop3)),
                smtp: self.templated(Setting::Smtp, protocol(Protocol::Smtp)),
                sieve: self.templated(Setting::Sieve, protocol(Protocol::Sieve)),
                active: self.templated(Setting::State, self.active),
                tags: self.templated(Setting::Tags, tags),
            },
        })
    }

    fn templated<T>(&self, setting: Setting, value: T) -> Templated<T> {
        let keep = match self.in_step.contains(&setting) {
            true => Keep::InStep,
            false => Keep::Once,
        };
        Templated { value, keep }
    }

    fn fields(&self, problems: &Problems) -> Vec<Field> {
        let protocol = |protocol: Protocol| {
            Opt::new(
                protocol.name(),
                protocol.label(),
                self.protocols.contains(&protocol),
            )
        };
        let kept = |setting: Setting| {
            let (name, label) = setting.names();
            Opt::new(name, label, self.in_step.contains(&setting))
        };
        vec![
            Field::text("name", "Name", self.name.as_str())
                .at_most(64)
                .required()
                .problem(problems.of("name")),
            Field::text("quota", "Quota", self.quota.as_str())
                .short()
                .help("Such as 10 GiB. Empty: the domain's default.")
                .problem(problems.of("quota")),
            Field::checks(
                "protocols",
                "Mail programs may use",
                Protocol::ALL.into_iter().map(protocol).collect(),
            )
            .problem(problems.of("protocols")),
            Field::checks(
                "active",
                "State",
                vec![Opt::new(
                    "true",
                    "New mailboxes are switched on",
                    self.active,
                )],
            ),
            Field::code("tags", "Tags", self.tags.as_str())
                .optional()
                .at_most(MOST_TAGS * (MOST_CHARS + 2))
                .help(
                    "Separated by commas. They say who may use an app, and apps receive them as \
                     groups.",
                )
                .problem(problems.of("tags")),
            Field::checks(
                "in_step",
                "Kept in step at every sign-in",
                Setting::ALL.into_iter().map(kept).collect(),
            )
            .help(
                "The rest is set once, when the template is given. What you set by hand at a \
                 mailbox always wins.",
            ),
        ]
    }

    fn page(&self, admin: &Administrator, id: Option<TemplateId>, problems: Problems) -> Response {
        let path = id.map(|id| format!("{LIST}/{id}"));
        FormPage {
            shell: admin.shell(AdminEntry::Templates),
            back: Link::new(LIST, "Templates"),
            title: match id {
                Some(_) => format!("Template {}", self.name),
                None => "Add a template".to_owned(),
            },
            intro: "What is kept in step follows the template at the person's next sign-in; what \
                    is set once stays as it was."
                .to_owned(),
            danger: false,
            apart: path
                .as_ref()
                .map(|path| Link::new(format!("{path}/delete"), "Delete this template")),
            submit: if id.is_some() { "Save" } else { "Add template" },
            hidden: vec![("modified", self.modified.to_string())],
            fields: self.fields(&problems),
            action: path.unwrap_or_else(|| LIST.to_owned()),
            problems,
        }
        .answer()
    }
}

async fn new(admin: Administrator) -> Response {
    Typed::of("", &TemplateSettings::default(), 0).page(&admin, None, Problems::new())
}

async fn create(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => return Ok(typed.page(&admin, None, problems)),
    };
    match state.app.create_template(&admin.actor(), form).await {
        Ok(template) => {
            let done = Notice::done(format!("The template {} is added.", template.name));
            admin.tell(match overview::next_step(&state).await? {
                Some(step) => done.with(step),
                None => done,
            });
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => Ok(typed.page(&admin, None, problems_of(problem, "", &[])?)),
    }
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let template = of(&state, &id).await?;
    let typed = Typed::of(&template.name, &template.settings, template.modified.0);
    Ok(typed.page(&admin, Some(template.id), Problems::new()))
}

async fn edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let id = of(&state, &id).await?.id;
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => return Ok(typed.page(&admin, Some(id), problems)),
    };
    match state
        .app
        .edit_template(&admin.actor(), id, form, seen(typed.modified))
        .await
    {
        Ok(template) => {
            admin.tell(Notice::done(format!(
                "The template {} is saved.",
                template.name
            )));
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => Ok(typed.page(&admin, Some(id), problems_of(problem, "", &[])?)),
    }
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let template = of(&state, &id).await?;
    let question = Question {
        title: format!("Delete the template {}?", template.name),
        lines: vec!["Mailboxes that have it keep their settings as they are.".to_owned()],
        action: format!("{LIST}/{}/delete", template.id),
        act: "Delete",
        danger: true,
        back: format!("{LIST}/{}", template.id),
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Templates, question))
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let template = of(&state, &id).await?;
    state
        .app
        .delete_template(&admin.actor(), template.id)
        .await?;
    admin.tell(Notice::done(format!(
        "The template {} is deleted.",
        template.name
    )));
    Ok(Redirect::to(LIST))
}

async fn of(state: &WebState, id: &str) -> Result<Template, Failure> {
    let id = id.parse().map_err(|_| Failure::not_found())?;
    Ok(state.app.template_by_id(id).await?)
}
