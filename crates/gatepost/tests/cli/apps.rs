//! Apps, asked for as the command line does.

use super::answers::{self, Installation, domain};
use app::Problem;
use app::domains::Page;
use app::oauth::apps::Overlap;
use gatepost::administration::Request;
use gatepost::administration::apps::{AppChange, AppRequest};
use gatepost::administration::mailboxes::SignIn;
use model::oauth_app::{AppCard, AppKind};
use serde_json::{Value, json};

const REDIRECT: &str = "https://cloud.example.org/apps/user_oidc/code";

fn add(change: AppChange) -> Request {
    Request::App(AppRequest::Add {
        card: AppCard::Nextcloud,
        client_id: Some("cloud".to_owned()),
        change: Box::new(change),
    })
}

fn to(redirect: &str) -> AppChange {
    AppChange {
        redirects: vec![redirect.to_owned()],
        ..AppChange::default()
    }
}

fn edit(change: AppChange) -> Request {
    Request::App(AppRequest::Edit {
        name: "1".to_owned(),
        change: Box::new(change),
    })
}

fn fields(problem: Problem) -> Vec<String> {
    match problem {
        Problem::Invalid(fields) => fields.into_iter().map(|one| one.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_app_is_kept_by_command() {
    let at = Installation::new().await;
    let wrong = at.not(add(to("http://cloud.example.org/"))).await;
    assert_eq!(fields(wrong), ["redirects"]);
    let made = at.ok(add(to(REDIRECT))).await;
    let secret = made["client_secret"].as_str().unwrap().to_owned();
    assert_eq!((secret.len(), &made["app"]["id"]), (43, &json!(1)));
    let block = made["guide"]["block"]["text"].as_str().unwrap();
    assert!(
        block.contains(&format!("--clientsecret='{secret}'")),
        "{block}"
    );
    assert_eq!(made["app"]["settings"]["name"], "Nextcloud");
    assert_eq!(made["app"]["secrets"][0]["ends"], Value::Null);

    let few = AppChange {
        domains: vec![domain("example.org")],
        tags: vec!["Board".to_owned()],
        add_redirects: vec!["https://cloud.example.org/index.php/apps/user_oidc/code".to_owned()],
        active: Some(false),
        ..AppChange::default()
    };
    let app = at.ok(edit(few)).await;
    assert_eq!(
        app["who"],
        json!({ "everybody": false, "domains": ["example.org"], "tags": ["board"] })
    );
    assert_eq!(app["settings"]["redirects"].as_array().unwrap().len(), 2);
    assert_eq!(app["settings"]["active"], false);
    let same = at.ok(edit(AppChange::default())).await;
    assert_eq!(same["who"], app["who"], "what is not named stays");
    let everybody = AppChange {
        everybody: true,
        ..AppChange::default()
    };
    assert_eq!(at.ok(edit(everybody)).await["who"]["everybody"], true);
    for change in [
        AppChange {
            domains: vec![domain("nowhere.test")],
            ..AppChange::default()
        },
        AppChange {
            straight_to: Some("nobody".to_owned()),
            ..AppChange::default()
        },
        AppChange {
            never_through: Some(vec!["nobody".to_owned()]),
            ..AppChange::default()
        },
    ] {
        assert!(matches!(at.not(edit(change)).await, Problem::NotFound(_)));
    }
    let public = AppChange {
        kind: Some(AppKind::Public),
        ..AppChange::default()
    };
    assert_eq!(fields(at.not(edit(public)).await), ["kind"]);
}

#[tokio::test]
async fn where_people_sign_out_is_said_by_command() {
    let at = Installation::new().await;
    at.ok(add(to(REDIRECT))).await;
    let ca = testkit::tls::Authority::new().unwrap().pem();
    let places = AppChange {
        sign_out_redirects: Some(vec!["https://cloud.example.org/".to_owned()]),
        back_channel: Some("https://cloud.example.org/told".to_owned()),
        back_channel_private: Some(true),
        back_channel_ca: Some(ca.clone()),
        ..AppChange::default()
    };
    let settings = at.ok(edit(places)).await["settings"].clone();
    let only = json!(["https://cloud.example.org/"]);
    assert_eq!(settings["sign_out_redirects"], only);
    assert_eq!(settings["back_channel"], "https://cloud.example.org/told");
    assert_eq!(settings["back_channel_private"], true);
    assert_eq!(settings["back_channel_ca"], ca.trim());
    let same = at.ok(edit(AppChange::default())).await;
    assert_eq!(same["settings"], settings, "what is not named stays");
    assert_eq!(same["not_told"], Value::Null);
    let bad = AppChange {
        sign_out_redirects: Some(vec!["http://cloud.example.org/".to_owned()]),
        back_channel: Some("ftp://cloud.example.org/".to_owned()),
        back_channel_ca: Some("ca.pem".to_owned()),
        ..AppChange::default()
    };
    let wrong = fields(at.not(edit(bad)).await);
    assert_eq!(
        wrong,
        ["sign_out_redirects", "back_channel", "back_channel_ca"]
    );
    let public = AppChange {
        back_channel_ca: Some(String::new()),
        ..AppChange::default()
    };
    let after = at.ok(edit(public)).await["settings"].clone();
    assert_eq!(after["back_channel_ca"], Value::Null);
    let none = AppChange {
        sign_out_redirects: Some(vec![String::new()]),
        back_channel: Some(String::new()),
        ..AppChange::default()
    };
    let after = at.ok(edit(none)).await["settings"].clone();
    assert_eq!(after["sign_out_redirects"], json!([]));
    assert_eq!(after["back_channel"], Value::Null);
    assert_eq!(after["back_channel_private"], false);
}

#[tokio::test]
async fn an_app_is_rotated_revoked_and_removed_by_command() {
    let at = Installation::new().await;
    let first = at.ok(add(to(REDIRECT))).await;
    let name = || "cloud".to_owned();
    let rotated = at
        .ok(Request::App(AppRequest::Rotate {
            name: name(),
            overlap: Overlap::Week,
        }))
        .await;
    assert_ne!(rotated["client_secret"], first["client_secret"]);
    let secrets = rotated["app"]["secrets"].as_array().unwrap();
    assert!(secrets.len() == 2 && secrets[1]["ends"].is_string());
    for request in [AppRequest::Show(name()), AppRequest::Block(name())] {
        let shown = at.ok(Request::App(request)).await.to_string();
        for made in [&first, &rotated] {
            let secret = made["client_secret"].as_str().unwrap();
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let ended = at.ok(Request::App(AppRequest::Revoke(name()))).await;
    assert_eq!(ended, json!({ "client_id": "cloud", "ended": 0 }));
    let listed = at.ok(Request::App(AppRequest::List(Page::default()))).await;
    assert_eq!(listed["apps"].as_array().unwrap().len(), 1);
    let gone = at.ok(Request::App(AppRequest::Remove(name()))).await;
    assert_eq!(gone["deleted"], "Nextcloud");
    let missing = at.not(Request::App(AppRequest::Remove(name()))).await;
    assert!(matches!(missing, Problem::NotFound(_)));
}

#[tokio::test]
async fn what_an_app_would_receive_is_shown_by_command() {
    let at = Installation::new().await;
    at.ok(add(to(REDIRECT))).await;
    let test = |person: &str, scopes: Option<&str>| {
        Request::App(AppRequest::Test {
            name: "cloud".to_owned(),
            person: person.to_owned(),
            scopes: scopes.map(str::to_owned),
        })
    };
    let nobody = at.not(test("nobody@example.org", None)).await;
    assert_eq!(fields(nobody), ["person"]);
    at.ok(answers::add("erin", SignIn::None)).await;
    let told = at.ok(test("erin@example.org", None)).await;
    // Nobody linked it, and it has no password.
    assert_eq!(
        (&told["gets_in"], &told["told"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(told["scopes"], "openid profile email groups");
    let whats: Vec<_> = told["received"].as_array().unwrap().iter().collect();
    let whats: Vec<_> = whats
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    let all = ["authorization", "token", "id_token", "userinfo", "profile"];
    assert_eq!(whats, all);
    let refused = at.ok(test("erin@example.org", Some("mail"))).await;
    assert_eq!(refused["told"]["code"], "OAUTH-705");
    at.ok(edit(AppChange {
        tags: vec!["board".to_owned()],
        ..AppChange::default()
    }))
    .await;
    let refused = at.ok(test("erin@example.org", None)).await;
    assert_eq!(refused["told"]["code"], "OAUTH-704");
    assert_eq!(refused["fix"], "gatepost app show cloud");
}
