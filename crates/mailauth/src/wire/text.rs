//! Words for people inside a reply.

use std::borrow::Cow;

/// Longest sentence that is sent; SMTP reply lines end at 512 bytes (RFC 5321 4.5.3.1.5).
const LONGEST: usize = 400;

/// `text` as one line of printable ASCII. The engines paste it into IMAP and SMTP replies after
/// undoing our escapes, where a line end would start a second reply.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .take(LONGEST)
        .map(|c| match c {
            ' '..='~' => c,
            c if c.is_whitespace() || c.is_control() => ' ',
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_start_a_second_reply() {
        assert_eq!(printable("a\r\n* BYE\tb\0\u{1}"), "a  * BYE b  ");
        assert_eq!(printable("Änne's phone"), "?nne's phone");
        assert_eq!(printable(&"x".repeat(5000)).len(), LONGEST);
    }
}
