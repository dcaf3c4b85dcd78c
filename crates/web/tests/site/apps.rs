//! Apps on the administrator's pages.

use crate::admin::{assert_wrong, karin};
use crate::world::World;
use http::StatusCode;
use model::attempt::{Attempt, Door, Reference, Trace};
use model::ids::{AttemptId, MailboxId, OauthAppId};
use model::outcome::{Code, Refusal};
use store::{Conn, OsRandom, StoreError};
use testkit::browser::{Form, Page, Tab};

const REDIRECT: &str = "https://cloud.example.org/apps/user_oidc/code";

async fn press(world: &World, tab: &mut Tab, path: &str, button: &str) -> Page {
    let page = tab.open(&world.at(path)).await.unwrap();
    let form = page.form_with_button(button).unwrap();
    tab.submit(form).await.unwrap()
}

async fn new_form(world: &World, tab: &mut Tab, card: &str) -> Form {
    let path = format!("/admin/apps/new?card={card}");
    let page = tab.open(&world.at(&path)).await.unwrap();
    page.form_with_button("Add app").unwrap()
}

/// An app of Nextcloud's kind, and the page it leads to.
async fn nextcloud(world: &World, tab: &mut Tab) -> Page {
    let form = new_form(world, tab, "nextcloud").await;
    tab.submit(form.fill("redirects", REDIRECT).unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_empty_list_offers_kinds_and_says_the_endpoints() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let page = tab.open(&world.at("/admin")).await.unwrap();
    assert_eq!(page.count("nav a[href='/admin/apps']").unwrap(), 1);
    let page = tab.open(&world.at("/admin/apps")).await.unwrap();
    assert_eq!(page.count(".cards a").unwrap(), 3);
    for endpoint in ["/.well-known/openid-configuration", "/oauth/profile"] {
        assert!(page.text().contains(&world.at(endpoint)), "{endpoint}");
    }
    let page = tab.open(&world.at("/admin/apps/new")).await.unwrap();
    assert_eq!(page.count(".cards a").unwrap(), 6);
    let page = tab
        .open(&world.at("/admin/apps/new?card=none"))
        .await
        .unwrap();
    assert_eq!(page.count(".cards a").unwrap(), 6);
}

#[tokio::test]
async fn an_app_is_added_and_its_secret_shown_once() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    let form = new_form(&world, &mut tab, "nextcloud").await;
    assert_eq!(form.value("name").as_deref(), Some("Nextcloud"));
    for (field, value, wrong) in [
        ("redirects", "http://cloud.example.org/", "redirects"),
        ("redirects", "https://*.example.org/", "redirects"),
        ("redirects", "", "redirects"),
        ("name", "", "name"),
        ("client_id", "7", "client_id"),
        ("who", "only", "who"),
    ] {
        let typed = form.clone().fill("redirects", REDIRECT).unwrap();
        let page = tab.submit(typed.fill(field, value).unwrap()).await.unwrap();
        assert_wrong(&page, wrong);
        let kept = page.form_with_button("Add app").unwrap().value(field);
        assert_eq!(kept.as_deref().unwrap_or_default().trim(), value);
    }
    let forged = form.clone().fill("redirects", REDIRECT).unwrap();
    let forged = tab.submit(forged.tamper("pkce", "never")).await.unwrap();
    assert_eq!(forged.status(), StatusCode::BAD_REQUEST);

    let page = nextcloud(&world, &mut tab).await;
    assert_eq!(page.url().path(), "/admin/apps/1/connect");
    let secret = page.text_of("#c-secret").unwrap();
    assert_eq!(secret.len(), 43);
    assert!(page.text().contains(&format!("--clientsecret='{secret}'")));
    let app = world.app.oauth_app(OauthAppId(1)).await.unwrap();
    assert!(
        page.text()
            .contains(&format!("--clientid='{}'", app.client_id))
    );
    assert!(
        !page.text().contains("THE-CLIENT-SECRET"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("is shown this once"));
    let again = tab.open(page.url().as_str()).await.unwrap();
    assert!(again.text().contains("--clientsecret='THE-CLIENT-SECRET'"));
    assert!(!again.body().contains(&secret));

    let list = tab.open(&world.at("/admin/apps")).await.unwrap();
    assert!(list.text().contains(&app.client_id) && list.count(".cards").unwrap() == 0);
}

#[tokio::test]
async fn settings_are_changed_unless_somebody_was_faster() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    nextcloud(&world, &mut tab).await;
    let page = tab.open(&world.at("/admin/apps/1")).await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    let typed = form.clone().fill("name", "Files").unwrap();
    let typed = typed.fill("who", "only").unwrap();
    let typed = typed.fill("tags", "Board, IT  staff").unwrap();
    let page = tab.submit(typed).await.unwrap();
    assert!(page.text().contains("The app Files is saved."));
    let saved = page.form_with_button("Save").unwrap();
    assert_eq!(saved.value("tags").as_deref(), Some("board, it staff"));
    let late = tab
        .submit(form.fill("name", "Late").unwrap())
        .await
        .unwrap();
    assert_eq!(late.status(), StatusCode::CONFLICT, "{}", late.text());
    let public = saved.clone().fill("kind", "public").unwrap();
    assert_wrong(&tab.submit(public).await.unwrap(), "kind");

    let page = press(&world, &mut tab, "/admin/apps/1/switch", "Switch off").await;
    assert!(page.text().contains("The app Files is switched off."));
    assert!(
        !world
            .app
            .oauth_app(OauthAppId(1))
            .await
            .unwrap()
            .settings
            .active
    );
    let page = press(&world, &mut tab, "/admin/apps/1/revoke", "End all tokens").await;
    assert!(page.text().contains("0 sign-ins are ended."));
    let page = press(&world, &mut tab, "/admin/apps/1/delete", "Delete").await;
    assert!(page.text().contains("The app Files is deleted."));
    for gone in ["1", "1/connect", "1/secrets", "1/activity", "1/people", "x"] {
        let page = tab.open(&world.at(&format!("/admin/apps/{gone}"))).await;
        assert_eq!(page.unwrap().status(), StatusCode::NOT_FOUND, "{gone}");
    }
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    nextcloud(&world, &mut tab).await;
    let page = tab.open(&world.at("/admin/apps/1/secrets")).await.unwrap();
    assert_eq!(page.count("tbody tr").unwrap(), 1);
    let form = page.form_with_button("Make a new secret").unwrap();
    let forged = tab.submit(form.clone().tamper("overlap", "year")).await;
    assert_eq!(forged.unwrap().status(), StatusCode::BAD_REQUEST);
    let page = tab
        .submit(form.fill("overlap", "week").unwrap())
        .await
        .unwrap();
    assert!(
        page.text().contains("the others end in 7 days."),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("THE-CLIENT-SECRET"));
    let page = tab.open(&world.at("/admin/apps/1/secrets")).await.unwrap();
    assert_eq!(page.count("tbody tr").unwrap(), 2);
    let path = page.attribute("td.act a", "href").unwrap();
    let page = press(&world, &mut tab, &path, "Remove").await;
    assert_eq!(page.count("tbody tr").unwrap(), 1, "{}", page.text());
    let gone = tab.open(&world.at(&path)).await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

/// A refused attempt to sign in to the first app, with the redirect it sent.
async fn refused(world: &World, received: &str) {
    let refusal = Refusal::new(Code::ProviderOff).with("received", received);
    let attempt = Attempt {
        id: AttemptId(0),
        reference: Reference::generate(&OsRandom),
        at: world.app.now(),
        door: Door::App,
        provider: None,
        app: Some(OauthAppId(1)),
        mailbox: None,
        address: None,
        ip: None,
        user_agent: String::new(),
        refusal: Some(refusal),
        notice: None,
        trace: Trace::default(),
        count: 1,
    };
    let put = async move |tx: &mut Conn| store::attempts::insert(tx, &attempt).await;
    world.store().write(put).await.unwrap();
}

#[tokio::test]
async fn a_wrong_redirect_is_shown_beside_the_right_one() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    nextcloud(&world, &mut tab).await;
    let path = world.at("/admin/apps/1/activity");
    let page = tab.open(&path).await.unwrap();
    assert!(page.text().contains("Nothing was refused"));

    let sent = format!("{REDIRECT}/<b>");
    refused(&world, &sent).await;
    refused(&world, &sent).await;
    let page = tab.open(&path).await.unwrap();
    assert_eq!(page.count("tbody tr").unwrap(), 2);
    assert_eq!(page.count(".diff").unwrap(), 1, "each once");
    let added = page.text_of(".diff ins").unwrap();
    assert!(added.ends_with("/<b>"), "{added}");

    refused(&world, "https://cloud.example.org/apps/user_oidc/code/").await;
    let page = tab.open(&path).await.unwrap();
    let add = page.texts_of(".diff").unwrap();
    assert_eq!(add.len(), 2);
    let page = tab.follow("Add this URL…").await.unwrap();
    let form = page.form_with_button("Save").unwrap();
    let filled = form.value("redirects").unwrap();
    assert!(
        filled.contains(REDIRECT) && filled.lines().count() == 2,
        "{filled}"
    );
    let page = tab.submit(form).await.unwrap();
    let app = world.app.oauth_app(OauthAppId(1)).await.unwrap();
    assert_eq!(app.settings.redirects.len(), 2, "{}", page.text());
    let page = tab.open(&path).await.unwrap();
    assert_eq!(page.count(".diff").unwrap(), 1);
}

