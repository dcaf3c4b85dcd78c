//! Mailboxes, aliases and the import.

use crate::admin::{assert_wrong, karin};
use crate::world::{PASSWORD, World};
use http::StatusCode;
use model::template::TemplateField;
use testkit::browser::{Page, Tab};

const ERIN: &str = "/admin/mailboxes/erin%40example.org";

async fn press(world: &World, tab: &mut Tab, path: &str, button: &str) -> Page {
    let page = tab.open(&world.at(path)).await.unwrap();
    tab.submit(page.form_with_button(button).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_mailbox_is_made_ahead_of_its_person() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/mailboxes/new")).await.unwrap();
    let form = page.form_with_button("Add mailbox").unwrap();
    let named = |address: &str| form.clone().fill("address", address).unwrap();
    for (address, field) in [
        ("no address", "address"),
        ("x@nowhere.test", "address"),
        ("erin@example.org", "address"),
    ] {
        assert_wrong(&tab.submit(named(address)).await.unwrap(), field);
    }
    let local = named("bob@example.org").fill("sign_in", "local").unwrap();
    let page = tab
        .submit(local.clone().fill("password", "too-few-1").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "password");
    assert!(!page.body().contains("too-few-1"));
    let page = tab
        .submit(local.fill("password", PASSWORD).unwrap())
        .await
        .unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "bob@example.org");

    let alice = named("alice@example.org")
        .fill("template", "Staff")
        .unwrap();
    let alice = alice.fill("sign_in", "provider:example").unwrap();
    let page = tab.submit(alice).await.unwrap();
    assert!(
        page.text().contains("Waits for its person at example SSO"),
        "{}",
        page.text()
    );
    world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "alice")
        .await;
    let page = tab.open(page.url().as_str()).await.unwrap();
    assert!(
        page.text().contains("taken by the person you made it for"),
        "{}",
        page.text()
    );
    let page = press(&world, &mut tab, &unlink_path(&page), "Unlink").await;
    assert!(
        page.text().contains("Nobody at a provider is linked"),
        "{}",
        page.text()
    );
}

fn unlink_path(page: &Page) -> String {
    page.attribute("a[href*=unlink]", "href").unwrap()
}

