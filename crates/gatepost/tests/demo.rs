//! The demo is asked to stop in the middle of everything.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Command lines of processes that have the directory in them.
fn processes_below(directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .filter(|words| words.contains(directory))
        .collect()
}

#[test]
fn a_walkthrough_that_is_interrupted_ends_everything() {
    if !rustix::process::geteuid().is_root() {
        return testkit::skip::skip("Postfix starts only as root");
    }
    let temporary = tempfile::Builder::new()
        .prefix("gp-")
        .tempdir_in("/tmp")
        .unwrap();
    std::fs::set_permissions(
        temporary.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let place = temporary.path().join("demo");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_gatepost"))
        .args(["demo", "--walkthrough", "--dir"])
        .arg(&place)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut story = BufReader::new(demo.stdout.take().unwrap()).lines();
    let step = story.find(|line| line.as_ref().unwrap().starts_with(" 2."));
    assert!(step.is_some(), "the story never came to its second step");
    assert!(processes_below(&place).len() > 5, "nothing runs");

    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // What is left of the story, so that it is never held up by a full pipe.
    let _rest = story.count();
    let output = demo.wait_with_output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(processes_below(&place), Vec::<String>::new());
}
