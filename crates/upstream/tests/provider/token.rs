//! The token endpoint: client authentication, exact redirect URI, and errors of every shape.

use crate::server::Reply;
use crate::support::*;
use model::outcome::Code;
use model::provider::ClientAuth;
use oidc::redirect::RedirectUri;
use serde_json::json;
use upstream::ExchangeInput;

#[tokio::test]
async fn basic_and_body_both_work_by_default_and_are_remembered() {
    for (method, first, later) in [("basic", 1, 1), ("body", 2, 1)] {
        let op = Op::start().await;
        op.set(|b| b.method = method);
        let upstream = upstream();
        let settings = op.settings();
        let identity = sign_in(&upstream, &settings).await.unwrap();
        assert_eq!(identity.auth_method, method);
        assert_eq!(op.server.asked("/token").len(), first, "{method}");
        sign_in(&upstream, &settings).await.unwrap();
        assert_eq!(op.server.asked("/token").len(), first + later, "{method}");
    }
}

#[tokio::test]
async fn oidcc_client_test_client_secret_basic() {
    let op = Op::start().await;
    op.set(|b| b.method = "basic");
    sign_in(&upstream(), &op.settings()).await.unwrap();
    let asked = &op.server.asked("/token")[0];
    assert!(asked.headers["authorization"].starts_with("Basic "));
    assert!(!asked.form().contains_key("client_id"), "never both");
}

#[tokio::test]
async fn endpoints_typed_by_hand_negotiate_as_well() {
    let op = Op::start().await;
    op.set(|b| b.method = "body");
    let identity = sign_in(&upstream(), &by_endpoints(&op.issuer()))
        .await
        .unwrap();
    assert_eq!(identity.auth_method, "body");
}

#[tokio::test]
async fn discovery_settles_the_method_where_it_lists_one() {
    let op = Op::start().await;
    let issuer = op.issuer();
    op.set(|b| {
        let mut document = discovery(&issuer);
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        b.discovery = Reply::json(200, document);
        b.method = "body";
    });
    sign_in(&upstream(), &op.settings()).await.unwrap();
    assert_eq!(op.server.asked("/token").len(), 1, "Basic was not tried");
}

#[tokio::test]
async fn a_chosen_method_is_the_only_one_tried() {
    let op = Op::start().await;
    op.set(|b| b.method = "body");
    let mut settings = op.settings();
    settings.client_auth = ClientAuth::Basic;
    let (code, admin) = refused(&upstream(), &settings).await;
    assert_eq!(code, Code::ClientRejected);
    assert!(admin.contains("authentication: basic ("), "{admin}");
    assert!(admin.contains("reserved characters"), "{admin}");
    assert_eq!(op.server.asked("/token").len(), 1);

    // Nothing had to be encoded: by this method, or in this secret.
    settings.client_auth = ClientAuth::Body;
    op.set(|b| b.method = "basic");
    let (_, admin) = refused(&upstream(), &settings).await;
    assert!(admin.contains("authentication: body."), "{admin}");
    settings.client_auth = ClientAuth::Basic;
    settings.secret = Some("plainletters".to_owned().into());
    let (_, admin) = refused(&upstream(), &settings).await;
    assert!(admin.contains("authentication: basic."), "{admin}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_with_what_was_tried() {
    let op = Op::start().await;
    let mut settings = op.settings();
    settings.secret = Some("wrong".to_owned().into());
    let error = sign_in(&upstream(), &settings).await.unwrap_err();
    assert_eq!(error.code(), Code::ClientRejected);
    let admin = error.refusal().admin();
    assert!(
        admin.contains("basic, then body") && admin.contains(CLIENT),
        "{admin}"
    );
    assert!(
        !format!("{error:?}{admin}").contains("wrong\""),
        "no secret in it"
    );
}

#[tokio::test]
async fn the_redirect_uri_is_repeated_byte_for_byte() {
    let op = Op::start().await;
    let upstream = upstream();
    let verifier = verifier();
    for (uri, fits) in [(REDIRECT, true), ("https://mail.example.com/", false)] {
        let redirect_uri = RedirectUri::parse(uri).unwrap();
        let input = ExchangeInput {
            code: CODE,
            redirect_uri: &redirect_uri,
            verifier: &verifier,
            nonce: NONCE,
        };
        let outcome = upstream.exchange(&op.settings(), &input).await;
        assert_eq!(outcome.is_ok(), fits, "{uri}");
        if let Err(error) = outcome {
            assert_eq!(error.code(), Code::CodeRejected);
            assert!(error.refusal().admin().contains(uri));
        }
    }
}

#[tokio::test]
async fn refusals_of_every_shape_have_their_code() {
    let op = Op::start().await;
    let upstream = upstream();
    let error = |error: &str| json!({ "error": error });
    let cases = [
        (Reply::json(400, error("invalid_grant")), Code::CodeRejected),
        (Reply::json(403, error("invalid_code")), Code::CodeRejected),
        (
            Reply::json(403, error("unauthorized_client")),
            Code::ClientRejected,
        ),
        (Reply::json(401, ""), Code::ClientRejected),
        (Reply::json(400, error("invalid_scope")), Code::ScopeRefused),
        (
            Reply::json(200, error("bad_verification_code")),
            Code::ProviderError,
        ),
        (
            Reply::json(400, error("unsupported_grant_type")),
            Code::ProviderError,
        ),
        (
            Reply::json(500, error("SQL: SELECT * FROM token")),
            Code::ProviderUnreachable,
        ),
        (Reply::json(429, "{}"), Code::ProviderUnreachable),
        (Reply::html(404), Code::DiscoveryFailed),
        (Reply::html(200), Code::DiscoveryFailed),
        (Reply::json(204, ""), Code::DiscoveryFailed),
        (Reply::json(200, "{}"), Code::DiscoveryFailed),
        (
            Reply::json(200, r#"{"access_token":"a","access_token":"b"}"#),
            Code::DiscoveryFailed,
        ),
        (
            Reply::redirect(302, "https://evil.example/"),
            Code::DiscoveryFailed,
        ),
    ];
    for (reply, code) in cases {
        let shown = format!("{reply:?}");
        op.set(|b| b.token = Some(reply));
        let (got, admin) = refused(&upstream, &op.settings()).await;
        assert_eq!(got, code, "{shown}: {admin}");
        assert!(!admin.contains("SELECT"), "{admin}");
    }
}

#[tokio::test]
async fn a_form_encoded_token_response_is_understood() {
    let op = Op::start().await;
    op.set(|b| {
        b.token = Some(Reply::typed(
            200,
            "application/x-www-form-urlencoded",
            "access_token=at-1&token_type=bearer&scope=profile",
        ));
    });
    let identity = sign_in(&upstream(), &by_endpoints(&op.issuer()))
        .await
        .unwrap();
    assert_eq!(identity.scopes.to_string(), "profile");
}

#[tokio::test]
async fn a_token_that_cannot_stand_in_a_header_is_refused() {
    let op = Op::start().await;
    op.set(|b| b.tokens["access_token"] = json!("a\r\nX-Evil: 1"));
    let mut settings = op.settings();
    settings.scopes = oidc::scope::Scopes::parse("openid").unwrap();
    assert!(sign_in(&upstream(), &settings).await.is_err());
    assert_eq!(op.server.asked("/userinfo").len(), 0);
}
