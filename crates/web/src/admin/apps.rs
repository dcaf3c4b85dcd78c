//! Apps: the list, adding one, its settings, switching it off, ending its tokens, deleting it. Each
//! other part of its page ([`super::app_head`]) is a file of its own.

use super::app_form::{Draft, Typed};
use super::app_head::{Head, Tab};
use super::form::{Yes, ask, heading_to_add, problems_of, seen, status_of};
use super::list::{Turn, count};
use super::provider_form::Choices;
use crate::error::Failure;
use crate::form::Posted;
use crate::limits::CERTIFICATE_FORM_BYTES;
use crate::page::Page;
use crate::parts::{Copied, Field, Icon, Notice, Problems, Question, State as Standing, Tag};
use crate::route::{Policy, Routes};
use crate::session::Administrator;
use crate::shell::{AdminEntry, AdminShell};
use crate::state::WebState;
use app::domains::Page as Wanted;
use askama::Template;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::handler::Handler as _;
use axum::response::{IntoResponse as _, Redirect, Response};
use model::app_cards::CardUrls;
use model::ids::OauthAppId;
use model::oauth_app::{AppAccess, AppCard, Consent, OauthApp};
use serde::Deserialize;

const LIST: &str = AdminEntry::Apps.path();

/// The routes of these pages.
#[must_use]
pub fn routes() -> Routes<WebState> {
    let admin = Policy::Administrator;
    let roomy = DefaultBodyLimit::max(CERTIFICATE_FORM_BYTES);
    Routes::new()
        .get(admin, LIST, list)
        .post(admin, LIST, create.layer(roomy))
        .get(admin, "/admin/apps/new", new)
        .get(admin, "/admin/apps/{id}", show)
        .post(admin, "/admin/apps/{id}", edit.layer(roomy))
        .get(admin, "/admin/apps/{id}/switch", ask_to_switch)
        .post(admin, "/admin/apps/{id}/switch", switch)
        .get(admin, "/admin/apps/{id}/revoke", ask_to_revoke)
        .post(admin, "/admin/apps/{id}/revoke", revoke)
        .get(admin, "/admin/apps/{id}/delete", ask_to_delete)
        .post(admin, "/admin/apps/{id}/delete", delete)
}

/// Where an app's page is.
pub(super) fn path_of(id: OauthAppId) -> String {
    format!("{LIST}/{id}")
}

/// The app that a path names.
pub(super) async fn of(state: &WebState, id: &str) -> Result<OauthApp, Failure> {
    let id = id.parse().map_err(|_| Failure::not_found())?;
    Ok(state.app.oauth_app(id).await?)
}

/// Whether an app is on, in a word.
pub(super) fn state_of(app: &OauthApp) -> Tag {
    if app.settings.active {
        Tag::new(Standing::Ok, "On")
    } else {
        Tag::new(Standing::Warn, "Switched off")
    }
}

/// A kind of app to choose.
struct Card {
    path: String,
    name: &'static str,
    about: &'static str,
}

fn card(card: AppCard) -> Card {
    Card {
        path: format!("{LIST}/new?card={}", card.key()),
        name: card.label(),
        about: card.about(),
    }
}

/// The addresses that every app may ask for.
fn endpoints(urls: CardUrls) -> Vec<Copied> {
    vec![
        Copied::new("discovery", "OpenID Connect discovery", urls.discovery),
        Copied::new("authorize", "Authorization endpoint", urls.authorize),
        Copied::new("token", "Token endpoint", urls.token),
        Copied::new("device", "Device authorization endpoint", urls.device),
        Copied::new("userinfo", "Userinfo endpoint", urls.userinfo),
        Copied::new("profile", "Profile, as mailcow has it", urls.profile),
    ]
}

#[derive(Template)]
#[template(path = "admin/apps.html")]
struct ListPage {
    shell: AdminShell,
    rows: Vec<Row>,
    /// Kinds to begin with, where there is no app yet.
    cards: Vec<Card>,
    endpoints: Vec<Copied>,
    turn: Turn,
}

struct Row {
    path: String,
    state: Tag,
    access: &'static str,
    consent: &'static str,
    app: OauthApp,
}

