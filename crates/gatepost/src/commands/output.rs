//! Printing: data on standard output, everything else on standard error.

use std::io::Write as _;

/// A line of the command's answer. A reader that has gone away is no error: `… | head`.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line about what went wrong.
pub(super) fn problem(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
