//! A sample company provider for the demo.
