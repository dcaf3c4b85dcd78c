//! Who is signed in: the gate before each route, and what handlers learn from it.

use crate::client_addr::ClientAddr;
use crate::csrf::FormToken;
use crate::error::{Failure, wants_json};
use crate::parts::Notice;
use crate::route::{Gate, Policy};
use crate::session_cookie;
use crate::shell::{AdminEntry, AdminShell, Frame, PersonEntry, PersonShell, sign_in_path};
use crate::state::WebState;
use app::admins::Admin;
use app::sessions::{Current, Who};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::request::Parts;
use http::{Method, StatusCode, header};
use model::audit::Actor;
use model::domain::MailDomain;
use model::mailbox::Mailbox;
use model::session::{Principal, Session};
use secrecy::ExposeSecret as _;

/// The session of a request, noted by the gate for the routes behind it.
#[derive(Clone)]
struct Admitted(Current);

impl Gate for WebState {
    async fn admit(&self, policy: Policy, parts: &mut Parts) -> Result<(), Response> {
        match policy {
            Policy::Public | Policy::Carried | Policy::Machine => return Ok(()),
            Policy::Person | Policy::Administrator => {}
        }
        let current = match current(self, parts).await {
            Ok(Some(current)) => current,
            Ok(None) => return Err(ask_to_sign_in(parts)),
            Err(failure) => return Err(failure.into_response()),
        };
        match (policy, &current.who) {
            (Policy::Person, Who::Person { .. }) | (Policy::Administrator, Who::Admin(_)) => {
                parts.extensions.insert(Admitted(current));
                Ok(())
            }
            // An administrator has no mailbox, so a person's page has nothing to show.
            (Policy::Person, Who::Admin(_)) if parts.method == Method::GET => {
                Err(Redirect::to(AdminEntry::Overview.path()).into_response())
            }
            _ => Err(Failure::new(StatusCode::FORBIDDEN).into_response()),
        }
    }
}

/// Pages lead to the sign-in page and back. A form is not carried over: it is sent again. The cookie
/// stays: this answer may come after one that set another, and the next sign-in looks at it.
fn ask_to_sign_in(parts: &Parts) -> Response {
    let read = matches!(parts.method, Method::GET | Method::HEAD);
    if read && !wants_json(&parts.headers) {
        Redirect::to(&sign_in_path(&parts.uri)).into_response()
    } else {
        Failure::new(StatusCode::UNAUTHORIZED).into_response()
    }
}

/// The good session of a request, if it has one.
///
/// # Errors
/// The store cannot be read.
pub async fn current(state: &WebState, parts: &Parts) -> Result<Option<Current>, Failure> {
    match session_cookie::read(&state.site, &parts.headers) {
        Some(token) => Ok(state.app.session(token.expose_secret()).await?),
        None => Ok(None),
    }
}

/// The owner of a mailbox, on a route of [`Policy::Person`].
#[derive(Debug, Clone)]
pub struct Person {
    /// The mailbox.
    pub mailbox: Box<Mailbox>,
    /// Its domain.
    pub domain: Box<MailDomain>,
    /// The session.
    pub session: Session,
    /// The token for forms.
    pub token: FormToken,
    frame: Frame,
    state: WebState,
}

impl Person {
    /// The shell of a page; it shows what just happened, once.
    #[must_use]
    pub fn shell(&self, here: PersonEntry) -> PersonShell {
        PersonShell {
            frame: self.frame.clone(),
            token: self.token.clone(),
            address: self.mailbox.address.to_string(),
            administers: false,
            here,
            notice: self
                .state
                .notices
                .take(&self.session.id, self.state.app.now()),
            entries: self.state.entries.clone(),
        }
    }

    /// Leaves a message for the next page.
    pub fn tell(&self, notice: Notice) {
        self.state.tell(self.session.id, notice);
    }

    /// Who acts, for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Person {
            id: self.mailbox.id,
            address: self.mailbox.address.to_string(),
        }
    }

    /// Whose sessions these are.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        Principal::Person(self.mailbox.id)
    }
}

impl FromRequestParts<WebState> for Person {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Failure> {
        let Current { session, who, .. } = admitted(parts)?;
        let Who::Person { mailbox, domain } = who else {
            return Err(Failure::internal("a person's handler on another's route"));
        };
        Ok(Self {
            mailbox,
            domain,
            session,
            token: FormToken::from_request_parts(parts, state).await?,
            frame: Frame::of(&state.site, &parts.headers, &parts.uri),
            state: state.clone(),
        })
    }
}

/// An administrator, on a route of [`Policy::Administrator`].
#[derive(Debug, Clone)]
pub struct Administrator {
    /// The administrator.
    pub admin: Admin,
    /// The session.
    pub session: Session,
    /// The token for forms.
    pub token: FormToken,
    frame: Frame,
    state: WebState,
}

impl Administrator {
    /// The shell of a page; it shows what just happened, once.
    #[must_use]
    pub fn shell(&self, here: AdminEntry) -> AdminShell {
        AdminShell {
            frame: self.frame.clone(),
            token: self.token.clone(),
            who: self.admin.name.clone(),
            has_mailbox: false,
            here,
            notice: self
                .state
                .notices
                .take(&self.session.id, self.state.app.now()),
            entries: self.state.entries.clone(),
        }
    }

    /// Leaves a message for the next page.
    pub fn tell(&self, notice: Notice) {
        self.state.tell(self.session.id, notice);
    }

    /// Who acts, for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Admin {
            id: self.admin.id,
            name: self.admin.name.clone(),
        }
    }
}

impl FromRequestParts<WebState> for Administrator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Failure> {
        let Current { session, who, .. } = admitted(parts)?;
        let Who::Admin(admin) = who else {
            return Err(Failure::internal(
                "an administrator's handler on another's route",
            ));
        };
        Ok(Self {
            admin,
            session,
            token: FormToken::from_request_parts(parts, state).await?,
            frame: Frame::of(&state.site, &parts.headers, &parts.uri),
            state: state.clone(),
        })
    }
}

fn admitted(parts: &Parts) -> Result<Current, Failure> {
    let admitted = parts.extensions.get::<Admitted>();
    let admitted =
        admitted.ok_or_else(|| Failure::internal("nobody was admitted to this route"))?;
    Ok(admitted.0.clone())
}

/// From where a request comes, as use cases want to know it.
#[derive(Debug, Clone)]
pub struct Visitor(pub app::Client);

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let agent = parts.headers.get(header::USER_AGENT);
        let agent = agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
        Ok(Self(app::Client {
            ip: parts.extensions.get::<ClientAddr>().map(|client| client.0),
            user_agent: agent.unwrap_or_default().chars().take(200).collect(),
        }))
    }
}
