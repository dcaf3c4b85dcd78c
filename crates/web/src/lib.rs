//! The HTTP edge: pages, endpoints, assets.
//!
//! The way of a request: [`serve`] accepts it, [`edge`] guards it (limits, host, headers, error
//! pages), [`route`] finds its handler and asks its [`route::Policy`], the handler calls one use
//! case and answers with a [`page::Page`] made of [`shell`] and [`parts`].
//!
//! To add a page: a template below `templates/pages/`, a struct and its handlers in one file, and
//! one line in that file's `routes` function, where the policy is an argument one cannot leave
//! out.

pub mod admin;
pub mod appearance;
pub mod assets;
mod backchannel;
pub mod client_addr;
mod cookie;
pub mod csrf;
pub mod edge;
pub mod error;
pub mod flow_cookie;
pub mod foreign_form;
pub mod form;
pub mod headers;
pub mod health;
pub mod hosts;
pub mod limits;
pub mod live;
pub mod local_path;
pub mod loop_guard;
pub mod oauth;
pub mod once;
pub mod page;
pub mod pages;
pub mod parts;
pub mod problem;
pub mod route;
pub mod router;
pub mod serve;
pub mod session;
pub mod session_cookie;
pub mod shell;
pub mod site;
pub mod state;
pub mod tls;
