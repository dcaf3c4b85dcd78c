//! The address first: where several providers share the domains out, its domain tells the one to go
//! to. Only the domain decides, so the answer says nothing about accounts.

use super::sign_in::SignInPage;
use super::{refusal, sso};
use crate::csrf::FormToken;
use crate::error::Failure;
use crate::flow_cookie::BrowserId;
use crate::form::Posted;
use crate::local_path::LocalPath;
use crate::loop_guard;
use crate::page::Page;
use crate::route::{Policy, Routes};
use crate::session::Visitor;
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::providers::ProviderButton;
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
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let text = typed.address.trim();
    let page = SignInPage::of(&state, frame.clone(), token, typed.next.clone()).await?;
    let page = page.about(text);
    let address = match Address::parse(text) {
        Ok(address) => address,
        // An administrator's plain name.
        Err(_) if !text.contains('@') && !text.is_empty() => {
            return Ok(Page(page.by_other_ways()).into_response());
        }
        Err(error) => {
            let page = page.wrong_address(format!("This is no e-mail address: {error}."));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response());
        }
    };
    let mut ways = state.app.ways_of(&address).await?;
    if let Some(query) = typed.next.authorization() {
        let never = state.app.never_for(query).await?;
        ways.retain(|way| !never.contains(&way.slug));
    }
    let way = match (ways.pop(), ways.is_empty()) {
        (None, _) => return Ok(Page(page.by_other_ways()).into_response()),
        (Some(way), true) => way,
        (Some(last), false) => {
            ways.push(last);
            let domain = address.domain();
            let lead = format!("People of {domain} sign in with one of these.");
            return Ok(Page(page.one_of(lead, ways)).into_response());
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
        Ok(url) => Ok(leave(&state, frame, &headers, &address, way, url)),
        Err(refused) => Ok(refusal::page(frame, &refused)),
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
}

fn leave(
    state: &WebState,
    frame: Frame,
    headers: &HeaderMap,
    address: &Address,
    way: ProviderButton,
    url: String,
) -> Response {
    let at_once = !loop_guard::was_sent(&state.site, headers);
    let page = LeavingPage {
        shell: PublicShell::new(frame),
        address: address.to_string(),
        provider: way.name,
        url,
        at_once,
    };
    let mut answer = Page(page).into_response();
    if let Some(mark) = loop_guard::mark(&state.site).filter(|_| at_once) {
        answer.headers_mut().append(header::SET_COOKIE, mark);
    }
    answer
}
