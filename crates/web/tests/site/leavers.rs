//! What administrators see of people who are gone at their provider: the brake, and letters that
//! cannot be sent.

use crate::world::{PASSWORD, World};
use app::confirmation::Checked;
use app::domains::DomainForm;
use app::providers::SecretChange;
use app::step_up::Doer;
use model::audit::Actor;
use std::time::Duration;
use testkit::browser::{Page, Tab};

const ACTOR: Actor = Actor::CommandLine;
const WORDS: &str = "said of 3 people within an hour that they are gone";

/// A world where the background checks of the provider have stopped.
async fn stopped() -> World {
    let world = World::beside(|options| options.scopes.push("offline_access".to_owned())).await;
    let mut settings = world.app.provider("example").await.unwrap().settings;
    settings.leavers.background_checks = true;
    let (keep, doer) = (SecretChange::Keep, Doer::from(&ACTOR).untested(true));
    let edited = world
        .app
        .edit_provider(doer, "example", settings, keep, None);
    edited.await.unwrap();
    let company = world.company.company();
    for login in ["alice", "bob", "carol"] {
        company
            .set_claim(login, "mailcow_template", "staff")
            .unwrap();
        let mut tab = world.browser().tab();
        world
            .by_company(&mut tab, "/sso/example/start", login)
            .await;
        company.disable(login).unwrap();
    }
    world.clock.advance(Duration::from_secs(5 * 3600));
    let checked = world.app.check_people().await.unwrap();
    let stopped = checked.iter().filter(|(_, one)| *one == Checked::Stopped);
    assert_eq!(stopped.count(), 1, "{checked:?}");
    world
}

async fn overview(world: &World, tab: &mut Tab) -> Page {
    tab.open(&world.at("/admin")).await.unwrap()
}

#[tokio::test]
async fn an_alert_on_the_overview_leads_to_where_checks_are_resumed() {
    let world = stopped().await;
    let mut tab = world.browser().tab();
    world.sign_in(&mut tab, "karin", PASSWORD).await;
    let page = overview(&world, &mut tab).await;
    assert!(page.text().contains(WORDS), "{}", page.text());
    assert_eq!(
        page.text().matches("resume the background checks").count(),
        1,
        "told once"
    );
    let page = tab.follow("Look at it and resume").await.unwrap();
    let resume = page.form_with_button("Resume background checks").unwrap();
    let page = tab.submit(resume).await.unwrap();
    assert!(
        page.text()
            .contains("Background checks of example SSO go on."),
        "{}",
        page.text()
    );
    let page = overview(&world, &mut tab).await;
    assert!(!page.text().contains("gone"), "{}", page.text());
}

#[tokio::test]
async fn an_alert_that_is_closed_leaves_a_line_as_long_as_checks_stand_still() {
    let world = stopped().await;
    let mut tab = world.browser().tab();
    world.sign_in(&mut tab, "karin", PASSWORD).await;
    let page = overview(&world, &mut tab).await;
    let close = page.form("form[action$='/close']").unwrap();
    tab.submit(close).await.unwrap();
    let page = overview(&world, &mut tab).await;
    assert!(!page.text().contains(WORDS), "{}", page.text());
    assert!(
        page.text().contains("nobody is asked about since"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn where_no_mail_can_be_sent_overview_and_domain_say_so() {
    for mute in [true, false] {
        let world = if mute {
            World::without_mail().await
        } else {
            World::new().await
        };
        let name = "example.org".parse().unwrap();
        let mut tab = world.browser().tab();
        world.sign_in(&mut tab, "karin", PASSWORD).await;
        let says = async |tab: &mut Tab, path: &str| {
            let page = tab.open(&world.at(path)).await.unwrap();
            page.text().contains("Warning mails cannot be sent")
        };
        for path in ["/admin", "/admin/domains/example.org"] {
            assert!(
                !says(&mut tab, path).await,
                "{path}: nobody is to be warned"
            );
        }
        let (domain, _) = world.app.domain(&name).await.unwrap();
        let form = DomainForm {
            name: name.clone(),
            active: true,
            limits: domain.limits,
            role_target: Some(domain.role_target),
            confirm_within: Some(30),
        };
        world.app.edit_domain(&ACTOR, form, None).await.unwrap();
        for path in ["/admin", "/admin/domains/example.org"] {
            assert_eq!(says(&mut tab, path).await, mute, "{path}");
        }
    }
}
