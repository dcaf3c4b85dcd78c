//! Structural checks of the workspace, and the adding-up of test results.
//!
//! ```text
//! cargo run -p checks                  run every check
//! cargo run -p checks -- arrows size   run these
//! cargo run -p checks -- tally DIR     add up the results that tools/test.sh left in DIR
//! ```
//!
//! A check reads the tree and returns problems; each problem names the place, what is wrong and
//! what to do about it. To add one: a file here with a `run`, and a row in [`CHECKS`].

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

mod arrows;
mod dependencies;
mod failures;
mod links;
mod lints;
mod metadata;
mod paths;
mod size;
mod tally;
mod tree;

use tree::Tree;

/// Something a check refuses.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    /// File, or file and line.
    place: String,
    /// What is wrong there.
    what: String,
    /// What puts it right.
    fix: String,
}

type Outcome = Result<Vec<Problem>, String>;
type Check = fn(&Tree) -> Outcome;

const CHECKS: [(&str, Check); 6] = [
    ("arrows", arrows::run),
    ("dependencies", dependencies::run),
    ("links", links::run),
    ("lints", lints::run),
    ("paths", paths::run),
    ("size", size::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    let result = match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["tally", directory] => tally::run(Path::new(directory), &mut out),
        ["tally", ..] => Err("usage: checks tally DIR".to_owned()),
        names => run_checks(names, &mut out),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            // Nothing is left to tell when even stderr is gone.
            let _ = writeln!(std::io::stderr(), "checks: {why}");
            ExitCode::from(2)
        }
    }
}

/// Runs the named checks, all of them when none is named; `true` when none found a problem.
fn run_checks(names: &[&str], out: &mut impl std::io::Write) -> Result<bool, String> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !CHECKS.iter().any(|(known, _)| known == *name))
    {
        let known: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "no check is called {unknown:?}; there are: {}",
            known.join(", ")
        ));
    }
    let tree = Tree::of_workspace()?;
    let mut clean = true;
    for (name, check) in CHECKS {
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let problems = check(&tree)?;
        clean &= problems.is_empty();
        report(out, name, &problems).map_err(|error| format!("cannot print: {error}"))?;
    }
    Ok(clean)
}

fn report(out: &mut impl std::io::Write, name: &str, problems: &[Problem]) -> std::io::Result<()> {
    if problems.is_empty() {
        return writeln!(out, "ok      {name}");
    }
    writeln!(out, "FAILED  {name}: {} found", problems.len())?;
    for Problem { place, what, fix } in problems {
        writeln!(out, "  {place}: {what}\n      fix: {fix}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_checks_when_one_is_unknown() {
        let error = run_checks(&["arows"], &mut Vec::new()).unwrap_err();
        assert!(
            error.contains("\"arows\"") && error.contains("arrows"),
            "{error}"
        );
    }

    #[test]
    fn a_problem_is_printed_with_its_place_and_its_fix() {
        let problem = Problem {
            place: "a.rs:3".to_owned(),
            what: "too odd".to_owned(),
            fix: "make it even".to_owned(),
        };
        let mut out = Vec::new();
        report(&mut out, "size", &[problem]).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "FAILED  size: 1 found\n  a.rs:3: too odd\n      fix: make it even\n"
        );
    }
}
