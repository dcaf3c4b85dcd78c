//! The connection test.

use crate::server::{Reply, Server};
use crate::support::*;
use model::outcome::Code;
use serde_json::{Value, json};
use upstream::http::Guard;
use upstream::probe::{Report, Step, StepName, StepState};
use upstream::{Config, ProviderSettings, Upstream};

async fn probe(settings: &ProviderSettings) -> Report {
    probe_by(&upstream(), settings).await
}

async fn probe_by(upstream: &Upstream, settings: &ProviderSettings) -> Report {
    let mut told = Vec::new();
    let report = upstream
        .probe(settings, &redirect_uri(), |step| told.push(step.name))
        .await;
    let mut names: Vec<_> = report.steps.iter().map(|step| step.name).collect();
    assert_eq!(names, StepName::ALL, "each line once, in order");
    told.sort();
    names.sort();
    assert_eq!(told, names, "and each was told");
    report
}

fn line(report: &Report, name: StepName) -> &Step {
    report.steps.iter().find(|step| step.name == name).unwrap()
}

/// One line's state, code and evidence.
async fn stands(settings: &ProviderSettings, name: StepName) -> (StepState, Option<Code>, String) {
    let report = probe(settings).await;
    let step = line(&report, name);
    (step.state, step.code, step.evidence.clone())
}

fn with_date(document: serde_json::Value) -> Reply {
    // 2027-01-15 08:00:00, which is NOW.
    Reply::json(200, document).header("Date", "Fri, 15 Jan 2027 08:00:00 GMT")
}

#[tokio::test]
async fn a_sound_provider_passes_every_line() {
    let op = Op::start().await;
    op.set(|b| b.discovery = with_date(discovery(&op.server.url())));
    let report = probe(&op.settings()).await;
    for step in &report.steps {
        assert_eq!(step.state, StepState::Ok, "{step:?}");
    }
    assert!(report.passed() && report.metadata.is_some());
    let text = serde_json::to_string(&report.steps).unwrap();
    assert!(
        !text.contains(SECRET) && text.contains("\"name\":\"user_info\""),
        "{text}"
    );
    assert!(
        line(&report, StepName::Credentials)
            .evidence
            .starts_with("basic accepted")
    );
    assert_eq!(
        line(&report, StepName::Keys).evidence,
        "1 key for RS256, RS384, RS512, PS256, PS384, PS512"
    );
    assert_eq!(line(&report, StepName::Clock).evidence, "none");
}

#[tokio::test]
async fn nothing_the_test_does_is_remembered() {
    let op = Op::start().await;
    let upstream = upstream();
    sign_in(&upstream, &op.settings()).await.unwrap();
    let before = op.server.asked("/jwks").len();
    upstream
        .probe(&op.settings(), &redirect_uri(), |_| {})
        .await;
    sign_in(&upstream, &op.settings()).await.unwrap();
    assert_eq!(op.server.asked("/jwks").len(), before + 2);
}

#[tokio::test]
async fn the_first_failure_stops_what_rests_on_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let report = probe(&by_issuer(&format!("http://{address}"))).await;
    assert_eq!(line(&report, StepName::Name).state, StepState::Ok);
    let connection = line(&report, StepName::Connection);
    assert_eq!(connection.state, StepState::Failed);
    assert_eq!(connection.code, Some(Code::ProviderUnreachable));
    for name in &StepName::ALL[2..] {
        assert_eq!(line(&report, *name).state, StepState::Skipped);
    }
    assert!(!report.passed());
}

#[tokio::test]
async fn an_internal_name_asks_for_permission() {
    let mut settings = by_issuer("http://localhost:1");
    settings.private_hosts.clear();
    let (state, code, evidence) = stands(&settings, StepName::Name).await;
    assert_eq!(
        (state, code),
        (StepState::Failed, Some(Code::InternalAddress))
    );
    assert!(evidence.contains("localhost is "), "{evidence}");
}

#[tokio::test]
async fn a_differing_issuer_is_offered() {
    let op = Op::start().await;
    let mut document = discovery(&op.issuer());
    document["issuer"] = json!(format!("{}/", op.issuer()));
    op.set(|b| b.discovery = Reply::json(200, document));
    let report = probe(&op.settings()).await;
    assert_eq!(line(&report, StepName::Discovery).state, StepState::Ok);
    let step = line(&report, StepName::Issuer);
    assert_eq!(
        (step.state, step.code),
        (StepState::Failed, Some(Code::DiscoveryFailed))
    );
    let offer = format!("Use the answered issuer: {}/", op.issuer());
    assert_eq!(step.fix.as_deref(), Some(offer.as_str()));
}

