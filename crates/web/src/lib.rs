//! The HTTP edge: pages, endpoints, assets.
