//! Lists of more than one page: forward, back, and while rows go.

use crate::admin::karin;
use crate::world::World;
use app::domains::DomainForm;
use app::mailboxes::{NewMailboxForm, NewSignIn};
use model::audit::Actor;
use model::tag::Tags;
use testkit::browser::{Page, Tab};

const ACTOR: Actor = Actor::CommandLine;

/// The names in the rows of a list.
fn names(page: &Page) -> Vec<String> {
    page.texts_of("tbody th").unwrap()
}

fn turns(page: &Page) -> (bool, bool) {
    let has = |rel: &str| page.count(&format!("a[rel={rel}]")).unwrap() == 1;
    (has("prev"), has("next"))
}

/// Goes on, then back, through 120 rows of 50 a page.
async fn there_and_back(tab: &mut Tab, first: Page) -> [Vec<String>; 3] {
    assert_eq!(turns(&first), (false, true));
    let second = tab.follow("Next").await.unwrap();
    assert_eq!(turns(&second), (true, true));
    let third = tab.follow("Next").await.unwrap();
    assert_eq!(turns(&third), (true, false));
    let pages = [names(&first), names(&second), names(&third)];
    assert_eq!(pages.each_ref().map(Vec::len), [50, 50, 20]);
    let back = tab.follow("Previous").await.unwrap();
    assert_eq!(names(&back), pages[1]);
    assert_eq!(turns(&back), (true, true));
    let start = tab.follow("Previous").await.unwrap();
    assert_eq!(names(&start), pages[0]);
    assert_eq!(turns(&start), (false, true), "nothing is before it");
    assert!(!start.text().contains("Back to the first page"));
    pages
}

#[tokio::test]
async fn domains_are_turned_back_to_with_a_search_too() {
    let world = World::new().await;
    for n in 0..120 {
        let form = DomainForm {
            name: format!("n{n:03}.test").parse().unwrap(),
            active: true,
            limits: model::domain::DomainLimits::default(),
            role_target: Some("karin@example.net".parse().unwrap()),
            confirm_within: None,
        };
        world.app.create_domain(&ACTOR, form).await.unwrap();
    }
    let mut tab = karin(&world).await;
    let first = tab.open(&world.at("/admin/domains?q=n")).await.unwrap();
    let [_, second, third] = there_and_back(&mut tab, first).await;
    // What lies between is deleted: the way back leads to what is left before it.
    tab.follow("Next").await.unwrap();
    tab.follow("Next").await.unwrap();
    for name in second.iter().chain(&third[..1]) {
        let name = name.parse().unwrap();
        world.app.delete_domain(&ACTOR, &name).await.unwrap();
    }
    let back = tab.follow("Previous").await.unwrap();
    assert_eq!(names(&back).first().map(String::as_str), Some("n000.test"));
    assert_eq!(turns(&back), (false, true));
    let on = tab.follow("Next").await.unwrap();
    assert_eq!(names(&on), third[1..]);
}

#[tokio::test]
async fn mailboxes_are_turned_back_to_and_what_is_gone_is_passed_over() {
    let world = World::new().await;
    for n in 0..119 {
        let form = NewMailboxForm {
            address: format!("m{n:03}@example.org").parse().unwrap(),
            name: String::new(),
            quota: Some(1 << 20),
            protocols: None,
            template: None,
            tags: Tags::default(),
            sign_in: NewSignIn::None,
        };
        world.app.create_mailbox(&ACTOR, form).await.unwrap();
    }
    let mut tab = karin(&world).await;
    for path in ["/admin/mailboxes", "/admin/mailboxes?domain=example.org"] {
        let first = tab.open(&world.at(path)).await.unwrap();
        there_and_back(&mut tab, first).await;
    }
    // A page after which everything was deleted.
    let list = tab.open(&world.at("/admin/mailboxes")).await.unwrap();
    assert_eq!(turns(&list), (false, true));
    tab.follow("Next").await.unwrap();
    let last = tab.follow("Next").await.unwrap();
    for name in names(&last) {
        let address = name.split_whitespace().next().unwrap().parse().unwrap();
        world.app.delete_mailbox(&ACTOR, &address).await.unwrap();
    }
    let back = tab.follow("Previous").await.unwrap();
    assert_eq!(names(&back).len(), 50);
    assert_eq!(turns(&back), (true, false));
}
