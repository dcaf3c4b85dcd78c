//! Every crate takes the workspace's lints, and none is switched off in passing.

use crate::tree::Tree;
use crate::{Outcome, Problem};

/// Attributes in two pieces, so that this file does not hold what it looks for.
const REFUSED: [([&str; 2], &str); 4] = [
    (
        ["#[al", "low("],
        "say why with #[expect(lint, reason = \"…\")], which also ends when it may",
    ),
    (
        ["#![al", "low("],
        "say why with #![expect(lint, reason = \"…\")], which also ends when it may",
    ),
    (
        ["#[ig", "nore"],
        "let the test report a skip (CONTRIBUTING.md), or name the test that runs it: \"run by NAME\"",
    ),
    (
        ["cfg_attr(test, al", "low("],
        "clippy.toml already allows in tests what tests need",
    ),
];

pub(crate) fn run(tree: &Tree) -> Outcome {
    let mut problems = Vec::new();
    for path in tree
        .with_extension(&["toml"])
        .filter(|path| path.ends_with("Cargo.toml"))
    {
        problems.extend(manifest(path, &tree.text(path)?.unwrap_or_default())?);
    }
    for path in tree.with_extension(&["rs"]) {
        problems.extend(source(path, &tree.text(path)?.unwrap_or_default()));
    }
    Ok(problems)
}

/// A package of this workspace without `lints.workspace = true`.
fn manifest(path: &str, text: &str) -> Outcome {
    let manifest: toml::Table = text.parse().map_err(|error| format!("{path}: {error}"))?;
    // A manifest that is a workspace of its own (fuzz/) has no lints to take over.
    if !manifest.contains_key("package") || manifest.contains_key("workspace") {
        return Ok(Vec::new());
    }
    let inherits = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool)
        .unwrap_or(false);
    if inherits {
        return Ok(Vec::new());
    }
    Ok(vec![Problem {
        place: path.to_owned(),
        what: "does not take the workspace's lints".to_owned(),
        fix: "add [lints] with workspace = true".to_owned(),
    }])
}

/// Whether a test is left out because another one runs it, as a process that it can kill or give
/// to another account. Its reason says so.
fn starts_a_child(code: &str) -> bool {
    ["nore = \"a child process", "nore = \"run by "]
        .iter()
        .any(|reason| code.contains(reason))
}

fn source(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        for (pieces, fix) in REFUSED {
            let attribute = pieces.concat();
            if code.contains(&attribute) && !starts_a_child(code) {
                problems.push(Problem {
                    place: format!("{path}:{}", number + 1),
                    what: format!("{attribute}…)"),
                    fix: fix.to_owned(),
                });
                break;
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_each_way_of_silencing() {
        for (pieces, _) in REFUSED {
            let text = format!("fn a() {{}}\n    {}dead_code)]\n", pieces.concat());
            let problems = source("a.rs", &text);
            assert_eq!(problems.len(), 1, "{text}");
            assert_eq!(problems[0].place, "a.rs:2");
        }
    }

    #[test]
    fn allows_expectations_and_talk_about_attributes() {
        let talk = format!(
            "// never {}x)]\n#[expect(dead_code, reason = \"r\")]\n",
            "#[al".to_owned() + "low("
        );
        assert_eq!(source("a.rs", &talk), []);
    }

    #[test]
    fn a_test_that_another_one_runs_may_be_left_out() {
        let attribute = REFUSED[2].0.concat();
        assert_eq!(
            source("a.rs", &format!("{attribute} = \"run by kills_it\"]")),
            []
        );
        assert_eq!(
            source("a.rs", &format!("{attribute} = \"a child process of it\"]")),
            []
        );
        assert_eq!(
            source("a.rs", &format!("{attribute} = \"flaky\"]")).len(),
            1
        );
        assert_eq!(source("a.rs", &format!("{attribute}]")).len(), 1);
    }

    #[test]
    fn refuses_a_crate_without_the_lints() {
        let package = "[package]\nname = \"a\"\n";
        assert_eq!(manifest("Cargo.toml", package).unwrap().len(), 1);
        let with = format!("{package}[lints]\nworkspace = true\n");
        assert_eq!(manifest("Cargo.toml", &with).unwrap(), []);
        let apart = format!("{package}[workspace]\n");
        assert_eq!(manifest("Cargo.toml", &apart).unwrap(), []);
        assert_eq!(manifest("Cargo.toml", "[workspace]\n").unwrap(), []);
    }
}
