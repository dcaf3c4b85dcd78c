//! Printing: data on standard output, everything else on standard error.

use std::io::Write as _;

/// A line of the command's answer. A reader that has gone away is no error: `… | head`.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", harmless(text));
}

/// A line about what went wrong, or about what was done beside the answer.
pub(super) fn problem(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", harmless(text));
}

/// Takes the place of the line that stands on the terminal, which is standard error.
pub(super) fn over(text: &str) {
    let mut terminal = std::io::stderr();
    // Back to the start of the line, and clear to its end.
    let _ = write!(terminal, "\r\x1b[K{}", harmless(text));
    let _ = terminal.flush();
}

/// Some of what is printed comes from outside (claims, names of browsers): nothing in it may steer
/// the terminal.
fn harmless(text: &str) -> String {
    let printable = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(printable).collect()
}

/// Rows under a heading, columns two spaces apart. Columns that are empty in every row are left out.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let width = |text: &str| text.chars().count();
    let columns: Vec<(usize, usize)> = heading
        .iter()
        .enumerate()
        .filter_map(|(at, name)| {
            let widest = rows.iter().map(|row| width(&row[at])).max()?;
            (widest > 0).then_some((at, widest.max(width(name))))
        })
        .collect();
    let heading = heading.map(str::to_owned);
    let mut text = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (at, widest) in &columns {
            let cell = &row[*at];
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// One object, a line a field. A field without a value is left out; the lines of a value with
/// several stand under each other.
pub(super) fn details(fields: &[(&str, String)]) -> String {
    let shown = || fields.iter().filter(|(_, value)| !value.is_empty());
    let widest = shown()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default()
        + 2;
    let mut text = String::new();
    for (name, value) in shown() {
        for (n, line) in value.lines().enumerate() {
            let name = if n == 0 { *name } else { "" };
            text.push_str(&format!("{name:widest$}{line}\n"));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// An instant of a document as people read it: `2026-11-22 20:30 UTC`.
pub(super) fn when(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}

/// As [`when`], with words for *never*.
pub(super) fn when_or(rfc3339: Option<&String>, never: &str) -> String {
    rfc3339.map_or_else(|| never.to_owned(), |at| when(at))
}

/// `yes` or `no`.
pub(super) const fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// `on` or `off`.
pub(super) const fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_empty_ones_go() {
        let rows = [
            ["a@example.org".into(), String::new(), "1 GiB".into()],
            ["ö@example.org".into(), String::new(), "5 GiB".into()],
        ];
        assert_eq!(
            table(["ADDRESS", "NAME", "QUOTA"], &rows),
            "ADDRESS        QUOTA\na@example.org  1 GiB\nö@example.org  5 GiB"
        );
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let fields = [
            ("Address", "a@example.org".to_owned()),
            ("Name", String::new()),
            ("Aliases", "b\nc".to_owned()),
        ];
        assert_eq!(
            details(&fields),
            "Address  a@example.org\nAliases  b\n         c"
        );
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\x1b[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
    }

    #[test]
    fn instants_are_cut_to_the_minute() {
        assert_eq!(when("2026-11-22T20:30:15Z"), "2026-11-22 20:30 UTC");
    }
}
