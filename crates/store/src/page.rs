//! Keyset pages: the next page starts after the last key of the one before, whatever was added or
//! removed meanwhile, and costs one index range wherever it lies.

use crate::StoreError;

/// Rows on a page at most, whatever is asked for.
pub(crate) const MOST: u32 = 500;
/// Rows looked at for one page at most, so that a filter that hardly any row passes still answers
/// within milliseconds.
pub(crate) const SCAN: usize = 1000;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `next` of the page before; `None` for the first.
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
        let start = match &self.after {
            Some(after) if after.as_str() >= prefix => text_after(after),
            _ => prefix.to_owned(),
        };
        (start, prefix_end(prefix))
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
}

impl<T> Listed<T> {
    /// Cuts the one row too many that was fetched, and names the last kept one by `key`.
    pub(crate) fn cut(mut rows: Vec<T>, page: &Page, key: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > page.rows();
        rows.truncate(page.rows());
        let next = rows.last().filter(|_| more).map(key);
        Self { rows, next }
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