#[tokio::test]
async fn endpoints_on_our_host_or_without_tls_fail() {
    let op = Op::start().await;
    for (url, code) in [
        (
            "https://mail.example.com/application/o/token/",
            Code::EndpointOnOwnHost,
        ),
        ("http://auth.example/token", Code::DiscoveryFailed),
    ] {
        let mut document = discovery(&op.issuer());
        document["token_endpoint"] = json!(url);
        op.set(|b| b.discovery = Reply::json(200, document));
        let public = "https://mail.example.com".parse().unwrap();
        let config = Config {
            guard: Guard::new([&public], []),
            ..Config::default()
        };
        let report = upstream_with(config, clock())
            .probe(&op.settings(), &redirect_uri(), |_| {})
            .await;
        let step = line(&report, StepName::Endpoints);
        assert_eq!(
            (step.state, step.code),
            (StepState::Failed, Some(code)),
            "{url}"
        );
    }
}

#[tokio::test]
async fn credentials_are_judged_by_a_made_up_code() {
    let op = Op::start().await;
    let error = |status, error: &str| Some(Reply::json(status, json!({ "error": error })));
    let cases = [
        (error(403, "invalid_code"), StepState::Ok, None),
        (
            error(401, "invalid_client"),
            StepState::Failed,
            Some(Code::ClientRejected),
        ),
        (
            error(403, "unauthorized_client"),
            StepState::Failed,
            Some(Code::ClientRejected),
        ),
        (
            error(400, "redirect_uri_mismatch"),
            StepState::Failed,
            Some(Code::RedirectRefused),
        ),
        (error(400, "invalid_request"), StepState::Warn, None),
        (
            error(500, "x"),
            StepState::Failed,
            Some(Code::ProviderUnreachable),
        ),
        (
            Some(Reply::json(200, json!({"access_token": "x"}))),
            StepState::Failed,
            Some(Code::ProviderError),
        ),
    ];
    for (reply, state, code) in cases {
        let shown = format!("{reply:?}");
        op.set(|b| b.token = reply);
        let got = stands(&op.settings(), StepName::Credentials).await;
        assert_eq!((got.0, got.1), (state, code), "{shown}: {}", got.2);
    }
    let asked = op.server.asked("/token");
    assert_eq!(asked[0].form()["code"], "gatepost-connection-test");
    assert_eq!(asked[0].form()["redirect_uri"], REDIRECT);
}

#[tokio::test]
async fn the_providers_complaint_about_the_redirect_url_is_recognised() {
    let op = Op::start().await;
    let page = |status, text: &str| Reply::typed(status, "text/html", text);
    let cases = [
        (page(200, "<form>redirect_uri"), StepState::Ok, None),
        (
            page(400, "The redirect_uri MISMATCHING"),
            StepState::Failed,
            Some(Code::RedirectRefused),
        ),
        (page(403, "no"), StepState::Warn, None),
        (
            Reply::redirect(303, &format!("{REDIRECT}?error=invalid_scope")),
            StepState::Failed,
            Some(Code::ScopeRefused),
        ),
        (
            Reply::redirect(303, &format!("{REDIRECT}/?error=login_required")),
            StepState::Ok,
            None,
        ),
        (page(200, &"x".repeat(2 << 20)), StepState::Ok, None),
    ];
    for (reply, state, code) in cases {
        op.set(|b| b.authorize = reply);
        let got = stands(&op.settings(), StepName::Redirect).await;
        assert_eq!((got.0, got.1), (state, code), "{}", got.2);
    }
}

#[tokio::test]
async fn a_sign_in_page_that_this_server_cannot_fetch_is_no_failure() {
    let op = Op::start().await;
    op.set(|b| b.authorize = Reply::Silence);
    let report = probe_by(&impatient(), &op.settings()).await;
    let step = line(&report, StepName::Redirect);
    assert_eq!(step.state, StepState::Warn);
    assert!(
        step.evidence.contains("timed out after 1 s"),
        "{}",
        step.evidence
    );
    assert!(report.passed());
}

#[tokio::test]
async fn scopes_the_provider_does_not_list_are_a_warning() {
    let op = Op::start().await;
    let mut settings = op.settings();
    settings.scopes = oidc::scope::Scopes::parse("openid mailcow_template").unwrap();
    let (state, code, evidence) = stands(&settings, StepName::Capabilities).await;
    assert_eq!((state, code), (StepState::Warn, Some(Code::ScopeRefused)));
    assert!(
        evidence.contains("does not list scope mailcow_template"),
        "{evidence}"
    );

    // Glewlwyd lists `openid` alone. Without the address nothing works, so that is no warning.
    let mut document = discovery(&op.issuer());
    document["scopes_supported"] = json!(["openid"]);
    op.set(|b| b.discovery = Reply::json(200, document));
    let mut settings = op.settings();
    settings.scopes = oidc::scope::Scopes::parse("openid profile email").unwrap();
    let (state, code, evidence) = stands(&settings, StepName::Capabilities).await;
    assert_eq!((state, code), (StepState::Ok, None), "{evidence}");
    assert!(evidence.contains("profile, email"), "{evidence}");
}

