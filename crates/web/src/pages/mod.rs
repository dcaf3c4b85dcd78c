//! The pages of a person: signing in, home, devices, security. One file a page or a few that
//! belong together: template structs, handlers, and the routes with their policies.

pub mod address;
pub mod apps;
mod device_words;
pub mod devices;
pub mod home;
pub mod initiate;
pub mod refusal;
pub mod security;
pub mod sign_in;
pub mod sign_out;
pub mod sso;

use crate::route::Routes;
use crate::state::WebState;

/// The routes of all pages here.
#[must_use]
pub fn routes() -> Routes<WebState> {
    sign_in::routes()
        .and(address::routes())
        .and(sso::routes())
        .and(initiate::routes())
        .and(sign_out::routes())
        .and(home::routes())
        .and(devices::routes())
        .and(apps::routes())
        .and(security::routes())
}
