//! Keyset pages: the next page starts after the last key of the one before, whatever was added or
//! removed meanwhile, and costs one index range wherever it lies.

use crate::StoreError;

/// Rows on a page at most, whatever is asked for.
pub(crate) const MOST: u32 = 500;
/// Rows looked at for one page at most, so that a filter that hardly any row passes still answers
/// within milliseconds.
pub(crate) const SCAN: usize = 1000;

/// In front of a cursor that leads back.
const BACK: char = '<';

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `next` of the page before, or `previous` of the one behind; `None` for the first.
    pub after: Option<String>,
    /// Rows wanted; 1 to 500.
    pub limit: u32,
}

impl Page {
    /// The first page.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    pub(crate) fn rows(&self) -> usize {
        self.limit.clamp(1, MOST) as usize
    }

    /// How many rows a statement is asked for: one more tells whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        self.rows() as i64 + 1
    }

    /// Where a page ordered by a text begins and ends, among texts that start with `prefix`: the
    /// start is part of the range, the end is not.
    pub(crate) fn range(&self, prefix: &str) -> (String, String) {
        let (start, end) = (prefix.to_owned(), prefix_end(prefix));
        match (&self.after, self.before()) {
            (_, Some(before)) => (start, end.min(before.to_owned())),
            (Some(after), None) if after.as_str() >= prefix => (text_after(after), end),
            _ => (start, end),
        }
    }

    /// The text before which a page that is turned back to ends. No stored text begins with the mark.
    pub(crate) fn before(&self) -> Option<&str> {
        self.after.as_deref()?.strip_prefix(BACK)
    }

    /// The cursor of the page that ends before a place.
    pub(crate) fn back_to(place: &impl std::fmt::Display) -> String {
        format!("{BACK}{place}")
    }

    /// The one row after a text, to see whether there is any.
    pub(crate) fn following(&self, text: String) -> Self {
        Self {
            after: Some(text),
            limit: 1,
        }
    }

    /// The id before which a page ordered newest first begins.
    pub(crate) fn before_id(&self) -> Result<i64, StoreError> {
        self.after.as_ref().map_or(Ok(i64::MAX), |cursor| {
            cursor.parse().map_err(|_| StoreError::Cursor)
        })
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows. A filtered page may be shorter than asked, even empty, and still have a `next`.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
    /// The way back, where this list has one; `None` on the first page.
    pub previous: Option<String>,
}

impl<T> Listed<T> {
    /// Cuts the one row too many that was fetched, and names the last kept one by `key`.
    pub(crate) fn cut(mut rows: Vec<T>, page: &Page, key: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > page.rows();
        rows.truncate(page.rows());
        let next = rows.last().filter(|_| more).map(key);
        Self {
            rows,
            next,
            previous: None,
        }
    }

    /// The page of a list in the order of a text, with the way back: `rows` were fetched in that
    /// order, or against it for a page that is turned back to. `None` if such a page is not full:
    /// then it is the first one, which has to be fetched as such.
    pub(crate) fn turned(
        mut rows: Vec<T>,
        page: &Page,
        key: impl Fn(&T) -> String + Copy,
    ) -> Option<Self> {
        if page.before().is_some() {
            if rows.len() <= page.rows() {
                return None;
            }
            rows.truncate(page.rows());
            rows.reverse();
            let next = rows.last().map(key);
            let previous = rows.first().map(|first| format!("{BACK}{}", key(first)));
            return Some(Self {
                rows,
                next,
                previous,
            });
        }
        let mut listed = Self::cut(rows, page, key);
        listed.previous = page.after.as_ref().map(|after| {
            let first = listed.rows.first().map_or_else(|| text_after(after), key);
            format!("{BACK}{first}")
        });
        Some(listed)
    }
}

/// The first text after `text` in byte order, among texts without control characters.
pub(crate) fn text_after(text: &str) -> String {
    format!("{text}\u{1}")
}

/// The end of the range of texts that start with `prefix`: each lies in `prefix..end`.
///
/// U+10FFFF is a noncharacter, so no stored text holds it.
pub(crate) fn prefix_end(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_with_the_key_of_its_last_row() {
        let page = Page::first(2);
        let cut = |rows| Listed::cut(rows, &page, i32::to_string);
        assert_eq!(cut(vec![1, 2, 3]).next.as_deref(), Some("2"));
        assert_eq!(cut(vec![1, 2, 3]).rows, [1, 2]);
        assert_eq!(cut(vec![1, 2]).next, None);
        assert_eq!(cut(vec![]).next, None);
    }

    #[test]
    fn a_range_holds_what_starts_with_the_prefix_and_comes_after_the_cursor() {
        let after = |after: Option<&str>| Page {
            after: after.map(str::to_owned),
            limit: 1,
        };
        let holds = |page: &Page, prefix, text: &str| {
            let (start, end) = page.range(prefix);
            start.as_str() <= text && text < end.as_str()
        };
        let first = after(None);
        assert!(
            holds(&first, "al", "al") && holds(&first, "al", "alice") && holds(&first, "", "z")
        );
        assert!(!holds(&first, "al", "ak") && !holds(&first, "al", "am"));
        let next = after(Some("alice"));
        assert!(!holds(&next, "al", "alice") && holds(&next, "al", "alice2"));
        // A cursor from before the prefix, made by hand, does not widen the range.
        assert!(!holds(&after(Some("aa")), "al", "ab"));
    }

    #[test]
    fn limits_stay_in_bounds() {
        assert_eq!(Page::first(0).rows(), 1);
        assert_eq!(Page::first(u32::MAX).rows(), 500);
        let odd = Page {
            after: Some("x".into()),
            limit: 1,
        };
        assert_eq!(odd.before_id(), Err(StoreError::Cursor));
    }
}
