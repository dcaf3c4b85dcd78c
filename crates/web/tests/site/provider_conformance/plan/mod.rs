//! The basic plan for providers, each module for either way of answering:
//! `oidcc-basic-certification-test-plan`, and with `response_mode=form_post`
//! `oidcc-formpost-basic-certification-test-plan`.

use super::basic::signs_in;
use super::round::{ERIN, Round};
use super::{allow, tab};
use serde_json::Value;

/// Two tests of each of these functions, which are named after their modules.
macro_rules! both_ways {
    ($($module:ident,)+) => {
        mod query {
            $(#[tokio::test]
            async fn $module() {
                super::$module(oidc::callback::Delivery::Query).await;
            })+
        }

        mod form_post {
            $(#[tokio::test]
            async fn $module() {
                super::$module(oidc::callback::Delivery::FormPost).await;
            })+
        }
    };
}

mod answer;
mod question;

/// The tokens for a question with this from a browser that is new here: Erin signs in, and allows
/// it.
async fn crosses_our_pages(round: &Round, other: &[(&str, &str)]) -> Value {
    let mut tab = tab(&round.world);
    let page = round.ask(&mut tab, other).await;
    let words = "Sign in to go on to Files.";
    assert!(page.text().contains(words), "{}", page.text());
    let page = signs_in(&mut tab, &page).await;
    let text = page.text();
    for words in ["Files", ERIN, "files.example.com", "Your address"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    round.tokens(&allow(&mut tab, &page).await).await
}
