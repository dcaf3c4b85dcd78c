//! The token endpoint: codes and refresh tokens become tokens, each once.
