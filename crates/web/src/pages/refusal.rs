//! The page of a refused sign-in: what happened, what to do, what to tell the helpdesk.

use crate::local_path::LocalPath;
use crate::page::Page;
use crate::parts::{Copied, Link, When};
use crate::shell::{Frame, PublicShell};
use app::sign_in::Refused;
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
    retry: bool,
    /// Where the person signs in instead.
    there: Option<Link>,
    reference: Copied,
    at: When,
}

/// The page, with the status of the refusal's code. All its words come from the catalogue; nothing
/// a link said is repeated.
pub(crate) fn page(frame: Frame, refused: &Refused) -> Response {
    let entry = refused.refusal.code.entry();
    let page = RefusalPage {
        shell: PublicShell::new(frame),
        title: refused.refusal.title(),
        text: refused.refusal.person(),
        retry: entry.retry,
        there: there(&refused.refusal),
        reference: Copied::new("reference", "Tell your helpdesk", &refused.reference),
        at: When::exactly(refused.at),
    };
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::FORBIDDEN);
    (status, Page(page)).into_response()
}

/// The start of the provider by which people of the domain sign in, when they came by another.
fn there(refusal: &Refusal) -> Option<Link> {
    let slug = refusal.facts.get(BOUND_SLUG)?;
    (refusal.code == Code::DomainBound).then(|| {
        Link::new(
            super::sso::start_path(slug, &LocalPath::default()),
            "Continue there",
        )
    })
}
