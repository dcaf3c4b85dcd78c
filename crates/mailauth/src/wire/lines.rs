//! Lines that end in LF.

use super::FramingError;

/// Longest line that is worked on. Longer ones, up to [`HARD_LIMIT`], are refused with a reply.
pub const SOFT_LIMIT: usize = 8 * 1024;

/// A line of this length ends the connection.
pub const HARD_LIMIT: usize = 64 * 1024;

/// The first line of `bytes` without its LF, and how many bytes it took; `None` if it has not
/// arrived whole yet.
///
/// # Errors
/// [`FramingError::TooLong`] as soon as the line can only get longer than [`HARD_LIMIT`].
pub fn take(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, FramingError> {
    let window = &bytes[..bytes.len().min(HARD_LIMIT)];
    match window.iter().position(|b| *b == b'\n') {
        Some(end) => Ok(Some((&bytes[..end], end + 1))),
        None if bytes.len() >= HARD_LIMIT => Err(FramingError::TooLong),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_whole_or_not_there_yet() {
        assert_eq!(take(b""), Ok(None));
        assert_eq!(take(b"AUTH\t1"), Ok(None));
        assert_eq!(take(b"AUTH\t1\nCONT"), Ok(Some((b"AUTH\t1".as_slice(), 7))));
        assert_eq!(take(b"\n"), Ok(Some((b"".as_slice(), 1))));
    }

    #[test]
    fn a_line_of_64_kib_is_a_framing_error_wherever_its_end_is() {
        let mut bytes = vec![b'x'; HARD_LIMIT - 1];
        assert_eq!(take(&bytes), Ok(None));
        bytes.push(b'\n');
        assert_eq!(take(&bytes).unwrap().unwrap().1, HARD_LIMIT);
        bytes.insert(0, b'x');
        assert_eq!(take(&bytes), Err(FramingError::TooLong));
    }
}