impl Row {
    fn of(app: OauthApp) -> Self {
        Self {
            path: path_of(app.id),
            state: state_of(&app),
            access: match app.settings.access {
                AppAccess::All => "everybody",
                AppAccess::Only { .. } => "some",
            },
            consent: match app.settings.consent {
                Consent::Ask => "asked",
                Consent::Trusted => "not asked",
            },
            app,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
}

async fn list(
    State(state): State<WebState>,
    admin: Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let wanted = Wanted {
        after: Some(asked.after.clone()).filter(|after| !after.is_empty()),
        ..Wanted::default()
    };
    let listed = state.app.oauth_apps(wanted).await?;
    let first = [AppCard::Nextcloud, AppCard::Authentik, AppCard::Generic];
    let empty = listed.rows.is_empty() && asked.after.is_empty();
    Ok(Page(ListPage {
        shell: admin.shell(AdminEntry::Apps),
        cards: if empty {
            first.map(card).into()
        } else {
            Vec::new()
        },
        endpoints: endpoints(state.app.app_urls()),
        turn: Turn::of(
            count(listed.rows.len(), "app on this page", "apps on this page"),
            LIST,
            &[],
            &asked.after,
            listed.next.as_deref(),
            listed.previous.as_deref(),
        ),
        rows: listed.rows.into_iter().map(Row::of).collect(),
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "admin/app_cards.html")]
struct CardsPage {
    shell: AdminShell,
    cards: Vec<Card>,
}

#[derive(Template)]
#[template(path = "admin/app_form.html")]
struct FormPage {
    shell: AdminShell,
    problems: Problems,
    /// The app, unless it is new.
    head: Option<Head>,
    /// Unless there is a head.
    heading: String,
    action: String,
    hidden: Vec<(&'static str, String)>,
    fields: Vec<Field>,
    access: Vec<Field>,
    safety: Vec<Field>,
    /// The rarer settings are in sight: something is wrong there, or not as usual.
    open: bool,
}

async fn form(
    state: &WebState,
    admin: &Administrator,
    app: Option<&OauthApp>,
    typed: &Typed,
    problems: Problems,
) -> Result<Response, Failure> {
    let choices = Choices::of(&state.app).await?;
    let providers = state.app.providers().await?;
    let draft = Draft {
        app,
        domains: choices.domains(),
        providers: &providers,
        problems: &problems,
    };
    let status = status_of(&problems);
    let page = FormPage {
        shell: admin.shell(AdminEntry::Apps),
        head: app.map(|app| Head::of(app, Tab::Settings)),
        heading: heading_to_add(typed.card.label()),
        action: app.map_or_else(|| LIST.to_owned(), |app| path_of(app.id)),
        hidden: typed.hidden(),
        fields: typed.fields(&draft),
        access: typed.access_fields(&draft),
        safety: typed.safety_fields(&draft),
        open: typed.is_unusual(&draft),
        problems,
    };
    Ok((status, Page(page)).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    card: String,
}

async fn new(
    State(state): State<WebState>,
    admin: Administrator,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Failure> {
    let Some(kind) = AppCard::of_key(&chosen.card) else {
        let page = CardsPage {
            shell: admin.shell(AdminEntry::Apps),
            cards: AppCard::ALL.map(card).into(),
        };
        return Ok(Page(page).into_response());
    };
    let typed = Typed::of(&kind.settings(), 0);
    form(&state, &admin, None, &typed, Problems::new()).await
}

async fn create(
    State(state): State<WebState>,
    admin: Administrator,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let settings = match typed.settings(None) {
        Ok(settings) => settings,
        Err(problems) => return form(&state, &admin, None, &typed, problems).await,
    };
    let actor = admin.actor();
    let made = match typed.client_id.trim() {
        "" => state.app.add_app(settings, &actor).await,
        given => state.app.add_app_as(given, settings, &actor).await,
    };
    match made {
        Ok(made) => {
            if let Some(secret) = made.secret {
                let key = (admin.session.id, made.app.id);
                state.app_secrets.put(key, secret, state.app.now());
            }
            let name = &made.app.settings.name;
            admin.tell(Notice::done(format!("The app {name} is added.")));
            let path = format!("{}/connect", path_of(made.app.id));
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "", &[("access", "who")])?;
            form(&state, &admin, None, &typed, problems).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Adding {
    /// A redirect to add, as an attempt sent it.
    redirect: String,
}

async fn show(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Query(adding): Query<Adding>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let mut typed = Typed::of(&app.settings, app.modified.0);
    typed.add_redirect(&adding.redirect);
    form(&state, &admin, Some(&app), &typed, Problems::new()).await
}

async fn edit(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let settings = match typed.settings(Some(&app)) {
        Ok(settings) => settings,
        Err(problems) => return form(&state, &admin, Some(&app), &typed, problems).await,
    };
    let saved = state
        .app
        .edit_app(app.id, settings, seen(typed.modified), &admin.actor())
        .await;
    match saved {
        Ok(app) => {
            let name = app.settings.name;
            admin.tell(Notice::done(format!("The app {name} is saved.")));
            Ok(Redirect::to(&path_of(app.id)).into_response())
        }
        Err(problem) => {
            let problems = problems_of(problem, "", &[("access", "who")])?;
            form(&state, &admin, Some(&app), &typed, problems).await
        }
    }
}

/// The question before something is done to an app.
fn question(
    admin: &Administrator,
    app: &OauthApp,
    (title, line): (String, &str),
    (act, danger): (&'static str, bool),
    place: &str,
) -> Response {
    let path = path_of(app.id);
    let question = Question {
        title,
        lines: vec![line.to_owned()],
        action: format!("{path}/{place}"),
        act,
        danger,
        back: path,
        hidden: vec![("on", (!app.settings.active).to_string())],
        token: admin.token.clone(),
    };
    ask(admin, AdminEntry::Apps, question)
}

async fn ask_to_switch(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let name = &app.settings.name;
    let (title, line, act) = if app.settings.active {
        let line = "Nobody signs in to it, and what it was given opens nothing, until you switch it \
                    on again.";
        (format!("Switch {name} off?"), line, "Switch off")
    } else {
        let line = "People may sign in to it again. What it was given and has not ended counts \
                    again.";
        (format!("Switch {name} on?"), line, "Switch on")
    };
    let danger = app.settings.active;
    Ok(question(
        &admin,
        &app,
        (title, line),
        (act, danger),
        "switch",
    ))
}

#[derive(Debug, Deserialize)]
struct Switch {
    on: bool,
}

async fn switch(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Switch { on }): Posted<Switch>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let app = state.app.switch_app(id, on, &admin.actor()).await?;
    let word = if on { "on" } else { "off" };
    let name = app.settings.name;
    admin.tell(Notice::done(format!("The app {name} is switched {word}.")));
    Ok(Redirect::to(&path_of(id)))
}

async fn ask_to_revoke(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let title = format!("End all tokens of {}?", app.settings.name);
    let line = "Everybody has to sign in to it again. What they allowed it stays, so nobody is \
                asked anew.";
    let act = ("End all tokens", true);
    Ok(question(&admin, &app, (title, line), act, "revoke"))
}

async fn revoke(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let ended = state.app.revoke_app_tokens(id, &admin.actor()).await?;
    let ended = usize::try_from(ended).unwrap_or(usize::MAX);
    let words = count(ended, "sign-in is ended", "sign-ins are ended");
    admin.tell(Notice::done(format!("{words}.")));
    Ok(Redirect::to(&path_of(id)))
}

async fn ask_to_delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let app = of(&state, &id).await?;
    let title = format!("Delete the app {}?", app.settings.name);
    let line = "Nobody signs in to it any more. Its secrets, its tokens and what people allowed it \
                are gone; a new app has another client id and asks everybody anew.";
    Ok(question(
        &admin,
        &app,
        (title, line),
        ("Delete", true),
        "delete",
    ))
}

async fn delete(
    State(state): State<WebState>,
    admin: Administrator,
    Path(id): Path<String>,
    Posted(Yes {}): Posted<Yes>,
) -> Result<Redirect, Failure> {
    let id = of(&state, &id).await?.id;
    let app = state.app.delete_app(id, &admin.actor()).await?;
    let name = app.settings.name;
    admin.tell(Notice::done(format!("The app {name} is deleted.")));
    Ok(Redirect::to(LIST))
}
