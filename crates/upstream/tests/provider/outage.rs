//! Providers that are down, slow, huge or talk nonsense (F4, F5).

use crate::server::{Reply, Server};
use crate::support::*;
use model::outcome::Code;
use serde_json::json;
use std::time::{Duration, Instant};

/// Signs in at a provider whose discovery document is `reply`.
async fn with_discovery(reply: Reply) -> (Code, String) {
    let server = Server::start(move |_| reply.clone()).await;
    refused(&upstream(), &by_issuer(&server.url())).await
}

#[tokio::test]
async fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (code, admin) = refused(&upstream(), &by_issuer(&format!("http://{address}"))).await;
    assert_eq!(code, Code::ProviderUnreachable);
    assert!(admin.contains("refused"), "{admin}");
}

#[tokio::test]
async fn a_provider_that_hangs_or_drips_is_left_after_the_limit() {
    for (reply, stage) in [
        (Reply::Silence, "while waiting for the answer"),
        (Reply::Drip, "while reading the answer"),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let started = Instant::now();
        let (code, admin) = refused(&impatient(), &by_issuer(&server.url())).await;
        let took = started.elapsed();
        assert_eq!(code, Code::ProviderUnreachable);
        assert!(
            admin.contains("timed out after 1 s") && admin.contains(stage),
            "{admin}"
        );
        assert!(took >= SHORT.total && took < SHORT.total * 5, "{took:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_never_accepted_is_left_sooner() {
    // A listener whose queue is full: the kernel answers nothing more.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    for _ in 0..8 {
        queue.push(tokio::spawn(tokio::net::TcpStream::connect(address)));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (code, admin) = refused(&impatient(), &by_issuer(&format!("http://{address}"))).await;
    assert_eq!(code, Code::ProviderUnreachable);
    assert!(
        admin.contains("timed out after 0.5 s while connecting"),
        "{admin}"
    );
    for connecting in queue {
        connecting.abort();
    }
}

#[tokio::test]
async fn bodies_are_counted_while_they_come() {
    let huge = Reply::json(200, " ".repeat(2 << 20));
    for reply in [huge, Reply::Flood] {
        let (code, admin) = with_discovery(reply).await;
        assert_eq!(code, Code::DiscoveryFailed);
        assert!(admin.contains("more than 1048576 bytes"), "{admin}");
    }
}

#[tokio::test]
async fn compressed_answers_are_not_unpacked() {
    let bomb = Reply::json(200, "x").header("Content-Encoding", "gzip");
    let (code, admin) = with_discovery(bomb).await;
    assert_eq!(code, Code::DiscoveryFailed);
    assert!(admin.contains("compressed answer (gzip)"), "{admin}");
}

#[tokio::test]
async fn nonsense_is_named() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let cases = [
        (Reply::html(200), "HTML instead of JSON"),
        (
            Reply::typed(200, "application/json", "<html>"),
            "HTML instead of JSON",
        ),
        (Reply::html(404), "answered 404"),
        (Reply::json(200, "{\"issuer\":"), "not valid JSON (line 1"),
        (Reply::json(200, "[1]"), "a JSON list, not an object"),
        (Reply::json(200, deep), "nested deeper than 32"),
        (
            Reply::json(200, "{\"issuer\":\"a\",\"issuer\":\"b\"}"),
            "member \"issuer\" occurs twice",
        ),
        (Reply::json(200, "{}"), "member issuer is missing"),
    ];
    for (reply, words) in cases {
        let (code, admin) = with_discovery(reply).await;
        assert_eq!(code, Code::DiscoveryFailed, "{words}");
        assert!(admin.contains(words), "{admin}");
    }
}

#[tokio::test]
async fn broken_connections_are_outages() {
    let promise =
        b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    for raw in [&b""[..], promise] {
        let (code, admin) = with_discovery(Reply::Raw(raw.to_vec())).await;
        assert_eq!(code, Code::ProviderUnreachable, "{admin}");
        assert!(admin.contains("closed the connection"), "{admin}");
    }
    let (code, admin) = with_discovery(Reply::Raw(b"220 mail ESMTP\r\n".to_vec())).await;
    assert_eq!(code, Code::DiscoveryFailed, "{admin}");
    assert!(admin.contains("does not speak proper HTTP"), "{admin}");
}

#[tokio::test]
async fn oidcc_client_test_discovery_issuer_mismatch() {
    let op = Op::start().await;
    let answered = format!("{}/", op.issuer());
    let mut document = discovery(&op.issuer());
    document["issuer"] = json!(answered);
    op.set(|b| b.discovery = Reply::json(200, document));
    let upstream = upstream();
    let (code, admin) = refused(&upstream, &op.settings()).await;
    assert_eq!(code, Code::DiscoveryFailed);
    let words = format!("configured {}, answered {answered}", op.issuer());
    assert!(admin.contains(&words), "{admin}");
    let pasted = format!(" {}/.well-known/openid-configuration", op.issuer());
    let (learned, repairs, _) = upstream
        .learn_issuer(&pasted, &op.settings())
        .await
        .unwrap();
    assert_eq!(learned.as_str(), answered);
    assert_eq!(repairs.len(), 3, "{repairs:?}");
}

#[tokio::test]
async fn discovery_follows_one_redirect_within_its_origin() {
    let op = Op::start().await;
    let issuer = op.issuer();
    let document = discovery(&format!("{issuer}/x")).to_string();
    for (target, works) in [
        ("/x/real", true),
        ("http://127.0.0.1:1/elsewhere", false),
        ("/x/.well-known/openid-configuration", false),
    ] {
        let document = document.clone();
        let server = Server::start(move |asked| match asked.path() {
            "/x/real" => Reply::json(200, &document),
            _ => Reply::redirect(302, target),
        })
        .await;
        let upstream = upstream();
        let settings = by_issuer(&format!("{}/x", server.url()));
        let outcome = upstream.metadata(&settings).await.unwrap_err().to_string();
        if works {
            assert!(
                outcome.contains("issuer differs"),
                "it was fetched: {outcome}"
            );
        } else {
            assert!(
                outcome.contains("302, a redirect to http://127.0.0.1"),
                "{outcome}"
            );
        }
    }
}

#[tokio::test]
async fn five_failures_in_a_row_pause_the_calls() {
    let op = Op::start().await;
    let upstream = upstream();
    let settings = op.settings();
    sign_in(&upstream, &settings).await.unwrap();
    op.set(|b| b.token = Some(Reply::Raw(Vec::new())));
    for _ in 0..5 {
        assert_eq!(
            refused(&upstream, &settings).await.0,
            Code::ProviderUnreachable
        );
    }
    let before = op.server.asked("/token").len();
    let (code, admin) = refused(&upstream, &settings).await;
    assert_eq!(code, Code::ProviderUnreachable, "the code of its cause");
    assert!(admin.contains("not tried for"), "{admin}");
    assert_eq!(op.server.asked("/token").len(), before, "it was left alone");
}

#[tokio::test]
async fn a_call_that_is_cut_off_counts_if_it_was_given_its_time() {
    let server = Server::start(|_| Reply::Silence).await;
    let upstream = impatient();
    let mut settings = by_issuer(&server.url());
    let tries = async |settings: &mut upstream::ProviderSettings, time: Duration| {
        settings.deadline = Some(tokio::time::Instant::now() + time);
        refused(&upstream, settings).await.1
    };
    for _ in 0..6 {
        let admin = tries(&mut settings, SHORT.total / 8).await;
        assert!(admin.contains("timed out"), "{admin}");
    }
    for _ in 0..5 {
        let admin = tries(&mut settings, SHORT.total * 3 / 4).await;
        assert!(admin.contains("timed out"), "{admin}");
    }
    let admin = tries(&mut settings, SHORT.total * 3 / 4).await;
    assert!(admin.contains("not tried for"), "{admin}");
}

#[tokio::test]
async fn everybody_who_waits_for_a_dead_provider_waits_once() {
    let server = Server::start(|_| Reply::Silence).await;
    let upstream = impatient();
    let settings = by_issuer(&server.url());
    let started = Instant::now();
    let all = (0..50).map(|_| sign_in(&upstream, &settings));
    for outcome in futures_util::future::join_all(all).await {
        assert_eq!(outcome.unwrap_err().code(), Code::ProviderUnreachable);
    }
    assert_eq!(server.connections(), 1);
    assert!(started.elapsed() < SHORT.total * 5);
}
