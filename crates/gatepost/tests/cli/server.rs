//! Commands against a running server: the admin socket with the real use cases behind it.

use super::support::Place;
use gatepost::administration::{self, AskError, Connection, Request};
use gatepost::wiring;
use serde_json::Value;
use std::os::unix::net::UnixListener;
use std::process::Output;
use tokio_util::sync::CancellationToken;

/// The web worker's part of a server, as far as commands see it.
struct Server {
    place: std::sync::Arc<Place>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    fn start(allowed: Vec<u32>) -> Self {
        let place = std::sync::Arc::new(Place::new());
        let config = place.config();
        let layout = config.layout();
        std::fs::create_dir_all(layout.store()).unwrap();
        std::fs::create_dir_all(layout.run()).unwrap();
        let app = wiring::local_app(&config).unwrap();
        let listener = UnixListener::bind(layout.admin_socket()).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(administration::serve(
            app,
            (listener, allowed),
            stop.clone(),
        ));
        Self { place, stop, task }
    }

    fn own_uid() -> u32 {
        rustix::process::getuid().as_raw()
    }

    async fn run(&self, line: &'static str, input: &'static str) -> Output {
        let place = self.place.clone();
        let running = tokio::task::spawn_blocking(move || place.run(line, input));
        running.await.unwrap()
    }

    async fn ok(&self, line: &'static str, input: &'static str) -> Output {
        let output = self.run(line, input).await;
        assert!(output.status.success(), "{line}: {output:?}");
        output
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_ask_the_server_and_leave_the_store_alone() {
    let server = Server::start(vec![Server::own_uid()]);
    let config = server.place.config();
    // A server holds this; a command that wanted the store itself would give up over it.
    let lock = gatepost::keeper::Lock::take(&config.layout().data_lock()).unwrap();
    server
        .ok(
            "admin create root --email root@example.net --password-stdin",
            "a long password",
        )
        .await;
    server
        .ok("domain add example.org --max-mailboxes 150", "")
        .await;
    let listed = server.ok("domain list --json", "").await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["domains"][0]["name"], "example.org");

    let missing = server.run("domain show b.example", "").await;
    assert_eq!(missing.status.code(), Some(4));
    assert!(missing.stdout.is_empty());
    drop(lock);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_work_tells_its_lines_and_lists_are_walked_to_their_end() {
    let server = Server::start(vec![Server::own_uid()]);
    server
        .ok("domain add example.org --role-target root@example.net", "")
        .await;
    let mut csv = "address\n".to_owned();
    for n in 0..250 {
        csv.push_str(&format!("u{n}@example.org\n"));
    }
    csv.push_str("u0@elsewhere.example\n");
    let imported = server.run("import csv - --json", csv.leak()).await;
    assert_eq!(imported.status.code(), Some(6));
    let sum: Value = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!(sum["created"], 250);
    assert_eq!(sum["failures"][0]["line"], 252);

    let count = |output: Output| {
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = listed["mailboxes"].as_array().unwrap().len();
        (rows, listed["next"].is_string())
    };
    assert_eq!(
        count(server.ok("mailbox list --json", "").await),
        (100, true)
    );
    assert_eq!(
        count(server.ok("mailbox list --json --limit 230", "").await),
        (230, true)
    );
    assert_eq!(
        count(server.ok("mailbox list --json --all", "").await),
        (250, false)
    );

    server
        .ok(
            "provider add SSO --issuer https://127.0.0.1:1/ --client-id x",
            "",
        )
        .await;
    let checked = server.run("provider check sso", "").await;
    assert_eq!(checked.status.code(), Some(7));
    let lines = String::from_utf8(checked.stdout).unwrap();
    assert!(lines.contains("SSO-107"), "{lines}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_answered() {
    let server = Server::start(vec![Server::own_uid() + 1]);
    let refused = server.run("domain list", "").await;
    assert_eq!(refused.status.code(), Some(8), "{refused:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_said_and_the_connection_goes_on() {
    use futures_util::{SinkExt as _, StreamExt as _};
    let server = Server::start(vec![Server::own_uid()]);
    let socket = server.place.config().layout().admin_socket();
    let stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    let mut frames = tokio_util::codec::LengthDelimitedCodec::builder().new_framed(stream);
    for (sent, expected) in [
        ("not JSON", "unknown"),
        (r#"{"dance":"tango"}"#, "unknown"),
        (r#"{"domain":{"show":"not a domain"}}"#, "unknown"),
        (r#"{"domain":{"show":"example.org"}}"#, "not"),
        (r#""status""#, "done"),
    ] {
        frames.send(bytes::Bytes::from(sent)).await.unwrap();
        let frame = frames.next().await.unwrap().unwrap();
        let reply: Value = serde_json::from_slice(&frame).unwrap();
        assert!(reply.get(expected).is_some(), "{sent}: {reply}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_go_of_idle_commands() {
    let server = Server::start(vec![Server::own_uid()]);
    let layout = server.place.config().layout();
    let mut connection = Connection::to_server(&layout).await.unwrap().unwrap();
    connection.ask(Request::Status, &mut |_| {}).await.unwrap();
    server.stop().await;
    let lost = connection.ask(Request::Status, &mut |_| {}).await;
    assert!(matches!(lost, Err(AskError::Lost(_))), "{lost:?}");
    assert!(Connection::to_server(&layout).await.unwrap().is_none());
}
