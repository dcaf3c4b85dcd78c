//! The page of a refused sign-in: what happened, what to do, what to tell the helpdesk. On the way to an
//! app there is a way back to it, which tells the app that nobody comes.

use super::sign_in;
use crate::headers::Further;
use crate::local_path::LocalPath;
use crate::page::Page;
use crate::parts::{Copied, Link, WayBack, When};
use crate::shell::{Frame, PublicShell};
use crate::state::WebState;
use app::sign_in::{Refused, ReturnTo};
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use model::outcome::{Code, Refusal};
use model::rules::provision::BOUND_SLUG;

#[derive(Template)]
#[template(path = "pages/refusal.html")]
struct RefusalPage {
    shell: PublicShell,
    title: String,
    text: String,
    /// What can help.
    onward: Option<Link>,
    back: Option<WayBack>,
    /// What there is to do besides.
    other: Option<Link>,
    reference: Copied,
    at: When,
}

/// The page, with the status of the refusal's code. All its words come from the catalogue; nothing
/// a link said is repeated.
pub(crate) fn page(frame: Frame, refused: &Refused) -> Response {
    rendered(frame, refused, &LocalPath::default(), None)
}

/// The same of what was to lead to `next`: that is where it is tried again.
pub(crate) fn leading_to(frame: Frame, refused: &Refused, next: &LocalPath) -> Response {
    rendered(frame, refused, next, None)
}

/// The same of a sign-in that was to lead to `next`, unless the refusal knows better.
pub(crate) async fn on_the_way(
    state: &WebState,
    frame: Frame,
    refused: &Refused,
    next: &LocalPath,
) -> Response {
    if let ReturnTo::Connect { query, .. } = &refused.return_to {
        return leading_to(frame, refused, &LocalPath::to_connect(query));
    }
    if next.connection().is_some() {
        return leading_to(frame, refused, next);
    }
    let wanted = match &refused.return_to {
        ReturnTo::Authorize(query) => Some(query.as_str()),
        ReturnTo::Home | ReturnTo::Devices | ReturnTo::Connect { .. } => next.authorization(),
    };
    let Some(query) = wanted else {
        return page(frame, refused);
    };
    let Some(back) = state.app.way_back(query, Some(refused.refusal.code)).await else {
        return page(frame, refused);
    };
    let helps = refused.refusal.code.entry().retry || there(&refused.refusal, next).is_some();
    let back = if helps {
        WayBack::quiet(back)
    } else {
        WayBack::primary(back)
    };
    let form_action = back.form_action().map(str::to_owned);
    let next = LocalPath::to_authorize(query);
    let further = Further {
        form_action,
        no_referrer: true,
    };
    further.on(rendered(frame, refused, &next, Some(back)))
}

fn rendered(frame: Frame, refused: &Refused, next: &LocalPath, back: Option<WayBack>) -> Response {
    let entry = refused.refusal.code.entry();
    let again = entry.retry.then(|| Link::new(next.as_str(), "Try again"));
    let onward = there(&refused.refusal, next).or(again);
    let other = match (&back, &onward) {
        (Some(_), _) => Some(Link::new(sign_in::path(next), "Another way to sign in")),
        (None, None) => Some(Link::new("/", "To the sign-in page")),
        (None, Some(_)) => None,
    };
    let page = RefusalPage {
        shell: PublicShell::new(frame),
        title: refused.refusal.title(),
        text: refused.refusal.person(),
        onward,
        back,
        other,
        reference: Copied::new("reference", "Tell your helpdesk", &refused.reference),
        at: When::exactly(refused.at),
    };
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::FORBIDDEN);
    (status, Page(page)).into_response()
}

/// The start of the provider by which people of the domain sign in, when they came by another.
fn there(refusal: &Refusal, next: &LocalPath) -> Option<Link> {
    let slug = refusal.facts.get(BOUND_SLUG)?;
    (refusal.code == Code::DomainBound)
        .then(|| Link::new(super::sso::start_path(slug, next), "Continue there"))
}
