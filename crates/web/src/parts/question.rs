use crate::csrf::FormToken;
use askama::Template;

/// Asks before something that cannot be undone. It is the main part of a page of its own; a link
/// to that page with `data-ask` shows it in a dialog where the browser can.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/question.html")]
pub struct Question {
    /// What is asked.
    pub title: String,
    /// What will happen, a sentence each.
    pub lines: Vec<String>,
    /// Where the answer is posted.
    pub action: String,
    /// The word on the button that does it.
    pub act: &'static str,
    /// Whether it destroys something.
    pub danger: bool,
    /// Where Cancel leads.
    pub back: String,
    /// Further fields of the form.
    pub hidden: Vec<(&'static str, String)>,
    /// The form's token.
    pub token: FormToken,
}
