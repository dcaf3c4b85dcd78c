//! Identity providers: the list, and setting one up.

use super::fix::path_of;
use super::form::{Yes, ask, heading_to_add, problems_of, seen, status_of};
use super::mend::{Filled, For};
use super::provider_checks::stopped;
use super::provider_form::{Choices, Typed, ignored_until};
use super::provider_test::{self, Row as TestRow};
use super::provider_there::{self, There};
use super::rules_index::Summary;
use crate::error::Failure;
use crate::form::Posted;
use crate::limits::CERTIFICATE_FORM_BYTES;
use crate::page::Page;
use crate::parts::{
    Empty, Field, Icon, Link, Notice, Problems, Question, State as Standing, Tag, When,
};
use crate::route::{Policy, Routes};
use crate::session::{Administrator, Visitor};
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::Problem;
use app::providers::{SavedProvider, SecretChange};
use app::step_up::{self, Doer};
use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::handler::Handler as _;
use axum::response::{IntoResponse as _, Redirect, Response};
use model::preset::Preset;
use model::provider::{Endpoints, Provider};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::net::IpAddr;

const LIST: &str = AdminEntry::Providers.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    let roomy = DefaultBodyLimit::max(CERTIFICATE_FORM_BYTES);
    Routes::new()
        .get(admin, LIST, list)
        .post(admin, LIST, create.layer(roomy))
        .get(admin, "/admin/providers/new", new)
        .get(admin, "/admin/providers/{name}", show)
        .post(admin, "/admin/providers/{name}", edit.layer(roomy))
        .get(admin, "/admin/providers/{name}/allow-host", ask_to_allow)
        .post(admin, "/admin/providers/{name}/allow-host", allow)
        .get(admin, "/admin/providers/{name}/delete", ask_to_delete)
        .post(admin, "/admin/providers/{name}/delete", delete)
}

#[derive(Template)]
#[template(path = "admin/providers.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    empty: Option<Empty>,
}

struct Row {
    provider: Provider,
    path: String,
    state: Tag,
    place: String,
    warning: Option<Tag>,
    /// The places before and behind its own, if there are any.
    up: Option<usize>,
    down: Option<usize>,
}

async fn list(State(state): State<WebState>, admin: Administrator) -> Result<Response, Failure> {
    let now = state.app.now();
    let providers = state.app.providers().await?;
    let last = providers.len();
    let row = |(number, provider): (usize, Provider)| Row {
        up: Some(number - 1).filter(|place| *place > 0),
        down: Some(number + 1).filter(|place| *place <= last),
        path: path_of(&provider.slug),
        state: state_of(&provider),
        place: match &provider.settings.endpoints {
            Endpoints::Issuer { issuer } => issuer.clone(),
            Endpoints::Manual { authorize, .. } => authorize.clone(),
        },
        warning: provider
            .settings
            .ignores_tls(now)
            .then(|| Tag::new(Standing::Error, "TLS errors ignored")),
        provider,
    };
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Providers),
        empty: providers.is_empty().then(|| {
            Empty::new(
                "No provider yet",
                "Connect the place where your people sign in already: Authelia, authentik, \
                 Keycloak, Entra, Google or any OpenID provider.",
            )
            .with(Link::new("/admin/providers/new", "Add a provider"))
        }),
        rows: (1..).zip(providers).map(row).collect(),
    })
    .into_response())
}

/// Whether a provider is on, in a word.
pub(super) fn state_of(provider: &Provider) -> Tag {
    if provider.settings.active {
        Tag::new(Standing::Ok, "On")
    } else {
        Tag::new(Standing::Warn, "Switched off")
    }
}

