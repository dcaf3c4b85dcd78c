//! The rules editor: a draft that lives in the form, its trial, its preview, and its history.

use crate::admin::karin;
use crate::world::World;
use app::templates::TemplateForm;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{Request, StatusCode};
use model::audit::Actor;
use model::ids::TemplateId;
use model::template::{TemplateSettings, Templated};
use testkit::browser::{Browser, Tab};

const RULES: &str = "/admin/providers/example/rules";
/// Text that must not become markup.
const CANARY: &str = "\"><script>alert(1)</script>";

/// An administrator's browser, from which forms are sent field by field.
struct Desk<'w> {
    world: &'w World,
    browser: Browser,
    token: String,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    kind: String,
    body: String,
}

impl<'w> Desk<'w> {
    async fn new(world: &'w World) -> Self {
        let browser = world.browser();
        let mut tab = browser.tab();
        world
            .sign_in(&mut tab, "karin", crate::world::PASSWORD)
            .await;
        let page = tab.open(&world.at(RULES)).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{}", page.text());
        let form = page.form(".rule-editor").unwrap();
        Self {
            world,
            browser,
            token: form.value("form_token").unwrap(),
        }
    }

    async fn seen(&self) -> String {
        self.world
            .app
            .rules("example")
            .await
            .unwrap()
            .version
            .id
            .to_string()
    }

    async fn post(&self, fields: &[(&str, &str)]) -> Answer {
        self.post_with(&self.token, fields).await
    }

    async fn post_with(&self, token: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .append_pair("form_token", token)
            .finish();
        let cookie = self.browser.cookie(&self.world.url, "gatepost");
        let request = Request::post(RULES)
            .header(COOKIE, format!("gatepost={}", cookie.unwrap().unwrap()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.world.send(request, &body).await;
        let text = |name: &str| {
            let value = answer.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let (status, location) = (answer.status(), text("location"));
        let kind = text("content-type").unwrap_or_default();
        let bytes = axum::body::to_bytes(answer.into_body(), 4 << 20)
            .await
            .unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!body.contains("<script>alert"), "markup of somebody else");
        Answer {
            status,
            location,
            kind,
            body,
        }
    }
}

/// The fields of one row.
fn row<'a>(
    claim: &'a str,
    test: &'a str,
    value: &'a str,
    template: &'a str,
) -> [(&'a str, &'a str); 4] {
    [
        ("claim", claim),
        ("test", test),
        ("value", value),
        ("template", template),
    ]
}

fn form<'a>(
    act: &'a str,
    seen: &'a str,
    rows: &[[(&'a str, &'a str); 4]],
) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("do", act), ("seen", seen), ("everyone_else", "refuse")];
    fields.extend(rows.iter().flatten());
    fields
}

async fn template(world: &World, name: &str, active: bool) -> TemplateId {
    let form = TemplateForm {
        name: name.to_owned(),
        settings: TemplateSettings {
            active: Templated::once(active),
            ..TemplateSettings::default()
        },
    };
    world
        .app
        .create_template(&Actor::CommandLine, form)
        .await
        .unwrap()
        .id
}

async fn rules(world: &World) -> Vec<String> {
    let rules = world.app.provider("example").await.unwrap().settings.rules;
    rules.iter().map(|rule| rule.words()).collect()
}

async fn alice(world: &World) {
    let mut tab = world.browser().tab();
    let page = world
        .by_company(&mut tab, "/sso/example/start", "alice")
        .await;
    assert_eq!(page.url().path(), "/home", "{}", page.text());
}

