//! Where calls may not go (S8).

use crate::server::{Reply, Server};
use crate::support::*;
use model::outcome::Code;
use serde_json::json;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use upstream::http::resolve::LookingUp;
use upstream::http::{Guard, Lookup};
use upstream::{AuthorizeInput, Config};

/// Answers each look-up with the next of its addresses; the last one stays.
struct Answers(Vec<Vec<&'static str>>, AtomicUsize);

impl Answers {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        let answers = answers.iter().map(|a| a.to_vec()).collect();
        Arc::new(Self(answers, AtomicUsize::new(0)))
    }
}

impl Lookup for Answers {
    fn lookup<'a>(&'a self, host: &'a str) -> LookingUp<'a> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst).min(self.0.len() - 1);
        let found: Vec<IpAddr> = self.0[turn].iter().map(|ip| ip.parse().unwrap()).collect();
        let host = host.to_owned();
        Box::pin(async move {
            if host == "nowhere.example" {
                return Err(io::Error::other("Name or service not known"));
            }
            Ok(found)
        })
    }
}

fn allowing(issuer: &str, hosts: &[&str]) -> upstream::ProviderSettings {
    let mut settings = by_issuer(issuer);
    settings.private_hosts = hosts.iter().map(|&h| h.to_owned()).collect();
    settings
}

#[tokio::test]
async fn a_private_host_needs_an_administrators_click() {
    let op = Op::start().await;
    let port = op.server.address.port();
    let issuer = format!("http://auth.lan:{port}");
    let upstream = upstream_resolving(Config::default(), Answers::new(&[&["127.0.0.1"]]));
    let (code, admin) = refused(&upstream, &allowing(&issuer, &["127.0.0.1"])).await;
    assert_eq!(code, Code::InternalAddress);
    assert!(
        admin.starts_with("auth.lan is 127.0.0.1, an internal address"),
        "{admin}"
    );
    assert_eq!(op.server.connections(), 0);
    op.set(|b| b.discovery = Reply::json(200, discovery(&issuer)));
    let mut claims = op.claims();
    claims["iss"] = json!(issuer);
    op.id_token(&claims);
    sign_in(&upstream, &allowing(&issuer, &["auth.lan"]))
        .await
        .expect("allowed for this host");
}