#[derive(Template)]
#[template(path = "admin/provider_form.html")]
struct ProviderPage {
    shell: AdminShell,
    problems: Problems,
    /// The provider, unless it is new.
    known: Option<Known>,
    /// What to do at its side.
    there: Option<There>,
    /// What people of a new one get whom no rule matches.
    everyone_else: Option<Field>,
    /// Its kind, for a new one.
    preset: &'static str,
    /// The heading, for a new one.
    heading: String,
    /// How its kind sends the template.
    template_how: &'static str,
    action: String,
    modified: i64,
    hidden: Vec<(&'static str, String)>,
    connection: Vec<Field>,
    people: Vec<Field>,
    /// Its rules, for a new one those that come with its kind.
    rules: Summary,
    rules_problem: Option<String>,
    trust: Vec<Field>,
    /// The trust settings are in sight when they are not the usual ones.
    trust_open: bool,
    /// Its test sign-ins of late.
    tests: Vec<TestRow>,
    leavers: Vec<Field>,
}

struct Known {
    path: String,
    name: String,
    state: Tag,
    active: bool,
    /// It was set up by endpoints: its issuer can be learned.
    by_endpoints: bool,
    ignores_tls: bool,
    ignored_until: Option<When>,
    /// Its background checks have stopped.
    checks_stopped: Option<String>,
}

async fn page(
    state: &WebState,
    admin: &Administrator,
    provider: Option<&Provider>,
    typed: &Typed,
    problems: Problems,
) -> Result<Response, Failure> {
    let choices = Choices::of(&state.app).await?;
    page_with(state, admin, provider, typed, problems, &choices, None).await
}

async fn page_with(
    state: &WebState,
    admin: &Administrator,
    provider: Option<&Provider>,
    typed: &Typed,
    problems: Problems,
    choices: &Choices,
    filled: Option<&Filled>,
) -> Result<Response, Failure> {
    let facts = typed.preset.facts();
    let templates = choices.templates();
    let (there, rules) = match provider {
        Some(provider) => (
            Some(There::of(state, admin, provider).await?),
            Summary::of(&provider.settings, &templates),
        ),
        None => {
            let draft = state.app.provider_draft(typed.preset).await?;
            let rules = Summary::of(&draft.settings, &templates);
            (There::ahead(&state.app, &draft).await?, rules)
        }
    };
    let known = provider.map(|provider| Known {
        path: path_of(&provider.slug),
        name: provider.settings.name.clone(),
        state: state_of(provider),
        active: provider.settings.active,
        by_endpoints: matches!(provider.settings.endpoints, Endpoints::Manual { .. }),
        ignores_tls: provider.settings.ignores_tls(state.app.now()),
        ignored_until: ignored_until(provider),
        checks_stopped: stopped(provider),
    });
    let trust_fields = [
        "ca_pem",
        "pin_sha256",
        "ignore_tls_until",
        step_up::FIELD,
        "private_hosts",
    ];
    let trust_problem = trust_fields
        .iter()
        .any(|field| problems.of(field).is_some());
    let status = status_of(&problems);
    let mut shell = admin.shell(AdminEntry::Providers);
    let mut connection = typed.connection(provider, &problems);
    let mut people = typed.people(choices, &problems);
    if let Some(filled) = filled {
        shell.notice = Some(filled.notice());
        filled.mark(&mut connection);
        filled.mark(&mut people);
    }
    let page = ProviderPage {
        shell,
        everyone_else: (known.is_none()).then(|| typed.everyone_else(choices, &problems)),
        action: known
            .as_ref()
            .map_or_else(|| LIST.to_owned(), |known| known.path.clone()),
        known,
        there,
        preset: typed.preset.key(),
        heading: heading_to_add(facts.name),
        template_how: facts.template_how,
        modified: typed.modified,
        hidden: typed.hidden(choices),
        connection,
        people,
        rules,
        rules_problem: problems.of("rules").map(ToOwned::to_owned),
        trust: typed.trust(&problems),
        trust_open: trust_problem || !typed.trusts_as_usual(),
        tests: match provider {
            Some(provider) => provider_test::rows(&state.app, &provider.slug).await?,
            None => Vec::new(),
        },
        leavers: typed.leavers(),
        problems,
    };
    Ok((status, Page(page)).into_response())
}

#[derive(Debug, Default, Deserialize)]
struct Chosen {
    preset: Option<String>,
}

async fn new(
    State(state): State<WebState>,
    admin: Administrator,
    Query(Chosen { preset }): Query<Chosen>,
) -> Result<Response, Failure> {
    let Some(key) = preset else {
        return Ok(provider_there::choose(&admin));
    };
    let preset = Preset::of_key(&key).ok_or_else(Failure::not_found)?;
    let typed = Typed::draft(&state.app.provider_draft(preset).await?);
    page(&state, &admin, None, &typed, Problems::new()).await
}

/// What the use case found wrong; what is wrong with the rules is told where they are shown.
fn wrong(problem: Problem, known: bool) -> Result<Problems, Failure> {
    let Problem::Invalid(mut fields) = problem else {
        return problems_of(problem, "", &[]);
    };
    for field in &mut fields {
        if let Some(number) = field.field.strip_prefix("rules.") {
            field.message = format!("Rule {number}: {}", field.message);
            "rules".clone_into(&mut field.field);
        } else if known && field.field == "everyone_else" {
            field.message = format!("Everyone else: {}", field.message);
            "rules".clone_into(&mut field.field);
        }
    }
    problems_of(Problem::Invalid(fields), "", &[])
}

fn tell(admin: &Administrator, saved: &SavedProvider) {
    let name = &saved.provider.settings.name;
    let notice = if saved.notes.is_empty() {
        Notice::done(format!("{name} is saved."))
    } else {
        let words = format!("{name} is saved. {}", saved.notes.join(" "));
        Notice::new(Standing::Warn, words)
    };
    let check = format!("{}/check", path_of(&saved.provider.slug));
    admin.tell(notice.with(Link::new(check, "Check the connection")));
}

async fn create(
    State(state): State<WebState>,
    admin: Administrator,
    Visitor(client): Visitor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    // Its page has the switch, which asks for a test.
    let draft = state.app.provider_draft(typed.preset).await?;
    let settings = match typed.settings(&draft, false) {
        Ok(settings) => settings,
        Err(problems) => return page(&state, &admin, None, &typed, problems).await,
    };
    let secret = Some(typed.client_secret.0.clone());
    let doer = Doer::with_password(admin.actor(), typed.own_password.0.clone(), client);
    match state
        .app
        .create_provider(doer, &typed.slug, settings, secret)
        .await
    {
        Ok(saved) => {
            tell(&admin, &saved);
            provider_there::keep_minted(&state, &admin, &saved);
            Ok(Redirect::to(&path_of(&saved.provider.slug)).into_response())
        }
        Err(problem) => page(&state, &admin, None, &typed, wrong(problem, false)?).await,
    }
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Query(attempt): Query<For>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let choices = Choices::of(&state.app).await?;
    let mut typed = Typed::of(&provider);
    let mending = attempt.mending(&state.app).await?;
    let filled = mending
        .filter(|mending| mending.provider == Some(provider.id))
        .and_then(|mending| typed.mend(&choices, &mending));
    page_with(
        &state,
        &admin,
        Some(&provider),
        &typed,
        Problems::new(),
        &choices,
        filled.as_ref(),
    )
    .await
}

async fn edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Visitor(client): Visitor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let settings = match typed.settings(&provider, true) {
        Ok(settings) => settings,
        Err(problems) => return page(&state, &admin, Some(&provider), &typed, problems).await,
    };
    let secret = if !typed.client_secret.0.expose_secret().is_empty() {
        SecretChange::Set(typed.client_secret.0.clone())
    } else if typed.clear_secret {
        SecretChange::Clear
    } else {
        SecretChange::Keep
    };
    let seen = seen(typed.modified);
    let doer = Doer::with_password(admin.actor(), typed.own_password.0.clone(), client);
    match state
        .app
        .edit_provider(doer, &name, settings, secret, seen)
        .await
    {
        Ok(saved) => {
            tell(&admin, &saved);
            Ok(Redirect::to(&path_of(&name)).into_response())
        }
        Err(problem) => {
            page(
                &state,
                &admin,
                Some(&provider),
                &typed,
                wrong(problem, true)?,
            )
            .await
        }
    }
}

