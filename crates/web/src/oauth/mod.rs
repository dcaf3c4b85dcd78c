//! The endpoints that apps speak to: mailcow's three and OpenID's, one engine for both.

use crate::route::Routes;
use crate::state::WebState;

mod authorize;
pub(crate) mod connect;
mod cors;
mod end_session;
mod go_on;
mod machine;
mod published;
mod token;
mod userinfo;

pub(crate) use authorize::learns;

/// The routes of all endpoints here.
#[must_use]
pub fn routes() -> Routes<WebState> {
    authorize::routes()
        .and(end_session::routes())
        .and(connect::routes())
        .and(token::routes())
        .and(userinfo::routes())
        .and(published::routes())
        .and(cors::routes())
}
