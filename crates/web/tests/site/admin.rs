//! Set-up, overview, domains, templates, administrators, help.

use crate::world::{PASSWORD, World};
use app::setup::SetupState;
use http::StatusCode;
use model::template::Keep;
use secrecy::ExposeSecret as _;
use testkit::browser::{Page, Tab};

/// A tab in which the administrator is signed in.
pub async fn karin(world: &World) -> Tab {
    let mut tab = world.browser().tab();
    let page = world.sign_in(&mut tab, "karin", PASSWORD).await;
    assert_eq!(page.url().path(), "/admin");
    tab
}

/// The form was shown again with something wrong at this field.
pub fn assert_wrong(page: &Page, field: &str) {
    assert_eq!(
        page.status(),
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        page.text()
    );
    assert_eq!(page.count("#problems").unwrap(), 1, "{}", page.text());
    let own = page.count(&format!("#f-{field}-problem")).unwrap();
    assert_eq!(own, 1, "{field}: {}", page.text());
    assert!(page.title().unwrap().starts_with("Problem: "));
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_administrator() {
    let world = World::bare().await;
    let link = world.app.issue_setup_link().await.unwrap();
    let (at, code) = link.expose_secret().split_once('#').unwrap();
    let mut tab = world.browser().tab();
    let page = tab.open(at).await.unwrap();
    let form = page.form_with_button("Create administrator").unwrap();
    let form = form
        .fill("name", "karin")
        .unwrap()
        .fill("email", "karin@example.net")
        .unwrap();
    let typed = form
        .clone()
        .fill("code", "not it")
        .unwrap()
        .fill("password", PASSWORD)
        .unwrap();
    let page = tab.submit(typed).await.unwrap();
    assert_wrong(&page, "code");
    assert!(!page.body().contains(PASSWORD));
    let typed = form
        .fill("code", code)
        .unwrap()
        .fill("password", "short")
        .unwrap();
    let page = tab.submit(typed).await.unwrap();
    assert_wrong(&page, "password");
    let again = page.form_with_button("Create administrator").unwrap();
    assert_eq!(again.value("name").as_deref(), Some("karin"));
    // The code is not typed twice.
    let page = tab
        .submit(again.fill("password", PASSWORD).unwrap())
        .await
        .unwrap();
    assert_eq!(page.url().path(), "/admin");
    assert!(page.text().contains("Add a mail domain"), "{}", page.text());
    assert_eq!(world.app.setup_state().await.unwrap(), SetupState::Done);
    let page = tab.open(at).await.unwrap();
    assert_eq!(page.text_of("h1").unwrap(), "This server is set up");
    assert_eq!(page.count("input[name=code]").unwrap(), 0);
}

#[tokio::test]
async fn the_checklist_goes_when_all_is_done() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert!(page.text().contains("Try it"), "{}", page.text());
    world
        .by_company(&mut world.browser().tab(), "/sso/example/start", "alice")
        .await;
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert!(!page.text().contains("Setting up"), "{}", page.text());
    assert_eq!(page.text_of(".stat .figure").unwrap(), "2");
}

