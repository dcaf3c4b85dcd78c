//! Use cases: one file per thing a person or a system does.
