//! Which tests failed, and why in a few lines: what somebody wants to know who sees only the end of a
//! long log.

/// Lines of the reason that are shown.
const LINES: usize = 6;

/// A test that failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    /// The beginning of what its runner said about it; may be nothing.
    pub(crate) reason: Vec<String>,
}

/// The failed tests of one suite's log, in its order.
pub(crate) fn of(log: &str) -> Vec<Failure> {
    let lines: Vec<&str> = log.lines().collect();
    let mut found = Vec::new();
    // Node's runner tells everything twice, the second time together. No suite runs it twice.
    let mut in_node = false;
    for (at, line) in lines.iter().enumerate() {
        in_node |= *line == "✖ failing tests:";
        let after = lines.get(at + 1..).unwrap_or_default();
        if let Some(name) = cargo(line) {
            // Further on: another program may have a test of the same name.
            let begin = format!("---- {name} stdout ----");
            let said = after.iter().skip_while(|line| **line != begin).skip(1);
            found.push(failure(name, said.copied(), |line| {
                line.starts_with("---- ") || line.starts_with("stack backtrace:")
            }));
        } else if let Some(name) = line.strip_prefix("FAILED  ") {
            found.push(failure(name, std::iter::empty(), |_| true));
        } else if let (true, Some(name)) = (in_node, node(line)) {
            found.push(failure(name, after.iter().copied(), |line| {
                line.starts_with("test at ") || line.contains("(node:")
            }));
        }
    }
    found
}

fn failure<'a>(
    name: &str,
    said: impl Iterator<Item = &'a str>,
    is_over: impl Fn(&str) -> bool,
) -> Failure {
    let reason = said
        .take_while(|line| !is_over(line))
        .filter(|line| !line.trim().is_empty())
        .take(LINES)
        .map(|line| line.trim_end().to_owned());
    Failure {
        name: name.to_owned(),
        reason: reason.collect(),
    }
}

/// `test room::name ... FAILED`, and of one that should have panicked.
fn cargo(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.strip_suffix(" - should panic").unwrap_or(name))
}

/// `✖ name (12.3ms)`.
fn node(line: &str) -> Option<&str> {
    let (name, took) = line.strip_prefix("✖ ")?.rsplit_once(" (")?;
    took.ends_with("ms)").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARGO: &str = "\
test good ... ok
test room::bad ... FAILED
test worse ... FAILED

failures:

---- room::bad stdout ----

thread 'room::bad' panicked at src/room.rs:3:9:
left is not right
---- worse stdout ----
thread 'worse' panicked at src/room.rs:9:9:
no

failures:
    room::bad
    worse
";
    const NODE: &str = "\
✖ one (too) breaks (5.7ms)
  AssertionError: told first

ℹ fail 2

✖ failing tests:

test at a.test.js:4:1
✖ one (too) breaks (5.7ms)
  AssertionError: no match
  \x20
  'some text'
      at TestContext.<anonymous> (a.test.js:4:35)
      at Test.runInAsyncScope (node:async_hooks:206:9)

test at b.test.js:4:1
✖ two (0.5ms)
  Error: serve ended
      at b.test.js:4:35
";

    fn shown(log: &str) -> Vec<(String, Vec<String>)> {
        let all = of(log).into_iter();
        all.map(|one| (one.name, one.reason)).collect()
    }

    #[test]
    fn each_failed_test_of_cargo_has_its_own_words() {
        let found = shown(CARGO);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "room::bad");
        assert_eq!(found[0].1[1..], ["left is not right"]);
        assert_eq!(found[1].0, "worse");
        assert_eq!(found[1].1[1], "no");
    }

    #[test]
    fn tests_of_one_name_in_two_programs_have_their_own_words() {
        let twice = format!("{CARGO}{}", CARGO.replace("\nno\n", "\nnever\n"));
        let found = shown(&twice);
        assert_eq!(found.len(), 4);
        assert_eq!([&found[1].1[1], &found[3].1[1]], ["no", "never"]);
    }

    #[test]
    fn a_test_that_did_not_panic_has_its_words() {
        let log = "test a - should panic ... FAILED\n---- a stdout ----\nnote: did not panic\n";
        let found = shown(log);
        assert_eq!(found[0].0, "a");
        assert_eq!(found[0].1, ["note: did not panic"]);
    }

    #[test]
    fn failed_tests_of_node_are_told_once() {
        let found = shown(NODE);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "one (too) breaks");
        let at = "      at TestContext.<anonymous> (a.test.js:4:35)";
        assert_eq!(
            found[0].1,
            ["  AssertionError: no match", "  'some text'", at]
        );
        assert_eq!(
            found[1].1,
            ["  Error: serve ended", "      at b.test.js:4:35"]
        );
    }

    #[test]
    fn a_failed_check_is_told_with_its_command() {
        let found = shown("ok      format\nFAILED  clippy: cargo clippy\n1 passed, 1 failed\n");
        assert_eq!(found, [("clippy: cargo clippy".to_owned(), Vec::new())]);
    }

    #[test]
    fn a_long_reason_is_cut() {
        let log = format!(
            "test a ... FAILED\n---- a stdout ----\n{}",
            "x\n".repeat(50)
        );
        assert_eq!(shown(&log)[0].1.len(), LINES);
    }

    #[test]
    fn good_logs_have_none() {
        assert!(shown("test FAILED ... ok\n✖ failing tests:\n✔ fine (1ms)\n").is_empty());
    }
}
