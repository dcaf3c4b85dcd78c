//! Adds up what `tools/test.sh` ran, down to one line.
//!
//! Every suite leaves three files in one directory: `NAME.log` with what its runner printed,
//! `NAME.exit` with its exit code, and `NAME.skips` with a line for each test that could not run
//! here. A Rust test cannot tell cargo that it was skipped, so it appends `test name: reason` to the
//! file named by `GATEPOST_SKIPS` and returns; cargo counts it as passed, and here it is taken off
//! again.
//!
//! A suite never counts as good by saying nothing: an exit code of 0 without a single result is a
//! failure, and so is a failing exit code whose runner reported no failure. Where `CI` is set, a
//! skipped test is a failed one: everything that the tests need can be installed there.

use crate::failures;
use std::fmt::Write as _;
use std::path::Path;

/// Failed tests that are told at the end; further ones are in the log of their suite.
const TOLD: usize = 10;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// One suite's files, read.
struct Suite {
    name: String,
    log: String,
    /// `None` when the suite did not come to its end.
    exit: Option<i32>,
    /// `test name: reason`, one for each test that could not run.
    skips: Vec<String>,
}

/// Prints the sum; `true` when nothing failed.
pub(crate) fn run(directory: &Path, out: &mut impl std::io::Write) -> Result<bool, String> {
    let strict = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let (text, good) = render(&suites(directory)?, strict);
    out.write_all(text.as_bytes())
        .map_err(|error| format!("cannot print: {error}"))?;
    Ok(good)
}

fn suites(directory: &Path) -> Result<Vec<Suite>, String> {
    let explain = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(explain)? {
        let name = entry
            .map_err(explain)?
            .file_name()
            .to_string_lossy()
            .into_owned();
        names.extend(name.strip_suffix(".log").map(str::to_owned));
    }
    names.sort();
    let read = |name: &str, end: &str| {
        let bytes = std::fs::read(directory.join(format!("{name}.{end}"))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(names
        .into_iter()
        .map(|name| Suite {
            log: read(&name, "log"),
            exit: read(&name, "exit").trim().parse().ok(),
            skips: read(&name, "skips").lines().map(str::to_owned).collect(),
            name,
        })
        .collect())
}

fn render(suites: &[Suite], strict: bool) -> (String, bool) {
    let mut total = Counts::default();
    let mut text = String::from("\n");
    for suite in suites {
        let (counts, remark) = count(suite);
        total.passed += counts.passed;
        total.failed += counts.failed;
        total.skipped += counts.skipped;
        let Counts {
            passed,
            failed,
            skipped,
        } = counts;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<16} {passed:>6} passed {failed:>4} failed {skipped:>4} skipped{remark}",
            suite.name
        );
    }
    tell_failures(suites, &mut text);
    for skip in suites.iter().flat_map(|suite| &suite.skips) {
        let _ = writeln!(text, "  skipped: {skip}");
    }
    if strict && total.skipped > 0 {
        text.push_str("  CI is set: every skipped test counts as failed\n");
        total.failed += total.skipped;
        total.skipped = 0;
    }
    if suites.is_empty() {
        text.push_str("  no suite ran\n");
        total.failed += 1;
    }
    let _ = write!(text, "\n{} passed, {} failed", total.passed, total.failed);
    if total.skipped > 0 {
        let _ = write!(text, ", {} skipped", total.skipped);
    }
    text.push('\n');
    (text, total.failed == 0)
}

fn tell_failures(suites: &[Suite], text: &mut String) {
    let mut left = TOLD;
    for suite in suites {
        let found = failures::of(&suite.log);
        for failure in found.iter().take(left) {
            let _ = writeln!(text, "  failed: {}: {}", suite.name, failure.name);
            for line in &failure.reason {
                let _ = writeln!(text, "      {line}");
            }
        }
        let more = found.len().saturating_sub(left);
        if more > 0 {
            let _ = writeln!(text, "  failed: {}: {more} more", suite.name);
        }
        left = left.saturating_sub(found.len());
    }
}

