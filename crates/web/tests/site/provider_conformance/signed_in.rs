//! Asking to be signed out, and whether somebody is.

use super::*;

pub(crate) const OUT: &str = "https://files.example.com/out?from=gatepost";

/// The URL of a request to sign out.
pub(crate) fn end_session(world: &World, parameters: &[(&str, &str)]) -> String {
    let at = world.at(app::oauth::paths::END_SESSION);
    match parameters {
        [] => at,
        some => Url::parse_with_params(&at, some).unwrap().into(),
    }
}

/// Whether whoever was in `tab` still is.
pub(crate) async fn is_in(world: &World, tab: &mut Tab) -> bool {
    let page = tab.open(&world.at("/home")).await.unwrap();
    page.url().path() == "/home"
}
