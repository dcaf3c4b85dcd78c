//! The page of a refused sign-in: what happened, what to do, what to tell the helpdesk.

use crate::page::Page;
use crate::parts::{Copied, When};
use crate::shell::{Frame, PublicShell};
use app::sign_in::Refused;
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

#[derive(Template)]
#[template(path = "pages/refusal.html")]
struct RefusalPage {
    shell: PublicShell,
    title: String,
    text: String,
    retry: bool,
    reference: Copied,
    at: When,
}

/// The page, with the status of the refusal's code. All its words come from the catalogue; nothing
/// a link said is repeated.
pub(super) fn page(frame: Frame, refused: &Refused) -> Response {
    let entry = refused.refusal.code.entry();
    let page = RefusalPage {
        shell: PublicShell::new(frame),
        title: refused.refusal.title(),
        text: refused.refusal.person(),
        retry: entry.retry,
        reference: Copied::new("reference", "Tell your helpdesk", &refused.reference),
        at: When::exactly(refused.at),
    };
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::FORBIDDEN);
    (status, Page(page)).into_response()
}
