//! Requests answered in this process, on a temporary store: documents and problems.

use super::support::Place;
use app::attempts::AttemptFilter;
use app::domains::Page;
use app::mailboxes::{MailboxEdit, MailboxFilter, MethodSwitch};
use app::{App, Problem};
use gatepost::administration::admins::AdminRequest;
use gatepost::administration::aliases::AliasRequest;
use gatepost::administration::attempts::AttemptRequest;
use gatepost::administration::blocks::BlockRequest;
use gatepost::administration::devices::DeviceRequest;
use gatepost::administration::domains::{DomainChange, DomainRequest};
use gatepost::administration::imports::ImportRequest;
use gatepost::administration::mailboxes::{MailboxRequest, NewMailbox, SignIn};
use gatepost::administration::providers::{ProviderChange, ProviderRequest};
use gatepost::administration::rules::{How, RuleRequest, RuleVerb};
use gatepost::administration::templates::{TemplateChange, TemplateRequest};
use gatepost::administration::why::WhyRequest;
use gatepost::administration::{self, Request};
use gatepost::wiring::{self, WireSecret};
use model::address::{Address, DomainName};
use model::attempt::Reference;
use model::audit::Actor;
use model::domain::GIB;
use model::ids::AppPasswordId;
use model::outcome::Code;
use model::protocol::{Protocol, Protocols};
use model::rule::Test;
use model::tag::{Tag, Tags};
use model::template::TemplateField;
use serde_json::{Value, json};

pub(super) struct Installation {
    app: App,
    place: Place,
}

impl Installation {
    pub(super) async fn new() -> Self {
        let place = Place::new();
        let config = place.config();
        std::fs::create_dir_all(config.layout().store()).unwrap();
        let installation = Self {
            app: wiring::local_app(&config).unwrap(),
            place,
        };
        let change = DomainChange {
            max_mailboxes: Some(2),
            default_quota: Some(GIB),
            role_target: Some(address("root@example.net")),
            ..DomainChange::default()
        };
        let name = domain("example.org");
        installation
            .ok(Request::Domain(DomainRequest::Add { name, change }))
            .await;
        installation
    }

    async fn ask(&self, request: Request) -> Result<Value, Problem> {
        // It travels as JSON to a server; nothing may get lost on the way.
        let there = serde_json::to_string(&request).unwrap();
        let request = serde_json::from_str(&there).unwrap();
        administration::answer(&self.app, &Actor::CommandLine, request, &mut |_| {}).await
    }

    pub(super) async fn ok(&self, request: Request) -> Value {
        self.ask(request).await.unwrap()
    }

    pub(super) async fn not(&self, request: Request) -> Problem {
        self.ask(request).await.unwrap_err()
    }