#[tokio::test]
async fn a_way_of_answering_the_provider_does_not_list_is_a_warning() {
    use model::provider::ResponseMode as Mode;
    let op = Op::start().await;
    for (listed, chosen, warned) in [
        (Value::Null, Mode::Auto, None),
        (Value::Null, Mode::Query, None),
        (Value::Null, Mode::FormPost, Some("form_post")),
        (json!(["query"]), Mode::FormPost, Some("form_post")),
        (json!(["form_post"]), Mode::Query, Some("query")),
        (json!(["form_post"]), Mode::Auto, None),
        (json!(["query", "form_post"]), Mode::FormPost, None),
    ] {
        let mut document = discovery(&op.issuer());
        document["response_modes_supported"] = listed;
        op.set(|b| b.discovery = Reply::json(200, document));
        let mut settings = op.settings();
        settings.response_mode = chosen;
        let (state, _, evidence) = stands(&settings, StepName::Capabilities).await;
        let words = warned.map(|mode| format!("does not list response_mode {mode}"));
        assert_eq!(state == StepState::Warn, warned.is_some(), "{evidence}");
        assert!(
            words.is_none_or(|words| evidence.contains(&words)),
            "{evidence}"
        );
    }
}

#[tokio::test]
async fn a_provider_without_the_code_flow_or_a_usable_algorithm_fails() {
    let op = Op::start().await;
    for (member, value) in [
        ("response_types_supported", json!(["id_token"])),
        (
            "id_token_signing_alg_values_supported",
            json!(["HS256", "none"]),
        ),
    ] {
        let mut document = discovery(&op.issuer());
        document[member] = value;
        op.set(|b| b.discovery = Reply::json(200, document));
        let (state, ..) = stands(&op.settings(), StepName::Capabilities).await;
        assert_eq!(state, StepState::Failed, "{member}");
    }
}

#[tokio::test]
async fn clocks_are_compared() {
    let op = Op::start().await;
    let at = |date| Reply::json(200, discovery(&op.server.url())).header("Date", date);
    for (date, state, words) in [
        (
            "Fri, 15 Jan 2027 08:00:45 GMT",
            StepState::Warn,
            "45 s ahead",
        ),
        (
            "Fri, 15 Jan 2027 08:06:52 GMT",
            StepState::Failed,
            "412 s ahead",
        ),
        (
            "Fri, 15 Jan 2027 07:58:00 GMT",
            StepState::Failed,
            "120 s behind",
        ),
        ("yesterday", StepState::Skipped, "no date"),
    ] {
        op.set(|b| b.discovery = at(date));
        let got = stands(&op.settings(), StepName::Clock).await;
        assert_eq!(got.0, state, "{date}");
        assert!(got.2.contains(words), "{}", got.2);
    }
}

#[tokio::test]
async fn keys_that_verify_nothing_fail() {
    let op = Op::start().await;
    op.set(|b| b.jwks = Reply::json(200, json!({"keys": [{"kty": "oct", "k": "AA"}]})));
    let (state, code, evidence) = stands(&op.settings(), StepName::Keys).await;
    assert_eq!(
        (state, code),
        (StepState::Failed, Some(Code::KeysUnavailable))
    );
    assert!(evidence.contains("its type is not supported"), "{evidence}");
    // A thousand bad keys are told in a line that can be read.
    let bad = |n| json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": format!("key {n}")});
    let many = json!({ "keys": (0..1000).map(bad).collect::<Vec<_>>() });
    op.set(|b| b.jwks = Reply::json(200, many));
    let (state, _, evidence) = stands(&op.settings(), StepName::Keys).await;
    assert_eq!(state, StepState::Failed);
    assert!(
        evidence.contains("key 0") && evidence.len() < 1000,
        "{evidence}"
    );
}

#[tokio::test]
async fn endpoints_typed_by_hand_are_tested_as_far_as_they_go() {
    let op = Op::start().await;
    let behind = "Fri, 15 Jan 2027 07:59:15 GMT";
    op.set(|b| b.userinfo_refusal = Reply::json(401, "{}").header("Date", behind));
    let report = probe(&by_endpoints(&op.issuer())).await;
    assert!(report.passed(), "{:?}", report.steps);
    let clock = line(&report, StepName::Clock);
    assert_eq!(clock.state, StepState::Warn);
    assert!(clock.evidence.contains("45 s behind"), "{}", clock.evidence);
    for name in [StepName::Discovery, StepName::Issuer, StepName::Keys] {
        assert_eq!(line(&report, name).state, StepState::Skipped);
    }
    for name in [
        StepName::Endpoints,
        StepName::Credentials,
        StepName::UserInfo,
    ] {
        assert_eq!(line(&report, name).state, StepState::Ok);
    }
    assert_eq!(op.server.asked("/token")[0].method, "POST", "no OPTIONS");
}

#[tokio::test]
async fn userinfo_must_refuse_a_made_up_token() {
    let op = Op::start().await;
    let server = Server::start(|_| Reply::html(404)).await;
    let mut document = discovery(&op.issuer());
    document["userinfo_endpoint"] = json!(format!("{}/gone", server.url()));
    op.set(|b| b.discovery = Reply::json(200, document));
    let (state, code, _) = stands(&op.settings(), StepName::UserInfo).await;
    assert_eq!(
        (state, code),
        (StepState::Failed, Some(Code::DiscoveryFailed))
    );
}