#[tokio::test]
async fn rows_move_and_nothing_is_stored_until_it_is_saved() {
    let world = World::new().await;
    let desk = Desk::new(&world).await;
    let (staff, seen) = (world.template.to_string(), desk.seen().await);
    let rows = [
        row("mailcow_template", "is", "staff", &staff),
        row("groups", "contains", "sales", &staff),
        row("", "is", "", ""),
    ];
    let moved = desk.post(&form("up.2", &seen, &rows)).await;
    assert_eq!(moved.status, StatusCode::OK);
    let (sales, mailcow) = (
        moved.body.find(r#"value="sales""#).unwrap(),
        moved.body.find(r#"value="mailcow_template""#).unwrap(),
    );
    assert!(sales < mailcow);
    assert_eq!(rules(&world).await, ["mailcow_template is staff"]);

    let preview = desk.post(&form("preview", &seen, &rows)).await;
    assert!(preview.body.contains("What saving would change"));
    assert_eq!(rules(&world).await.len(), 1);
    let saved = desk.post(&form("save", &seen, &rows)).await;
    assert_eq!(saved.location.as_deref(), Some(RULES), "{}", saved.body);
    assert_eq!(
        rules(&world).await,
        ["mailcow_template is staff", "groups contains sales"]
    );
}

#[tokio::test]
async fn what_cannot_be_saved_says_where_and_keeps_the_draft() {
    let world = World::new().await;
    let desk = Desk::new(&world).await;
    let (staff, seen) = (world.template.to_string(), desk.seen().await);
    let long = "x".repeat(300);
    for (bad, words) in [
        (row("groups", "is", "sales", ""), "choose the template"),
        (row("groups", "is", "", &staff), "name the value"),
        (row("", "is", "sales", &staff), "name the claim"),
        (row(&long, "is", "sales", &staff), "name the claim"),
        (row("groups", "matches", "(", &staff), "not a pattern"),
        (
            row("groups", "matches", &long, &staff),
            "1 to 200 characters",
        ),
        (row("groups", "one_of", " , ", &staff), "name the value"),
        (
            row("mailcow_template", "is", "staff", &staff),
            "asks exactly the same",
        ),
        (row("groups", "is", CANARY, "999"), "does not exist"),
    ] {
        let rows = [row("mailcow_template", "is", "staff", &staff), bad];
        for act in ["preview", "save", "try", "csv"] {
            // A lost template is found by saving only; the preview tells of it.
            if words == "does not exist" && act != "save" {
                continue;
            }
            let answer = desk.post(&form(act, &seen, &rows)).await;
            assert_eq!(
                answer.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{words} {act}"
            );
            assert!(
                answer.body.contains(words),
                "{words} {act}: {}",
                answer.body
            );
            assert!(answer.body.contains("#f-rule-2"), "{words} {act}");
        }
    }
    let many: Vec<_> = (0..201).map(|n| n.to_string()).collect();
    let many: Vec<_> = many
        .iter()
        .map(|n| row("groups", "is", n, &staff))
        .collect();
    let answer = desk.post(&form("save", &seen, &many)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("at most 200"));
    let twice = [("do", "save"), ("do", "save"), ("seen", "x")];
    assert_eq!(desk.post(&twice).await.status, StatusCode::BAD_REQUEST);
    let foreign = desk.post_with("AAAA", &form("save", &seen, &[])).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(rules(&world).await, ["mailcow_template is staff"]);
}

#[tokio::test]
async fn a_draft_made_from_an_older_state_is_not_saved_over_a_newer_one() {
    let world = World::new().await;
    let desk = Desk::new(&world).await;
    let (staff, seen) = (world.template.to_string(), desk.seen().await);
    let mine = [row("groups", "is", "mine", &staff)];
    let theirs = [row("groups", "is", "theirs", &staff)];
    assert_eq!(
        desk.post(&form("save", &seen, &theirs)).await.status,
        StatusCode::SEE_OTHER
    );
    let answer = desk.post(&form("save", &seen, &mine)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("changed these rules meanwhile"));
    assert!(answer.body.contains(r#"value="mine""#), "the draft is kept");
    assert_eq!(rules(&world).await, ["groups is theirs"]);
    // The page that says so has the newer state, so that saving again is a decision.
    let now = desk.seen().await;
    assert!(
        answer
            .body
            .contains(&format!(r#"name="seen" value="{now}""#))
    );
}

#[tokio::test]
async fn a_trial_shows_every_rule_and_the_mailbox_it_would_make() {
    let world = World::new().await;
    alice(&world).await;
    let desk = Desk::new(&world).await;
    let (staff, seen) = (world.template.to_string(), desk.seen().await);
    let rows = [
        row("groups", "is", "boss", &staff),
        row("email", "matches", ".*@example\\.org", &staff),
        row("email", "present", "", &staff),
    ];
    let tried = |from, key, value| {
        let mut fields = form("try", &seen, &rows);
        fields.extend([("try_from", from), (key, value)]);
        fields
    };
    let json = r#"{"email": "x@example.org", "name": "<script>alert(1)</script>"}"#;
    let answer = desk.post(&tried("json", "try_json", json)).await;
    for words in [
        "Rule 2 decides: a new mailbox gets Staff.",
        "email matches .*@example\\.org: yes",
        "yes too, but rule 2 decides",
        "no, the claim is absent",
    ] {
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    let alice = "alice@example.org";
    let answer = desk.post(&tried("person", "try_address", alice)).await;
    assert!(answer.body.contains("nothing changes"), "{}", answer.body);
    assert!(answer.body.contains("Alice Aalto"), "her claims");

    for (from, key, value, words) in [
        ("json", "try_json", "[]", "one JSON object"),
        ("json", "try_json", "", "not JSON"),
        ("test", "try_address", "", "no test sign-in"),
        ("person", "try_address", "nobody", "try_address"),
        (
            "person",
            "try_address",
            "nobody@example.org",
            "no such mailbox",
        ),
        (
            "person",
            "try_address",
            "erin@example.org",
            "nobody at this provider",
        ),
        ("person", "try_address", CANARY, "try_address"),
    ] {
        let answer = desk.post(&tried(from, key, value)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    assert_eq!(rules(&world).await, ["mailcow_template is staff"]);
}

#[tokio::test]
async fn a_trial_shows_private_values_when_they_are_opened() {
    let world = World::new().await;
    alice(&world).await;
    let private = vec!["name".to_owned()];
    let set = world.app.set_private_claims(&Actor::CommandLine, private);
    set.await.unwrap();
    let desk = Desk::new(&world).await;
    let (staff, seen) = (world.template.to_string(), desk.seen().await);
    let rows = [row("name", "is", "boss", &staff)];
    let tried = |act| {
        let mut fields = form(act, &seen, &rows);
        fields.extend([("try_from", "person"), ("try_address", "alice@example.org")]);
        fields
    };
    let answer = desk.post(&tried("try")).await;
    assert!(!answer.body.contains("Alice Aalto"), "{}", answer.body);
    assert!(
        answer.body.contains("no, it is (private)"),
        "{}",
        answer.body
    );
    assert!(
        answer.body.contains("value=\"try-open\""),
        "{}",
        answer.body
    );
    let opened = desk.post(&tried("try-open")).await;
    assert!(
        opened.body.contains("no, it is Alice Aalto"),
        "{}",
        opened.body
    );
    assert!(
        !opened.body.contains("value=\"try-open\""),
        "{}",
        opened.body
    );
    let (events, _) = world.app.events(None, 20).await.unwrap();
    assert!(format!("{events:?}").contains("claims.open"));
}

#[tokio::test]
async fn saving_asks_when_people_would_be_refused() {
    let world = World::new().await;
    alice(&world).await;
    let left = template(&world, "Left", false).await.to_string();
    let desk = Desk::new(&world).await;
    let seen = desk.seen().await;
    let rows = [row("email", "present", "", &left)];
    let asked = desk.post(&form("save", &seen, &rows)).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(
        asked.body.contains("Nothing is saved yet"),
        "{}",
        asked.body
    );
    assert!(asked.body.contains("alice@example.org"));
    assert_eq!(rules(&world).await, ["mailcow_template is staff"]);

    let csv = desk.post(&form("csv", &seen, &rows)).await;
    assert!(csv.kind.starts_with("text/csv"));
    let lines: Vec<_> = csv.body.lines().collect();
    assert_eq!(lines[0], "address,effect,template,becomes,words");
    assert!(
        lines[1].starts_with("alice@example.org,refused,Staff"),
        "{lines:?}"
    );

    let saved = desk.post(&form("save-anyway", &seen, &rows)).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(rules(&world).await, ["email is present"]);
}

async fn open(tab: &mut Tab, world: &World, path: &str) -> String {
    let page = tab.open(&world.at(path)).await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{path}: {}", page.text());
    assert!(!page.body().contains("<script>alert"));
    page.body().to_owned()
}

#[tokio::test]
async fn earlier_states_are_shown_with_what_changed_and_come_back_as_a_draft() {
    let world = World::new().await;
    let desk = Desk::new(&world).await;
    let first = desk.seen().await;
    let staff = world.template.to_string();
    let rows = [row("groups", "is", CANARY, &staff)];
    desk.post(&form("save", &first, &rows)).await;
    let mut tab = karin(&world).await;
    let page = tab
        .open(&world.at(&format!("{RULES}/history")))
        .await
        .unwrap();
    assert_eq!(page.count("section").unwrap(), 2);
    let gone = page.texts_of(".difference .gone").unwrap();
    assert!(
        gone[0].ends_with("mailcow_template is staff: Staff"),
        "{gone:?}"
    );
    assert!(page.texts_of(".difference .new").unwrap()[0].contains(CANARY));
    assert!(!page.body().contains("<script>alert"));

    let draft = open(&mut tab, &world, &format!("{RULES}?version={first}")).await;
    assert!(draft.contains("They are a draft until you save them"));
    assert!(draft.contains(r#"value="mailcow_template""#));
    assert_eq!(rules(&world).await, [format!("groups is {CANARY}")]);
    for missing in [
        format!("{RULES}?version=999"),
        "/admin/providers/no/rules".into(),
    ] {
        let page = tab.open(&world.at(&missing)).await.unwrap();
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{missing}");
    }
    let page = tab
        .open(&world.at(&format!("{RULES}?version=x")))
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
}
