use super::{Link, State};
use askama::Template;

/// One step with its outcome.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/check.html")]
pub struct Check {
    id: String,
    state: State,
    name: String,
    evidence: String,
    took_ms: Option<u64>,
    fix: Option<Link>,
}

impl Check {
    /// A step. `id` is unique on its page; a line streamed later with the same id replaces it.
    pub fn new(id: impl std::fmt::Display, state: State, name: impl Into<String>) -> Self {
        Self {
            id: id.to_string(),
            state,
            name: name.into(),
            evidence: String::new(),
            took_ms: None,
            fix: None,
        }
    }

    /// With what was seen.
    #[must_use]
    pub fn seen(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = evidence.into();
        self
    }

    /// With how long it took, in milliseconds.
    #[must_use]
    pub const fn took(mut self, ms: u64) -> Self {
        self.took_ms = Some(ms);
        self
    }

    /// With the button that fixes it.
    #[must_use]
    pub fn fixed_by(mut self, fix: Link) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// Steps in their order.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/checks.html")]
pub struct Checks {
    name: String,
    lines: Vec<Check>,
    stream: Option<String>,
    again: Option<String>,
    again_words: &'static str,
}

impl Checks {
    /// The steps; `name` says of what, for those who do not see the page.
    pub fn new(name: impl Into<String>, lines: Vec<Check>) -> Self {
        Self {
            name: name.into(),
            lines,
            stream: None,
            again: None,
            again_words: "Show the result so far",
        }
    }

    /// With lines still to come: an event stream at `stream` sends `line` events, each a [`Check`]
    /// as HTML, and an `end` event with the path of the finished page (or nothing). Browsers that
    /// cannot follow it get a link to `again`, which shows the result so far.
    #[must_use]
    pub fn following(mut self, stream: impl Into<String>, again: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self.again = Some(again.into());
        self
    }

    /// With other words on the link of [`Checks::following`].
    #[must_use]
    pub const fn again_saying(mut self, words: &'static str) -> Self {
        self.again_words = words;
        self
    }

    #[expect(clippy::unused_self, reason = "called by the template")]
    const fn again_id(&self) -> &'static str {
        "checks-again"
    }
}
