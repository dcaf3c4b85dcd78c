//! The nouns and rules of Gatepost.
//!
//! This room holds types that cannot be wrong and the pure decisions over them: facts in, a
//! decision with its reasons out. No I/O, no async, no ambient clock and no ambient randomness, so
//! that web, CLI and mail logins reach the same verdict from the same code.
//!
//! To add a noun: one file here, one in `store`, one use case in `app`.

pub mod address;
pub mod alert;
pub mod alias;
pub mod app_cards;
pub mod app_password;
pub mod attempt;
pub mod audit;
pub mod block;
pub mod domain;
pub mod foreign;
pub mod grant;
pub mod helpdesk;
pub mod ids;
pub mod link;
pub mod mailbox;
pub mod oauth_app;
pub mod outcome;
pub mod preset;
pub mod protocol;
pub mod provider;
pub mod random;
pub mod relink;
pub mod rule;
pub mod rules;
pub mod session;
pub mod tag;
pub mod template;
pub mod time;
pub mod user_code;
