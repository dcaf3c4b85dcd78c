//! A form that goes on by itself.

use crate::shell::PublicShell;
use askama::Template;

/// Carries what is too long for a redirect, or not meant to be one, with a button for browsers that do not
/// go on by themselves.
#[derive(Template)]
#[template(path = "pages/go_on.html")]
pub(super) struct GoOnPage {
    pub(super) shell: PublicShell,
    pub(super) title: &'static str,
    /// Where it is sent.
    pub(super) action: String,
    /// What is sent.
    pub(super) fields: Vec<(&'static str, String)>,
}
