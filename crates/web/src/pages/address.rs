//! The address first: where several providers share the domains out, its domain tells the one to go
//! to. Only the domain decides, so the answer says nothing about accounts.

use super::sign_in::{self, SignInPage};
use super::{refusal, sso};
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::flow_cookie::BrowserId;
use crate::form::Sent;
use crate::local_path::LocalPath;
use crate::loop_guard;
use crate::page::Page;
use crate::route::{Policy, Routes};
use crate::session::Visitor;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use model::address::Address;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

/// The routes of this page.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new().post(Policy::Public, "/sign-in/address", find)
}

#[derive(Debug, Deserialize)]
struct Typed {
    address: String,
    #[serde(default)]
    next: LocalPath,
}

async fn find(
    State(state): State<WebState>,
    frame: Frame,
    token: FormToken,
    BrowserId(browser): BrowserId,
    Visitor(client): Visitor,
    headers: HeaderMap,
    typed: Sent<Typed>,
) -> Result<Response, Failure> {
    let typed = match typed {
        Sent::Ours(typed) => typed,
        Sent::Stale(typed) => return sign_in::stale(&state, &headers, &typed.next),
    };
    let text = typed.address.trim();
    let page = SignInPage::of(&state, frame.clone(), token, typed.next.clone()).await?;
    let page = page.about(text);
    let address = match Address::parse(text) {
        Ok(address) => address,
        // An administrator's plain name.
        Err(_) if !text.contains('@') && !text.is_empty() => {
            return Ok(page.by_other_ways().shown());
        }
        Err(error) => {
            let page = page.wrong_address(format!("This is no e-mail address: {error}."));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page.shown()).into_response());
        }
    };
    let mut ways = state.app.ways_of(&address).await?;
    if let Some(query) = typed.next.authorization() {
        let never = state.app.never_for(query).await?;
        ways.retain(|way| !never.contains(&way.slug));
    }
    let way = match (ways.pop(), ways.is_empty()) {
        (None, _) => return Ok(page.by_other_ways().shown()),
        (Some(way), true) => way,
        (Some(last), false) => {
            ways.push(last);
            let domain = address.domain();
            let lead = format!("People of {domain} sign in with one of these.");
            return Ok(page.one_of(lead, ways).shown());
        }
    };
    let begun = state
        .app
        .begin_sign_in_of(
            Some(&address),
            &way.slug,
            browser.expose_secret(),
            sso::return_to(&typed.next),
            &client,
        )
        .await;
    match begun {
        Ok(url) => {
            let page = LeavingPage {
                shell: PublicShell::new(frame),
                address: address.to_string(),
                provider: way.name,
                url,
                at_once: !loop_guard::was_sent(&state.site, &headers),
                other: sign_in::path(&typed.next),
            };
            Ok(sso::on_the_way(&typed.next, leave(&state, page)))
        }
        Err(refused) => Ok(refusal::on_the_way(&state, frame, &refused, &typed.next).await),
    }
}

/// Leads on to the provider. Not by a redirect: the policy of our pages lets forms only go to us.
#[derive(Template)]
#[template(path = "pages/leaving.html")]
struct LeavingPage {
    shell: PublicShell,
    address: String,
    provider: String,
    url: String,
    /// Whether the browser goes on by itself: once a visit.
    at_once: bool,
    /// The sign-in page.
    other: String,
}

fn leave(state: &WebState, page: LeavingPage) -> Response {
    let at_once = page.at_once;
    let mut answer = Page(page).into_response();
    if let Some(mark) = loop_guard::mark(&state.site).filter(|_| at_once) {
        answer.headers_mut().append(header::SET_COOKIE, mark);
    }
    answer
}
