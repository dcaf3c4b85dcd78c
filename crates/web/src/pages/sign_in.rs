//! The sign-in page, and signing in by a local password.

use super::{refusal, sso};
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::form::{self, Sent, Typed};
use crate::headers::Further;
use crate::local_path::LocalPath;
use crate::loop_guard;
use crate::oauth::connect;
use crate::page::Page;
use crate::parts::{Field, Problems, WayBack, When};
use crate::route::{Policy, Routes};
use crate::session::{self, Visitor};
use crate::session_cookie;
use crate::shell::{AdminEntry, Frame, PersonEntry, PublicShell};
use crate::state::WebState;
use app::providers::{ProviderButton, Ways};
use app::sessions::Who;
use app::setup::SetupState;
use app::sign_in::{Ended, Refused, ReturnTo, SignedIn};
use askama::Template;
use axum::extract::{FromRequestParts as _, Query, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use model::outcome::Code;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, "/", show)
        .post(Policy::Carried, "/", sso::carried_to_bare_origin)
        .post(Policy::Public, "/sign-in", by_password)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: LocalPath,
}

/// The sign-in page.
#[derive(Template)]
#[template(path = "pages/sign_in.html")]
pub(crate) struct SignInPage {
    shell: PublicShell,
    token: FormToken,
    /// A sentence above the ways.
    lead: Option<String>,
    /// Asks for the address first; the buttons stand under the other ways then.
    address: Option<Field>,
    buttons: Vec<ProviderButton>,
    next: LocalPath,
    fields: [Field; 2],
    problems: Problems,
    reference: Option<String>,
    set_up: bool,
    /// The other ways are in sight.
    open: bool,
    /// The way back to the app that the sign-in is for.
    back: Option<WayBack>,
}

/// The sign-in page; or the answer of the one provider that is registered with the bare origin, as
/// mailcow's guides register it.
async fn show(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    if sso::is_answer(parts.uri.query().unwrap_or_default()) {
        return sso::answer_at_bare_origin(state, &mut parts).await;
    }
    let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri).unwrap_or_default();
    if let Some(current) = session::current(&state, &parts).await? {
        let onward = Redirect::to(&place_of(&current.who, &asked.next)).into_response();
        return Ok(sso::on_the_way(&asked.next, onward));
    }
    let token = FormToken::from_request_parts(&mut parts, &state).await?;
    let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
    let page = SignInPage::of(&state, frame, token, asked.next).await?;
    Ok(page.shown())
}

/// The sign-in page that leads to `next` afterwards.
pub(crate) fn path(next: &LocalPath) -> String {
    if *next == LocalPath::default() {
        return "/".to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next.as_str())
        .finish();
    format!("/?{query}")
}

impl SignInPage {
    /// The page as a visitor finds it. The local form is there whatever becomes of the providers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn of(
        state: &WebState,
        frame: Frame,
        token: FormToken,
        next: LocalPath,
    ) -> Result<Self, Failure> {
        let set_up = state.app.setup_state().await? == SetupState::Done;
        let (ways, back) = match next.authorization() {
            Some(query) => (
                state.app.ways_for(query).await,
                state.app.way_back(query, None).await,
            ),
            None => (state.app.ways().await, None),
        };
        let ways = ways.unwrap_or_else(|error| {
            tracing::error!(%error, "the providers cannot be read");
            Ways::default()
        });
        Ok(Self {
            shell: PublicShell::new(frame),
            token,
            lead: None,
            address: ways.asks_address.then(|| address_field("")),
            open: ways.buttons.is_empty(),
            buttons: ways.buttons,
            next,
            fields: local_fields(""),
            problems: Problems::new(),
            reference: None,
            set_up,
            back: back.map(WayBack::quiet),
        })
    }

    /// The one more place that forms of the page may lead to.
    pub(crate) fn form_action(&self) -> Option<String> {
        self.back.as_ref()?.form_action().map(str::to_owned)
    }

    /// The page as an answer.
    pub(super) fn shown(self) -> Response {
        let further = self.next.authorization().map(|_| Further {
            form_action: self.form_action(),
            no_referrer: false,
        });
        let answer = Page(self).into_response();
        match further {
            Some(further) => further.on(answer),
            None => answer,
        }
    }

    /// With what was typed as address, or as name.
    pub(crate) fn about(self, typed: &str) -> Self {
        Self {
            address: self.address.map(|_| address_field(typed)),
            fields: local_fields(typed),
            ..self
        }
    }

    /// With a sentence above the ways.
    pub(crate) fn saying(self, lead: String) -> Self {
        Self {
            lead: Some(lead),
            ..self
        }
    }

    /// Without the providers of these short names.
    pub(crate) fn without(mut self, slugs: &BTreeSet<String>) -> Self {
        self.buttons.retain(|button| !slugs.contains(&button.slug));
        self
    }

    /// No provider goes with the address: the other ways. The same for every such domain, served
    /// here or not.
    pub(super) fn by_other_ways(self) -> Self {
        Self {
            lead: Some("Sign in with your password, or choose another way.".to_owned()),
            open: true,
            ..self
        }
    }

    /// Several providers go with the address.
    pub(super) fn one_of(self, lead: String, buttons: Vec<ProviderButton>) -> Self {
        Self {
            lead: Some(lead),
            address: None,
            buttons,
            ..self
        }
    }

    /// What was typed as address is none.
    pub(super) fn wrong_address(mut self, problem: String) -> Self {
        let typed = self.address.take();
        self.address = typed.map(|field| field.problem(Some(&problem)));
        self.problems.add("address", problem);
        self
    }

    fn wrong_password(mut self, refused: &Refused) -> Self {
        self.problems.add("name", refused.refusal.person());
        Self {
            reference: Some(refused.reference.to_string()),
            open: true,
            ..self
        }
    }

    /// Where a provider's button leads.
    fn start(&self, button: &ProviderButton) -> String {
        sso::start_path(&button.slug, &self.next)
    }
}

