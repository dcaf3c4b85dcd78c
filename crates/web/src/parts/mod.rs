//! What pages are made of. Each part is a small struct that escapes what it shows; a template
//! writes it as `{{ part }}`.
//!
//! | part | for |
//! |---|---|
//! | [`Field`], [`Problems`] | forms: one labelled control; what is wrong with what was sent |
//! | [`Question`] | asking before something that cannot be undone |
//! | [`Copied`], [`Code`] | values and blocks to copy |
//! | [`Checks`], [`Check`] | steps with their outcome, also while they run |
//! | [`Verdict`], [`Notice`], [`Tag`] | one answer; what just happened; one word of status |
//! | [`Quota`], [`When`] | how full; when |
//! | [`Chart`], [`Share`] | numbers over time, with their table; one number beside the largest |
//! | [`Pager`], [`Empty`] | turning pages; nothing here yet |
//! | [`Icon`], [`Link`] | a picture from the sprite; a place to go |
//! | [`WayBack`] | the way back to an app |
//!
//! Tables, facts, filter bars and disclosures are plain HTML with the classes `table`, `facts`,
//! `filter` and `more`; a table cell names its column in `data-label` for small screens.

mod chart;
mod check;
mod copied;
mod field;
mod icon;
mod list;
mod problems;
mod question;
mod quota;
mod state;
mod status;
mod way_back;
mod when;

pub use chart::{Chart, ChartBar, Share};
pub use check::{Check, Checks};
pub use copied::{Code, Copied};
pub use field::{Field, Opt};
pub use icon::Icon;
pub use list::{Empty, Pager};
pub use problems::Problems;
pub use question::Question;
pub use quota::{Quota, bytes};
pub use state::State;
pub use status::{Notice, Tag, Verdict};
pub use way_back::WayBack;
pub use when::When;

/// A place to go, with the words of its link or button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub href: String,
    /// Its words.
    pub text: String,
}

impl Link {
    /// A link.
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            text: text.into(),
        }
    }
}

/// Lets templates write a part as `{{ part }}`: its own template has escaped what it holds.
macro_rules! written_as_html {
    ($($part:ty),*) => {$(
        impl askama::filters::HtmlSafe for $part {}
    )*};
}
pub(crate) use written_as_html;

written_as_html!(
    Chart, Check, Checks, Code, Copied, Empty, Field, Icon, Notice, Pager, Problems, Question,
    Quota, Share, Tag, Verdict, WayBack, When
);
