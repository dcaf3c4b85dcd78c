//! Gatepost: single sign-on for the mail you host.
fn main() {}
