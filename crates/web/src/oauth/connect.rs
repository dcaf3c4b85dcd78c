//! The page on which a person types the code that a device shows, and answers.

use super::authorize::{Allowed, learns};
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::form::Posted;
use crate::local_path::LocalPath;
use crate::page::Page;
use crate::pages::{refusal, sign_in::SignInPage};
use crate::parts::{Field, When};
use crate::route::{Policy, Routes};
use crate::session::{self, Visitor};
use crate::shell::{Frame, PersonEntry, PublicShell};
use crate::state::WebState;
use app::oauth::authorize::WhyAgain;
use app::oauth::devices::{Ask, Connect, ConnectVisit, Done, SignInFirst};
use app::oauth::paths::CONNECT;
use app::sign_in::{Refused, ReturnTo};
use askama::Template;
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;

/// The parameter of RFC 8628 section 3.3.1.
const CODE: &str = "user_code";
/// Somebody else is meant than who is signed in.
const ANEW: &str = "anew";

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .get(Policy::Public, CONNECT, show)
        .post(Policy::Public, CONNECT, answer)
}

/// What a query of the page says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    typed: String,
    anew: bool,
}

impl Asked {
    fn of(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                CODE => asked.typed = value.into_owned(),
                ANEW => asked.anew = true,
                _ => {}
            }
        }
        asked
    }

    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.typed.is_empty() {
            query.append_pair(CODE, &self.typed);
        }
        if self.anew {
            query.append_pair(ANEW, "1");
        }
        query.finish()
    }
}

/// The page of a query, for whoever has signed in for it.
pub(crate) fn place(query: &str) -> LocalPath {
    let asked = Asked {
        anew: false,
        ..Asked::of(query)
    };
    LocalPath::to_connect(&asked.query())
}

/// The page of a query, to come back to from a provider.
pub(crate) fn return_to(query: &str) -> ReturnTo {
    let asked = Asked::of(query);
    let anew = asked.anew;
    ReturnTo::Connect {
        query: Asked {
            anew: false,
            ..asked
        }
        .query(),
        anew,
    }
}

async fn show(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let asked = Asked::of(parts.uri.query().unwrap_or_default());
    judge(&state, &mut parts, asked, None).await
}

#[derive(Debug, Deserialize)]
struct Said {
    user_code: String,
    answer: Allowed,
}

async fn answer(State(state): State<WebState>, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let Posted(said) = Posted::<Said>::from_request(request, &state).await?;
    let asked = Asked {
        typed: said.user_code,
        anew: false,
    };
    let allowed = said.answer == Allowed::Allow;
    judge(&state, &mut parts, asked, Some(allowed)).await
}

async fn judge(
    state: &WebState,
    parts: &mut Parts,
    asked: Asked,
    answer: Option<bool>,
) -> Result<Response, Failure> {
    let current = session::current(state, parts).await?;
    let Ok(Visitor(client)) = Visitor::from_request_parts(parts, state).await;
    let frame = Frame::of(&state.site, &parts.headers, &parts.uri);
    let token = FormToken::from_request_parts(parts, state).await?;
    if asked.anew && current.is_some() {
        let why = Some((WhyAgain::Anew, String::new()));
        let first = SignInFirst {
            why,
            ..SignInFirst::default()
        };
        return sign_in(state, frame, token, &asked, first).await;
    }
    let visit = ConnectVisit {
        typed: &asked.typed,
        current: current.as_ref(),
        client: &client,
        answer,
    };
    Ok(match state.app.connect(&visit).await? {
        Connect::SignIn(first) => sign_in(state, frame, token, &asked, first).await?,
        Connect::Type(refused) => type_page(frame, &asked, refused.as_deref()),
        Connect::Ask(ask) => {
            let now = state.app.now();
            Page(AskPage::of(frame, token, *ask, now)).into_response()
        }
        Connect::Refused(refused) => {
            let here = LocalPath::to_connect(&asked.query());
            refusal::leading_to(frame, &refused, &here)
        }
        Connect::Done(done) => Page(DonePage {
            shell: PublicShell::new(frame),
            list: PersonEntry::Apps.path(),
            done,
        })
        .into_response(),
    })
}