/// A question about one provider.
fn question(
    admin: &Administrator,
    provider: &Provider,
    act: &str,
    title: String,
    line: String,
    button: &'static str,
    hidden: Vec<(&'static str, String)>,
) -> Response {
    let path = path_of(&provider.slug);
    ask(
        admin,
        AdminEntry::Providers,
        Question {
            title,
            lines: vec![line],
            action: format!("{path}/{act}"),
            act: button,
            danger: button == "Delete",
            back: path,
            hidden,
            token: admin.token.clone(),
        },
    )
}

#[derive(Debug, Default, Deserialize)]
struct Host {
    #[serde(default)]
    host: String,
}

async fn ask_to_allow(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Query(Host { host }): Query<Host>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    // It is shown in a question, so it has to be a name at least.
    if url::Host::parse(&host).is_err() && host.parse::<IpAddr>().is_err() {
        return Err(Failure::not_found());
    }
    let title = format!("May {host} have an internal address?");
    let line = format!(
        "Allow it if {} really runs inside your network under this name. Other hosts stay \
         forbidden, so that nobody can point this server at your internal machines.",
        provider.settings.name
    );
    let hidden = vec![("host", host)];
    Ok(question(
        &admin,
        &provider,
        "allow-host",
        title,
        line,
        "Allow",
        hidden,
    ))
}

async fn allow(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Host { host }): Posted<Host>,
) -> Result<Response, Failure> {
    state
        .app
        .allow_private_host(&admin.actor(), &name, &host)
        .await?;
    admin.tell(Notice::done(format!(
        "{} may have an internal address.",
        host.trim()
    )));
    Ok(Redirect::to(&format!("{}/check", path_of(&name))).into_response())
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let provider = state.app.provider(&name).await?;
    let title = format!("Delete {}?", provider.settings.name);
    let line = "Nobody can sign in by it any more. While people are linked to it, it cannot be \
                deleted; switch it off instead.";
    Ok(question(
        &admin,
        &provider,
        "delete",
        title,
        line.to_owned(),
        "Delete",
        vec![],
    ))
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(name): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    state.app.delete_provider(&admin.actor(), &name).await?;
    admin.tell(Notice::done("The provider is deleted."));
    Ok(Redirect::to(LIST))
}
