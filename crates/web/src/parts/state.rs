use super::Icon;

/// How something stands. Pages show it as a word and a shape, and in a colour beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Works, but somebody should look.
    Warn,
    /// Does not work.
    Error,
    /// Neither good nor bad.
    Neutral,
    /// Under way.
    Pending,
    /// Not looked at.
    Skipped,
}

impl State {
    /// The class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Neutral => "neutral",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
        }
    }

    /// Its shape.
    #[must_use]
    pub const fn icon(self) -> Icon {
        match self {
            Self::Ok => Icon::of("ok"),
            Self::Warn => Icon::of("warn"),
            Self::Error => Icon::of("error"),
            Self::Neutral => Icon::of("info"),
            Self::Pending => Icon::spinning("pending"),
            Self::Skipped => Icon::of("skipped"),
        }
    }

    /// Its word, for those who do not see the shape.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "Look at this",
            Self::Error => "Failed",
            Self::Neutral => "Note",
            Self::Pending => "Under way",
            Self::Skipped => "Not reached",
        }
    }
}
