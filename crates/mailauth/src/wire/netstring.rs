//! Netstrings: `length:bytes,`.

use super::FramingError;

/// Longest request that is accepted. Postfix's keys are addresses.
pub const LONGEST: usize = 64 * 1024;

/// The first netstring of `bytes` and how many bytes it took; `None` if it has not arrived whole yet.
///
/// # Errors
/// [`FramingError::Netstring`] for a length with sign, leading zero or other bytes, or a missing
/// comma; [`FramingError::TooLong`] as soon as the length says so.
pub fn take(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, FramingError> {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let length = match &bytes[..digits] {
        [] if bytes.is_empty() => return Ok(None),
        [] | [b'0', _, ..] => return Err(FramingError::Netstring),
        digits => std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse::<usize>().ok())
            .filter(|length| *length <= LONGEST)
            .ok_or(FramingError::TooLong)?,
    };
    match bytes.get(digits) {
        None => return Ok(None),
        Some(b':') => {}
        Some(_) => return Err(FramingError::Netstring),
    }
    let start = digits + 1;
    match bytes.get(start + length) {
        None => Ok(None),
        Some(b',') => Ok(Some((&bytes[start..start + length], start + length + 1))),
        Some(_) => Err(FramingError::Netstring),
    }
}

/// Appends `parts`, joined, as one netstring.
pub fn put(out: &mut Vec<u8>, parts: &[&str]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b':');
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b',');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lies_about_the_length_are_framing_errors() {
        for lie in [
            &b"3:ab,c"[..],
            b"1:ab,",
            b"01:a,",
            b"00:,",
            b"-1:a,",
            b":a,",
            b"a:a,",
            b"1;a,",
            b"1 :a,",
            b" 1:a,",
            b"\n",
        ] {
            assert_eq!(take(lie), Err(FramingError::Netstring), "{lie:?}");
        }
        for lie in [
            &b"1000000000000"[..],
            b"65537",
            b"99999999999999999999999999999:",
        ] {
            assert_eq!(take(lie), Err(FramingError::TooLong), "{lie:?}");
        }
    }

    #[test]
    fn a_netstring_is_whole_or_not_there_yet() {
        let whole = b"7:a b\0c,d,rest";
        for end in 0..10 {
            assert_eq!(take(&whole[..end]), Ok(None), "{end}");
        }
        assert_eq!(take(whole), Ok(Some((&b"a b\0c,d"[..], 10))));
        assert_eq!(take(b"0:,"), Ok(Some((&b""[..], 3))));
    }

    proptest! {
        #[test]
        fn what_is_put_is_taken(text in "\\PC{0,200}", rest in any::<Vec<u8>>()) {
            let mut bytes = Vec::new();
            put(&mut bytes, &["OK ", &text]);
            let whole = bytes.len();
            bytes.extend(rest);
            let (taken, used) = take(&bytes).unwrap().unwrap();
            prop_assert_eq!(used, whole);
            prop_assert_eq!(taken.to_vec(), format!("OK {text}").into_bytes());
        }
    }
}
