//! Userinfo and mailcow's profile.

use crate::route::Routes;
use crate::state::WebState;

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
}