#[tokio::test]
async fn a_person_is_disconnected() {
    let world = World::new().await;
    let mut tab = karin(&world).await;
    nextcloud(&world, &mut tab).await;
    let path = world.at("/admin/apps/1/people");
    let page = tab.open(&path).await.unwrap();
    assert!(page.text().contains("Nobody has connected it yet"));
    let erin = model::address::Address::parse("erin@example.org").unwrap();
    let erin = world.app.mailbox(&erin).await.unwrap().mailbox.id;
    let now = world.app.now();
    let put = async move |tx: &mut Conn| {
        let app = OauthAppId(1);
        store::app_connections::put(tx, erin, app, "openid email", true, now).await?;
        Ok::<_, StoreError>(())
    };
    world.store().write(put).await.unwrap();
    let page = tab.open(&path).await.unwrap();
    assert!(page.text().contains("erin@example.org") && page.text().contains("openid, email"));
    let nobody = format!("/admin/apps/1/people/{}/disconnect", MailboxId(99));
    let missing = tab.open(&world.at(&nobody)).await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let ask = format!("/admin/apps/1/people/{erin}/disconnect");
    let page = press(&world, &mut tab, &ask, "Disconnect").await;
    assert!(
        page.text().contains("Nobody has connected it yet"),
        "{}",
        page.text()
    );
}
