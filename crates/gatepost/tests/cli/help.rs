//! The help pages, word for word.

use super::support::gatepost;

const NOUNS: [(&str, &[&str]); 22] = [
    ("setup", &["link"]),
    ("admin", &["create", "list", "reset", "delete"]),
    ("domain", &["add", "list", "show", "edit", "delete"]),
    ("template", &["add", "list", "show", "edit", "delete"]),
    (
        "mailbox",
        &[
            "add", "list", "show", "edit", "disable", "enable", "delete", "method", "password",
            "unlink",
        ],
    ),
    ("alias", &["add", "list", "show", "edit", "delete"]),
    (
        "provider",
        &[
            "add",
            "list",
            "show",
            "edit",
            "check",
            "secret",
            "allow-host",
            "learn-issuer",
            "enable",
            "disable",
            "delete",
        ],
    ),
    (
        "rule",
        &[
            "list",
            "add",
            "edit",
            "move",
            "remove",
            "everyone-else",
            "set",
            "try",
            "lint",
            "preview",
            "history",
            "restore",
        ],
    ),
    ("device", &["list", "add", "revoke"]),
    ("attempt", &["list", "show", "replay", "what-if"]),
    ("alert", &["list", "acknowledge", "close"]),
    ("activity", &[]),
    ("events", &[]),
    ("settings", &["show", "edit"]),
    ("import", &["csv"]),
    ("why", &[]),
    ("doctor", &[]),
    ("completions", &[]),
    ("help", &[]),
    ("demo", &[]),
    ("serve", &[]),
    ("config", &["check", "show", "explain"]),
];

fn page(words: &[&str]) -> String {
    let output = gatepost().args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn pages() {
    insta::assert_snapshot!("help", page(&[]));
    for (noun, verbs) in NOUNS {
        let mut pages = page(&[noun]);
        for verb in verbs {
            let rule = "-".repeat(100);
            pages.push_str(&format!("\n{rule}\n{}", page(&[noun, verb])));
        }
        insta::assert_snapshot!(format!("help-{noun}"), pages);
    }
}

#[test]
fn the_help_of_what_administers_leads_with_two_examples() {
    for (noun, _) in NOUNS.iter().filter(|(noun, _)| *noun != "serve") {
        let page = page(&[noun]);
        let examples: Vec<_> = page
            .lines()
            .skip_while(|line| *line != "Examples:")
            .skip(1)
            .take_while(|line| line.starts_with("  gatepost "))
            .collect();
        assert!(page.starts_with("Examples:"), "{page}");
        assert_eq!(examples.len(), 2, "{page}");
    }
}

#[test]
fn every_command_has_its_page_here() {
    let page = page(&[]);
    let commands = page
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    for command in commands {
        assert!(NOUNS.iter().any(|(noun, _)| *noun == command), "{command}");
    }
}

#[test]
fn help_explains_codes_and_commands() {
    let said = |words: &[&str]| {
        let output = gatepost().arg("help").args(words).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    };
    let (code, text) = said(&["sso-403"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("help-code", text);
    let (code, text) = said(&["provider", "add"]);
    assert_eq!(code, 0);
    assert!(text.contains("--issuer"), "{text}");
    let (code, text) = said(&["provdier"]);
    assert_eq!(code, 4);
    assert!(text.contains("did you mean provider?"), "{text}");
}

#[test]
fn shells_complete_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = gatepost().args(["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("mailbox"), "{shell}");
        // Bash reads its own, where it is installed.
        if shell == "bash" {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), script).unwrap();
            let read = std::process::Command::new("bash")
                .arg("-n")
                .arg(file.path())
                .status();
            assert!(read.unwrap().success());
        }
    }
}
