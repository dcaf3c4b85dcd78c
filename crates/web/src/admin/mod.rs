//! The pages of an administrator. One file a page or a few that belong together; what they share
//! stands in [`form`], [`list`] and [`fix`].

pub mod administrators;
pub mod alerts;
pub mod aliases;
pub mod app_activity;
pub mod app_connect;
mod app_form;
mod app_head;
pub mod app_people;
pub mod app_secrets;
mod app_sign_out;
pub mod app_test;
pub mod apps;
pub mod blocks;
pub mod domain_provider;
pub mod domains;
pub mod fix;
pub mod form;
pub mod help;
pub mod import;
pub mod list;
pub mod mailbox;
pub mod mailbox_acts;
pub mod mailboxes;
mod mend;
pub mod overview;
pub mod progress;
pub mod provider_check;
pub mod provider_checks;
pub mod provider_form;
pub mod provider_issuer;
pub mod provider_order;
pub mod provider_switch;
pub mod provider_test;
pub mod provider_there;
pub mod providers;
pub mod relinks;
pub mod rules;
mod rules_draft;
pub mod rules_index;
mod rules_page;
mod rules_row;
pub mod settings;
pub mod setup;
pub mod sign_ins;
pub mod templates;
pub mod what_if;
pub mod why;

use crate::route::Routes;
use crate::state::WebState;

/// The routes of all pages here.
#[must_use]
pub fn routes() -> Routes<WebState> {
    setup::routes()
        .and(overview::routes())
        .and(alerts::routes())
        .and(domains::routes())
        .and(domain_provider::routes())
        .and(templates::routes())
        .and(mailboxes::routes())
        .and(mailbox::routes())
        .and(mailbox_acts::routes())
        .and(blocks::routes())
        .and(import::routes())
        .and(aliases::routes())
        .and(providers::routes())
        .and(provider_check::routes())
        .and(provider_checks::routes())
        .and(provider_issuer::routes())
        .and(provider_order::routes())
        .and(provider_there::routes())
        .and(provider_test::routes())
        .and(provider_switch::routes())
        .and(relinks::routes())
        .and(rules::routes())
        .and(rules_index::routes())
        .and(apps::routes())
        .and(app_connect::routes())
        .and(app_secrets::routes())
        .and(app_activity::routes())
        .and(app_people::routes())
        .and(app_test::routes())
        .and(sign_ins::routes())
        .and(why::routes())
        .and(what_if::routes())
        .and(help::routes())
        .and(administrators::routes())
        .and(settings::routes())
}
