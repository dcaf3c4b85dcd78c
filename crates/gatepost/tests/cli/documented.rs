//! Commands that help pages and documentation show exist.

use super::support::gatepost;
use clap::Command;
use gatepost::commands::command;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The words of a line as a shell takes them, up to the first redirection, pipe or remark.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#' | '|' | '<' | '>') if word.is_none() => return words,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The pages of a folder and its folders.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut pages = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            pages.extend(self::pages(&path));
        } else if path.extension().is_some_and(|end| end == "md") {
            pages.push(path);
        }
    }
    pages
}

/// What begins with `gatepost ` between backquotes or in a block of code.
fn shown(page: &str) -> Vec<String> {
    let mut shown = Vec::new();
    for (n, block) in page.split("```").enumerate() {
        if n % 2 == 1 {
            let lines = block.replace("\\\n", " ");
            let lines = lines.lines().map(str::trim);
            shown.extend(
                lines
                    .filter(|line| line.starts_with("gatepost "))
                    .map(str::to_owned),
            );
        } else {
            let joined = block.split_whitespace().collect::<Vec<_>>().join(" ");
            let quoted = joined.split('`').skip(1).step_by(2);
            shown.extend(
                quoted
                    .filter(|code| code.starts_with("gatepost "))
                    .map(str::to_owned),
            );
        }
    }
    shown
}

/// Follows the words through the commands; values and placeholders are not looked at.
fn follow(all: &Command, line: &str) -> Result<(), String> {
    let mut at = all;
    for word in words(line).iter().skip(1) {
        if let Some(option) = word.strip_prefix("--") {
            let option = option.split('=').next().unwrap_or(option);
            let known = at.get_arguments().any(|arg| arg.get_long() == Some(option));
            if !known {
                return Err(format!("no option --{option}"));
            }
        } else if let Some(verb) = at.find_subcommand(word) {
            at = verb;
        } else if at.has_subcommands() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
            return Err(format!("no command {word}"));
        }
    }
    Ok(())
}

#[test]
fn commands_in_the_documentation_exist() {
    let mut all = command();
    all.build();
    let root = Path::new(ROOT);
    let mut found = 0;
    for path in pages(&root.join("docs"))
        .into_iter()
        .chain([root.join("README.md")])
        // Written from the commands themselves.
        .filter(|path| !path.ends_with("reference/commands.md"))
    {
        for line in shown(&std::fs::read_to_string(&path).unwrap()) {
            found += 1;
            if let Err(why) = follow(&all, &line) {
                panic!("{}: {line}: {why}", path.display());
            }
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn examples_of_the_help_are_read_by_the_program() {
    let page = |words: &[&str]| {
        let output = gatepost().args(words).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let mut all = command();
    all.build();
    let mut found = 0;
    for noun in all.get_subcommands().filter(|noun| !noun.is_hide_set()) {
        let verbs = noun
            .get_subcommands()
            .map(|verb| page(&[noun.get_name(), verb.get_name()]));
        for page in verbs.chain([page(&[noun.get_name()])]) {
            let examples = page.lines().filter(|line| line.starts_with("  gatepost "));
            for example in examples.filter(|line| !line.contains(" | ")) {
                found += 1;
                let read = command().try_get_matches_from(words(example.trim()));
                if let Err(error) = read {
                    panic!("{example}: {error}");
                }
            }
        }
    }
    assert!(found > 50, "{found}");
}
