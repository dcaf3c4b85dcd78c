//! The whole site over HTTP: real use cases on a real store, the sample company's provider, and a
//! browser that follows links and sends forms.

#![expect(clippy::unwrap_used, reason = "tests")]

mod activity;
mod admin;
mod admin_people;
mod admin_providers;
mod app_logouts;
mod apps;
mod attacks;
mod blocks;
mod codes;
mod confirmation;
mod conformance;
mod device_grant;
mod devices;
mod diagnosis;
mod ear;
mod form_post;
mod id_token;
mod initiate;
mod leavers;
mod logout;
mod matrix;
mod mending;
mod paging;
mod passwords;
mod presets;
mod provider;
mod provider_conformance;
mod provider_test;
mod relinks;
mod relying_parties;
mod rules;
mod security;
mod several;
mod sso;
mod world;
