//! What is asked at a terminal, on a real one.

use super::support::Place;
use std::process::Command;
use testkit::skip::has_program;

/// Runs a command on a terminal of its own; each answer is typed once its prompt stands there. All
/// that the terminal showed, and the exit code (130 for an interrupt).
fn at_terminal(place: &Place, words: &[&str], answers: &[(&str, &str)]) -> (String, i32) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/terminal.py");
    let mut command = Command::new("python3");
    command
        .args(["-B", script, &serde_json::to_string(answers).unwrap()])
        .arg(env!("CARGO_BIN_EXE_gatepost"))
        .args(words)
        .env("GATEPOST_CONFIG", place.config_file());
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    (shown, output.status.code().unwrap())
}

const CREATE: [&str; 5] = ["admin", "create", "root", "--email", "root@example.net"];

#[test]
fn a_password_is_asked_twice_and_never_shown() {
    if !has_program("python3") {
        return;
    }
    let place = Place::new();
    let answers = [
        ("Password: ", "a long password\n"),
        ("Again: ", "a long pasword\n"),
    ];
    let (shown, code) = at_terminal(&place, &CREATE, &answers);
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("the two passwords differ"), "{shown}");

    let answers = [
        ("Password: ", "a long password\n"),
        ("Again: ", "a long password\n"),
    ];
    let (shown, code) = at_terminal(&place, &CREATE, &answers);
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("a long password"), "{shown}");
}

#[test]
fn an_interrupt_at_a_prompt_ends_the_command_and_gives_the_echo_back() {
    if !has_program("python3") {
        return;
    }
    let place = Place::without_store();
    let (shown, code) = at_terminal(&place, &CREATE, &[("Password: ", "\u{3}")]);
    assert_eq!(code, 130, "{shown}");
    assert!(shown.ends_with("[echo]"), "{shown}");
    assert!(!place.config().layout().database().exists());
}

#[test]
fn deleting_asks_for_the_name() {
    if !has_program("python3") {
        return;
    }
    let place = Place::new();
    let add = place.run("domain add example.org --role-target root@example.net", "");
    assert!(add.status.success());
    let delete = ["domain", "delete", "example.org"];
    let prompt = "to delete the domain: ";
    let (shown, code) = at_terminal(&place, &delete, &[(prompt, "yes\n")]);
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("nothing was deleted"), "{shown}");
    let (shown, code) = at_terminal(&place, &delete, &[(prompt, "example.org\n")]);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("example.org is deleted"), "{shown}");
}
