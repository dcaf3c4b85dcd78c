//! The whole site.

use crate::route::{Policy, Routes};
use crate::shell::Entries;
use crate::site::Site;
use crate::state::WebState;
use crate::{admin, appearance, assets, backchannel, edge, health, oauth, pages};
use app::App;
use axum::Router;
use model::random::Random;
use std::sync::Arc;

/// Every route with its policy.
#[must_use]
pub fn routes() -> Routes<WebState> {
    Routes::new()
        .and(pages::routes())
        .and(admin::routes())
        .and(oauth::routes())
        .post(Policy::Public, "/appearance", appearance::choose)
        .get(Policy::Public, assets::ROUTE, assets::serve)
        .post(Policy::Machine, backchannel::PATH, backchannel::receive)
        .get(Policy::Machine, "/healthz", health::alive)
        .get(Policy::Machine, "/readyz", health::ready)
}

/// The site with all its guards, ready to be served.
///
/// # Errors
/// The site's origin is none; [`Site`] does not let that happen.
pub fn router(
    app: App,
    site: &Arc<Site>,
    random: &Arc<dyn Random>,
) -> Result<Router, tower_http::csrf::ConfigError> {
    let routes = routes();
    let rows = routes.rows().to_vec();
    let state = WebState::new(app, Arc::clone(site), Entries::of(&rows));
    Ok(edge::guarded(
        routes.into_router(state)?,
        &rows,
        site,
        random,
    ))
}