fn count(suite: &Suite) -> (Counts, &'static str) {
    let mut counts = Counts::default();
    for line in suite.log.lines() {
        if let Some(found) = cargo_line(line) {
            counts.passed += found.passed;
            counts.failed += found.failed;
            counts.skipped += found.skipped;
        } else if let Some(found) = plain_line(line) {
            counts.passed += found.passed;
            counts.failed += found.failed;
            counts.skipped += found.skipped;
        } else if let Some((what, number)) = node_line(line) {
            match what {
                "pass" => counts.passed += number,
                "fail" | "cancelled" => counts.failed += number,
                "skipped" | "todo" => counts.skipped += number,
                _ => {}
            }
        }
    }
    let skips = suite.skips.len() as u64;
    counts.passed = counts.passed.saturating_sub(skips);
    counts.skipped += skips;
    let ran = counts.passed + counts.failed + counts.skipped > 0;
    match suite.exit {
        Some(0) if ran => (counts, ""),
        Some(0) => (
            Counts {
                failed: 1,
                ..counts
            },
            ": ran no test",
        ),
        Some(_) if counts.failed > 0 => (counts, ""),
        Some(_) => (
            Counts {
                failed: 1,
                ..counts
            },
            ": ended with an error before or between tests",
        ),
        None => (
            Counts {
                failed: counts.failed + 1,
                ..counts
            },
            ": did not come to its end",
        ),
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …` of `cargo test`.
fn cargo_line(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let of = |what: &str| {
        numbers
            .split("; ")
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    Some(Counts {
        passed: of(" passed")?,
        failed: of(" failed")?,
        // What is ignored is a child process of another test; the check "lints" sees to that.
        skipped: 0,
    })
}

/// `3 passed, 0 failed` with `, 1 skipped` perhaps, alone on its line.
fn plain_line(line: &str) -> Option<Counts> {
    let mut parts = line.trim_end().split(", ");
    let mut next = |what: &str| parts.next()?.strip_suffix(what)?.parse().ok();
    let (passed, failed) = (next(" passed")?, next(" failed")?);
    let skipped = next(" skipped").unwrap_or(0);
    Some(Counts {
        passed,
        failed,
        skipped,
    })
}

/// `# pass 3` or `ℹ pass 3` of node's test runner.
fn node_line(line: &str) -> Option<(&str, u64)> {
    let rest = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("ℹ "))?;
    let (what, number) = rest.split_once(' ')?;
    Some((what, number.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str = "\
running 3 tests
test a ... ok
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s
";
    const NODE: &str = "ℹ tests 4\nℹ pass 2\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n";

    fn suite(name: &str, log: &str, exit: Option<i32>, skips: &[&str]) -> Suite {
        Suite {
            name: name.to_owned(),
            log: log.to_owned(),
            exit,
            skips: skips.iter().map(|skip| (*skip).to_owned()).collect(),
        }
    }

    fn last_line(suites: &[Suite], strict: bool) -> (String, bool) {
        let (text, good) = render(suites, strict);
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text:?}");
        (text.lines().last().unwrap().to_owned(), good)
    }

    #[test]
    fn adds_up_every_kind_of_runner() {
        let suites = [
            suite("cargo", CARGO, Some(101), &[]),
            suite("browser", NODE, Some(1), &[]),
            suite("checks", "ok fmt\n5 passed, 0 failed\n", Some(0), &[]),
        ];
        let wanted = "11 passed, 3 failed, 1 skipped";
        assert_eq!(last_line(&suites, false), (wanted.to_owned(), false));
    }

    #[test]
    fn counts_the_other_reporter_of_node() {
        let tap = suite("browser", &NODE.replace('ℹ', "#"), Some(1), &[]);
        assert_eq!(
            count(&tap).0,
            Counts {
                passed: 2,
                failed: 1,
                skipped: 1
            }
        );
    }

    #[test]
    fn takes_skipped_rust_tests_off_the_passed_ones() {
        let log = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n";
        let suites = [suite(
            "cargo",
            log,
            Some(0),
            &["starts_postfix: needs root"],
        )];
        assert_eq!(
            last_line(&suites, false),
            ("2 passed, 0 failed, 1 skipped".to_owned(), true)
        );
        assert_eq!(
            last_line(&suites, true),
            ("2 passed, 1 failed".to_owned(), false)
        );
        assert!(
            render(&suites, false)
                .0
                .contains("skipped: starts_postfix: needs root")
        );
    }

    #[test]
    fn what_failed_is_told_before_the_sum() {
        let log = "test a ... FAILED\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n";
        let (text, _) = render(&[suite("cargo", log, Some(101), &[])], false);
        assert!(text.contains("\n  failed: cargo: a\n"), "{text}");
        let many = "test a ... FAILED\n".repeat(12) + log;
        let (text, _) = render(&[suite("cargo", &many, Some(101), &[])], false);
        assert_eq!(text.matches("failed: cargo: a\n").count(), TOLD);
        assert!(text.contains("\n  failed: cargo: 3 more\n"), "{text}");
    }

    #[test]
    fn silence_is_a_failure() {
        for (log, exit) in [
            ("", Some(0)),
            ("error: no such crate\n", Some(101)),
            ("", None),
        ] {
            let suites = [suite("cargo", log, exit, &[])];
            assert_eq!(
                last_line(&suites, false),
                ("0 passed, 1 failed".to_owned(), false)
            );
        }
        assert_eq!(
            last_line(&[], false),
            ("0 passed, 1 failed".to_owned(), false)
        );
    }

    #[test]
    fn an_error_outside_the_tests_is_a_failure_beside_passed_tests() {
        let log = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n";
        let killed = [suite("cargo", log, None, &[])];
        assert_eq!(
            last_line(&killed, false),
            ("3 passed, 1 failed".to_owned(), false)
        );
        let broken = [suite("cargo", log, Some(101), &[])];
        assert_eq!(
            last_line(&broken, false),
            ("3 passed, 1 failed".to_owned(), false)
        );
    }

    #[test]
    fn talk_about_results_is_not_a_result() {
        for line in [
            "all 3 passed, 0 failed",
            "3 passed",
            "# Results 3 x",
            "test result: ?",
        ] {
            let quiet = suite("x", line, Some(0), &[]);
            assert_eq!(
                count(&quiet).0,
                Counts {
                    failed: 1,
                    ..Counts::default()
                },
                "{line}"
            );
        }
    }

    #[test]
    fn reads_what_the_script_leaves_behind() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        write("1-checks.log", "2 passed, 0 failed\n");
        write("1-checks.exit", "0\n");
        write(
            "2-cargo.log",
            "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured\n",
        );
        write("2-cargo.exit", "0\n");
        write("2-cargo.skips", "kicks: needs dovecot\n");
        write("3-browser.log", "");
        let suites = suites(directory.path()).unwrap();
        assert_eq!(suites.len(), 3);
        assert_eq!(suites[2].exit, None);
        assert_eq!(last_line(&suites, false).0, "5 passed, 1 failed, 1 skipped");
    }
}
