//! What a request demanded of the person, and when: a mark in its query, signed by us.
//!
//! `prompt=login`, `max_age` and *Not you?* demand a newer session, and a provider is told so. The
//! request comes back after the sign-in, and must know that it was answered: without a mark it would
//! demand for ever, and with one that anybody could write it would demand nothing. A provider may let
//! the person through without asking; where it says since when it knows them, that is noticed.

use super::request::max_age;
use crate::App;
use crate::provider_calls::Fresh;
use model::ids::SessionId;
use model::session::Session;
use model::time::Timestamp;
use std::time::Duration;

/// The name of the mark among the parameters of a request. Apps cannot make one.
const NAME: &str = "gatepost_asked";
/// A sign-in at a provider takes ten minutes at most, and reading the consent page some more.
const GOOD_FOR: Duration = Duration::from_secs(20 * 60);
/// Providers say whole seconds, rounded as they like, and take a moment between proof and token.
const ROUNDING: Duration = Duration::from_secs(5);

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

/// How fresh a proof of the person is demanded of the provider to which a request leads first. Nothing
/// is believed for it: a mark that somebody made up has them asked once more.
pub(crate) fn fresh(query: &str) -> Fresh {
    let query = Query::of(query);
    let kind = query
        .mark
        .as_deref()
        .and_then(|mark| mark.split('.').next());
    let most = max_age(&query.plain).and_then(|seconds| u32::try_from(seconds).ok());
    match kind.and_then(Demand::named) {
        None => Fresh::default(),
        Some(demand) => Fresh {
            anew: demand == Demand::Anew,
            max_age: most.filter(|seconds| *seconds > 0),
        },
    }
}

/// What is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// That the person is asked, whatever is known of them.
    Anew,
    /// That they proved who they are within the request's `max_age`.
    MaxAge,
}

impl Demand {
    const fn name(self) -> &'static str {
        match self {
            Self::Anew => "anew",
            Self::MaxAge => "age",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Anew, Self::MaxAge]
            .into_iter()
            .find(|demand| demand.name() == name)
    }
}

/// A newer session than that of the asking was demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// What for.
    pub(super) demand: Demand,
    /// The session there was.
    session: i64,
    at: Timestamp,
    /// The person must have proved who they are since then.
    since: Timestamp,
}

impl Asked {
    /// Whether `session` began after the asking.
    pub(super) fn is_answered_by(self, session: &Session) -> bool {
        session.id.0 != self.session && session.created >= self.at
    }

    /// Whether the person of such a session proved who they are as was demanded.
    pub(super) fn is_met_by(self, session: &Session) -> bool {
        session.proved.plus(ROUNDING) >= self.since
    }
}

impl App {
    /// The query with a mark that demands a newer session of this browser than it has now.
    pub(super) fn demanding(
        &self,
        query: &Query,
        browser: &str,
        session: Option<SessionId>,
        demand: Demand,
    ) -> String {
        let (session, at) = (session.map_or(0, |id| id.0), self.clock.now().0);
        let mark = Mark {
            demand,
            session: session.to_be_bytes(),
            at: at.to_be_bytes(),
        };
        let tag = self.keys.form.tag(&mark.parts(&query.plain, browser));
        let (plain, demand, tag) = (&query.plain, demand.name(), hex::encode(tag));
        format!("{plain}&{NAME}={demand}.{session}.{at}.{tag}")
    }

    /// What was asked of this browser for this request, if its mark is ours and recent.
    pub(super) fn asked(&self, query: &Query, browser: &str) -> Option<Asked> {
        let mut parts = query.mark.as_deref()?.splitn(4, '.');
        let mut part = || parts.next();
        let demand = Demand::named(part()?)?;
        let (session, at) = (part()?.parse::<i64>().ok()?, part()?.parse::<i64>().ok()?);
        let tag = hex::decode(part()?).ok()?;
        let mark = Mark {
            demand,
            session: session.to_be_bytes(),
            at: at.to_be_bytes(),
        };
        let ours = self
            .keys
            .form
            .verify(&mark.parts(&query.plain, browser), &tag);
        let at = Timestamp(at);
        let most = match demand {
            Demand::Anew => 0,
            Demand::MaxAge => max_age(&query.plain).unwrap_or_default(),
        };
        (ours && self.clock.now().since(at) < GOOD_FOR).then(|| Asked {
            demand,
            session,
            at,
            since: at.minus(Duration::from_secs(most)),
        })
    }
}

/// What a mark says, besides its tag.
struct Mark {
    demand: Demand,
    /// As bytes, for the tag.
    session: [u8; 8],
    at: [u8; 8],
}

impl Mark {
    /// What its tag is made of.
    fn parts<'a>(&'a self, plain: &'a str, browser: &'a str) -> [&'a [u8]; 6] {
        [
            b"asked",
            self.demand.name().as_bytes(),
            plain.as_bytes(),
            browser.as_bytes(),
            &self.session,
            &self.at,
        ]
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
                (query.plain.as_str(), query.mark.is_some()),
                (plain, marked)
            );
        }
        let query = Query::of("a=b&gatepost_asked=1.2.3&c=d");
        assert_eq!(query.whole(), "a=b&c=d&gatepost_asked=1.2.3");
    }

    #[test]
    fn a_provider_is_told_what_is_demanded_and_nothing_else() {
        let fresh_of = |anew, max_age| Fresh { anew, max_age };
        for (text, told) in [
            ("prompt=login&max_age=60", fresh_of(false, None)),
            ("a=b&gatepost_asked=anew.1.2.3", fresh_of(true, None)),
            (
                "max_age=60&gatepost_asked=anew.1.2.3",
                fresh_of(true, Some(60)),
            ),
            (
                "max_age=60&gatepost_asked=age.1.2.3",
                fresh_of(false, Some(60)),
            ),
            ("max_age=0&gatepost_asked=anew.1.2.3", fresh_of(true, None)),
            ("max_age=-5&gatepost_asked=age.1.2.3", fresh_of(false, None)),
            (
                "max_age=99999999999&gatepost_asked=age.1.2.3",
                fresh_of(false, None),
            ),
            ("max_age=60&gatepost_asked=1.2.3", fresh_of(false, None)),
        ] {
            assert_eq!(fresh(text), told, "{text}");
        }
    }
}
