//! Aliases.

use super::form::{FormPage, Yes, address, ask, problems_of, seen};
use super::list::{Turn, count, segment};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{
    Empty, Field, Icon, Link, Notice, Opt, Problems, Question, State as Standing, Tag,
};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::aliases::AliasForm;
use app::domains::Page as Wanted;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::address::Address;
use model::alias::Alias;
use serde::Deserialize;

const LIST: &str = AdminEntry::Aliases.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, LIST, list)
        .post(Policy::Administrator, LIST, create)
        .get(Policy::Administrator, "/admin/aliases/new", new)
        .get(Policy::Administrator, "/admin/aliases/{name}", show)
        .post(Policy::Administrator, "/admin/aliases/{name}", edit)
        .get(
            Policy::Administrator,
            "/admin/aliases/{name}/delete",
            ask_to_delete,
        )
        .post(
            Policy::Administrator,
            "/admin/aliases/{name}/delete",
            delete,
        )
}

/// Where an alias's page is.
pub(super) fn path_of(address: &Address) -> String {
    format!("{LIST}/{}", segment(address.as_str()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "admin/aliases.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Alias>,
    filter: [Field; 1],
    empty: Option<Empty>,
    turn: Turn,
}

fn state_of(alias: &Alias) -> Tag {
    if alias.active {
        Tag::new(Standing::Ok, "On")
    } else {
        Tag::new(Standing::Warn, "Switched off")
    }
}

async fn list(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        limit: 0,
        search: asked.q.clone(),
    };
    let listed = state.app.aliases(None, wanted).await?;
    let empty = listed.rows.is_empty().then(|| {
        if asked.q.is_empty() {
            Empty::new(
                "No aliases yet",
                "An alias is an address that delivers to mailboxes of others.",
            )
            .with(Link::new("/admin/aliases/new", "Add an alias"))
        } else {
            Empty::new(
                "No alias begins so",
                "The search looks at the beginning of addresses.",
            )
            .with(Link::new(LIST, "Show all aliases"))
        }
    });
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Aliases),
        turn: Turn::of(
            count(
                listed.rows.len(),
                "alias on this page",
                "aliases on this page",
            ),
            LIST,
            &[("q", &asked.q)],
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        rows: listed.rows,
        filter: [Field::search("q", "Address begins with", asked.q)],
        empty,
    })
    .into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    address: String,
    targets: String,
    active: bool,
    modified: i64,
}

impl Typed {
    fn of(alias: &Alias) -> Self {
        let targets: Vec<_> = alias
            .targets
            .iter()
            .map(|(_, target)| target.as_str())
            .collect();
        Self {
            address: alias.address.to_string(),
            targets: targets.join("\n"),
            active: alias.active,
            modified: alias.modified.0,
        }
    }

    fn form(&self) -> Result<AliasForm, Problems> {
        let mut problems = Problems::new();
        let address = Address::parse(self.address.trim());
        if let Err(error) = &address {
            problems.add("address", format!("This is no address: {error}."));
        }
        let words = self.targets.split([' ', ',', ';', '\n', '\r', '\t']);
        let mut targets = Vec::new();
        for word in words.filter(|word| !word.is_empty()) {
            match Address::parse(word) {
                Ok(target) => targets.push(target),
                Err(error) => {
                    let shown: String = word.chars().take(80).collect();
                    problems.add("targets", format!("“{shown}” is no address: {error}."));
                }
            }
        }
        match address {
            Ok(address) if problems.is_empty() => Ok(AliasForm {
                address,
                targets,
                active: self.active,
            }),
            _ => Err(problems),
        }
    }

    fn page(
        &self,
        admin: &Administrator,
        existing: Option<&Alias>,
        problems: Problems,
    ) -> Response {
        let mut fields = Vec::new();
        if existing.is_none() {
            fields.push(
                Field::code("address", "Address", self.address.as_str())
                    .at_most(254)
                    .required()
                    .problem(problems.of("address")),
            );
        }
        fields.push(
            Field::area("targets", "Delivers to", self.targets.as_str(), 4)
                .help("Mailboxes of this server, one a line.")
                .required()
                .problem(problems.of("targets")),
        );
        fields.push(Field::checks(
            "active",
            "State",
            vec![Opt::new("true", "Switched on", self.active)],
        ));
        let path = existing.map(|alias| path_of(&alias.address));
        FormPage {
            shell: admin.shell(AdminEntry::Aliases),
            back: Link::new(LIST, "Aliases"),
            title: existing.map_or_else(|| "Add an alias".to_owned(), |a| a.address.to_string()),
            intro: "People whose mailboxes it delivers to may also send as it.".to_owned(),
            danger: false,
            apart: path
                .as_ref()
                .map(|path| Link::new(format!("{path}/delete"), "Delete this alias")),
            submit: if existing.is_some() {
                "Save"
            } else {
                "Add alias"
            },
            hidden: vec![("modified", self.modified.to_string())],
            action: path.unwrap_or_else(|| LIST.to_owned()),
            fields,
            problems,
        }
        .answer()
    }
}

async fn new(admin: Administrator) -> Response {
    let typed = Typed {
        active: true,
        ..Typed::default()
    };
    typed.page(&admin, None, Problems::new())
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
    match state.app.create_alias(&admin.actor(), form).await {
        Ok(alias) => {
            admin.tell(Notice::done(format!(
                "The alias {} is added.",
                alias.address
            )));
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => Ok(typed.page(&admin, None, problems_of(problem, "address", &[])?)),
    }
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let alias = state.app.alias(&address(&name)?).await?;
    Ok(Typed::of(&alias).page(&admin, Some(&alias), Problems::new()))
}

async fn edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let alias = state.app.alias(&address(&name)?).await?;
    let typed = Typed {
        address: alias.address.to_string(),
        ..typed
    };
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => return Ok(typed.page(&admin, Some(&alias), problems)),
    };
    match state
        .app
        .edit_alias(&admin.actor(), form, seen(typed.modified))
        .await
    {
        Ok(alias) => {
            admin.tell(Notice::done(format!("{} is saved.", alias.address)));
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => Ok(typed.page(&admin, Some(&alias), problems_of(problem, "", &[])?)),
    }
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let alias = state.app.alias(&address(&name)?).await?;
    let question = Question {
        title: format!("Delete {}?", alias.address),
        lines: vec!["Mail for it is refused from then on.".to_owned()],
        action: format!("{}/delete", path_of(&alias.address)),
        act: "Delete",
        danger: true,
        back: path_of(&alias.address),
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Aliases, question))
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let address = address(&name)?;
    state.app.delete_alias(&admin.actor(), &address).await?;
    admin.tell(Notice::done(format!("The alias {address} is deleted.")));
    Ok(Redirect::to(LIST))
}
