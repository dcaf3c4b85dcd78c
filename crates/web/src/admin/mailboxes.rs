//! The list of mailboxes, and adding one ahead of its person's first sign-in.

use super::form::{FormPage, problems_of, size};
use super::list::{Chip, Turn, count, segment};
use crate::error::Failure;
use crate::form::{Posted, Typed as Secret};
use crate::page::Page;
use crate::parts::{
    Empty, Field, Icon, Link, Notice, Opt, Problems, State as Standing, Tag, When, bytes,
};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::domains::Page as Wanted;
use app::local_password::{MAX_CHARS, MIN_CHARS};
use app::mailboxes::{MailboxFilter, NewMailboxForm, NewSignIn};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::address::{Address, DomainName};
use model::mailbox::Mailbox;
use model::tag::{MOST_CHARS, MOST_TAGS, Tag as MailboxTag, Tags};
use model::template::Template as MailTemplate;
use serde::Deserialize;

const LIST: &str = AdminEntry::Mailboxes.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, LIST, list)
        .post(Policy::Administrator, LIST, create)
        .get(Policy::Administrator, "/admin/mailboxes/new", new)
}

/// Where a mailbox's page is.
pub(super) fn path_of(address: &Address) -> String {
    format!("{LIST}/{}", segment(address.as_str()))
}

/// A quota in words.
pub(super) fn quota_words(quota: i64) -> String {
    if quota == 0 {
        "no limit".to_owned()
    } else {
        bytes(quota)
    }
}

/// How a mailbox stands.
pub(super) fn state_of(mailbox: &Mailbox) -> Tag {
    if !mailbox.active {
        Tag::new(Standing::Warn, "Switched off")
    } else if !mailbox.methods.local && !mailbox.methods.provider {
        Tag::new(Standing::Neutral, "Receives only")
    } else {
        Tag::new(Standing::Ok, "On")
    }
}

/// Tags in use that a form proposes at most.
const PROPOSED: u32 = 12;

/// The field of a mailbox's tags, with those that others have: the same word is the same tag.
pub(super) async fn tags_field(
    state: &WebState,
    typed: &str,
    problems: &Problems,
) -> Result<Field, Failure> {
    let found = state.app.tags_in_use("", PROPOSED).await?;
    let found: Vec<_> = found.iter().map(MailboxTag::as_str).collect();
    let mut help = "Words separated by commas. They say which apps its person may use, and apps \
                    receive them as groups."
        .to_owned();
    if !found.is_empty() {
        help = format!("{help} In use: {}.", found.join(", "));
    }
    Ok(Field::code("tags", "Tags", typed)
        .optional()
        .at_most(MOST_TAGS * (MOST_CHARS + 2))
        .help(help)
        .problem(problems.of("tags")))
}