#[tokio::test]
async fn the_list_is_searched_and_filtered() {
    let world = World::new().await;
    world.local_mailbox("bob@example.org").await;
    world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "alice")
        .await;
    let mut tab = karin(&world).await;
    for (query, rows) in [
        ("", 3),
        ("?q=er", 1),
        ("?method=provider", 1),
        ("?method=local&state=on", 2),
        ("?state=off", 0),
        ("?template=Staff", 1),
        ("?template=Nothing", 0),
        ("?domain=example.org", 3),
        ("?domain=nowhere.test", 0),
        ("?domain=no%20domain", 0),
    ] {
        let page = tab
            .open(&world.at(&format!("/admin/mailboxes{query}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{query}");
        assert_eq!(page.count("tbody tr").unwrap(), rows, "{query}");
        assert_eq!(page.count(".empty").unwrap() == 1, rows == 0, "{query}");
    }
    let page = tab
        .open(&world.at("/admin/mailboxes?method=local&q=bob"))
        .await
        .unwrap();
    assert_eq!(page.count(".chip").unwrap(), 2);
    let page = tab.follow("local password (remove)").await.unwrap();
    assert_eq!(page.url().query(), Some("q=bob"));
}

#[tokio::test]
async fn tags_are_typed_shown_and_listed_by() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/mailboxes/new")).await.unwrap();
    let form = page.form_with_button("Add mailbox").unwrap();
    let form = form.fill("address", "bob@example.org").unwrap();
    let many: Vec<_> = (0..33).map(|n| n.to_string()).collect();
    for bad in ["x".repeat(65), many.join(","), "a\u{202e}b".to_owned()] {
        let page = tab.submit(form.clone().fill("tags", &bad).unwrap()).await;
        assert_wrong(&page.unwrap(), "tags");
    }
    let markup = "<b>bold</b>, VIP ,staff,,vip";
    let page = tab
        .submit(form.fill("tags", markup).unwrap())
        .await
        .unwrap();
    assert!(page.body().contains("&#60;b&#62;bold"), "{}", page.body());
    assert!(
        page.text().contains("Tags <b>bold</b>, staff, vip"),
        "{}",
        page.text()
    );

    let edit = world.at(&format!("{ERIN}/edit"));
    let page = tab.open(&edit).await.unwrap();
    assert!(
        page.text().contains("In use: <b>bold</b>, staff, vip."),
        "{}",
        page.text()
    );
    let form = page.form_with_button("Save").unwrap();
    let wrong = tab
        .submit(form.clone().fill("tags", "ok, a\u{200b}b").unwrap())
        .await;
    assert_wrong(&wrong.unwrap(), "tags");
    let page = tab
        .submit(form.fill("tags", "Staff").unwrap())
        .await
        .unwrap();
    assert_eq!(
        page.count(".facts .tag.neutral").unwrap(),
        1,
        "marked as set by hand: a template leaves them alone"
    );
    let page = tab.follow("staff").await.unwrap();
    assert_eq!(page.url().query(), Some("tag=staff"));
    assert_eq!(page.count("tbody tr").unwrap(), 2);
    assert_eq!(page.texts_of(".chip").unwrap().len(), 1);
    for (query, rows) in [
        ("tag=VIP", 1),
        ("tag=%3Cb%3Ebold%3C%2Fb%3E", 1),
        ("tag=staff&q=er", 1),
        ("tag=nobody", 0),
        ("tag=a%2Cb", 0),
        ("tag=a%00b", 0),
    ] {
        let page = tab
            .open(&world.at(&format!("/admin/mailboxes?{query}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{query}");
        assert_eq!(page.count("tbody tr").unwrap(), rows, "{query}");
    }
    // Saved again as it stands, nothing changes; emptied, none is left.
    let page = tab.open(&edit).await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    assert_eq!(form.value("tags").as_deref(), Some("staff"));
    tab.submit(form.fill("tags", "").unwrap()).await.unwrap();
    let erin = world
        .app
        .mailbox(&"erin@example.org".parse().unwrap())
        .await;
    assert!(erin.unwrap().mailbox.tags.is_empty());
}

#[tokio::test]
async fn only_changed_fields_are_marked_as_set_by_hand() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let path = format!("{ERIN}/edit");
    let page = tab.open(&world.at(&path)).await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    assert_wrong(
        &tab.submit(form.clone().fill("quota", "lots").unwrap())
            .await
            .unwrap(),
        "quota",
    );
    let typed = form
        .clone()
        .fill("quota", "7 GiB")
        .unwrap()
        .fill("name", "Erin")
        .unwrap();
    let page = tab.submit(typed).await.unwrap();
    assert_eq!(
        page.texts_of(".facts .tag.neutral").unwrap(),
        ["set by hand"]
    );
    let erin = "erin@example.org".parse().unwrap();
    let mailbox = world.app.mailbox(&erin).await.unwrap().mailbox;
    assert_eq!((mailbox.quota, mailbox.name.as_str()), (7 << 30, "Erin"));
    let marked: Vec<_> = mailbox.overrides.iter().collect();
    assert_eq!(marked, [TemplateField::Quota]);
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT);
    let page = tab.open(&world.at(&path)).await.unwrap();
    let form = page
        .form_with_button("Save")
        .unwrap()
        .fill("template", "Staff")
        .unwrap();
    tab.submit(form).await.unwrap();
    let mailbox = world.app.mailbox(&erin).await.unwrap().mailbox;
    assert_eq!(mailbox.quota, 7 << 30, "set by hand");
    let page = tab.open(&world.at(ERIN)).await.unwrap();
    let facts = page.text();
    assert!(facts.contains("(template says 5 GiB)"), "{facts}");
    assert!(
        !mailbox.protocols.contains(model::protocol::Protocol::Pop3),
        "by the template"
    );
}

