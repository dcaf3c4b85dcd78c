//! Diagnosis at the command line: alerts, activity, events, settings, deciding anew.

use super::support::Place;
use gatepost::administration;
use gatepost::wiring;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn code(place: &Place, line: &str, input: &str) -> (i32, String) {
    let output = place.run(line, input);
    let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), words)
}

#[test]
fn settings_are_shown_changed_and_refused() {
    let place = Place::new();
    let mut session = place.session();
    session
        .run("settings show")
        .run("settings edit --keep-attempts 90 --private-claims phone_number,street")
        .run("settings edit --keep-audit 7")
        .run("settings edit --keep-attempts soon")
        .run("settings edit")
        .run("settings edit --keep-attempts default --private-claims ''")
        .run("settings show --json");
    insta::assert_snapshot!(session.transcript());
}

#[test]
fn nothing_has_happened_yet() {
    let place = Place::new();
    let mut session = place.session();
    session
        .run("alert list")
        .run("alert close 7")
        .run("alert close soon")
        .run("attempt replay 7K4Q-M2XD")
        .run("activity --range moon")
        .run("events --last 0")
        .run("events --last 3");
    insta::assert_snapshot!(session.transcript());
    let activity = place.document("activity --range 7d --json");
    assert_eq!(activity["range"], "7d");
    assert_eq!(activity["bars"].as_array().unwrap().len(), 28);
    assert_eq!(activity["reasons"], serde_json::json!([]));
    let events = place.document("events --json");
    assert!(events["next"]["attempts"].is_i64(), "{events}");
}

#[test]
fn claims_are_decided_about_without_anybody_coming() {
    let place = Place::new();
    place.done(&[
        "domain add example.org --role-target root@example.net",
        "template add Staff --quota 2GiB",
        "provider add Example --issuer https://sso.example.net --client-id mail \
         --domain example.org",
        "provider disable example",
    ]);
    let line = "attempt what-if example --claims -";
    let (status, words) = code(&place, line, "{\"email\": \"a@example.org\"}");
    assert_eq!(status, 7, "{words}");
    assert!(words.starts_with("[SSO-208]"), "{words}");
    for (input, want) in [("{", 2), ("[]", 2), ("", 2)] {
        let (status, words) = code(&place, line, input);
        assert_eq!(status, want, "{input}: {words}");
        assert!(words.contains("claims"), "{words}");
    }
    let (status, words) = code(&place, "attempt what-if example --claims /nowhere", "");
    assert_eq!(status, 1, "{words}");
    let (status, words) = code(&place, "attempt what-if other --claims -", "{}");
    assert_eq!(status, 4, "{words}");
}

#[test]
fn without_a_server_there_is_nothing_to_follow() {
    let place = Place::new();
    let (status, words) = code(&place, "events --follow", "");
    assert_eq!(status, 8, "{words}");
    assert!(words.contains("no server runs here"), "{words}");
}

/// The web worker's part of a server, as far as commands see it.
fn serve(place: &Place, listener: UnixListener) -> (CancellationToken, JoinHandle<()>) {
    let app = wiring::local_app(&place.config()).unwrap();
    let stop = CancellationToken::new();
    let uid = rustix::process::getuid().as_raw();
    let serving = administration::serve(app, (listener, vec![uid]), stop.clone());
    let task = tokio::spawn(async move { serving.await.unwrap() });
    (stop, task)
}

struct Follower {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Follower {
    fn start(place: &Place) -> Self {
        let mut child = place
            .gatepost()
            .args(["events", "--follow", "--json", "--last", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next change, whatever else comes before it.
    fn change(&self, action: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap();
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["action"] == action {
                return event;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_across_a_restart_of_the_server() {
    let place = std::sync::Arc::new(Place::new());
    let layout = place.config().layout();
    std::fs::create_dir_all(layout.run()).unwrap();
    // The keeper's socket, which outlives the workers it is passed to.
    let socket = UnixListener::bind(layout.admin_socket()).unwrap();
    let (stop, task) = serve(&place, socket.try_clone().unwrap());
    let follower = Follower::start(&place);
    let add = async |name: &'static str| {
        let place = place.clone();
        let line = format!("domain add {name} --role-target root@example.net");
        let output = tokio::task::spawn_blocking(move || place.run(&line, "")).await;
        assert!(output.unwrap().status.success());
    };
    add("one.example").await;
    let event = tokio::task::block_in_place(|| follower.change("domain.create"));
    assert_eq!(
        (&event["event"], &event["object"]),
        (&"change".into(), &"one.example".into())
    );
    assert_eq!(event["actor"], "command line");

    stop.cancel();
    task.await.unwrap();
    let (stop, task) = serve(&place, socket);
    add("two.example").await;
    let event = tokio::task::block_in_place(|| follower.change("domain.create"));
    assert_eq!(
        event["object"], "two.example",
        "nothing twice, nothing lost"
    );
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_is_explained_also_where_nobody_was_named() {
    let place = std::sync::Arc::new(Place::new());
    let layout = place.config().layout();
    std::fs::create_dir_all(layout.run()).unwrap();
    let socket = UnixListener::bind(layout.admin_socket()).unwrap();
    let (stop, task) = serve(&place, socket);
    let app = wiring::local_app(&place.config()).unwrap();
    let (client, home) = (app::Client::default(), app::sign_in::ReturnTo::Home);
    let refused = app.begin_sign_in("nobody", "browser", home, &client).await;
    let reference = refused.unwrap_err().reference;

    let asked = async |line: String| {
        let place = place.clone();
        let asking = move || code(&place, &line, "");
        tokio::task::spawn_blocking(asking).await.unwrap()
    };
    let (status, words) = asked(format!("why {reference}")).await;
    assert_eq!(status, 0, "{words}");
    for want in [
        &format!("Attempt {reference}, "),
        "[SSO-208] ",
        " is switched off.",
        "the person read: This way to sign in is switched off. Use another one,",
        "fix: gatepost provider list",
        "more: gatepost help SSO-208",
    ] {
        assert!(words.contains(want), "no {want:?} in {words}");
    }
    let (status, words) = asked(format!("why {reference} --json")).await;
    assert_eq!(status, 0, "{words}");
    let why: Value = serde_json::from_str(&words).unwrap();
    assert_eq!(
        (&why["address"], &why["verdict"]),
        (&"".into(), &"could_not_tell".into())
    );
    assert_eq!(why["asked"]["code"], "SSO-208");
    let (status, words) = asked("why 7K4Q-M2XD".to_owned()).await;
    assert_eq!(status, 4, "{words}");
    stop.cancel();
    task.await.unwrap();
}