/// The tags that were typed. What is wrong is noted at their field.
pub(super) fn tags(typed: &str, problems: &mut Problems) -> Tags {
    Tags::parse(typed).unwrap_or_else(|error| {
        problems.add("tags", format!("These are not all tags: {error}."));
        Tags::default()
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    domain: String,
    state: String,
    method: String,
    template: String,
    tag: String,
    after: String,
}

impl Asked {
    fn parameters(&self) -> [(&str, &str); 6] {
        [
            ("q", &self.q),
            ("domain", &self.domain),
            ("state", &self.state),
            ("method", &self.method),
            ("template", &self.template),
            ("tag", &self.tag),
        ]
    }

    /// What is asked for; `None` when it names a domain or a tag that is none.
    fn filter(&self) -> Option<MailboxFilter> {
        let domain = match self.domain.trim() {
            "" => None,
            typed => Some(DomainName::parse(typed).ok()?),
        };
        let tag = match self.tag.trim() {
            "" => None,
            typed => Some(MailboxTag::parse(typed).ok()?),
        };
        Some(MailboxFilter {
            domain,
            active: match self.state.as_str() {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            },
            by_provider: match self.method.as_str() {
                "provider" => Some(true),
                "local" => Some(false),
                _ => None,
            },
            template: Some(self.template.clone()).filter(|name| !name.is_empty()),
            tag,
        })
    }

    fn fields(&self, templates: &[(MailTemplate, u32)]) -> Vec<Field> {
        let option = |value: &'static str, words: &'static str, now: &str| {
            Opt::new(value, words, value == now)
        };
        let mut named = vec![Opt::new("", "Any", self.template.is_empty())];
        named.extend(templates.iter().map(|(template, _)| {
            Opt::new(
                &template.name,
                template.name.as_str(),
                template.name == self.template,
            )
        }));
        vec![
            Field::search("q", "Begins with", self.q.as_str()),
            Field::search("domain", "Domain", self.domain.as_str()).short(),
            Field::select(
                "state",
                "State",
                vec![
                    option("", "Any", &self.state),
                    option("on", "On", &self.state),
                    option("off", "Switched off", &self.state),
                ],
            ),
            Field::select(
                "method",
                "Signs in by",
                vec![
                    option("", "Any", &self.method),
                    option("provider", "Provider", &self.method),
                    option("local", "Local password", &self.method),
                ],
            ),
            Field::select("template", "Template", named),
            Field::search("tag", "Tag", self.tag.as_str()).short(),
        ]
    }
}

#[derive(Template)]
#[template(path = "admin/mailboxes.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    filter: Vec<Field>,
    chips: Vec<Chip>,
    empty: Option<Empty>,
    turn: Turn,
}

struct Row {
    mailbox: Mailbox,
    state: Tag,
    template: String,
    seen: Option<When>,
}

async fn list(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let now = state.app.now();
    let templates = state.app.templates().await?;
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        limit: 0,
        search: asked.q.clone(),
    };
    let listed = match asked.filter() {
        Some(filter) => match state.app.mailboxes(filter, wanted).await {
            // A domain or template that does not exist has no mailboxes.
            Err(app::Problem::NotFound(_)) => None,
            other => Some(other?),
        },
        None => None,
    };
    let (rows, next, previous) = listed.map_or_else(Default::default, |listed| {
        (listed.rows, listed.next, listed.previous)
    });
    let parameters = asked.parameters();
    let unfiltered = parameters.iter().all(|(_, value)| value.is_empty());
    let empty = (rows.is_empty() && next.is_none() && previous.is_none()).then(|| {
        if unfiltered {
            Empty::new(
                "No mailboxes yet",
                "They are made when people sign in by a provider, or ahead of that by you.",
            )
            .with(Link::new("/admin/mailboxes/new", "Add a mailbox"))
        } else {
            Empty::new(
                "No mailbox fits",
                "Nothing matches all of these filters together.",
            )
            .with(Link::new(LIST, "Drop all filters"))
        }
    });
    let on_page = count(rows.len(), "mailbox on this page", "mailboxes on this page");
    let summary = if unfiltered {
        format!("{on_page}, {} in all", state.app.mailbox_count().await?)
    } else {
        on_page
    };
    let row = |mailbox: Mailbox| Row {
        state: state_of(&mailbox),
        template: templates
            .iter()
            .find(|(template, _)| Some(template.id) == mailbox.template)
            .map(|(template, _)| template.name.clone())
            .unwrap_or_default(),
        seen: mailbox.last_sign_in.map(|at| When::ago(at, now)),
        mailbox,
    };
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Mailboxes),
        turn: Turn::of(
            summary,
            LIST,
            &parameters,
            &asked.after,
            next.as_deref(),
            previous.as_deref(),
        ),
        chips: Chip::all(LIST, &parameters, |name, value| match (name, value) {
            ("q", value) => format!("begins with {value}"),
            ("state", "on") => "on".to_owned(),
            ("state", _) => "switched off".to_owned(),
            ("method", "local") => "local password".to_owned(),
            ("method", _) => "by provider".to_owned(),
            (name, value) => format!("{name}: {value}"),
        }),
        rows: rows.into_iter().map(row).collect(),
        filter: asked.fields(&templates),
        empty,
    })
    .into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    address: String,
    name: String,
    quota: String,
    template: String,
    tags: String,
    sign_in: String,
    password: Secret,
    expected_subject: String,
}

/// The value of the choice that names a provider.
const BY_PROVIDER: &str = "provider:";

