//! What a request demanded of the person, and when: a mark in its query, signed by us.
//!
//! `prompt=login`, `max_age` and *Not you?* demand a newer session. The request comes back after the
//! sign-in, and must know that it was answered: without a mark it would demand for ever, and with one
//! that anybody could write it would demand nothing.

use crate::App;
use model::ids::SessionId;
use model::session::Session;
use model::time::Timestamp;
use std::time::Duration;

/// The name of the mark among the parameters of a request. Apps cannot make one.
const NAME: &str = "gatepost_asked";
/// A sign-in at a provider takes ten minutes at most, and reading the consent page some more.
const GOOD_FOR: Duration = Duration::from_secs(20 * 60);

/// The query of a request, and the mark that came with it.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// As the app sent it.
    pub(super) plain: String,
    mark: Option<String>,
}

impl Query {
    pub(super) fn of(text: &str) -> Self {
        let (mut plain, mut mark) = (Vec::new(), None);
        for pair in text.split('&') {
            match pair
                .strip_prefix(NAME)
                .and_then(|rest| rest.strip_prefix('='))
            {
                Some(value) => mark = Some(value.to_owned()),
                None => plain.push(pair),
            }
        }
        Self {
            plain: plain.join("&"),
            mark,
        }
    }

    /// As it came, to ask once more with.
    pub(super) fn whole(&self) -> String {
        match &self.mark {
            Some(mark) => format!("{}&{NAME}={mark}", self.plain),
            None => self.plain.clone(),
        }
    }
}

/// Whether a query demands that the person signs in anew.
pub(crate) fn demands_sign_in(query: &str) -> bool {
    Query::of(query).mark.is_some()
}

/// A newer session than that of the asking was demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// The session there was.
    session: i64,
    at: Timestamp,
}

impl Asked {
    /// Whether `session` is what was demanded.
    pub(super) fn is_met_by(self, session: &Session) -> bool {
        session.id.0 != self.session && session.created >= self.at
    }
}

impl App {
    /// The query with a mark that demands a newer session of this browser than it has now.
    pub(super) fn demanding(
        &self,
        query: &Query,
        browser: &str,
        session: Option<SessionId>,
    ) -> String {
        let (session, at) = (session.map_or(0, |id| id.0), self.clock.now().0);
        let tag = self.mark_tag(&query.plain, browser, session, at);
        format!("{}&{NAME}={session}.{at}.{}", query.plain, hex::encode(tag))
    }

    /// What was asked of this browser for this request, if its mark is ours and recent.
    pub(super) fn asked(&self, query: &Query, browser: &str) -> Option<Asked> {
        let mut parts = query.mark.as_deref()?.splitn(3, '.');
        let mut part = || parts.next();
        let (session, at) = (part()?.parse().ok()?, part()?.parse().ok()?);
        let tag = hex::decode(part()?).ok()?;
        let (session_bytes, at_bytes) = (i64::to_be_bytes(session), i64::to_be_bytes(at));
        let ours = self.keys.form.verify(
            &[
                b"asked",
                query.plain.as_bytes(),
                browser.as_bytes(),
                &session_bytes,
                &at_bytes,
            ],
            &tag,
        );
        let at = Timestamp(at);
        (ours && self.clock.now().since(at) < GOOD_FOR).then_some(Asked { session, at })
    }

    fn mark_tag(&self, plain: &str, browser: &str, session: i64, at: i64) -> Vec<u8> {
        self.keys.form.tag(&[
            b"asked",
            plain.as_bytes(),
            browser.as_bytes(),
            &session.to_be_bytes(),
            &at.to_be_bytes(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_told_from_what_the_app_sent() {
        for (text, plain, marked) in [
            ("a=b&c=d", "a=b&c=d", false),
            ("a=b&gatepost_asked=1.2.3", "a=b", true),
            ("gatepost_asked=x&a=b", "a=b", true),
            ("a=b&xgatepost_asked=x", "a=b&xgatepost_asked=x", false),
            ("", "", false),
        ] {
            let query = Query::of(text);
            assert_eq!(
                (query.plain.as_str(), demands_sign_in(text)),
                (plain, marked)
            );
        }
        let query = Query::of("a=b&gatepost_asked=1.2.3&c=d");
        assert_eq!(query.whole(), "a=b&c=d&gatepost_asked=1.2.3");
    }
}
