//! One mailbox: everything there is to see of it, and changing it.

use super::fix;
use super::form::{FormPage, address, problems_of, seen, size, size_text};
use super::list::{segment, with_query};
use super::mailboxes::{path_of, quota_words, state_of, tags, tags_field};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{Checks, Field, Link, Notice, Opt, Problems, State as Standing, Tag, When};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::mailboxes::{MailboxEdit, MailboxView};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::address::Address;
use model::app_password::LastUse;
use model::attempt::StepState;
use model::link::LinkOrigin;
use model::protocol::{Protocol, Protocols};
use model::rules::confirmation::{self, Standing as ConfirmStanding};
use model::rules::fields::Held;
use model::template::TemplateField;
use model::time::Timestamp;
use serde::Deserialize;

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, "/admin/mailboxes/{name}", show)
        .get(
            Policy::Administrator,
            "/admin/mailboxes/{name}/edit",
            show_edit,
        )
        .post(Policy::Administrator, "/admin/mailboxes/{name}/edit", edit)
}

#[derive(Template)]
#[template(path = "admin/mailbox.html")]
struct MailboxPage {
    shell: AdminShell,
    view: MailboxView,
    path: String,
    state: Tag,
    gates: Checks,
    why: String,
    now: Timestamp,
}

impl MailboxPage {
    /// Marks a field that no template changes any more.
    fn by_hand(&self, field: TemplateField) -> Option<Tag> {
        let marked = self.view.mailbox.overrides.contains(field);
        marked.then(|| Tag::new(Standing::Neutral, "set by hand"))
    }

    /// What the template says of a field that is otherwise, and why it is.
    fn says(&self, field: TemplateField) -> Option<String> {
        let line = self.view.fields.iter().find(|line| line.field == field)?;
        let says = &line.says;
        line.differs().then(|| match line.held {
            Held::ByHand => format!("template says {says}"),
            Held::Once => format!("set once; template says {says} now"),
            Held::InStep => format!("{says} at the next sign-in, as the template says"),
        })
    }

    fn protocol(&self, protocol: &Protocol) -> (bool, Option<Tag>, Option<String>) {
        let on = self.view.mailbox.protocols.contains(*protocol);
        let field = TemplateField::of(*protocol);
        (on, self.by_hand(field), self.says(field))
    }

    /// Until when the dormant password opens mail programs, if it still does.
    fn password_until(&self) -> Option<When> {
        let until = self.view.mailbox.password_until?;
        (until > self.now).then(|| When::exactly(until))
    }

    /// When a provider last stood by the person, and what follows from it.
    fn confirmed(&self) -> Option<String> {
        let standing = self.view.standing?;
        if let Err(refusal) = confirmation::stands(&standing, self.now) {
            let refusal = refusal.with("address", &self.view.mailbox.address);
            return Some(format!("{refusal}{}", warned(&standing)));
        }
        let end = standing.deadline()?;
        Some(format!(
            "{}; mail programs and apps stop on {} unless a provider confirms it again{}",
            When::ago(standing.confirmed, self.now).text(),
            When::day(end).text(),
            warned(&standing)
        ))
    }

    /// The block of a linked person.
    fn block_of(&self, link: &model::link::Link) -> Option<&model::block::Block> {
        self.view.block_of(link)
    }

    /// The list of the mailboxes that have a tag too.
    fn tag_path(tag: &str) -> String {
        with_query(AdminEntry::Mailboxes.path(), &[("tag", tag)])
    }

    fn alias_path(address: &Address) -> String {
        super::aliases::path_of(address)
    }
}

// The template holds instants behind references of several depths, which these take as they are.

fn warned(standing: &ConfirmStanding) -> String {
    standing.told().map_or_else(String::new, |at| {
        format!(
            "; the person was warned by mail on {}",
            When::day(at).text()
        )
    })
}

fn ago(at: &Timestamp, now: &Timestamp) -> When {
    When::ago(at, now)
}

fn exactly(at: &Timestamp) -> When {
    When::exactly(at)
}

fn day(at: &Timestamp) -> When {
    When::day(at)
}

/// How a link came about.
const fn origin(origin: LinkOrigin) -> &'static str {
    match origin {
        LinkOrigin::FirstSignIn => "made at first sign-in",
        LinkOrigin::Pending => "taken by the person you made it for",
        LinkOrigin::LocalPassword => "proven by the local password",
        LinkOrigin::Relink => "taken over from another provider by a campaign",
    }
}

/// Mail programs that used a password, in words.
pub(super) fn use_words(used: &LastUse) -> String {
    match used.ip {
        Some(ip) => format!("{} from {ip}", used.protocol),
        None => used.protocol.to_string(),
    }
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let address = address(&name)?;
    let view = state.app.mailbox(&address).await?;
    let explained = state.app.explain(address.as_str()).await?;
    // Here only what tells something; the page that explains has all of them.
    let mut gates = explained.gates;
    gates.retain(|gate| !matches!(gate.state, StepState::Note | StepState::NotReached));
    Ok(Page(MailboxPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        path: path_of(&view.mailbox.address),
        state: state_of(&view.mailbox),
        gates: Checks::new("Can its person sign in?", fix::lines(&gates, None)),
        why: with_query(AdminEntry::Why.path(), &[("who", address.as_str())]),
        now: state.app.now(),
        view,
    })
    .into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    template: String,
    quota: String,
    protocols: Vec<Protocol>,
    tags: String,
    follow_template: bool,
    modified: i64,
}

