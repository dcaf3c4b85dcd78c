//! Everything that goes out to identity providers, through one guarded HTTP client.