#[tokio::test]
async fn switching_off_signs_out_and_switching_on_lets_in() {
    let world = World::new().await;
    let (mut tab, mut erin) = (karin(&world).await, world.browser().tab());
    world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    let page = tab
        .open(&world.at(&format!("{ERIN}/disable")))
        .await
        .unwrap();
    let form = page.form_with_button("Switch off").unwrap();
    let page = tab
        .submit(form.fill("reason", "left the company").unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("left the company"), "{}", page.text());
    assert!(
        page.text().contains("Switched off by karin"),
        "{}",
        page.text()
    );
    let home = erin.open(&world.at("/home")).await.unwrap();
    assert_eq!(home.url().path(), "/");
    let page = press(&world, &mut tab, &format!("{ERIN}/enable"), "Switch on").await;
    assert!(
        page.text().contains("erin@example.org is switched on."),
        "{}",
        page.text()
    );
    let home = world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    assert_eq!(home.url().path(), "/home");
}

#[tokio::test]
async fn the_method_is_switched_there_and_back() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let method = format!("{ERIN}/method");
    let page = tab.open(&world.at(&method)).await.unwrap();
    let form = page.form_with_button("Switch").unwrap();
    assert_eq!(form.value("to").as_deref(), Some("provider:example"));
    let form = form.fill("keep", "keep").unwrap();
    let page = tab
        .submit(form.clone().fill("until", "2020-01-01").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "until");
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text()
            .contains("erin@example.org signs in by: provider."),
        "{}",
        page.text()
    );
    assert!(
        page.text()
            .contains("Password in mail programs works until"),
        "{}",
        page.text()
    );
    let mut erin = world.browser().tab();
    let refused = world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    assert_ne!(refused.url().path(), "/home");
    let page = tab.open(&world.at(&method)).await.unwrap();
    let form = page.form_with_button("Switch").unwrap();
    tab.submit(form.fill("to", "local").unwrap()).await.unwrap();
    let home = world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    assert_eq!(home.url().path(), "/home", "the old password works again");
    let page = tab
        .open(&world.at(&format!("{ERIN}/password")))
        .await
        .unwrap();
    let form = page.form_with_button("Set password").unwrap();
    let new = "another gate, another post";
    let page = tab
        .submit(form.fill("password", new).unwrap())
        .await
        .unwrap();
    assert!(!page.body().contains(new));
    let home = world.sign_in(&mut erin, "erin@example.org", new).await;
    assert_eq!(home.url().path(), "/home");
}

#[tokio::test]
async fn a_device_is_revoked_and_a_mailbox_deleted() {
    let world = World::new().await;
    let (mut tab, mut erin) = (karin(&world).await, world.browser().tab());
    world.sign_in(&mut erin, "erin@example.org", PASSWORD).await;
    let page = erin.open(&world.at("/devices/new")).await.unwrap();
    let form = page.form_with_button("Make a password").unwrap();
    erin.submit(form.fill("name", "Printer").unwrap())
        .await
        .unwrap();
    let page = tab.open(&world.at(ERIN)).await.unwrap();
    let revoke = page.attribute("a[href*=revoke]", "href").unwrap();
    let page = press(&world, &mut tab, &revoke, "Revoke").await;
    assert!(page.text().contains("No app passwords."), "{}", page.text());
    let page = tab.open(&world.at(&revoke)).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);

    let page = press(&world, &mut tab, &format!("{ERIN}/delete"), "Delete").await;
    assert!(
        page.text().contains("Its mail is kept until 22 Dec 2026"),
        "{}",
        page.text()
    );
    let page = tab.open(&world.at(ERIN)).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_alias_is_added_changed_and_deleted() {
    let world = World::new().await;
    world.local_mailbox("bob@example.org").await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/aliases")).await.unwrap();
    assert!(page.text().contains("No aliases yet"), "{}", page.text());
    let page = tab.open(&world.at("/admin/aliases/new")).await.unwrap();
    let form = page.form_with_button("Add alias").unwrap();
    let form = form.fill("address", "info@example.org").unwrap();
    let page = tab
        .submit(form.clone().fill("targets", "nobody@example.org").unwrap())
        .await;
    assert_wrong(&page.unwrap(), "targets");
    let form = form.fill("targets", "erin@example.org").unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("info@example.org is added."),
        "{}",
        page.text()
    );
    let page = tab.follow("info@example.org").await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    let more = "erin@example.org\r\nbob@example.org";
    tab.submit(form.fill("targets", more).unwrap())
        .await
        .unwrap();
    let info = "info@example.org".parse().unwrap();
    assert_eq!(world.app.alias(&info).await.unwrap().targets.len(), 2);
    let page = tab.open(&world.at(ERIN)).await.unwrap();
    tab.open(page.link("info@example.org").unwrap().as_str())
        .await
        .unwrap();
    let question = tab.follow("Delete this alias").await.unwrap();
    let page = tab
        .submit(question.form_with_button("Delete").unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("No aliases yet"), "{}", page.text());
}

