//! What an app's page has beside its settings: what to paste at its side, its secrets, what went
//! wrong with it of late, and who connected it.

use super::apps::{of, path_of, state_of};
use super::form::{Yes, ask};
use super::list::{Turn, count};
use super::sign_ins::{Row as AttemptRow, rows as attempt_rows};
use crate::error::Failure;
use crate::form::Posted;
use crate::page::Page;
use crate::parts::{
    Code as Block, Copied, Empty, Field, Notice, Opt, Question, State as Standing, Tag, When,
};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::attempts::AttemptFilter;
use app::domains::Page as Wanted;
use app::oauth::apps::Overlap;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use model::ids::{AppSecretId, MailboxId, OauthAppId};
use model::oauth_app::{AppKind, AppSecret, OauthApp};
use oidc::op::difference::{DiffPart, difference};
use oidc::op::redirect::RegisteredRedirect;
use serde::Deserialize;

/// Refused attempts shown on one page.
const SHOWN: u32 = 20;
/// The fact of a refusal that holds the redirect an app sent.
const RECEIVED: &str = "received";

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    Routes::new()
        .get(admin, "/admin/apps/{id}/connect", connect)
        .get(admin, "/admin/apps/{id}/secrets", secrets)
        .post(admin, "/admin/apps/{id}/secrets", rotate)
        .get(admin, "/admin/apps/{id}/secrets/{name}/drop", ask_to_drop)
        .post(admin, "/admin/apps/{id}/secrets/{name}/drop", drop_secret)
        .get(admin, "/admin/apps/{id}/activity", activity)
        .get(admin, "/admin/apps/{id}/people", people)
        .get(
            admin,
            "/admin/apps/{id}/people/{name}/disconnect",
            ask_to_disconnect,
        )
        .post(
            admin,
            "/admin/apps/{id}/people/{name}/disconnect",
            disconnect,
        )
}

/// A part of an app's page, each with an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Settings,
    Connect,
    Test,
    Secrets,
    Activity,
    People,
}

impl Tab {
    const ALL: [Self; 6] = [
        Self::Settings,
        Self::Connect,
        Self::Test,
        Self::Secrets,
        Self::Activity,
        Self::People,
    ];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Settings => ("", "Settings"),
            Self::Connect => ("/connect", "Block to paste"),
            Self::Test => ("/test", "Test"),
            Self::Secrets => ("/secrets", "Secrets"),
            Self::Activity => ("/activity", "Activity"),
            Self::People => ("/people", "People"),
        }
    }
}

/// The head of an app's page.
#[derive(Template)]
#[template(path = "admin/app_head.html")]
pub(super) struct Head {
    path: String,
    name: String,
    number: OauthAppId,
    client_id: String,
    state: Tag,
    active: bool,
    tabs: Vec<(String, &'static str, bool)>,
}

// Its template escapes what it shows.
impl askama::filters::HtmlSafe for Head {}

impl Head {
    /// The head with one part chosen.
    pub fn of(app: &OauthApp, here: Tab) -> Self {
        let path = path_of(app.id);
        let tab = |tab: Tab| {
            let (below, words) = tab.words();
            (format!("{path}{below}"), words, tab == here)
        };
        Self {
            tabs: Tab::ALL.map(tab).into(),
            name: app.settings.name.clone(),
            number: app.id,
            client_id: app.client_id.clone(),
            state: state_of(app),
            active: app.settings.active,
            path,
        }
    }
}

#[derive(Template)]
#[template(path = "admin/app_connect.html")]
struct ConnectPage {
    shell: AdminShell,
    head: Head,
    name: String,
    steps: Vec<String>,
    values: Vec<Copied>,
    block: Option<Block>,
    remarks: Vec<String>,
    /// The secret, shown this once.
    fresh: Option<Copied>,
    /// Where a new secret is made, as a placeholder stands in for the one there is.
    renew: Option<String>,
}

async fn connect(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let key = (admin.session.id, app.id);
    let secret = state.app_secrets.take(&key, state.app.now());
    let guide = state.app.app_guide(&app, secret.as_ref());
    let values = guide.values.into_iter().enumerate();
    let renew = guide.secret_hidden;
    Ok(Page(ConnectPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Connect),
        name: app.settings.name.clone(),
        steps: guide.steps,
        values: values
            .map(|(n, value)| Copied::new(format!("there-{n}"), value.field, value.value))
            .collect(),
        block: guide
            .block
            .map(|block| Block::new("there", block.title, block.text)),
        remarks: guide.remarks,
        fresh: secret.map(|secret| {
            use secrecy::ExposeSecret as _;
            Copied::new("secret", "Client secret", secret.expose_secret())
        }),
        renew: renew.then(|| format!("{}/secrets", path_of(app.id))),
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "admin/app_secrets.html")]
struct SecretsPage {
    shell: AdminShell,
    head: Head,
    action: String,
    /// An app without a secret.
    public: bool,
    rows: Vec<SecretRow>,
    overlap: Field,
}

struct SecretRow {
    secret: AppSecret,
    made: When,
    ends: Option<When>,
    used: Option<When>,
}

async fn secrets(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let rows = state.app.app_secrets(app.id).await?.into_iter();
    let now = state.app.now();
    let row = |secret: AppSecret| SecretRow {
        made: When::exactly(secret.created),
        ends: secret.ends.map(When::exactly),
        used: secret.last_used.map(|at| When::ago(at, now)),
        secret,
    };
    let option = |overlap: Overlap| {
        let chosen = overlap == Overlap::default();
        Opt::new(overlap.name(), overlap.words(), chosen)
    };
    Ok(Page(SecretsPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Secrets),
        action: format!("{}/secrets", path_of(app.id)),
        public: app.settings.kind == AppKind::Public,
        rows: rows.map(row).collect(),
        overlap: Field::radios(
            "overlap",
            "The secrets so far end",
            Overlap::ALL.map(option).into(),
        )
        .help("Both count until then. At once: for a secret that somebody else has seen."),
    })
    .into_response())
}

