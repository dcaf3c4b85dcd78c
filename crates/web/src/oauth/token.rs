//! The token endpoint, introspection and revocation.

use crate::route::Routes;
use crate::state::WebState;

/// The routes of this file.
pub fn routes() -> Routes<WebState> {
    Routes::new()
}
