//! What administrators do with apps: add, change, switch off, rotate secrets, remove.
