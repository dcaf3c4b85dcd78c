//! Telling an app that a session ended: its status is its answer, however the rest comes.

use crate::server::{Reply, Server};
use crate::support::*;
use upstream::http::HttpError;
use upstream::http::tls::Trust;
use upstream::{Told, Upstream};

const TOKEN: &str = "head.payload.signature";

async fn tell(upstream: &Upstream, server: &Server) -> Result<Told, HttpError> {
    let url = format!("{}/told", server.url()).parse().unwrap();
    let token = TOKEN.into();
    upstream.tell_app(&url, true, &Trust::Public, &token).await
}

/// What `reply` counts as.
async fn told(reply: Reply) -> Told {
    let server = Server::start(move |_| reply.clone()).await;
    let told = tell(&impatient(), &server).await.unwrap();
    let asked = server.asked("/told");
    assert_eq!(asked.len(), 1, "told once");
    assert_eq!(asked[0].form()["logout_token"], TOKEN);
    told
}

fn compressed(status: u16) -> Reply {
    Reply::json(status, "{\"error\":\"x\"}").header("Content-Encoding", "gzip")
}

fn stalled(status: u16) -> Reply {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 900\r\n\r\n");
    Reply::Stall((head + "{\"error\":\"invalid_request\"").into())
}

fn cut_off(status: u16) -> Reply {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 900\r\n\r\n");
    Reply::Raw((head + "{").into())
}

fn oversized(status: u16) -> Reply {
    Reply::json(status, " ".repeat(SHORT.body + 1))
}

#[tokio::test]
async fn a_status_counts_whatever_becomes_of_its_body() {
    for reply in [
        Reply::json(200, ""),
        Reply::json(204, ""),
        Reply::html(200),
        compressed(200),
        stalled(200),
        cut_off(200),
        oversized(200),
    ] {
        assert_eq!(told(reply.clone()).await, Told::Yes, "{reply:?}");
    }
    assert_eq!(told(Reply::Drip).await, Told::Yes);
    assert_eq!(told(Reply::Flood).await, Told::Yes);
    for reply in [compressed, stalled, cut_off, oversized] {
        assert_eq!(told(reply(400)).await, Told::No(String::new()));
        assert_eq!(told(reply(503)).await, Told::Other(503));
    }
}

#[tokio::test]
async fn a_refusal_is_read_for_its_words_as_long_as_they_are_few() {
    let words = |rest: &str| {
        format!("{{\"error\":\"invalid_request\",\"error_description\":\"no sid\"{rest}}}")
    };
    let said = "invalid_request: no sid".to_owned();
    assert_eq!(
        told(Reply::json(400, words(""))).await,
        Told::No(said.clone())
    );
    // As some servers send it: without a length, until the connection ends.
    let raw = format!("HTTP/1.1 400 X\r\n\r\n{}", words(""));
    assert_eq!(told(Reply::Raw(raw.into())).await, Told::No(said));
    let long = format!(",\"trace\":\"{}\"", "x".repeat(5000));
    assert_eq!(
        told(Reply::json(400, words(&long))).await,
        Told::No(String::new())
    );
    // With another status nobody reads them.
    assert_eq!(told(Reply::json(401, words(""))).await, Told::Other(401));
}

#[tokio::test]
async fn what_has_no_status_is_no_answer() {
    for reply in [
        Reply::Silence,
        Reply::Raw(Vec::new()),
        Reply::Raw(b"hello\r\n\r\n".to_vec()),
        Reply::Stall(b"HTTP/1.1 200 X\r\nContent-Le".to_vec()),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        tell(&impatient(), &server).await.unwrap_err();
    }
}
