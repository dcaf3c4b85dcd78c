use super::*;
use model::ids::ProviderId;
use model::oauth_app::AppCard;
use serde_json::json;

const HTTPS: &str = "https://cloud.example.org/callback";

/// Settings that are right, with some changed.
fn with(change: serde_json::Value) -> AppSettings {
    let mut all = serde_json::to_value(AppCard::Generic.settings()).unwrap();
    all["name"] = json!("Cloud");
    all["redirects"] = json!([HTTPS]);
    let changed = change.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(changed);
    serde_json::from_value(all).unwrap()
}

/// The fields at which something is wrong.
fn wrong(change: serde_json::Value) -> Vec<String> {
    match settings(with(change)) {
        Ok(_) => Vec::new(),
        Err(Problem::Invalid(fields)) => fields.into_iter().map(|one| one.field).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_is_told_at_its_field() {
    let none: [&str; 0] = [];
    let many: Vec<_> = (0..51).map(|n| format!("https://a.example/{n}")).collect();
    let cases = [
        (json!({}), none.as_slice()),
        (json!({ "name": " " }), &["name"]),
        (json!({ "name": "x".repeat(65) }), &["name"]),
        (json!({ "name": "Bank\u{202e}" }), &["name"]),
        (json!({ "redirects": [] }), &["redirects"]),
        (json!({ "redirects": [], "devices": true }), &[]),
        (json!({ "redirects": many }), &["redirects"]),
        (
            json!({ "redirects": ["https://*.example.org/"] }),
            &["redirects"],
        ),
        (
            json!({ "redirects": [HTTPS, "http://a.example/"] }),
            &["redirects"],
        ),
        (
            json!({ "redirects": [HTTPS, "https://a.example/#x"] }),
            &["redirects"],
        ),
        (json!({ "redirects": [HTTPS, "app:/cb"] }), &["redirects"]),
        (
            json!({ "redirects": [HTTPS, "http://127.0.0.1/cb", "org.example.app:/cb"] }),
            &[],
        ),
        (
            json!({ "sign_out_redirects": ["javascript:1"] }),
            &["sign_out_redirects"],
        ),
        (
            json!({ "back_channel": "http://a.example/out" }),
            &["back_channel"],
        ),
        (
            json!({ "back_channel": "org.example.app:/out" }),
            &["back_channel"],
        ),
        (json!({ "back_channel": "http://127.0.0.1:8080/out" }), &[]),
        (json!({ "back_channel_ca": "x" }), &["back_channel_ca"]),
        (
            json!({ "back_channel_ca": " ".to_owned() + &"x".repeat(70_000) }),
            &["back_channel_ca"],
        ),
        (json!({ "kind": "public", "pkce": "if_sent" }), &["pkce"]),
        (
            json!({ "kind": "public", "consent": "trusted" }),
            &["consent"],
        ),
        (json!({ "consent": "trusted" }), &[]),
        (
            json!({ "consent": "trusted", "redirects": [HTTPS, "http://[::1]/"] }),
            &["consent"],
        ),
        (json!({ "subject": "pairwise" }), &[]),
        (
            json!({ "subject": "pairwise", "redirects": [HTTPS, "https://b.example/"] }),
            &["subject"],
        ),
        (
            json!({ "straight_to": 3, "never_through": [1, 3] }),
            &["straight_to"],
        ),
        (
            json!({ "access": { "only": { "domains": [], "tags": [" "] } } }),
            &["access"],
        ),
        (
            json!({ "access": { "only": { "domains": [], "tags": ["a,b"] } } }),
            &["access"],
        ),
        (
            json!({ "name": "", "redirects": [], "kind": "public", "pkce": "if_sent" }),
            &["name", "redirects", "pkce"],
        ),
    ];
    for (change, fields) in cases {
        assert_eq!(wrong(change.clone()), fields, "{change}");
    }
}

#[test]
fn settings_are_kept_in_one_form() {
    let kept = settings(with(json!({
        "name": "  Cloud ", "redirects": [HTTPS, HTTPS], "back_channel": " ",
        "access": { "only": { "domains": [], "tags": ["Board ", "board", "IT  staff"] } },
    })))
    .unwrap();
    assert_eq!(kept.name, "Cloud");
    assert_eq!(kept.redirects, [HTTPS]);
    assert_eq!(kept.back_channel, None);
    let AppAccess::Only { tags, .. } = kept.access else {
        panic!("everybody");
    };
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), ["board", "it staff"]);
    let never = with(json!({ "straight_to": 3, "never_through": [1] }));
    assert_eq!(settings(never).unwrap().straight_to, Some(ProviderId(3)));
}

#[test]
fn whether_it_keeps_a_secret_does_not_change() {
    let public = with(json!({ "kind": "public" }));
    assert!(change(&public, &public).is_ok());
    assert!(change(&with(json!({})), &public).is_err());
}

#[test]
fn a_client_id_is_never_the_small_id_of_another_app() {
    for good in ["nextcloud", "abc", "a1b2c3d4e5f6", "123456789012", "a-b._~"] {
        assert!(client_id(good).is_ok(), "{good}");
    }
    let long = "x".repeat(129);
    for bad in [
        "",
        "ab",
        "7",
        "1234",
        "a b",
        "a:b",
        "ä-app",
        "a/b",
        long.as_str(),
    ] {
        assert!(client_id(bad).is_err(), "{bad}");
    }
}
