//! The authorization endpoint and the consent page.

use crate::route::Routes;
use crate::state::WebState;

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
}
