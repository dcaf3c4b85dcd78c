//! OpenID Connect and OAuth 2 protocol pieces without state.
