use askama::Template;
use model::time::{DAY, Timestamp};
use std::borrow::Borrow;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// An instant, given by value or, as templates hold it, by reference. Pages are written in UTC; the
/// browser module shows it in the person's own zone.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "parts/when.html")]
pub struct When {
    at: Timestamp,
    style: Style,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Exact,
    Ago(Timestamp),
    Day,
}

impl When {
    /// Date, time and zone.
    #[must_use]
    pub fn exactly(at: impl Borrow<Timestamp>) -> Self {
        Self {
            at: *at.borrow(),
            style: Style::Exact,
        }
    }

    /// How long before `now`, in round words.
    #[must_use]
    pub fn ago(at: impl Borrow<Timestamp>, now: impl Borrow<Timestamp>) -> Self {
        Self {
            at: *at.borrow(),
            style: Style::Ago(*now.borrow()),
        }
    }

    /// The date alone.
    #[must_use]
    pub fn day(at: impl Borrow<Timestamp>) -> Self {
        Self {
            at: *at.borrow(),
            style: Style::Day,
        }
    }

    fn instant(&self) -> OffsetDateTime {
        let nanos = i128::from(self.at.0) * 1000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn iso(&self) -> String {
        let whole = self.instant().replace_nanosecond(0);
        whole
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok())
            .unwrap_or_default()
    }

    fn exact(&self) -> String {
        let form = format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"
        );
        self.instant().format(&form).unwrap_or_default()
    }

    /// As people read it, for the middle of a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self.style {
            Style::Exact => self.exact(),
            Style::Ago(now) => round(now.since(self.at)),
            Style::Day => {
                let form = format_description!("[day padding:none] [month repr:short] [year]");
                self.instant().format(&form).unwrap_or_default()
            }
        }
    }

    const fn local(&self) -> Option<&'static str> {
        match self.style {
            Style::Exact => Some("text"),
            Style::Ago(_) => Some("title"),
            Style::Day => None,
        }
    }

    fn title(&self) -> Option<String> {
        matches!(self.style, Style::Ago(_)).then(|| self.exact())
    }
}

fn round(since: Duration) -> String {
    let (count, word) = match since.as_secs() {
        0..60 => return "just now".to_owned(),
        secs @ 60..3600 => (secs / 60, "minute"),
        secs @ 3600..86_400 => (secs / 3600, "hour"),
        secs => (secs / DAY.as_secs(), "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_utc_for_programs_and_people() {
        let at = Timestamp::from_secs(1_795_341_845);
        let html = When::exactly(at).render().unwrap();
        assert_eq!(
            html,
            "<time datetime=\"2026-11-22T10:04:05Z\" data-local=\"text\">\
             22 Nov 2026, 10:04 UTC</time>"
        );
    }

    #[test]
    fn rounds_to_what_people_say() {
        let now = Timestamp::from_secs(1_000_000_000);
        for (secs, text) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3599, "59 minutes ago"),
            (7200, "2 hours ago"),
            (86_400, "1 day ago"),
            (86_400 * 40, "40 days ago"),
        ] {
            let at = now.minus(Duration::from_secs(secs));
            assert_eq!(When::ago(at, now).text(), text);
        }
        let future = now.plus(Duration::from_secs(500));
        assert_eq!(When::ago(future, now).text(), "just now");
    }
}
