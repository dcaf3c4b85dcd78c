//! Tags: words that administrators put on mailboxes, to say who may use an app and to tell apps
//! which groups a person belongs to.
//!
//! A tag has one canonical form, made by parsing: NFC, lower case, single spaces. Everything later
//! compares plain strings, so `VIP ` typed for an app meets `vip` at a mailbox.

use crate::foreign::is_plain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization as _;

/// Characters of a tag at most.
pub const MOST_CHARS: usize = 64;
/// Tags of a mailbox at most. mailcow lets 26 pass.
pub const MOST_TAGS: usize = 32;

/// Why a text is not a tag, or a list not the tags of a mailbox. Shown to people beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// No text.
    #[error("a tag is a word, not an empty text")]
    Empty,
    /// More than [`MOST_CHARS`].
    #[error("a tag has at most {MOST_CHARS} characters")]
    TooLong,
    /// What separates tags, breaks lines or cannot be seen.
    #[error("a tag holds no comma, line break or invisible character")]
    Character,
    /// More than [`MOST_TAGS`].
    #[error("a mailbox has at most {MOST_TAGS} tags")]
    TooMany,
}

/// One tag, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// Parses `text` as typed by people and brings it into canonical form.
    ///
    /// # Errors
    /// The first rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        // No canonical form of 64 characters is that long; what is, need not be looked through.
        if text.len() > 16 * MOST_CHARS {
            return Err(TagError::TooLong);
        }
        let text = text.trim_matches(' ');
        if text.contains(',') || !is_plain(text) {
            return Err(TagError::Character);
        }
        let words: Vec<_> = text.split_whitespace().collect();
        let lower = words.join(" ").nfc().collect::<String>().to_lowercase();
        let canonical: String = lower.nfc().collect();
        if canonical.is_empty() {
            return Err(TagError::Empty);
        }
        if canonical.chars().count() > MOST_CHARS {
            return Err(TagError::TooLong);
        }
        Ok(Self(canonical))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;
    fn try_from(text: String) -> Result<Self, TagError> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for Tag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Self, TagError> {
        Self::parse(text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tags of a mailbox, or those that an app asks for: at most [`MOST_TAGS`], in order, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tag>", into = "Vec<Tag>")]
pub struct Tags(BTreeSet<Tag>);

impl Tags {
    /// Parses tags separated by commas, as people type them. Empty ones and repetitions are dropped.
    ///
    /// # Errors
    /// What is wrong with the first tag that is none, or [`TagError::TooMany`].
    pub fn parse(list: &str) -> Result<Self, TagError> {
        let words = list.split(',').filter(|word| !word.trim().is_empty());
        let mut tags = BTreeSet::new();
        for word in words {
            tags.insert(Tag::parse(word)?);
            if tags.len() > MOST_TAGS {
                return Err(TagError::TooMany);
            }
        }
        Ok(Self(tags))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `tag` is one of them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// Whether both have a tag in common; never with an empty set.
    #[must_use]
    pub fn contains_any(&self, others: &Self) -> bool {
        !self.0.is_disjoint(&others.0)
    }

    /// Those that are not among `others`, in order.
    pub fn except<'a>(&'a self, others: &'a Self) -> impl Iterator<Item = &'a Tag> {
        self.0.difference(&others.0)
    }

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Tag::as_str)
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = TagError;
    fn try_from(tags: Vec<Tag>) -> Result<Self, TagError> {
        let tags: BTreeSet<_> = tags.into_iter().collect();
        if tags.len() > MOST_TAGS {
            return Err(TagError::TooMany);
        }
        Ok(Self(tags))
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0.into_iter().collect()
    }
}

impl std::str::FromStr for Tags {
    type Err = TagError;
    fn from_str(list: &str) -> Result<Self, TagError> {
        Self::parse(list)
    }
}

impl std::fmt::Display for Tags {
    /// As people type them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tags: Vec<_> = self.iter().collect();
        f.write_str(&tags.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tags(list: &str) -> Tags {
        Tags::parse(list).unwrap()
    }

    #[test]
    fn a_tag_has_one_form_however_it_is_typed() {
        for (typed, canonical) in [
            ("staff", "staff"),
            ("  VIP ", "vip"),
            ("Sales   Team", "sales team"),
            ("A\u{a0}b", "a b"),
            ("Gro\u{308}ße", "größe"),
            ("ÄRZTE", "ärzte"),
            ("İ", "i\u{307}"),
            ("it:mail/2nd", "it:mail/2nd"),
            ("<b>'\"&;", "<b>'\"&;"),
        ] {
            assert_eq!(Tag::parse(typed).unwrap().as_str(), canonical, "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_tag_is_refused_with_the_rule_it_breaks() {
        let long = "ä".repeat(MOST_CHARS + 1);
        let endless = "x".repeat(1 << 20);
        for (text, error) in [
            ("", TagError::Empty),
            ("   ", TagError::Empty),
            ("\u{a0}", TagError::Empty),
            (long.as_str(), TagError::TooLong),
            (endless.as_str(), TagError::TooLong),
            ("a,b", TagError::Character),
            ("a\nb", TagError::Character),
            ("staff\n", TagError::Character),
            ("a\0", TagError::Character),
            ("a\u{202e}b", TagError::Character),
            ("a\u{200b}b", TagError::Character),
        ] {
            assert_eq!(Tag::parse(text), Err(error), "{text:?}");
        }
        assert!(Tag::parse(&"ä".repeat(MOST_CHARS)).is_ok());
    }

    #[test]
    fn a_list_is_a_sorted_set() {
        let typed = tags(" vip,, Staff ,staff, ");
        assert_eq!(typed.iter().collect::<Vec<_>>(), ["staff", "vip"]);
        assert_eq!(typed.to_string(), "staff, vip");
        assert!(tags("").is_empty() && tags(" , ").is_empty());
        assert!(typed.contains(&Tag::parse("VIP").unwrap()));
        assert_eq!(Tags::parse("ok, a\tb"), Err(TagError::Character));
    }

    #[test]
    fn a_mailbox_has_so_many_tags_and_no_more() {
        let many = |count: usize| {
            let words: Vec<_> = (0..count).map(|n| format!("t{n}")).collect();
            words.join(",")
        };
        assert_eq!(tags(&many(MOST_TAGS)).iter().count(), MOST_TAGS);
        assert_eq!(Tags::parse(&many(MOST_TAGS + 1)), Err(TagError::TooMany));
        let repeated = format!("{},{}", many(MOST_TAGS), many(MOST_TAGS));
        assert!(Tags::parse(&repeated).is_ok());
    }

    #[test]
    fn sets_meet_in_any_common_tag() {
        assert!(tags("a, b").contains_any(&tags("b, c")));
        assert!(!tags("a").contains_any(&tags("ab, c")));
        assert!(!tags("a").contains_any(&tags("")) && !tags("").contains_any(&tags("")));
    }

    #[test]
    fn json_is_a_list_of_strings_that_is_checked() {
        let read = |json: &str| serde_json::from_str::<Tags>(json);
        let typed = tags("vip, staff");
        assert_eq!(serde_json::to_string(&typed).unwrap(), r#"["staff","vip"]"#);
        assert_eq!(read(r#"["VIP","staff"]"#).unwrap(), typed);
        assert!(read(r#"["a,b"]"#).is_err() && read(r#"[""]"#).is_err());
        assert!(read("\"staff\"").is_err());
        let many: Vec<_> = (0..=MOST_TAGS).map(|n| n.to_string()).collect();
        assert!(read(&serde_json::to_string(&many).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(text in "\\PC{0,70}") {
            if let Ok(tag) = Tag::parse(&text) {
                prop_assert_eq!(Tag::parse(tag.as_str()), Ok(tag.clone()));
                prop_assert!(!tag.as_str().contains(',') && is_plain(tag.as_str()));
            }
            if let Ok(tags) = Tags::parse(&text) {
                prop_assert_eq!(Tags::parse(&tags.to_string()), Ok(tags));
            }
        }
    }
}