impl Typed {
    fn of(view: &MailboxView) -> Self {
        let mailbox = &view.mailbox;
        Self {
            name: mailbox.name.clone(),
            template: view.template.clone().unwrap_or_default(),
            quota: if mailbox.quota == 0 {
                "unlimited".to_owned()
            } else {
                size_text(mailbox.quota)
            },
            protocols: mailbox.protocols.iter().collect(),
            tags: view.mailbox.tags.to_string(),
            follow_template: false,
            modified: mailbox.modified.0,
        }
    }

    /// What differs from the mailbox as the form showed it: a field that was left alone must not be
    /// marked as set by hand, and a new template must be able to change it.
    fn edit(&self, view: &MailboxView) -> Result<MailboxEdit, Problems> {
        let mut problems = Problems::new();
        let shown = Self::of(view);
        if self.quota.trim().is_empty() {
            problems.add("quota", "Write a size such as 5 GiB, or “unlimited”.");
        }
        let quota = size(&self.quota, 0, "quota", &mut problems);
        let tags = tags(&self.tags, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let protocols: Protocols = self.protocols.iter().copied().collect();
        let mailbox = &view.mailbox;
        Ok(MailboxEdit {
            name: (self.name != shown.name).then(|| self.name.clone()),
            quota: (quota != mailbox.quota).then_some(quota),
            protocols: (protocols != mailbox.protocols).then_some(protocols),
            template: (self.template != shown.template).then(|| self.template.clone()),
            tags: (tags != view.mailbox.tags).then_some(tags),
            follow_template: self.follow_template,
        })
    }

    async fn page(
        &self,
        state: &WebState,
        admin: &Administrator,
        view: &MailboxView,
        problems: Problems,
    ) -> Result<Response, Failure> {
        let templates = state.app.templates().await?;
        let mut named = vec![Opt::new("", "None", self.template.is_empty())];
        named.extend(templates.iter().map(|(template, _)| {
            Opt::new(
                &template.name,
                template.name.as_str(),
                template.name == self.template,
            )
        }));
        let protocol = |protocol: Protocol| {
            Opt::new(
                protocol.name(),
                protocol.label(),
                self.protocols.contains(&protocol),
            )
        };
        let mut fields = vec![
            Field::text("name", "Person's name", self.name.as_str())
                .optional()
                .at_most(200)
                .problem(problems.of("name")),
            Field::select("template", "Template", named)
                .help("Another template is applied at once, but for what is set by hand.")
                .problem(problems.of("template")),
            Field::text("quota", "Quota", self.quota.as_str())
                .short()
                .required()
                .help("Such as 10 GiB, or “unlimited” where the domain allows it.")
                .problem(problems.of("quota")),
            Field::checks(
                "protocols",
                "Mail programs may use",
                Protocol::ALL.into_iter().map(protocol).collect(),
            )
            .problem(problems.of("protocols")),
            tags_field(state, &self.tags, &problems).await?,
        ];
        if view.mailbox.overrides.iter().next().is_some() {
            let marked: Vec<_> = view
                .mailbox
                .overrides
                .iter()
                .map(TemplateField::label)
                .collect();
            let words = format!("Set by hand now: {}.", marked.join(", "));
            fields.push(Field::checks(
                "follow_template",
                "Template and hand",
                vec![
                    Opt::new(
                        "true",
                        "Follow the template again in everything",
                        self.follow_template,
                    )
                    .help(words),
                ],
            ));
        }
        let path = path_of(&view.mailbox.address);
        Ok(FormPage {
            shell: admin.shell(AdminEntry::Mailboxes),
            back: Link::new(path.as_str(), view.mailbox.address.to_string()),
            title: "Change the mailbox".to_owned(),
            intro: "What a template sets and you change here is marked as set by hand; templates \
                    then leave it alone."
                .to_owned(),
            action: format!("{path}/edit"),
            hidden: vec![("modified", self.modified.to_string())],
            fields,
            submit: "Save",
            danger: false,
            apart: None,
            problems,
        }
        .answer())
    }
}

async fn show_edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let view = state.app.mailbox(&address(&name)?).await?;
    Typed::of(&view)
        .page(&state, &admin, &view, Problems::new())
        .await
}

async fn edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let view = state.app.mailbox(&address(&name)?).await?;
    let edit = match typed.edit(&view) {
        Ok(edit) => edit,
        Err(problems) => return typed.page(&state, &admin, &view, problems).await,
    };
    let address = &view.mailbox.address;
    match state
        .app
        .edit_mailbox(&admin.actor(), address, edit, seen(typed.modified))
        .await
    {
        Ok(mailbox) => {
            admin.tell(Notice::done(format!("{} is saved.", mailbox.address)));
            Ok(Redirect::to(&path_of(&mailbox.address)).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "template", &[])?;
            typed.page(&state, &admin, &view, problems).await
        }
    }
}

/// The page that asks before an app password is revoked.
fn device_path(path: &str, id: impl std::fmt::Display) -> String {
    format!("{path}/devices/{}/revoke", segment(id.to_string()))
}
