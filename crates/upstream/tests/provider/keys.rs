//! Signing keys: rotation, withdrawal, floods (F7).

use crate::server::Reply;
use crate::support::*;
use model::ids::ProviderId;
use model::outcome::Code;
use serde_json::{Value, json};
use upstream::ProviderSettings;

fn keys(jwks: &[Value]) -> Reply {
    Reply::json(200, json!({ "keys": jwks }))
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation() {
    let op = Op::start().await;
    let upstream = upstream();
    sign_in(&upstream, &op.settings()).await.unwrap();
    let token = sign(&OTHER_KEY, "op-2", &op.claims());
    op.set(|b| {
        b.jwks = keys(&[jwk(&OTHER_KEY, "op-2")]);
        b.tokens["id_token"] = json!(token);
    });
    let identity = sign_in(&upstream, &op.settings()).await.unwrap();
    assert_eq!(identity.signed_by.as_deref(), Some("RS256 op-2"));
    assert_eq!(op.server.asked("/jwks").len(), 2, "refetched once");
}

#[tokio::test]
async fn a_replaced_key_without_id_is_fetched_anew() {
    let op = Op::start().await;
    let upstream = upstream();
    let unnamed = |key| {
        let mut jwk = jwk(key, "x");
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    op.set(|b| b.jwks = keys(&[unnamed(key())]));
    let token = sign_with(key(), &json!({"alg":"RS256"}), &op.claims());
    op.set(|b| b.tokens["id_token"] = json!(token));
    sign_in(&upstream, &op.settings()).await.unwrap();
    let token = sign_with(&OTHER_KEY, &json!({"alg":"RS256"}), &op.claims());
    op.set(|b| {
        b.jwks = keys(&[unnamed(&OTHER_KEY)]);
        b.tokens["id_token"] = json!(token);
    });
    sign_in(&upstream, &op.settings()).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = op.settings();
    sign_in(&upstream, &settings).await.unwrap();
    for n in 0..20 {
        let token = sign(&OTHER_KEY, &format!("made-up-{n}"), &op.claims());
        op.set(|b| b.tokens["id_token"] = json!(token));
        let (code, admin) = refused(&upstream, &settings).await;
        assert_eq!(code, Code::KeysUnavailable);
        assert!(admin.contains("no key \"made-up-"), "{admin}");
    }
    assert_eq!(op.server.asked("/jwks").len(), 2);
    op.id_token(&op.claims());
    sign_in(&upstream, &settings)
        .await
        .expect("the good key still works");
}

#[tokio::test]
async fn a_withdrawn_key_ends_with_the_refetch() {
    let op = Op::start().await;
    let upstream = upstream();
    sign_in(&upstream, &op.settings()).await.unwrap();
    op.set(|b| b.jwks = keys(&[jwk(&OTHER_KEY, "op-2")]));
    upstream.forget(op.settings().id);
    let (code, _) = refused(&upstream, &op.settings()).await;
    assert_eq!(code, Code::KeysUnavailable);
}

#[tokio::test]
async fn a_thousand_keys_are_fine_and_more_are_not() {
    let op = Op::start().await;
    let upstream = upstream();
    let mut many: Vec<_> = (0..999)
        .map(|n| jwk(&OTHER_KEY, &format!("k{n}")))
        .collect();
    many.push(jwk(key(), "op-1"));
    op.set(|b| b.jwks = keys(&many));
    sign_in(&upstream, &op.settings()).await.unwrap();
    many.push(jwk(key(), "op-1"));
    op.set(|b| b.jwks = keys(&many));
    upstream.forget(op.settings().id);
    let (code, admin) = refused(&upstream, &op.settings()).await;
    assert_eq!(code, Code::KeysUnavailable);
    assert!(admin.contains("1001 keys"), "{admin}");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_no_verdict_on_the_person() {
    let op = Op::start().await;
    let cases = [
        (Reply::html(404), Code::KeysUnavailable),
        (Reply::html(200), Code::KeysUnavailable),
        (Reply::json(200, "{}"), Code::KeysUnavailable),
        (Reply::json(503, ""), Code::ProviderUnreachable),
    ];
    for (reply, code) in cases {
        op.set(|b| b.jwks = reply);
        let error = sign_in(&upstream(), &op.settings()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.is_unavailable());
    }
}

/// The discovery document with the keys at `path`.
fn keys_at(op: &Op, path: &str) -> Reply {
    let mut document = discovery(&op.issuer());
    document["jwks_uri"] = json!(format!("{}{path}", op.issuer()));
    Reply::json(200, document)
}

#[tokio::test]
async fn two_providers_of_one_issuer_cost_one_refetch_and_share_what_it_brings() {
    let op = Op::start().await;
    let upstream = upstream();
    let first = op.settings();
    let second = ProviderSettings {
        id: ProviderId(2),
        ..op.settings()
    };
    sign_in(&upstream, &first).await.unwrap();
    sign_in(&upstream, &second).await.unwrap();
    assert_eq!(
        op.server.asked("/jwks").len(),
        1,
        "one issuer, one set of keys"
    );
    let token = sign(&OTHER_KEY, "op-2", &op.claims());
    op.set(|b| {
        b.jwks = keys(&[jwk(&OTHER_KEY, "op-2")]);
        b.tokens["id_token"] = json!(token);
    });
    sign_in(&upstream, &first).await.unwrap();
    sign_in(&upstream, &second).await.unwrap();
    assert_eq!(op.server.asked("/jwks").len(), 2);
    for n in 0..10 {
        let token = sign(key(), &format!("made-up-{n}"), &op.claims());
        op.set(|b| b.tokens["id_token"] = json!(token));
        refused(&upstream, if n % 2 == 0 { &first } else { &second }).await;
    }
    assert_eq!(op.server.asked("/jwks").len(), 2, "no further fetch");

    // One that goes there in another way shares nothing, but the pause it keeps too.
    let apart = ProviderSettings {
        id: ProviderId(3),
        private_hosts: first
            .private_hosts
            .iter()
            .cloned()
            .chain(["x".into()])
            .collect(),
        ..op.settings()
    };
    refused(&upstream, &apart).await;
    assert_eq!(op.server.asked("/jwks").len(), 3, "its own first fetch");
}

#[tokio::test]
async fn keys_that_moved_are_found_when_the_old_url_lacks_one_or_fails() {
    for old in [
        keys(&[jwk(key(), "op-1")]),
        Reply::html(404),
        Reply::json(503, ""),
    ] {
        let op = Op::start().await;
        let upstream = upstream();
        sign_in(&upstream, &op.settings()).await.unwrap();
        let token = sign(&OTHER_KEY, "op-2", &op.claims());
        op.set(|b| {
            b.discovery = keys_at(&op, "/new-keys");
            b.jwks = old;
            b.new_keys = Some(keys(&[jwk(&OTHER_KEY, "op-2")]));
            b.tokens["id_token"] = json!(token);
        });
        let found = sign_in(&upstream, &op.settings()).await.unwrap();
        assert_eq!(found.signed_by.as_deref(), Some("RS256 op-2"));
        sign_in(&upstream, &op.settings()).await.unwrap();
        assert_eq!(op.server.asked("/new-keys").len(), 1, "and remembered");
        let documents = op.server.asked("/.well-known/openid-configuration");
        assert_eq!(documents.len(), 2);
    }
}

#[tokio::test]
async fn keys_that_were_never_fetched_are_looked_for_anew() {
    let op = Op::start().await;
    let upstream = upstream();
    upstream.metadata(&op.settings()).await.unwrap();
    op.set(|b| {
        b.discovery = keys_at(&op, "/new-keys");
        b.new_keys = Some(b.jwks.clone());
        b.jwks = Reply::html(404);
    });
    sign_in(&upstream, &op.settings()).await.unwrap();
}

#[tokio::test]
async fn a_flood_does_not_ask_for_the_discovery_document_again_and_again() {
    let op = Op::start().await;
    let upstream = upstream();
    sign_in(&upstream, &op.settings()).await.unwrap();
    op.set(|b| b.jwks = Reply::json(503, ""));
    for n in 0..10 {
        let token = sign(&OTHER_KEY, &format!("made-up-{n}"), &op.claims());
        op.set(|b| b.tokens["id_token"] = json!(token));
        refused(&upstream, &op.settings()).await;
    }
    let documents = op.server.asked("/.well-known/openid-configuration");
    assert_eq!((documents.len(), op.server.asked("/jwks").len()), (2, 2));
}