#[tokio::test]
async fn a_domain_is_added_changed_and_deleted() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at("/admin/domains/new?name=school.test"))
        .await
        .unwrap();
    let form = page.form_with_button("Add domain").unwrap();
    assert_eq!(form.value("name").as_deref(), Some("school.test"));
    let page = tab
        .submit(form.clone().fill("default_quota", "much").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "default_quota");
    let page = tab
        .submit(form.clone().fill("name", "example.org").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "name");
    let form = form
        .fill("max_mailboxes", "50")
        .unwrap()
        .fill("domain_quota", "400 GiB")
        .unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("The domain school.test is added."),
        "{}",
        page.text()
    );
    let page = tab.open(&world.at("/admin/domains?q=scho")).await.unwrap();
    assert_eq!(page.count("tbody tr").unwrap(), 1);
    assert!(page.text().contains("0 of 50"), "{}", page.text());

    let page = tab.follow("school.test").await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    let page = tab
        .submit(form.clone().fill("max_mailboxes", "60").unwrap())
        .await
        .unwrap();
    assert!(page.text().contains("at most 60"), "{}", page.text());
    // The same form once more comes from a page that is out of date.
    let page = tab.submit(form).await.unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT);

    tab.open(&world.at("/admin/domains/school.test"))
        .await
        .unwrap();
    let question = tab.follow("Delete this domain").await.unwrap();
    let page = tab
        .submit(question.form_with_button("Delete").unwrap())
        .await
        .unwrap();
    assert!(
        page.text().contains("The domain school.test is deleted."),
        "{}",
        page.text()
    );
    let full = tab
        .open(&world.at("/admin/domains/example.org/delete"))
        .await
        .unwrap();
    assert!(
        full.text().contains("It holds 1 mailboxes"),
        "{}",
        full.text()
    );
    let page = tab
        .submit(full.form_with_button("Delete").unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT);
    for unknown in ["/admin/domains/nowhere.test", "/admin/domains/no domain"] {
        let page = tab
            .open(&world.at(&unknown.replace(' ', "%20")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn a_template_keeps_what_was_chosen() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/templates/new")).await.unwrap();
    let form = page.form_with_button("Add template").unwrap();
    let page = tab
        .submit(form.clone().fill("name", "staff").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "name");
    let form = form
        .fill("name", "Guests")
        .unwrap()
        .fill("quota", "1 GiB")
        .unwrap();
    let form = form
        .untick("in_step", "quota")
        .unwrap()
        .untick("protocols", "pop3")
        .unwrap();
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("The template Guests is added."),
        "{}",
        page.text()
    );
    let page = tab.follow("Guests").await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    assert_eq!(form.value("quota").as_deref(), Some("1 GiB"));
    let settings = world.app.template("Guests").await.unwrap().settings;
    assert!(!settings.pop3.value && settings.imap.value);
    assert_eq!(settings.quota.keep, Keep::Once);
    assert_eq!(settings.imap.keep, Keep::InStep);
    assert_eq!(settings.active.keep, Keep::Once);
    let path = format!("/admin/templates/{}/delete", world.template);
    let question = tab.open(&world.at(&path)).await.unwrap();
    let page = tab
        .submit(question.form_with_button("Delete").unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::CONFLICT, "a rule names it");
}

#[tokio::test]
async fn administrators_are_added_reset_and_deleted() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin/administrators")).await.unwrap();
    assert!(
        page.text().contains("There is only one."),
        "{}",
        page.text()
    );
    let page = tab.follow("Add administrator").await.unwrap();
    let form = page.form_with_button("Add administrator").unwrap();
    let form = form
        .fill("name", "otto")
        .unwrap()
        .fill("email", "otto@example.net")
        .unwrap();
    let page = tab
        .submit(form.clone().fill("password", "short").unwrap())
        .await
        .unwrap();
    assert_wrong(&page, "password");
    let form = form.fill("password", PASSWORD).unwrap();
    let taken = form.clone().fill("name", "KARIN").unwrap();
    assert_wrong(&tab.submit(taken).await.unwrap(), "name");
    let page = tab.submit(form).await.unwrap();
    assert!(
        page.text().contains("The administrator otto is added."),
        "{}",
        page.text()
    );
    let mut otto = world.browser().tab();
    world.sign_in(&mut otto, "otto", PASSWORD).await;
    let admins = world.app.admins().await.unwrap();
    let id = admins.iter().find(|admin| admin.name == "otto").unwrap().id;
    let page = tab
        .open(&world.at(&format!("/admin/administrators/{id}/reset")))
        .await
        .unwrap();
    let form = page.form_with_button("Set password").unwrap();
    let new = "another gate, another post";
    tab.submit(form.fill("password", new).unwrap())
        .await
        .unwrap();
    let page = otto.open(&world.at("/admin")).await.unwrap();
    assert_eq!(page.url().path(), "/", "a reset signs out");
    let page = world.sign_in(&mut otto, "otto", new).await;
    assert_eq!(page.url().path(), "/admin");
    let question = tab
        .open(&world.at(&format!("/admin/administrators/{id}/delete")))
        .await;
    let page = tab
        .submit(question.unwrap().form_with_button("Delete").unwrap())
        .await
        .unwrap();
    assert!(
        page.text().contains("The administrator otto is deleted."),
        "{}",
        page.text()
    );
    let page = otto.open(&world.at("/admin")).await.unwrap();
    assert_eq!(page.url().path(), "/");
}

#[tokio::test]
async fn every_code_has_a_help_page_for_anybody() {
    let world = World::new().await;
    let mut tab = world.browser().tab();
    for code in model::outcome::Code::ALL {
        let page = tab
            .open(&world.at(&format!("/help/codes/{code}")))
            .await
            .unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{code}");
        assert!(page.text_of("h1").unwrap().starts_with(code.id()), "{code}");
    }
    let page = tab.open(&world.at("/help/codes/SSO-999")).await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
}
