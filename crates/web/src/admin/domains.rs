//! Mail domains.

use super::domain_provider::Binding;
use super::form::{FormPage, Yes, ask, domain, problems_of, seen, size, size_text};
use super::list::{Turn, count, segment};
use super::mend::{Filled, For};
use super::overview;
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{
    Empty, Field, Icon, Link, Notice, Opt, Problems, Question, Quota, State as Standing, Tag,
};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::domains::{DomainForm, Page as Wanted};
use app::mending::Mending;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::address::{Address, DomainName};
use model::domain::{DomainLimits, DomainUse, MailDomain};
use model::outcome::{Code, Remedy};
use model::provider::Provider;
use serde::Deserialize;

const LIST: &str = AdminEntry::Domains.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Administrator, LIST, list)
        .post(Policy::Administrator, LIST, create)
        .get(Policy::Administrator, "/admin/domains/new", new)
        .get(Policy::Administrator, "/admin/domains/{name}", show)
        .post(Policy::Administrator, "/admin/domains/{name}", edit)
        .get(
            Policy::Administrator,
            "/admin/domains/{name}/delete",
            ask_to_delete,
        )
        .post(
            Policy::Administrator,
            "/admin/domains/{name}/delete",
            delete,
        )
}

/// Where a domain's page is.
pub(super) fn path_of(name: &DomainName) -> String {
    format!("{LIST}/{}", segment(name.as_str()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "admin/domains.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    filter: [Field; 1],
    empty: Option<Empty>,
    turn: Turn,
}

struct Row {
    domain: MailDomain,
    state: Tag,
    mailboxes: i64,
    quota: Quota,
}

impl Row {
    fn of((domain, used): (MailDomain, DomainUse)) -> Self {
        Self {
            state: state_of(&domain),
            mailboxes: used.mailboxes,
            quota: Quota::new("Quota given out", used.quota, domain.limits.domain_quota).brief(),
            domain,
        }
    }

    /// The counted mailboxes and their limit.
    fn most(&self) -> Option<i64> {
        Some(self.domain.limits.max_mailboxes).filter(|most| *most > 0)
    }
}

fn state_of(domain: &MailDomain) -> Tag {
    if domain.active {
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
    let listed = state.app.domains(wanted).await?;
    let empty = listed.rows.is_empty().then(|| {
        if asked.q.is_empty() {
            Empty::new(
                "No mail domains yet",
                "A mail domain is what stands behind the @ of your addresses.",
            )
            .with(Link::new("/admin/domains/new", "Add a domain"))
        } else {
            Empty::new(
                "No domain begins so",
                "The search looks at the beginning of names.",
            )
            .with(Link::new(LIST, "Show all domains"))
        }
    });
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Domains),
        turn: Turn::of(
            count(
                listed.rows.len(),
                "domain on this page",
                "domains on this page",
            ),
            LIST,
            &[("q", &asked.q)],
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        rows: listed.rows.into_iter().map(Row::of).collect(),
        filter: [Field::search("q", "Name begins with", asked.q)],
        empty,
    })
    .into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    active: bool,
    max_mailboxes: String,
    default_quota: String,
    max_quota: String,
    domain_quota: String,
    role_target: String,
    confirm_within: String,
    /// Of a new domain alone: the providers that may sign in its people.
    providers: Vec<String>,
    modified: i64,
}

impl Typed {
    fn of(domain: &MailDomain) -> Self {
        let limits = &domain.limits;
        Self {
            name: domain.name.to_string(),
            active: domain.active,
            role_target: domain.role_target.to_string(),
            confirm_within: domain
                .confirm
                .map(|policy| policy.within_days.to_string())
                .unwrap_or_default(),
            modified: domain.modified.0,
            ..Self::limits(limits)
        }
    }

    fn limits(limits: &DomainLimits) -> Self {
        let unless_none = |bytes: i64| {
            if bytes == 0 {
                String::new()
            } else {
                size_text(bytes)
            }
        };
        Self {
            max_mailboxes: match limits.max_mailboxes {
                0 => String::new(),
                most => most.to_string(),
            },
            default_quota: if limits.default_quota == 0 {
                "unlimited".to_owned()
            } else {
                size_text(limits.default_quota)
            },
            max_quota: unless_none(limits.max_quota),
            domain_quota: unless_none(limits.domain_quota),
            ..Self::default()
        }
    }

    fn form(&self) -> Result<DomainForm, Problems> {
        let mut problems = Problems::new();
        let name = DomainName::parse(self.name.trim());
        if let Err(error) = &name {
            problems.add("name", format!("This is no domain name: {error}."));
        }
        let role_target = match self.role_target.trim() {
            "" => None,
            typed => Address::parse(typed)
                .inspect_err(|error| {
                    problems.add("role_target", format!("This is no address: {error}."));
                })
                .ok(),
        };
        let max_mailboxes = match self.max_mailboxes.trim() {
            "" => 0,
            typed => typed.parse().unwrap_or_else(|_| {
                problems.add(
                    "max_mailboxes",
                    "Write a whole number, or nothing for no limit.",
                );
                0
            }),
        };
        let confirm_within = match self.confirm_within.trim() {
            "" | "off" => None,
            // Zero is out of bounds too, so the use case says what would be right.
            typed => Some(typed.parse().unwrap_or(0)),
        };
        if self.default_quota.trim().is_empty() {
            problems.add(
                "default_quota",
                "Write a size such as 5 GiB, or “unlimited”.",
            );
        }
        let limits = DomainLimits {
            max_mailboxes,
            default_quota: size(&self.default_quota, 0, "default_quota", &mut problems),
            max_quota: size(&self.max_quota, 0, "max_quota", &mut problems),
            domain_quota: size(&self.domain_quota, 0, "domain_quota", &mut problems),
        };
        match name {
            Ok(name) if problems.is_empty() => Ok(DomainForm {
                name,
                active: self.active,
                limits,
                role_target,
                confirm_within,
            }),
            _ => Err(problems),
        }
    }

    /// Fills in what would mend an attempt that this domain refuses.
    fn mend(&mut self, domain: &MailDomain, mending: &Mending) -> Option<Filled> {
        let here = mending.address.as_ref()?.domain() == domain.name;
        let (field, before) = match mending.refusal.remedy().filter(|_| here)? {
            Remedy::DomainOn if !self.active => {
                self.active = true;
                ("active", "switched off".to_owned())
            }
            Remedy::Mailboxes(most) => {
                let before = std::mem::replace(&mut self.max_mailboxes, most.to_string());
                ("max_mailboxes", before)
            }
            Remedy::DomainQuota(bytes) => {
                let before = std::mem::replace(&mut self.domain_quota, size_text(bytes));
                ("domain_quota", before)
            }
            Remedy::LargestQuota(bytes) => {
                let before = std::mem::replace(&mut self.max_quota, size_text(bytes));
                ("max_quota", before)
            }
            _ => return None,
        };
        Some(Filled::new(field, before, mending))
    }

    fn fields(&self, problems: &Problems) -> Vec<Field> {
        vec![
            Field::text(
                "max_mailboxes",
                "Most mailboxes",
                self.max_mailboxes.as_str(),
            )
            .attribute("inputmode", "numeric")
            .short()
            .help("Empty: no limit. Switched-off mailboxes count.")
            .problem(problems.of("max_mailboxes")),
            Field::text(
                "default_quota",
                "Quota of a mailbox",
                self.default_quota.as_str(),
            )
            .short()
            .help("For mailboxes whose template names none, such as 5 GiB.")
            .required()
            .problem(problems.of("default_quota")),
            Field::text(
                "max_quota",
                "Largest quota of a mailbox",
                self.max_quota.as_str(),
            )
            .short()
            .help("Empty: no limit.")
            .problem(problems.of("max_quota")),
            Field::text(
                "domain_quota",
                "Quota of all mailboxes together",
                self.domain_quota.as_str(),
            )
            .short()
            .help("Empty: no limit.")
            .problem(problems.of("domain_quota")),
            Field::code(
                "role_target",
                "Mail for postmaster and abuse goes to",
                self.role_target.as_str(),
            )
            .help(
                "Also Gatepost's own mail, when people of this domain are refused and only you can \
                 mend it. Unless a mailbox or alias of that name exists. Empty: your own address.",
            )
            .optional()
            .problem(problems.of("role_target")),
            Field::text(
                "confirm_within",
                "Mail programs and apps stop when no provider has confirmed the person for (days)",
                self.confirm_within.as_str(),
            )
            .attribute("inputmode", "numeric")
            .short()
            .optional()
            .help(
                "Empty or off: never. For providers that do not tell when somebody leaves. Of apps, \
                 those that go on without the person. Every sign-in confirms; people are told by \
                 mail a week and a day before, and on their first page. Changing the number starts \
                 the days anew for everybody.",
            )
            .problem(problems.of("confirm_within")),
            switch(self.active),
        ]
    }
}

/// Switches send `true`, so that a form's struct reads them as what they are.
fn switch(on: bool) -> Field {
    Field::checks(
        "active",
        "State",
        vec![
            Opt::new("true", "Switched on", on)
                .help("Switched off: no mail is received, nobody signs in, and sessions end."),
        ],
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Suggested {
    name: String,
}

async fn new(
    State(state): State<WebState>,
    admin: Administrator,
    Query(suggested): Query<Suggested>,
    Query(attempt): Query<For>,
) -> Result<Response, Failure> {
    let mending = attempt.mending(&state.app).await?;
    let mending = mending.filter(|mending| mending.refusal.code == Code::DomainUnknown);
    let providers = state.app.providers().await?;
    let name = match mending
        .as_ref()
        .and_then(|mending| mending.address.as_ref())
    {
        Some(address) => Ok(address.domain()),
        None => DomainName::parse(&suggested.name),
    };
    let by = mending.as_ref().and_then(|mending| mending.provider);
    let by: Vec<_> = providers
        .iter()
        .filter(|provider| Some(provider.id) == by)
        .map(|provider| provider.slug.clone())
        .collect();
    let filled = mending
        .filter(|_| !by.is_empty())
        .map(|mending| Filled::new("providers", "nobody", &mending));
    let typed = Typed {
        name: name.map(|name| name.to_string()).unwrap_or_default(),
        active: true,
        providers: by,
        ..Typed::limits(&DomainLimits::default())
    };
    let no_wrong = Problems::new();
    Ok(new_page(
        &admin,
        &providers,
        &typed,
        no_wrong,
        filled.as_ref(),
    ))
}

fn new_page(
    admin: &Administrator,
    providers: &[Provider],
    typed: &Typed,
    problems: Problems,
    filled: Option<&Filled>,
) -> Response {
    let mut fields = vec![
        Field::code("name", "Name", typed.name.as_str())
            .help("What stands behind the @: example.org")
            .at_most(253)
            .required()
            .problem(problems.of("name")),
    ];
    if !providers.is_empty() {
        let may = |provider: &Provider| {
            let chosen = typed.providers.contains(&provider.slug);
            Opt::new(&provider.slug, provider.settings.name.as_str(), chosen)
        };
        fields.push(
            Field::checks(
                "providers",
                "Its people may be signed in by",
                providers.iter().map(may).collect(),
            )
            .help("Nobody by a provider until you choose one.")
            .problem(problems.of("providers")),
        );
    }
    fields.extend(typed.fields(&problems));
    let mut shell = admin.shell(AdminEntry::Domains);
    if let Some(filled) = filled {
        shell.notice = Some(filled.notice());
        filled.mark(&mut fields);
    }
    FormPage {
        shell,
        back: Link::new(LIST, "Domains"),
        title: "Add a domain".to_owned(),
        intro: String::new(),
        action: LIST.to_owned(),
        hidden: vec![],
        fields,
        submit: "Add domain",
        danger: false,
        apart: None,
        problems,
    }
    .answer()
}

async fn create(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let providers = state.app.providers().await?;
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => return Ok(new_page(&admin, &providers, &typed, problems, None)),
    };
    let by = typed.providers.clone();
    match state.app.create_domain_for(&admin.actor(), form, by).await {
        Ok(domain) => {
            let done = Notice::done(format!("The domain {} is added.", domain.name));
            admin.tell(match overview::next_step(&state).await? {
                Some(step) => done.with(step),
                None => done,
            });
            Ok(Redirect::to(LIST).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "providers", &[])?;
            Ok(new_page(&admin, &providers, &typed, problems, None))
        }
    }
}

#[derive(Template)]
#[template(path = "admin/domain.html")]
struct DomainPage {
    form: FormPage,
    shell: AdminShell,
    mailboxes: String,
    quota: Quota,
    listed: String,
    binding: Option<Binding>,
    /// Its people are not warned by mail, although they should be.
    unsent: Option<Notice>,
    /// Something is wrong with what was sent, in either form.
    wrong: bool,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Query(attempt): Query<For>,
) -> Result<Response, Failure> {
    let found = state.app.domain(&domain(&name)?).await?;
    let mut typed = Typed::of(&found.0);
    let filled = match attempt.mending(&state.app).await? {
        Some(mending) => typed.mend(&found.0, &mending),
        None => None,
    };
    let no_wrong = Wrong::default();
    edit_page(&state, &admin, &found, &typed, no_wrong, filled.as_ref()).await
}

/// The domain's page again, after a provider was chosen that cannot be.
pub(super) async fn with_binding(
    state: &WebState,
    admin: &Administrator,
    name: &DomainName,
    binding: Problems,
) -> Result<Response, Failure> {
    let found = state.app.domain(name).await?;
    let typed = Typed::of(&found.0);
    let wrong = Wrong {
        binding,
        ..Wrong::default()
    };
    edit_page(state, admin, &found, &typed, wrong, None).await
}

/// What is wrong with what was sent, of either form of the page.
#[derive(Default)]
struct Wrong {
    domain: Problems,
    binding: Problems,
}

impl From<Problems> for Wrong {
    fn from(domain: Problems) -> Self {
        Self {
            domain,
            ..Self::default()
        }
    }
}

async fn edit_page(
    state: &WebState,
    admin: &Administrator,
    (domain, used): &(MailDomain, DomainUse),
    typed: &Typed,
    wrong: Wrong,
    filled: Option<&Filled>,
) -> Result<Response, Failure> {
    let (problems, binding) = (wrong.domain, wrong.binding);
    let status = if problems.is_empty() {
        super::form::status_of(&binding)
    } else {
        super::form::status_of(&problems)
    };
    let providers = state.app.providers().await?;
    let mut shell = admin.shell(AdminEntry::Domains);
    let mut fields = typed.fields(&problems);
    if let Some(filled) = filled {
        shell.notice = Some(filled.notice());
        filled.mark(&mut fields);
    }
    let most = match domain.limits.max_mailboxes {
        0 => "no limit".to_owned(),
        most => format!("at most {most}"),
    };
    let unsent = match domain.confirm {
        Some(_) => super::overview::unsent(state).await?,
        None => None,
    };
    let page = DomainPage {
        unsent,
        wrong: !problems.is_empty() || !binding.is_empty(),
        binding: Binding::of(domain, &providers, binding),
        mailboxes: format!("{}, {most}", used.mailboxes),
        quota: Quota::new("Quota given out", used.quota, domain.limits.domain_quota),
        listed: super::list::with_query(
            AdminEntry::Mailboxes.path(),
            &[("domain", domain.name.as_str())],
        ),
        form: FormPage {
            shell: shell.clone(),
            back: Link::new(LIST, "Domains"),
            title: domain.name.to_string(),
            intro: String::new(),
            action: path_of(&domain.name),
            hidden: vec![("modified", typed.modified.to_string())],
            fields,
            submit: "Save",
            danger: false,
            apart: Some(Link::new(
                format!("{}/delete", path_of(&domain.name)),
                "Delete this domain",
            )),
            problems,
        },
        shell,
    };
    Ok((status, Page(page)).into_response())
}

async fn edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let found = state.app.domain(&domain(&name)?).await?;
    let typed = Typed {
        name: found.0.name.to_string(),
        ..typed
    };
    let form = match typed.form() {
        Ok(form) => form,
        Err(problems) => {
            return edit_page(&state, &admin, &found, &typed, problems.into(), None).await;
        }
    };
    match state
        .app
        .edit_domain(&admin.actor(), form, seen(typed.modified))
        .await
    {
        Ok(domain) => {
            admin.tell(Notice::done(format!("{} is saved.", domain.name)));
            Ok(Redirect::to(&path_of(&domain.name)).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "", &[])?;
            edit_page(&state, &admin, &found, &typed, problems.into(), None).await
        }
    }
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let (domain, used) = state.app.domain(&domain(&name)?).await?;
    let lines = if used.mailboxes > 0 {
        vec![format!(
            "It holds {} mailboxes, so it cannot be deleted yet. Delete them first, or switch the \
             domain off.",
            used.mailboxes
        )]
    } else {
        vec!["Mail for it is refused from then on, and it leaves every provider's list.".to_owned()]
    };
    let question = Question {
        title: format!("Delete {}?", domain.name),
        lines,
        action: format!("{}/delete", path_of(&domain.name)),
        act: "Delete",
        danger: true,
        back: path_of(&domain.name),
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Domains, question))
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let name = domain(&name)?;
    state.app.delete_domain(&admin.actor(), &name).await?;
    admin.tell(Notice::done(format!("The domain {name} is deleted.")));
    Ok(Redirect::to(LIST))
}
