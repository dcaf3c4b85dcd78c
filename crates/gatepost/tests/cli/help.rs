//! The help pages, word for word.

use super::support::gatepost;

fn page(words: &[&str]) -> String {
    let output = gatepost().args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that a page lists.
fn listed(page: &str) -> Vec<&str> {
    page.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn pages() {
    let all = page(&[]);
    insta::assert_snapshot!("help", all);
    for noun in listed(&all) {
        let of_noun = page(&[noun]);
        let mut pages = of_noun.clone();
        for verb in listed(&of_noun) {
            let rule = "-".repeat(100);
            pages.push_str(&format!("\n{rule}\n{}", page(&[noun, verb])));
        }
        insta::assert_snapshot!(format!("help-{noun}"), pages);
    }
}

/// Examples lead the page of every command but `serve`, and of the verbs that have some.
#[test]
fn help_leads_with_two_examples() {
    let all = page(&[]);
    for noun in listed(&all).into_iter().filter(|noun| *noun != "serve") {
        let of_noun = page(&[noun]);
        assert!(of_noun.starts_with("Examples:"), "{of_noun}");
        let verbs = listed(&of_noun).into_iter().map(|verb| page(&[noun, verb]));
        for page in verbs.chain([of_noun.clone()]) {
            let Some(examples) = page.strip_prefix("Examples:\n") else {
                continue;
            };
            let examples = examples.lines().take_while(|line| !line.is_empty());
            // An example that is cut goes on further in.
            let examples: Vec<_> = examples.filter(|line| !line.starts_with("   ")).collect();
            assert_eq!(examples.len(), 2, "{page}");
            for example in examples {
                assert!(example.contains("gatepost "), "{page}");
            }
        }
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