#[derive(Debug, Deserialize)]
struct Rotate {
    overlap: Overlap,
}

async fn rotate(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Rotate { overlap }): Posted<Rotate>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let made = state
        .app
        .rotate_app_secret(id, overlap, &admin.actor())
        .await?;
    if let Some(secret) = made.secret {
        let key = (admin.session.id, id);
        state.app_secrets.put(key, secret, state.app.now());
    }
    let words = format!("The new secret counts; the others end {}.", overlap.words());
    admin.tell(Notice::done(words));
    Ok(Redirect::to(&format!("{}/connect", path_of(id))))
}

async fn ask_to_drop(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let secret = secret_id(&name)?;
    let kept = state.app.app_secrets(app.id).await?;
    let secret = kept.iter().find(|one| one.id == secret);
    let secret = secret.ok_or_else(Failure::not_found)?;
    let path = format!("{}/secrets", path_of(app.id));
    let question = Question {
        title: format!("Remove the secret that ends in {}?", secret.hint),
        lines: vec!["Whoever still uses it cannot sign anybody in from now on.".to_owned()],
        action: format!("{path}/{}/drop", secret.id),
        act: "Remove",
        danger: true,
        back: path,
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Apps, question))
}

async fn drop_secret(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let secret = secret_id(&name)?;
    state
        .app
        .drop_app_secret(id, secret, &admin.actor())
        .await?;
    admin.tell(Notice::done("The secret is removed."));
    Ok(Redirect::to(&format!("{}/secrets", path_of(id))))
}

fn secret_id(name: &str) -> Result<AppSecretId, Failure> {
    name.parse().map_err(|_| Failure::not_found())
}

#[derive(Template)]
#[template(path = "admin/app_activity.html")]
struct ActivityPage {
    shell: AdminShell,
    head: Head,
    rows: Vec<AttemptRow>,
    wrong: Vec<WrongRedirect>,
    behind: Option<Behind>,
    empty: Option<Empty>,
}

/// It is not told that sessions ended, for now.
struct Behind {
    problem: String,
    since: When,
    again: When,
}

/// A redirect that an app sent and nobody registered.
struct WrongRedirect {
    received: String,
    parts: Vec<DiffPart>,
    /// The settings with it filled in, if it can be registered.
    add: Option<String>,
}

