//! Scopes: an ordered set of words (RFC 6749 section 3.3).

/// A character outside the grammar of RFC 6749 section 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope may hold visible ASCII characters except \" and \\")]
pub struct ScopeError;

/// Scopes in their order, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// From text separated by spaces; repeated words count once.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e | b' ');
        if !text.bytes().all(allowed) {
            return Err(ScopeError);
        }
        let mut scopes = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !scopes.contains(word) {
                scopes.0.push(word.to_owned());
            }
        }
        Ok(scopes)
    }

    /// Whether `word` is among them.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.0.iter().any(|scope| scope == word)
    }

    /// These, with `word` among them.
    #[must_use]
    pub fn with(mut self, word: &str) -> Self {
        if !self.contains(word) {
            self.0.push(word.to_owned());
        }
        self
    }

    /// Those of them that are offered, in their order.
    #[must_use]
    pub fn among(&self, offered: &[&str]) -> Self {
        let kept = self.iter().filter(|word| offered.contains(word));
        Self(kept.map(str::to_owned).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Separated by single spaces.
impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_order_and_count_once() {
        let scopes = Scopes::parse(" openid  email openid profile ").unwrap();
        assert_eq!(scopes.to_string(), "openid email profile");
        assert!(scopes.contains("email") && !scopes.contains("mail"));
        assert_eq!(Scopes::parse("").unwrap().to_string(), "");
        let among = scopes.among(&["profile", "groups", "openid"]);
        assert_eq!(among.to_string(), "openid profile");
        assert!(scopes.among(&[]).is_empty() && !scopes.is_empty());
        for bad in ["a\tb", "a\"b", "a\\b", "ä", "a\nb"] {
            assert_eq!(Scopes::parse(bad), Err(ScopeError), "{bad:?}");
        }
    }
}
