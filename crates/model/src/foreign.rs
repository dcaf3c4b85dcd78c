//! Words from outside, made fit to be stored and shown to administrators.

use std::fmt::Write as _;

/// `text` without control and direction-changing characters, cut to `most` characters.
///
/// Providers' error words reach logs, terminals and pages. Escaping for HTML stays the page's job;
/// this removes what no escaping helps against: line breaks that forge log lines, terminal
/// sequences, and characters that turn the reading direction.
#[must_use]
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().filter(|c| !is_harmful(*c)).enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

/// As [`printable`], cut without a sign: for words that are kept as data.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let kept = text.chars().filter(|c| !is_harmful(*c));
    kept.take(most).collect()
}

/// A JSON text with what [`printable`] takes out written as escapes: the same value, all of it seen.
#[must_use]
pub fn seen_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_harmful(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether `text` holds nothing that [`printable`] takes out.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(is_harmful)
}

/// Control characters, and the format characters that hide text or change its direction.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_what_escaping_does_not_help_against() {
        assert_eq!(printable("a\r\nb\u{1b}[31mc\u{202e}d", 100), "ab[31mcd");
        assert_eq!(printable("größer <b>", 100), "größer <b>");
        assert!(is_plain("größer <b>") && !is_plain("a\u{202e}b") && !is_plain("a\u{200b}"));
    }

    #[test]
    fn json_shows_what_it_holds() {
        let seen = seen_json("{\n  \"a\u{202e}b\": \"größe\"\n}");
        assert_eq!(seen, "{\n  \"a\\u202eb\": \"größe\"\n}");
    }

    #[test]
    fn cuts_by_characters_and_says_so() {
        assert_eq!(printable("äöü", 2), "äö…");
        assert_eq!(plain("ä\u{200b}öü", 2), "äö");
        assert_eq!(printable("äöü", 3), "äöü");
    }
}