/// The redirects among refusals that are registered by now neither, each once.
fn wrong_redirects(app: &OauthApp, rows: &[AttemptRow]) -> Vec<WrongRedirect> {
    let registered = &app.settings.redirects;
    let mut found: Vec<WrongRedirect> = Vec::new();
    for row in rows {
        let facts = row.attempt.refusal.as_ref().map(|refusal| &refusal.facts);
        let Some(received) = facts.and_then(|facts| facts.get(RECEIVED)) else {
            continue;
        };
        let known =
            registered.contains(received) || found.iter().any(|one| one.received == *received);
        if known {
            continue;
        }
        let can = RegisteredRedirect::parse(received).is_ok();
        let add = can.then(|| super::list::with_query(&path_of(app.id), &[("redirect", received)]));
        found.push(WrongRedirect {
            received: received.clone(),
            parts: difference(received, registered).unwrap_or_default(),
            add,
        });
    }
    found
}

async fn activity(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let filter = AttemptFilter {
        refused: true,
        code: None,
        app: Some(app.id),
    };
    let wanted = Wanted {
        limit: SHOWN,
        ..Wanted::default()
    };
    let listed = state.app.attempts(filter, wanted).await?;
    let behind = state.app.not_told(app.id).await?.map(|not_told| Behind {
        problem: not_told.problem,
        since: When::exactly(not_told.since),
        again: When::exactly(not_told.again),
    });
    let providers = state.app.providers().await?;
    let rows = attempt_rows(listed.rows, &providers, state.app.now());
    Ok(Page(ActivityPage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::Activity),
        wrong: wrong_redirects(&app, &rows),
        behind,
        empty: rows.is_empty().then(|| {
            Empty::new(
                "Nothing was refused",
                "When a sign-in to this app goes wrong, it is here with its reason.",
            )
        }),
        rows,
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "admin/app_people.html")]
struct PeoplePage {
    shell: AdminShell,
    head: Head,
    path: String,
    rows: Vec<PersonRow>,
    empty: Option<Empty>,
    turn: Turn,
}

struct PersonRow {
    mailbox: MailboxId,
    address: String,
    page: String,
    scopes: String,
    asked: &'static str,
    since: When,
    used: When,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
}

async fn people(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        ..Wanted::default()
    };
    let listed = state.app.app_people(app.id, wanted).await?;
    let path = format!("{}/people", path_of(app.id));
    let now = state.app.now();
    let rows: Vec<_> = listed
        .rows
        .into_iter()
        .map(|person| PersonRow {
            mailbox: person.connection.mailbox,
            page: super::mailboxes::path_of(&person.address),
            address: person.address.to_string(),
            scopes: person.connection.scopes.replace(' ', ", "),
            asked: if person.connection.asked {
                "allowed it"
            } else {
                "was not asked"
            },
            since: When::exactly(person.connection.since),
            used: When::ago(person.connection.last_used, now),
        })
        .collect();
    Ok(Page(PeoplePage {
        shell: admin.shell(AdminEntry::Apps),
        head: Head::of(&app, Tab::People),
        empty: (rows.is_empty() && asked.after.is_empty()).then(|| {
            Empty::new(
                "Nobody has connected it yet",
                "Whoever signs in to this app is listed here, with its last use.",
            )
        }),
        turn: Turn::of(
            count(rows.len(), "person on this page", "people on this page"),
            &path,
            &[],
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        path,
        rows,
    })
    .into_response())
}

async fn ask_to_disconnect(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let mailbox = mailbox_id(&name)?;
    let address = state.app.connected_address(app.id, mailbox).await?;
    let path = format!("{}/people", path_of(app.id));
    let question = Question {
        title: format!("Disconnect {address} from {}?", app.settings.name),
        lines: vec![
            "What the app was given for them opens nothing from now on. They may connect it again."
                .to_owned(),
        ],
        action: format!("{path}/{mailbox}/disconnect"),
        act: "Disconnect",
        danger: true,
        back: path,
        hidden: vec![],
        token: admin.token.clone(),
    };
    Ok(ask(&admin, AdminEntry::Apps, question))
}

async fn disconnect(
    State(state): State<WebState>,
    admin: Administrator,
    Path((id, name)): Path<(String, String)>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let mailbox = mailbox_id(&name)?;
    state
        .app
        .disconnect_person(id, mailbox, &admin.actor())
        .await?;
    admin.tell(Notice::done("Disconnected."));
    Ok(Redirect::to(&format!("{}/people", path_of(id))))
}

fn mailbox_id(name: &str) -> Result<MailboxId, Failure> {
    name.parse().map_err(|_| Failure::not_found())
}