#[tokio::test]
async fn every_spelling_of_an_internal_address_is_seen() {
    let upstream = upstream();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.5",
        "192.168.1.5",
        "[fd00::5]",
        "localhost",
    ] {
        let (code, admin) = refused(&upstream, &allowing(&format!("https://{host}"), &[])).await;
        assert_eq!(code, Code::InternalAddress, "{host}: {admin}");
    }
    for host in [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "0.0.0.0",
        "[::]",
    ] {
        let literal = host.trim_matches(['[', ']']);
        let allowed = allowing(&format!("https://{host}"), &[literal]);
        let error = sign_in(&upstream, &allowed).await.unwrap_err();
        assert_eq!(error.code(), Code::DiscoveryFailed, "{host}: {error}");
        assert!(error.to_string().contains("no provider has"), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    // Closes each connection, so that every call resolves the name and connects anew.
    let server = Server::start(|_| Reply::Raw(Vec::new())).await;
    let issuer = format!("http://rebind.lan:{}", server.address.port());
    let answers = Answers::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let upstream = upstream_resolving(Config::default(), answers.clone());
    let settings = allowing(&issuer, &["rebind.lan"]);
    assert_eq!(
        refused(&upstream, &settings).await.0,
        Code::ProviderUnreachable
    );
    assert_eq!(server.connections(), 1);
    let (code, admin) = refused(&upstream, &settings).await;
    assert_eq!(code, Code::DiscoveryFailed);
    assert!(admin.contains("an address that no provider has"), "{admin}");
    assert_eq!(
        answers.1.load(Ordering::SeqCst),
        2,
        "checked where it connects"
    );
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_ones_are_connected_to() {
    let op = Op::start().await;
    let issuer = format!("http://both.lan:{}", op.server.address.port());
    let answers = Answers::new(&[&["169.254.169.254", "127.0.0.1"]]);
    let upstream = upstream_resolving(Config::default(), answers);
    let settings = allowing(&issuer, &["both.lan"]);
    let error = sign_in(&upstream, &settings).await.unwrap_err();
    assert!(
        error.to_string().contains("issuer differs"),
        "it answered: {error}"
    );
}

#[tokio::test]
async fn endpoints_in_the_document_are_guarded_like_the_issuer() {
    let op = Op::start().await;
    let inner = Server::start(|_| Reply::json(200, "{}")).await;
    let upstream = upstream();
    for member in ["token_endpoint", "jwks_uri", "userinfo_endpoint"] {
        let mut document = discovery(&op.issuer());
        // The same machine under a name nobody allowed.
        document[member] = json!(inner.named("localhost"));
        op.set(|b| b.discovery = Reply::json(200, document));
        upstream.forget(op.settings().id);
        let (code, admin) = refused(&upstream, &op.settings()).await;
        assert_eq!(code, Code::InternalAddress, "{member}: {admin}");
        assert!(admin.starts_with("localhost is "), "{admin}");
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn endpoints_on_this_mail_server_are_told_apart() {
    let op = Op::start().await;
    let public = "https://mail.example.com".parse().unwrap();
    let config = Config {
        guard: Guard::new([&public], []),
        ..Config::default()
    };
    let upstream = upstream_with(config, clock());
    let guide = "https://mail.example.com/application/o";
    let mut document = discovery(&op.issuer());
    document["token_endpoint"] = json!(format!("{guide}/token/"));
    op.set(|b| b.discovery = Reply::json(200, document.clone()));
    let (code, admin) = refused(&upstream, &op.settings()).await;
    assert_eq!(code, Code::EndpointOnOwnHost);
    assert!(
        admin.starts_with("The token URL points at this mail server (mail.example.com)"),
        "{admin}"
    );
    document["authorization_endpoint"] = json!(format!("{guide}/authorize/"));
    op.set(|b| b.discovery = Reply::json(200, document));
    upstream.forget(op.settings().id);
    let (redirect_uri, verifier) = (redirect_uri(), verifier());
    let input = AuthorizeInput {
        redirect_uri: &redirect_uri,
        state: "state-state-state-state",
        nonce: NONCE,
        challenge: &verifier.challenge(),
        prompt: None,
        max_age: None,
        login_hint: None,
    };
    let error = upstream
        .authorize(&op.settings(), &input)
        .await
        .unwrap_err();
    assert_eq!(
        error.code(),
        Code::EndpointOnOwnHost,
        "nobody is sent there"
    );
}

#[tokio::test]
async fn our_own_listeners_are_refused_under_any_name() {
    let ours = Server::start(|_| Reply::json(200, "{}")).await;
    let port = ours.address.port();
    for listener in [
        ours.address,
        format!("0.0.0.0:{port}").parse().unwrap(),
        format!("[::]:{port}").parse().unwrap(),
    ] {
        let config = Config {
            guard: Guard::new([], [listener]),
            ..Config::default()
        };
        let upstream = upstream_resolving(config, Answers::new(&[&["127.0.0.1"]]));
        for host in ["127.0.0.1", "alias.example", "[::ffff:127.0.0.1]"] {
            let issuer = format!("http://{host}:{port}");
            let settings = allowing(&issuer, &["127.0.0.1", "alias.example"]);
            let (code, admin) = refused(&upstream, &settings).await;
            assert_eq!(code, Code::EndpointOnOwnHost, "{listener} {host}: {admin}");
        }
    }
    assert_eq!(ours.connections(), 0);
}

#[tokio::test]
async fn plain_http_never_leaves_this_machine() {
    let upstream = upstream_resolving(Config::default(), Answers::new(&[&["10.0.0.5"]]));
    let settings = allowing("http://auth.lan", &["auth.lan"]);
    let error = sign_in(&upstream, &settings).await.unwrap_err();
    assert_eq!(error.code(), Code::DiscoveryFailed);
    assert!(error.to_string().contains("only loopback"), "{error}");
}

#[tokio::test]
async fn an_unknown_name_is_told_as_such() {
    let upstream = upstream_resolving(Config::default(), Answers::new(&[&[]]));
    for host in ["nowhere.example", "empty.example"] {
        let (code, admin) = refused(&upstream, &by_issuer(&format!("https://{host}"))).await;
        assert_eq!(code, Code::ProviderUnreachable);
        assert!(admin.contains(&format!("name {host} not found")), "{admin}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_with_a_secret_or_a_token() {
    let inner = Server::start(|_| Reply::json(200, "{}")).await;
    let op = Op::start().await;
    let target = inner.url();
    op.set(|b| b.token = Some(Reply::redirect(307, &target)));
    refused(&upstream(), &op.settings()).await;
    op.set(|b| {
        b.token = None;
        b.userinfo = Reply::redirect(302, &target);
    });
    refused(&upstream(), &op.settings()).await;
    assert_eq!(inner.connections(), 0);
}