const FILE: &[u8] = b"address,name,quota\n\
    ann@example.org,Ann,2 GiB\n\
    erin@example.org,Erin,\n\
    x@nowhere.test,Nobody,\n";

/// Opens a page until its work is over.
async fn finished(world: &World, tab: &mut Tab, path: &str) -> Page {
    for _ in 0..200 {
        let page = tab.open(&world.at(path)).await.unwrap();
        if page.count("[data-refresh]").unwrap() == 0 {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    tab.open(&world.at(path)).await.unwrap()
}

#[tokio::test]
async fn a_file_is_tried_before_it_is_imported() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let here = "/admin/mailboxes/import";
    let page = tab.open(&world.at(here)).await.unwrap();
    let form = page.form_with_button("Try it").unwrap();
    assert_wrong(&tab.submit(form.clone()).await.unwrap(), "csv");
    let upload = form
        .clone()
        .attach("file", "people.csv", "text/csv", FILE)
        .unwrap();
    let forged = tab
        .submit(upload.clone().tamper("form_token", "AAAA"))
        .await
        .unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let page = tab.submit(upload).await.unwrap();
    assert_eq!(page.url().path(), "/admin/mailboxes/import/trial");
    let page = finished(&world, &mut tab, "/admin/mailboxes/import/trial").await;
    let expected = "3 lines: 1 can be added, 1 exist already, 1 not possible.";
    assert!(page.text().contains(expected), "{}", page.text());
    assert_eq!(
        world.app.mailbox_count().await.unwrap(),
        1,
        "nothing was imported yet"
    );
    tab.submit(page.form_with_button("Add 1 mailbox").unwrap())
        .await
        .unwrap();
    let page = finished(&world, &mut tab, "/admin/mailboxes/import/result").await;
    assert!(page.text().contains("1 added"), "{}", page.text());
    assert_eq!(world.app.mailbox_count().await.unwrap(), 2);

    let pasted = form.fill("csv", "name,what\nx,y\n").unwrap();
    tab.submit(pasted).await.unwrap();
    let page = finished(&world, &mut tab, "/admin/mailboxes/import/trial").await;
    assert!(page.text().contains("unknown column"), "{}", page.text());
    assert_eq!(page.count("form[action$=run]").unwrap(), 0);
}

#[tokio::test]
async fn too_large_a_file_is_refused() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/mailboxes/import"))
        .await
        .unwrap();
    let form = page.form_with_button("Try it").unwrap();
    let large = vec![b'a'; (16 << 20) + (128 << 10)];
    let upload = form
        .attach("file", "people.csv", "text/csv", &large)
        .unwrap();
    // The answer may come before the whole file was sent, which some clients report as an error.
    if let Ok(page) = tab.submit(upload).await {
        assert_eq!(page.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(world.app.mailbox_count().await.unwrap(), 1);
}