impl Typed {
    fn form(&self) -> Result<NewMailboxForm, Problems> {
        let mut problems = Problems::new();
        let address = Address::parse(self.address.trim());
        if let Err(error) = &address {
            problems.add("address", format!("This is no address: {error}."));
        }
        let quota = match self.quota.trim() {
            "" => None,
            typed => Some(size(typed, 0, "quota", &mut problems)),
        };
        let tags = tags(&self.tags, &mut problems);
        let sign_in = match self.sign_in.strip_prefix(BY_PROVIDER) {
            Some(slug) => NewSignIn::Provider {
                provider: slug.to_owned(),
                expected_subject: Some(self.expected_subject.trim().to_owned())
                    .filter(|subject| !subject.is_empty()),
            },
            None if self.sign_in == "local" => NewSignIn::Local(self.password.0.clone()),
            None => NewSignIn::None,
        };
        match address {
            Ok(address) if problems.is_empty() => Ok(NewMailboxForm {
                address,
                name: self.name.clone(),
                quota,
                protocols: None,
                template: Some(self.template.clone()).filter(|name| !name.is_empty()),
                tags,
                sign_in,
            }),
            _ => Err(problems),
        }
    }

    async fn page(
        &self,
        state: &WebState,
        admin: &Administrator,
        problems: Problems,
    ) -> Result<Response, Failure> {
        let templates = state.app.templates().await?;
        let providers = state.app.providers().await?;
        let mut named = vec![Opt::new("", "None", self.template.is_empty())];
        named.extend(templates.iter().map(|(template, _)| {
            Opt::new(
                &template.name,
                template.name.as_str(),
                template.name == self.template,
            )
        }));
        let mut ways: Vec<Opt> = providers
            .iter()
            .map(|provider| {
                let value = format!("{BY_PROVIDER}{}", provider.slug);
                let chosen = value == self.sign_in;
                Opt::new(value, format!("By {}", provider.settings.name), chosen)
                    .help("Waits 30 days for its person, who is known by this address there.")
            })
            .collect();
        ways.push(
            Opt::new("local", "By a local password", self.sign_in == "local")
                .help("Tell it to the person; they can change it."),
        );
        ways.push(
            Opt::new(
                "none",
                "Not yet",
                self.sign_in == "none" || self.sign_in.is_empty(),
            )
            .help("It receives mail at once; you choose later."),
        );
        Ok(FormPage {
            shell: admin.shell(AdminEntry::Mailboxes),
            back: Link::new(LIST, "Mailboxes"),
            title: "Add a mailbox".to_owned(),
            intro: "It receives mail at once, before its person has signed in.".to_owned(),
            action: LIST.to_owned(),
            hidden: vec![],
            fields: vec![
                Field::code("address", "Address", self.address.as_str())
                    .at_most(254)
                    .required()
                    .problem(problems.of("address")),
                Field::text("name", "Person's name", self.name.as_str())
                    .optional()
                    .at_most(200)
                    .problem(problems.of("name")),
                Field::select("template", "Template", named)
                    .help("It sets the quota and what mail programs may do.")
                    .problem(problems.of("template")),
                Field::text("quota", "Quota", self.quota.as_str())
                    .short()
                    .optional()
                    .help("Such as 10 GiB. Empty: the template's, else the domain's default.")
                    .problem(problems.of("quota")),
                tags_field(state, &self.tags, &problems).await?,
                Field::radios("sign_in", "Its person signs in", ways)
                    .problem(problems.of("sign_in")),
                Field::secret("password", "Local password", "new-password")
                    .help(format!(
                        "Only with “By a local password”: at least {MIN_CHARS} characters."
                    ))
                    .at_most(MAX_CHARS)
                    .problem(problems.of("password")),
                Field::code(
                    "expected_subject",
                    "Expected subject",
                    self.expected_subject.as_str(),
                )
                .optional()
                .help(
                    "Only with a provider: the stable id (sub) of the one person who may take \
                         this mailbox, if you know it.",
                )
                .problem(problems.of("expected_subject")),
            ],
            submit: "Add mailbox",
            danger: false,
            apart: None,
            problems,
        }
        .answer())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Suggested {
    address: String,
}

async fn new(
    State(state): State<WebState>,
    admin: Administrator,
    Query(suggested): Query<Suggested>,
) -> Result<Response, Failure> {
    let typed = Typed {
        address: suggested.address,
        ..Typed::default()
    };
    typed.page(&state, &admin, Problems::new()).await
}

async fn create(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => return typed.page(&state, &admin, problems).await,
    };
    match state.app.create_mailbox(&admin.actor(), form).await {
        Ok(mailbox) => {
            admin.tell(Notice::done(format!(
                "The mailbox {} is added.",
                mailbox.address
            )));
            Ok(Redirect::to(&path_of(&mailbox.address)).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "address", &[("provider", "sign_in")])?;
            typed.page(&state, &admin, problems).await
        }
    }
}
