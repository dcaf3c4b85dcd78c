//! Fields separated by TAB, and the 0x01 escapes inside them (Dovecot's `str_tabescape`).

use super::FramingError;
use std::borrow::Cow;

/// The escape byte.
const ESCAPE: u8 = 0x01;

/// More fields than this in one line and the connection is closed. Dovecot 2.4 sends about thirty.
pub const MAX_FIELDS: usize = 256;

/// The fields of `line`, still escaped.
///
/// # Errors
/// [`FramingError::TooManyFields`].
pub fn split(line: &[u8]) -> Result<Vec<&[u8]>, FramingError> {
    let mut fields = Vec::with_capacity(16);
    for field in line.split(|b| *b == b'\t') {
        if fields.len() == MAX_FIELDS {
            return Err(FramingError::TooManyFields);
        }
        fields.push(field);
    }
    Ok(fields)
}

/// Undoes the escapes of one field.
///
/// # Errors
/// [`FramingError::Escape`] for an escape that does not exist and for raw NUL, CR, LF and TAB.
pub fn unescape(field: &[u8]) -> Result<Cow<'_, [u8]>, FramingError> {
    if !field
        .iter()
        .any(|b| matches!(*b, 0 | ESCAPE | b'\r' | b'\n' | b'\t'))
    {
        return Ok(Cow::Borrowed(field));
    }
    let mut plain = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            0 | b'\r' | b'\n' | b'\t' => return Err(FramingError::Escape),
            &ESCAPE => match bytes.next() {
                Some(b'0') => 0,
                Some(b'1') => ESCAPE,
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                _ => return Err(FramingError::Escape),
            },
            other => *other,
        });
    }
    Ok(Cow::Owned(plain))
}

/// Splits `key=value`; a field without `=` is a flag with an empty value.
#[must_use]
pub fn pair(field: &[u8]) -> (&[u8], &[u8]) {
    field
        .iter()
        .position(|b| *b == b'=')
        .map_or((field, &[]), |at| (&field[..at], &field[at + 1..]))
}

/// A whole number without sign.
///
/// # Errors
/// [`FramingError::Number`] if it is anything else or does not fit 32 bits.
pub fn number(field: &[u8]) -> Result<u32, FramingError> {
    if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
        return Err(FramingError::Number);
    }
    std::str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(FramingError::Number)
}

/// A request id: not 0, which both engines skip when their counter wraps.
///
/// # Errors
/// [`FramingError::Number`].
pub fn id(field: &[u8]) -> Result<u32, FramingError> {
    match number(field)? {
        0 => Err(FramingError::Number),
        id => Ok(id),
    }
}

/// One line under construction: the only way to write one, so that no value gets in unescaped.
#[derive(Debug)]
#[must_use = "a line is complete only after `end`"]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Line<'a> {
    /// Starts a line with its command.
    pub fn new(out: &'a mut Vec<u8>, command: &'static str) -> Self {
        out.extend_from_slice(command.as_bytes());
        Self { out }
    }

    /// Adds a number.
    pub fn number(self, number: u32) -> Self {
        self.raw(number.to_string().as_bytes())
    }

    /// Adds a fixed word.
    pub fn word(self, word: &'static str) -> Self {
        self.raw(word.as_bytes())
    }

    /// Adds a value.
    pub fn field(self, value: &[u8]) -> Self {
        self.out.push(b'\t');
        escape(self.out, value);
        self
    }

    /// Adds `key=value`.
    pub fn pair(self, key: &'static str, value: &[u8]) -> Self {
        self.out.push(b'\t');
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
        escape(self.out, value);
        self
    }

    /// Ends the line.
    pub fn end(self) {
        self.out.push(b'\n');
    }

    fn raw(self, bytes: &[u8]) -> Self {
        self.out.push(b'\t');
        self.out.extend_from_slice(bytes);
        self
    }
}

fn escape(out: &mut Vec<u8>, value: &[u8]) {
    let mut rest = value;
    while let Some((at, letter)) = first_escaped(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[ESCAPE, letter]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// The first byte that must not stand in a field, and the letter that stands for it.
fn first_escaped(value: &[u8]) -> Option<(usize, u8)> {
    value.iter().enumerate().find_map(|(at, byte)| {
        let letter = match byte {
            0 => b'0',
            &ESCAPE => b'1',
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            _ => return None,
        };
        Some((at, letter))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_plain_and_fit_32_bits() {
        assert_eq!(id(b"1"), Ok(1));
        assert_eq!(id(b"4294967295"), Ok(u32::MAX));
        for bad in ["0", "4294967296", "-1", "+1", "1 ", "", "0x1", "１"] {
            assert_eq!(id(bad.as_bytes()), Err(FramingError::Number), "{bad:?}");
        }
    }

    #[test]
    fn raw_control_bytes_and_unknown_escapes_are_framing_errors() {
        for bad in [&b"a\0b"[..], b"a\rb", b"a\x01", b"a\x01x", b"a\x01\x01"] {
            assert_eq!(unescape(bad), Err(FramingError::Escape), "{bad:?}");
        }
        assert_eq!(
            unescape(b"a\x010\x011\x01t\x01n\x01rb").unwrap().as_ref(),
            b"a\0\x01\t\n\rb"
        );
    }

    #[test]
    fn a_line_of_too_many_fields_is_a_framing_error() {
        assert_eq!(split(&[b'\t'; MAX_FIELDS - 1]).unwrap().len(), MAX_FIELDS);
        assert_eq!(
            split(&[b'\t'; MAX_FIELDS]),
            Err(FramingError::TooManyFields)
        );
    }

    proptest! {
        #[test]
        fn any_value_survives_a_line_and_stays_one_field(values in prop::collection::vec(any::<Vec<u8>>(), 0..8)) {
            let mut out = Vec::new();
            let mut line = Line::new(&mut out, "OK").number(7);
            for value in &values {
                line = line.pair("user", value);
            }
            line.end();
            let (line, used) = super::super::lines::take(&out).unwrap().unwrap();
            prop_assert_eq!(used, out.len());
            let fields = split(line).unwrap();
            prop_assert_eq!(fields.len(), values.len() + 2);
            for (field, value) in fields[2..].iter().zip(&values) {
                let (key, escaped) = pair(field);
                prop_assert_eq!(key, b"user");
                prop_assert_eq!(unescape(escaped).unwrap().into_owned(), value.clone());
            }
        }
    }
}
