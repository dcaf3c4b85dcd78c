//! Why the browser could not go on.

use super::Hop;

/// What went wrong in the browser.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// No answer.
    #[error("no answer: {0:?}")]
    Transport(#[from] reqwest::Error),
    /// Not a URL.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// A trusted certificate is none.
    #[error("certificate: {0}")]
    Certificate(String),
    /// A cookie was refused.
    #[error("cookie refused: {0}")]
    Cookie(String),
    /// The redirects do not end.
    #[error("too many redirects: {0:#?}")]
    TooManyRedirects(Vec<Hop>),
    /// The tab shows nothing yet.
    #[error("nothing was opened in this tab yet")]
    EmptyTab,
    /// Not a CSS selector.
    #[error("not a CSS selector: {0}")]
    Selector(String),
    /// What was looked for is not on the page.
    #[error("no {what} on {url}; the page says:\n{text}")]
    Missing {
        /// What was looked for.
        what: String,
        /// The page.
        url: String,
        /// Its text.
        text: String,
    },
    /// A form has no such control, or it takes no such value.
    #[error("the form at {action} has no {what}; it has: {controls}")]
    NoControl {
        /// What was looked for.
        what: String,
        /// The form's action.
        action: String,
        /// Its controls' names.
        controls: String,
    },
}