/// The sign-in page, in the place of the page: reading it again judges the code again.
async fn sign_in(
    state: &WebState,
    frame: Frame,
    token: FormToken,
    asked: &Asked,
    first: SignInFirst,
) -> Result<Response, Failure> {
    let lead = match &first.why {
        None => "Sign in to connect your device.".to_owned(),
        Some((WhyAgain::Administrator, _)) => {
            "You are signed in as an administrator. To connect a device, sign in as the owner of a \
             mailbox."
                .to_owned()
        }
        Some((WhyAgain::Through, app)) => {
            format!("For {app} the way you signed in does not count. Sign in another way.")
        }
        Some((WhyAgain::Anew, _)) => {
            "Sign in as the one who is to be signed in on the device.".to_owned()
        }
    };
    let next = LocalPath::to_connect(&asked.query());
    let page = SignInPage::of(state, frame, token, next).await?;
    Ok(Page(page.without(&first.never).saying(lead)).into_response())
}

/// Asks for the code.
#[derive(Template)]
#[template(path = "pages/connect.html")]
struct TypePage {
    shell: PublicShell,
    field: Field,
    wrong: bool,
    reference: Option<String>,
}

fn type_page(frame: Frame, asked: &Asked, refused: Option<&Refused>) -> Response {
    let mut status = StatusCode::OK;
    let problem = refused.map(|refused| {
        let of_code = refused.refusal.code.entry().status;
        status = StatusCode::from_u16(of_code).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        refused.refusal.person()
    });
    let typed: String = asked.typed.chars().take(32).collect();
    let mut field = Field::code(CODE, "Code", typed)
        .at_most(32)
        .required()
        .autocomplete("off")
        .attribute("autocapitalize", "characters")
        .help("Eight letters, such as BCDF-GHJK. Small letters do as well, and the hyphen may be left out.")
        .problem(problem.as_deref());
    if problem.is_some() {
        // There is one field, so what is wrong is said there alone, and read out with it.
        field = field.attribute("autofocus", "");
    }
    let page = TypePage {
        shell: PublicShell::new(frame),
        field,
        wrong: problem.is_some(),
        reference: refused.map(|refused| refused.reference.to_string()),
    };
    (status, Page(page)).into_response()
}

/// Asks the person.
#[derive(Template)]
#[template(path = "pages/connect_ask.html")]
struct AskPage {
    shell: PublicShell,
    token: FormToken,
    learns: Vec<&'static str>,
    asked: When,
    /// Signing in as somebody else, for the same code.
    other: String,
    ask: Ask,
}

impl AskPage {
    fn of(frame: Frame, token: FormToken, ask: Ask, now: model::time::Timestamp) -> Self {
        let other = Asked {
            typed: ask.code.to_string(),
            anew: true,
        };
        Self {
            shell: PublicShell::new(frame),
            token,
            learns: learns(&ask.scopes),
            asked: When::ago(ask.created, now),
            other: LocalPath::to_connect(&other.query()).as_str().to_owned(),
            ask,
        }
    }
}

/// Says what became of it.
#[derive(Template)]
#[template(path = "pages/connect_done.html")]
struct DonePage {
    shell: PublicShell,
    list: &'static str,
    done: Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_signed_in_anew_is_not_asked_to_again() {
        let query = "user_code=BCDF-GHJK&anew=1";
        assert_eq!(place(query).as_str(), "/connect?user_code=BCDF-GHJK");
        let back = ReturnTo::Connect {
            query: "user_code=BCDF-GHJK".to_owned(),
            anew: true,
        };
        assert_eq!(return_to(query), back);
        assert_eq!(place("").as_str(), "/connect");
        let odd = Asked::of("user_code=a&user_code=%00%ff&x=y");
        assert_eq!(odd.typed, "\0\u{fffd}");
        assert!(LocalPath::to_connect(&odd.query()).connection().is_some());
    }
}
