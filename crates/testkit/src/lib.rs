//! Development only: temporary stores, fixed clock, real clients, real providers and engines.
