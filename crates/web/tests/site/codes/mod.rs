//! Every code of a sign-in, met by a person at the real stack (the whole site, the sample company or
//! another server on a socket, a real store), each by breaking the real thing; and for each of them
//! the same demands: what the person reads, what is recorded, what the administrator reads, where it
//! is mended, what `gatepost why` is told.
//!
//! How each is met stands in [`cases`] and [`of_apps`]. A code without a case does not compile.

mod cases;
mod of_apps;

use crate::admin::karin;
use crate::world::World;
use app::attempts::AttemptFilter;
use http::StatusCode;
use model::attempt::{Attempt, Reference};
use model::outcome::{Code, Fix, Refusal};
use testkit::browser::{Page, Tab};

/// A code, met.
pub struct Met {
    pub world: World,
    /// What the person sees; `None` if the app alone is told.
    pub page: Option<Page>,
}

#[tokio::test]
async fn codes_of_the_way_to_the_provider() {
    hold("SSO-1").await;
}

#[tokio::test]
async fn codes_of_the_providers_answer() {
    hold("SSO-2").await;
}

#[tokio::test]
async fn codes_of_the_identity() {
    hold("SSO-3").await;
}

#[tokio::test]
async fn codes_of_the_domain_and_the_rules() {
    hold("SSO-4").await;
}

#[tokio::test]
async fn codes_of_the_mailbox() {
    hold("SSO-5").await;
}

#[tokio::test]
async fn codes_of_apps() {
    hold("OAUTH-7").await;
}

#[test]
fn no_code_is_left_out() {
    let groups = ["SSO-1", "SSO-2", "SSO-3", "SSO-4", "SSO-5", "OAUTH-7"];
    for code in Code::ALL {
        let group = groups.iter().any(|group| code.id().starts_with(group));
        let other = ["LOCAL-", "MAIL-"]
            .iter()
            .any(|group| code.id().starts_with(group));
        assert!(group != other, "{code} is in no group, or in two");
    }
}

async fn hold(group: &str) {
    for code in Code::ALL.iter().filter(|code| code.id().starts_with(group)) {
        let met = cases::meet(*code).await;
        assert!(met.is_some(), "{code} is not met");
        let met = met.unwrap();
        match code {
            Code::AddressChanged => is_noticed(&met).await,
            code => is_refused(*code, &met).await,
        }
    }
}

async fn is_refused(code: Code, met: &Met) {
    let Met { world, page } = met;
    let entry = code.entry();
    let reference = match page {
        // The record, found by what the person reads out.
        Some(page) => {
            let row = page.text_of(".copy-row .value");
            let read = row.or_else(|_| page.text_of(".meta strong.mono"));
            Reference::parse(&read.unwrap()).unwrap()
        }
        None => recorded(world, code).await,
    };
    let attempt = world.app.attempt(&reference).await.unwrap();
    let refusal = attempt.refusal.as_ref().unwrap();
    assert_eq!(refusal.code, code, "{}", refusal.admin());

    // The person's words, and nothing that is not theirs to read.
    if let Some(page) = page {
        let text = page.text();
        assert_eq!(page.status().as_u16(), entry.status, "{code}: {text}");
        // A page on which something is typed stays that page.
        let own = page.text_of(".copy-row .value").is_ok();
        assert!(!own || text.contains(&refusal.title()), "{code}: {text}");
        assert!(text.contains(&refusal.person()), "{code}: {text}");
        is_told_nothing_too_early(&attempt, &text);
    }
    for words in [refusal.person(), refusal.admin()] {
        assert!(!words.contains(['{', '}', '–']), "{code}: {words}");
    }

    // The administrator's words, and the place where it is mended.
    let mut tab = karin(world).await;
    let shown = open(world, &mut tab, &format!("/admin/sign-ins/{reference}")).await;
    let told = shown.text();
    for words in [code.id().to_owned(), refusal.admin(), refusal.person()] {
        assert!(
            flat(&told).contains(&flat(&words)),
            "{code}: no {words:?} in {told}"
        );
    }
    // Who tried too often helps themselves by waiting; an administrator can let them try again.
    let here_alone = matches!(entry.fix, Fix::Person | Fix::Server) && code != Code::TooManyTries;
    let button = shown.attribute(".verdict a", "href");
    assert_eq!(button.is_err(), here_alone, "{code}: {button:?}");
    if let Ok(button) = button {
        open(world, &mut tab, &button).await;
    }
    open(world, &mut tab, &format!("/help/codes/{code}")).await;
    let why = tab
        .open(&world.at(&format!("/admin/why?who={reference}")))
        .await;
    let why = why.unwrap();
    assert_eq!(why.status(), StatusCode::OK, "{code}: {}", why.text());

    is_explained(world, &reference, refusal).await;
}

/// The one attempt that ended in a code.
async fn recorded(world: &World, code: Code) -> Reference {
    let filter = AttemptFilter {
        code: Some(code),
        ..AttemptFilter::default()
    };
    let found = world.app.attempts(filter, app::domains::Page::default());
    let mut found = found.await.unwrap().rows;
    assert_eq!(found.len(), 1, "{code}");
    found.remove(0).reference
}

/// What the command line says of a reference: `gatepost why` prints this.
async fn is_explained(world: &World, reference: &Reference, refusal: &Refusal) {
    let explained = world.app.explain(reference.as_str()).await.unwrap();
    let asked = explained.asked.unwrap();
    let code = refusal.code;
    assert_eq!(asked.attempt.refusal.as_ref(), Some(refusal));
    assert!(asked.fix.is_some(), "{code}: no fix");
    let fix = asked.fix.unwrap();
    assert_eq!(fix.0, code.entry().fix, "{code}");
    assert!(
        !fix.1.is_empty() && !fix.1.contains("SLUG"),
        "{code}: {}",
        fix.1
    );
}

/// Before somebody has proven who they are, nothing on the page is about anybody's account.
fn is_told_nothing_too_early(attempt: &Attempt, text: &str) {
    // What the company says of itself is said to administrators alone.
    assert!(
        !text.contains("script") && !text.contains("Set-Cookie"),
        "{text}"
    );
    if attempt.trace.identity.is_none() && attempt.mailbox.is_none() {
        for fact in ["alice", "Alice", "@", "example.org"] {
            assert!(!text.contains(fact), "{fact} in {text}");
        }
    }
}

/// SSO-412 is no refusal: the person is in, and reads it there.
async fn is_noticed(met: &Met) {
    let Met { world, page } = met;
    let page = page.as_ref().unwrap();
    assert_eq!(page.url().path(), "/home", "{}", page.text());
    let notice = Refusal::new(Code::AddressChanged)
        .with("claimed", "new@example.org")
        .with("address", "alice@example.org");
    assert!(page.text().contains(&notice.person()), "{}", page.text());
    let mut tab = karin(world).await;
    let list = open(world, &mut tab, "/admin/sign-ins?q=alice@example.org").await;
    assert!(list.text().contains("In, SSO-412"), "{}", list.text());
    let attempt = list.link("alice@example.org").unwrap();
    open(
        world,
        &mut tab,
        attempt.as_str().trim_start_matches(&world.url),
    )
    .await;
    open(world, &mut tab, "/admin/mailboxes/alice%40example.org").await;
    open(world, &mut tab, "/help/codes/SSO-412").await;
}

async fn open(world: &World, tab: &mut Tab, path: &str) -> Page {
    let page = tab.open(&world.at(path)).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{path}: {}", page.text());
    page
}

/// Without the breaks of lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