fn address_field(typed: &str) -> Field {
    Field::code("address", "E-mail address", typed)
        .attribute("inputmode", "email")
        .autocomplete("username")
        .at_most(254)
        .required()
}

fn local_fields(name: &str) -> [Field; 2] {
    [
        Field::code("name", "Address or name", name)
            .autocomplete("username")
            .at_most(254)
            .required(),
        Field::secret("password", "Password", "current-password").required(),
    ]
}

#[derive(Debug, Deserialize)]
struct LocalSignIn {
    name: String,
    password: Typed,
    #[serde(default)]
    next: LocalPath,
}

async fn by_password(
    State(state): State<WebState>,
    frame: Frame,
    token: FormToken,
    Visitor(client): Visitor,
    headers: HeaderMap,
    form: Sent<LocalSignIn>,
) -> Result<Response, Failure> {
    let form = match form {
        Sent::Ours(form) => form,
        Sent::Stale(form) => return stale(&state, &headers, &form.next),
    };
    match state
        .app
        .sign_in_local(&form.name, form.password.0, &client)
        .await
    {
        Ended::SignedIn(signed_in) => welcome(&state, &headers, *signed_in, &form.next).await,
        Ended::Refused(refused) if refused.refusal.code == Code::WrongPassword => {
            let page = SignInPage::of(&state, frame, token, form.next).await?;
            let page = page.about(&form.name).wrong_password(&refused);
            Ok((StatusCode::UNAUTHORIZED, page.shown()).into_response())
        }
        Ended::Refused(refused) => {
            Ok(refusal::on_the_way(&state, frame, &refused, &form.next).await)
        }
        Ended::ProveLocal { .. } | Ended::Tested { .. } => Err(Failure::internal(
            "a local sign-in ended as one by a provider",
        )),
    }
}

/// Refuses a form of a page that has run out, most likely because the person signed in in another
/// window, and leads on to the app or device that it was for. Nothing of the form counts.
///
/// # Errors
/// The refusal, where there is neither.
pub(crate) fn stale(
    state: &WebState,
    headers: &HeaderMap,
    next: &LocalPath,
) -> Result<Response, Failure> {
    if next.authorization().is_none() && next.connection().is_none() {
        return Err(form::foreign());
    }
    let page = onward(state, headers, "One moment", next.as_str());
    Ok((StatusCode::FORBIDDEN, page).into_response())
}

/// Hands over a fresh session and leads on, in the place of one that the browser had before.
///
/// # Errors
/// The cookie cannot be written.
pub async fn welcome(
    state: &WebState,
    headers: &HeaderMap,
    signed_in: SignedIn,
    next: &LocalPath,
) -> Result<Response, Failure> {
    if let Some(old) = session_cookie::read(&state.site, headers)
        && let (old, fresh) = (old.expose_secret(), signed_in.token.expose_secret())
        && let Err(error) = state.app.replace_session(old, fresh).await
    {
        tracing::warn!(%error, "an earlier session could not be ended");
    }
    let place = match (&signed_in.return_to, &signed_in.who) {
        (ReturnTo::Authorize(query), _) => LocalPath::to_authorize(query).as_str().to_owned(),
        (ReturnTo::Connect { query, .. }, _) => LocalPath::to_connect(query).as_str().to_owned(),
        (ReturnTo::Devices, Who::Person { .. }) => PersonEntry::Devices.path().to_owned(),
        (_, who) => place_of(who, next),
    };
    super::home::greet(state, &signed_in).await?;
    let cookie = session_cookie::set(&state.site, &signed_in.token)
        .ok_or_else(|| Failure::internal("a session token is no cookie value"))?;
    let to_app = LocalPath::parse(&place).is_some_and(|place| place.authorization().is_some());
    let mut answer = if to_app {
        onward(state, headers, "You are signed in", &place)
    } else {
        Redirect::to(&place).into_response()
    };
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    if loop_guard::was_sent(&state.site, headers)
        && let Some(forgotten) = loop_guard::forget(&state.site)
    {
        answer.headers_mut().append(header::SET_COOKIE, forgotten);
    }
    Ok(answer)
}

/// Where somebody who is signed in goes: where they wanted to, else to their own first page.
fn place_of(who: &Who, next: &LocalPath) -> String {
    let own = match who {
        Who::Person { .. } => PersonEntry::Home.path(),
        Who::Admin(_) => AdminEntry::Overview.path(),
    };
    if let Some(query) = next.connection() {
        // Whoever was to be asked anew has been.
        return connect::place(query).as_str().to_owned();
    }
    let wanted = if *next == LocalPath::default() {
        own
    } else {
        next.as_str()
    };
    wanted.to_owned()
}

/// Goes on to an app by itself. Not by a redirect: the browser may have come here by a form, ours or
/// the provider's, and counts every redirect behind it as a target of that form, also the app's own.
#[derive(Template)]
#[template(path = "pages/onward.html")]
struct OnwardPage {
    shell: PublicShell,
    title: &'static str,
    place: String,
}

/// A page that goes on to a place of ours.
fn onward(state: &WebState, headers: &HeaderMap, title: &'static str, place: &str) -> Response {
    let frame = Frame::of(&state.site, headers, &http::Uri::from_static("/"));
    let page = OnwardPage {
        shell: PublicShell::new(frame),
        title,
        place: place.to_owned(),
    };
    let further = Further {
        form_action: None,
        no_referrer: true,
    };
    further.on(Page(page).into_response())
}