    async fn mailbox(&self, local: &str, sign_in: SignIn) -> Value {
        self.ok(add(local, sign_in)).await
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn domain(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn secret(text: &str) -> WireSecret {
    WireSecret::from(text.to_owned())
}

fn alice() -> Address {
    address("alice@example.org")
}

fn page() -> Page {
    Page::default()
}

pub(super) fn add(local: &str, sign_in: SignIn) -> Request {
    Request::Mailbox(MailboxRequest::Add(NewMailbox {
        address: address(&format!("{local}@example.org")),
        name: String::new(),
        quota: None,
        protocols: None,
        template: None,
        tags: Tags::default(),
        sign_in,
    }))
}

/// The field that is wrong.
fn field(problem: &Problem) -> &str {
    match problem {
        Problem::Invalid(fields) => &fields[0].field,
        Problem::Exists(field) => &field.field,
        other => panic!("not a field: {other}"),
    }
}

#[tokio::test]
async fn set_up_and_administrators() {
    let here = Installation::new().await;
    let link = here.ok(Request::SetupLink).await;
    let link = link["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://mail.example.org/setup#"),
        "{link}"
    );

    let create = |name: &str, password: &str| {
        Request::Admin(AdminRequest::Create {
            name: name.to_owned(),
            email: "root@example.net".to_owned(),
            password: secret(password),
        })
    };
    assert_eq!(field(&here.not(create("root", "short")).await), "password");
    assert_eq!(
        here.ok(create("root", "a long password")).await["name"],
        "root"
    );
    assert!(matches!(
        here.not(Request::SetupLink).await,
        Problem::InUse(_)
    ));
    let reset = |name: &str| {
        Request::Admin(AdminRequest::Reset {
            name: name.to_owned(),
            password: secret("another long password"),
        })
    };
    assert_eq!(here.ok(reset("ROOT")).await["name"], "root");
    assert!(matches!(
        here.not(reset("nobody")).await,
        Problem::NotFound(_)
    ));
    let delete = || {
        Request::Admin(AdminRequest::Delete {
            name: "root".to_owned(),
        })
    };
    assert!(matches!(here.not(delete()).await, Problem::InUse(_)));
    here.ok(create("second", "a long password")).await;
    assert_eq!(here.ok(delete()).await, json!({ "deleted": "root" }));
    let all = here.ok(Request::Admin(AdminRequest::List)).await;
    assert_eq!(all["admins"][0]["name"], "second");
}

#[tokio::test]
async fn domains() {
    let here = Installation::new().await;
    let ask = |request| here.ask(Request::Domain(request));
    let shown = ask(DomainRequest::Show(domain("example.org")))
        .await
        .unwrap();
    assert_eq!(shown["max_mailboxes"], 2);
    let listed = ask(DomainRequest::List(page())).await.unwrap();
    assert_eq!(listed["domains"][0], shown);
    let edit = |name: &str, default_quota| DomainRequest::Edit {
        name: domain(name),
        change: DomainChange {
            default_quota: Some(default_quota),
            ..DomainChange::default()
        },
    };
    let edited = ask(edit("example.org", 2 * GIB)).await.unwrap();
    assert_eq!(
        (&edited["default_quota"], &edited["max_mailboxes"]),
        (&json!(2 * GIB), &json!(2))
    );
    assert_eq!(
        field(&ask(edit("example.org", -1)).await.unwrap_err()),
        "domain_quota"
    );
    let gone = ask(edit("b.example", GIB)).await.unwrap_err();
    assert!(matches!(gone, Problem::NotFound(_)));
    here.mailbox("alice", SignIn::None).await;
    let delete = || DomainRequest::Delete(domain("example.org"));
    assert!(matches!(
        ask(delete()).await.unwrap_err(),
        Problem::InUse(_)
    ));
    here.ok(Request::Mailbox(MailboxRequest::Delete(alice())))
        .await;
    assert_eq!(ask(delete()).await.unwrap()["deleted"], "example.org");
}

#[tokio::test]
async fn templates() {
    let here = Installation::new().await;
    let ask = |request| here.ask(Request::Template(request));
    let add = |name: &str, quota| TemplateRequest::Add {
        name: name.to_owned(),
        change: TemplateChange {
            quota: Some(quota),
            protocols: Some([Protocol::Imap].into_iter().collect()),
            ..TemplateChange::default()
        },
    };
    let made = ask(add("Staff", GIB)).await.unwrap();
    assert_eq!(made["quota"], json!({ "value": GIB, "keep": "in_step" }));
    assert_eq!(
        (&made["imap"]["value"], &made["pop3"]["value"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(field(&ask(add("STAFF", GIB)).await.unwrap_err()), "name");
    assert_eq!(field(&ask(add("Less", -1)).await.unwrap_err()), "quota");
    let edit = TemplateRequest::Edit {
        name: "staff".to_owned(),
        rename: Some("Team".to_owned()),
        change: TemplateChange {
            tags: Some("VIP, staff".parse().unwrap()),
            in_step: vec![TemplateField::Tags],
            ..TemplateChange::default()
        },
    };
    let edited = ask(edit).await.unwrap();
    assert_eq!(edited["name"], "Team");
    let tags = json!({ "value": ["staff", "vip"], "keep": "in_step" });
    assert_eq!(
        (&edited["tags"], &edited["quota"]["value"]),
        (&tags, &json!(GIB))
    );
    let shown = ask(TemplateRequest::Show("team".to_owned())).await.unwrap();
    assert_eq!(
        ask(TemplateRequest::List).await.unwrap()["templates"][0],
        shown
    );
    ask(TemplateRequest::Delete("Team".to_owned()))
        .await
        .unwrap();
    let gone = ask(TemplateRequest::Show("Team".to_owned()))
        .await
        .unwrap_err();
    assert!(matches!(gone, Problem::NotFound(_)));
}

#[tokio::test]
async fn mailboxes() {
    let here = Installation::new().await;
    let ask = |request| here.ask(Request::Mailbox(request));
    let made = here
        .mailbox("alice", SignIn::Local(secret("a long password")))
        .await;
    assert_eq!(
        (&made["local"], &made["has_password"]),
        (&json!(true), &json!(true))
    );
    assert!(
        !made.to_string().contains("argon2"),
        "no hash leaves the store"
    );
    assert_eq!(
        field(&here.not(add("alice", SignIn::None)).await),
        "address"
    );
    let nowhere = SignIn::Provider {
        provider: "nowhere".to_owned(),
        subject: None,
    };
    assert_eq!(field(&here.not(add("bob", nowhere)).await), "provider");
    here.mailbox("bob", SignIn::None).await;
    match here.not(add("carol", SignIn::None)).await {
        Problem::Refused(refusal) => assert_eq!(refusal.code, Code::DomainFull),
        other => panic!("{other}"),
    }

    let edit = |quota| MailboxRequest::Edit {
        address: alice(),
        edit: MailboxEdit {
            quota: Some(quota),
            ..MailboxEdit::default()
        },
    };
    let edited = ask(edit(2 * GIB)).await.unwrap();
    assert_eq!(
        (&edited["quota"], &edited["overrides"]),
        (&json!(2 * GIB), &json!(["quota"]))
    );
    assert!(matches!(
        ask(edit(0)).await.unwrap_err(),
        Problem::Refused(_)
    ));

    let off = MailboxRequest::Disable {
        address: alice(),
        reason: "holidays".to_owned(),
    };
    let off = ask(off).await.unwrap();
    assert_eq!(
        (&off["active"], &off["disabled"]["reason"]),
        (&json!(false), &json!("holidays"))
    );
    assert_eq!(
        ask(MailboxRequest::Enable(alice())).await.unwrap()["active"],
        true
    );

    let password = |text: &str| MailboxRequest::Password {
        address: alice(),
        password: secret(text),
    };
    assert_eq!(
        field(&ask(password("short")).await.unwrap_err()),
        "password"
    );
    ask(password("a new long password")).await.unwrap();
    let to_local = MailboxRequest::Method {
        address: address("bob@example.org"),
        switch: MethodSwitch::Local,
    };
    assert_eq!(field(&ask(to_local).await.unwrap_err()), "password");
    let unlink = MailboxRequest::Unlink {
        address: alice(),
        provider: "nowhere".to_owned(),
    };
    assert!(matches!(
        ask(unlink).await.unwrap_err(),
        Problem::NotFound(_)
    ));

    // Nobody is linked to it, so there is nobody to keep out.
    let block = BlockRequest::Add {
        address: alice(),
        reason: String::new(),
    };
    let block = here.ask(Request::Block(block)).await;
    assert_eq!(field(&block.unwrap_err()), "address");
    let lift = here.ask(Request::Block(BlockRequest::Lift(alice()))).await;
    assert!(matches!(lift.unwrap_err(), Problem::NotFound(_)));
    let blocks = here.ok(Request::Block(BlockRequest::List(page()))).await;
    assert_eq!(blocks, json!({ "blocks": [], "next": null }));
    let off = MailboxRequest::DisableAndBlock {
        address: alice(),
        reason: String::new(),
    };
    assert_eq!(field(&ask(off).await.unwrap_err()), "block");

    let tagged = |list: &str| MailboxRequest::Edit {
        address: alice(),
        edit: MailboxEdit {
            tags: Some(Tags::parse(list).unwrap()),
            ..MailboxEdit::default()
        },
    };
    assert_eq!(ask(tagged("")).await.unwrap()["tags"], json!([]));
    let tagged = ask(tagged("VIP, staff")).await.unwrap();
    assert_eq!(tagged["tags"], json!(["staff", "vip"]));
    let filter = MailboxFilter {
        tag: Some(Tag::parse("vip").unwrap()),
        ..MailboxFilter::default()
    };
    let page_of_vip = MailboxRequest::List {
        filter,
        page: page(),
    };
    let listed = ask(page_of_vip).await.unwrap();
    assert_eq!(listed["mailboxes"].as_array().unwrap().len(), 1);
    assert_eq!(listed["mailboxes"][0]["tags"], tagged["tags"]);

    let filter = MailboxFilter {
        by_provider: Some(false),
        ..MailboxFilter::default()
    };
    let listed = ask(MailboxRequest::List {
        filter,
        page: page(),
    })
    .await
    .unwrap();
    assert_eq!(listed["mailboxes"].as_array().unwrap().len(), 2);
    let gone = ask(MailboxRequest::Delete(alice())).await.unwrap();
    assert!(gone["mail_kept_until"].is_string(), "{gone}");
    let shown = ask(MailboxRequest::Show(alice())).await;
    assert!(matches!(shown.unwrap_err(), Problem::NotFound(_)));
}

#[tokio::test]
async fn aliases() {
    let here = Installation::new().await;
    here.mailbox("alice", SignIn::None).await;
    let ask = |request| here.ask(Request::Alias(request));
    let add = |target: &str| {
        AliasRequest::Add(app::aliases::AliasForm {
            address: address("info@example.org"),
            targets: vec![address(target)],
            active: true,
        })
    };
    assert_eq!(
        field(&ask(add("nobody@example.org")).await.unwrap_err()),
        "targets"
    );
    let made = ask(add("alice@example.org")).await.unwrap();
    assert_eq!(made["targets"], json!(["alice@example.org"]));
    let edit = AliasRequest::Edit {
        address: address("info@example.org"),
        targets: None,
        active: Some(false),
    };
    let edited = ask(edit).await.unwrap();
    assert_eq!(
        (&edited["targets"], &edited["active"]),
        (&made["targets"], &json!(false))
    );
    let list = AliasRequest::List {
        domain: Some(domain("example.org")),
        page: page(),
    };
    assert_eq!(ask(list).await.unwrap()["aliases"][0], edited);
    ask(AliasRequest::Delete(address("info@example.org")))
        .await
        .unwrap();
    let gone = ask(AliasRequest::Show(address("info@example.org"))).await;
    assert!(matches!(gone.unwrap_err(), Problem::NotFound(_)));
}

#[tokio::test]
async fn background_checks_that_stopped_are_shown_and_resumed() {
    let here = Installation::new().await;
    let ask = |request| here.ask(Request::Provider(request));
    let change = ProviderChange {
        name: Some("Example SSO".to_owned()),
        client_id: Some("gatepost".to_owned()),
        issuer: Some("https://127.0.0.1:1/".to_owned()),
        ..ProviderChange::default()
    };
    let add = ProviderRequest::Add {
        slug: "sso".to_owned(),
        change: Box::new(change),
        secret: Some(secret("a secret of many characters k3")),
    };
    ask(add).await.unwrap();
    let resume = |slug: &str| ask(ProviderRequest::ResumeChecks(slug.to_owned()));
    assert_eq!(field(&resume("sso").await.unwrap_err()), "provider");
    let nobody = resume("nobody").await.unwrap_err();
    assert!(matches!(nobody, Problem::NotFound(_)), "{nobody:?}");

    let store = store::Store::open(&here.place.config().layout().database()).unwrap();
    let id = here.app.provider("sso").await.unwrap().id;
    store
        .write(async move |tx: &mut store::Conn| {
            store::providers::stop_checks(tx, id, model::time::Timestamp::from_secs(1)).await
        })
        .await
        .unwrap();
    let shown = ask(ProviderRequest::Show("sso".to_owned())).await.unwrap();
    assert_eq!(shown["checks_stopped"], "1970-01-01T00:00:01Z");
    let status = here.ok(Request::Status).await;
    assert_eq!(status["checks_stopped"], json!(["sso"]));
    let resumed = resume("sso").await.unwrap();
    assert_eq!(resumed["checks_stopped"], Value::Null);
    assert_eq!(field(&resume("sso").await.unwrap_err()), "provider");
}

#[tokio::test]
async fn providers_and_their_rules() {
    let here = Installation::new().await;
    let ask = |request| here.ask(Request::Provider(request));
    let add = |change: ProviderChange| ProviderRequest::Add {
        slug: String::new(),
        change: Box::new(ProviderChange {
            name: Some("Example SSO".to_owned()),
            domains: Some(vec![domain("example.org")]),
            ..change
        }),
        secret: Some(secret("a secret of many characters k3")),
    };
    let both = ProviderChange {
        client_id: Some("gatepost".to_owned()),
        issuer: Some("https://127.0.0.1:1/".to_owned()),
        token_url: Some("https://127.0.0.1:1/t".to_owned()),
        ..ProviderChange::default()
    };
    assert_eq!(field(&ask(add(both.clone())).await.unwrap_err()), "issuer");
    let neither = ProviderChange {
        client_id: Some("gatepost".to_owned()),
        ..ProviderChange::default()
    };
    assert_eq!(field(&ask(add(neither)).await.unwrap_err()), "issuer");
    let manual = ProviderChange {
        issuer: None,
        authorize_url: Some("https://127.0.0.1:1/a".to_owned()),
        userinfo_url: Some("https://127.0.0.1:1/u".to_owned()),
        ..both
    };
    let made = ask(add(manual)).await.unwrap();
    assert_eq!(made["slug"], "example-sso");
    assert_eq!(made["scopes"], "openid profile email mailcow_template");
    assert_eq!(made["secret_ends"], "k3");
    assert_eq!(made["domains"], json!(["example.org"]));
    assert!(
        !made.to_string().contains("many characters"),
        "no secret comes out"
    );

    let slug = || "example-sso".to_owned();
    let edit = |change| ProviderRequest::Edit {
        slug: slug(),
        change: Box::new(change),
    };
    let moved = edit(ProviderChange {
        token_url: Some("https://127.0.0.1:2/t".to_owned()),
        ..ProviderChange::default()
    });
    let moved = ask(moved).await.unwrap();
    assert_eq!(moved["authorize_url"], "https://127.0.0.1:1/a");
    assert_eq!(
        moved["secret_set"],
        Value::Null,
        "a secret never goes to a new host"
    );
    let notes = moved["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 3, "{moved}");
    for words in [
        "No rule",
        "secret was removed",
        "stay linked to the old one",
    ] {
        let told = notes
            .iter()
            .any(|note| note.as_str().unwrap().contains(words));
        assert!(told, "{words}: {moved}");
    }
    let unknown = edit(ProviderChange {
        domains: Some(vec![domain("b.example")]),
        ..ProviderChange::default()
    });
    assert!(matches!(
        ask(unknown).await.unwrap_err(),
        Problem::NotFound(_)
    ));
    let secret_set = ProviderRequest::Secret {
        slug: slug(),
        secret: Some(secret("another")),
    };
    assert!(ask(secret_set).await.unwrap()["secret_set"].is_string());
    let allow = ProviderRequest::AllowHost {
        slug: slug(),
        host: "no host".to_owned(),
    };
    assert_eq!(field(&ask(allow).await.unwrap_err()), "private_hosts");

    here.ok(Request::Template(TemplateRequest::Add {
        name: "Staff".to_owned(),
        change: TemplateChange::default(),
    }))
    .await;
    let rule = |verb| {
        here.ask(Request::Rule(RuleRequest {
            provider: slug(),
            verb,
            how: How::default(),
        }))
    };
    let add_rule = |template: &str| RuleVerb::Add {
        claim: "groups".to_owned(),
        test: Test::Is("staff".to_owned()),
        template: template.to_owned(),
        number: None,
    };
    let rules = rule(add_rule("staff")).await.unwrap();
    let expected = json!({
        "number": 1, "claim": "groups", "test": "is", "value": "staff", "template": "Staff"
    });
    assert_eq!(rules["rules"], json!([expected]));
    assert!(matches!(
        rule(add_rule("Nobody")).await.unwrap_err(),
        Problem::NotFound(_)
    ));
    assert_eq!(
        field(&rule(add_rule("Staff")).await.unwrap_err()),
        "rules.2"
    );
    assert!(matches!(
        rule(RuleVerb::Remove(0)).await.unwrap_err(),
        Problem::NotFound(_)
    ));
    let everyone = rule(RuleVerb::EveryoneElse(Some("Staff".to_owned())))
        .await
        .unwrap();
    assert_eq!(everyone["everyone_else"], "Staff");
    assert_eq!(rule(RuleVerb::Remove(1)).await.unwrap()["rules"], json!([]));

    ask(ProviderRequest::Delete(slug())).await.unwrap();
    let gone = ask(ProviderRequest::Check(slug())).await;
    assert!(matches!(gone.unwrap_err(), Problem::NotFound(_)));
}

#[tokio::test]
async fn the_lines_of_a_check_come_one_by_one() {
    let here = Installation::new().await;
    let change = ProviderChange {
        name: Some("SSO".to_owned()),
        client_id: Some("x".to_owned()),
        issuer: Some("https://127.0.0.1:1/".to_owned()),
        ..ProviderChange::default()
    };
    here.ok(Request::Provider(ProviderRequest::Add {
        slug: String::new(),
        change: Box::new(change),
        secret: None,
    }))
    .await;
    let mut lines = Vec::new();
    let check = Request::Provider(ProviderRequest::Check("sso".to_owned()));
    let report = administration::answer(&here.app, &Actor::CommandLine, check, &mut |line| {
        lines.push(line);
    })
    .await
    .unwrap();
    assert_eq!(report["checks"], Value::Array(lines));
    assert_eq!(report["checks"][0]["code"], "SSO-107");
}

#[tokio::test]
async fn devices() {
    let here = Installation::new().await;
    here.mailbox("alice", SignIn::None).await;
    let ask = |request| here.ask(Request::Device(request));
    let add = |name: &str, protocols| DeviceRequest::Add {
        address: alice(),
        name: name.to_owned(),
        protocols,
        ends: None,
    };
    assert_eq!(field(&ask(add("", None)).await.unwrap_err()), "name");
    let none = Some(Protocols::NONE);
    assert_eq!(
        field(&ask(add("Phone", none)).await.unwrap_err()),
        "protocols"
    );
    let made = ask(add("Phone", None)).await.unwrap();
    assert_eq!(made["secret"].as_str().unwrap().len(), 39);
    assert_eq!(made["user"], "alice@example.org");
    assert!(made["servers"].as_array().unwrap().len() > 3, "{made}");
    let listed = ask(DeviceRequest::List(alice())).await.unwrap();
    assert_eq!(listed["devices"], json!([made["device"]]));
    let revoke = || DeviceRequest::Revoke {
        address: alice(),
        id: AppPasswordId(made["device"]["id"].as_i64().unwrap()),
    };
    ask(revoke()).await.unwrap();
    assert!(matches!(
        ask(revoke()).await.unwrap_err(),
        Problem::NotFound(_)
    ));
}

#[tokio::test]
async fn explanations_and_attempts() {
    let here = Installation::new().await;
    let why = |who: &str| {
        here.ask(Request::Why(WhyRequest {
            who: who.to_owned(),
            check: false,
        }))
    };
    let unknown = why("alice@nowhere.example").await.unwrap();
    assert_eq!(
        (&unknown["verdict"], &unknown["code"]),
        (&json!("blocked_now"), &json!("SSO-401"))
    );
    assert_eq!(unknown["fix"], "gatepost domain add nowhere.example");
    assert_eq!(field(&why("some body!").await.unwrap_err()), "who");
    let list = AttemptRequest::List {
        filter: AttemptFilter::default(),
        page: page(),
    };
    let listed = here.ok(Request::Attempt(list)).await;
    assert_eq!(listed, json!({ "attempts": [], "next": null }));
    let reference = Reference::parse("7K4Q-M2XD").unwrap();
    let shown = here
        .not(Request::Attempt(AttemptRequest::Show(reference)))
        .await;
    assert!(matches!(shown, Problem::NotFound(_)));
}

#[tokio::test]
async fn imports_and_status() {
    let here = Installation::new().await;
    let import = |csv: &str, dry_run| {
        Request::Import(ImportRequest {
            csv: secret(csv),
            dry_run,
        })
    };
    let csv = "address\nalice@example.org\nnobody@elsewhere.example\n";
    let tried = here.ok(import(csv, true)).await;
    assert_eq!(
        (&tried["created"], &tried["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(here.ok(Request::Status).await["mailboxes"], 0);
    here.ok(import(csv, false)).await;
    let status = here.ok(Request::Status).await;
    assert_eq!(
        (&status["mailboxes"], &status["setup_needed"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(
        field(&here.not(import("name\nAlice\n", false)).await),
        "file"
    );
}

#[test]
fn requests_do_not_print_secrets() {
    let request = Request::Mailbox(MailboxRequest::Password {
        address: alice(),
        password: secret("hunter2"),
    });
    assert!(!format!("{request:?}").contains("hunter2"));
}

/// With a mistyped configuration, changes would go to a store that nobody serves.
#[test]
fn a_verb_makes_no_store_where_there_is_none() {
    let place = Place::without_store();
    for line in [
        "domain list",
        "mailbox list",
        "admin list",
        "admin delete root --yes",
    ] {
        let output = place.run(line, "");
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{line}: {words}");
        let store = place.join("d/store");
        let said = format!("error: no store at {};", store.display());
        assert!(words.contains(&said), "{line}: {words}");
        assert!(!place.join("d").exists(), "{line}");
    }
}
