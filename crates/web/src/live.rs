//! Lines that reach a page while they are worked on.

use crate::parts::Check;
use askama::Template as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use std::convert::Infallible;
use tokio::sync::mpsc::Receiver;

/// Streams checks to a [`crate::parts::Checks`] that follows this URL. When the sender is gone the
/// browser goes to `end`, a page that shows the same result to everybody who opens it.
#[must_use]
pub fn checks(lines: Receiver<Check>, end: String) -> Response {
    let events = stream::unfold(Some((lines, end)), async |open| {
        let (mut lines, end) = open?;
        match lines.recv().await {
            Some(line) => Some((Ok::<_, Infallible>(event_of(&line)), Some((lines, end)))),
            None => Some((Ok(Event::default().event("end").data(end)), None)),
        }
    });
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

fn event_of(line: &Check) -> Event {
    // A carriage return would end the field; evidence may hold one, a page needs none.
    let html = line.render().unwrap_or_default().replace('\r', " ");
    Event::default().event("line").data(html)
}
