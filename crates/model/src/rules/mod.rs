//! Decisions: facts in, a verdict with its reasons out.
