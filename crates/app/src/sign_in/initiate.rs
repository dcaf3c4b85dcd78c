//! Sign-ins that somebody else begins: the tile of a provider's portal (OpenID Connect Core
//! section 4).

use super::begin::Leaving;
use super::record::{Record, own_fault};
use super::{Refused, ReturnTo};
use crate::{App, Client, Problem};
use model::attempt::{Door, StepState};
use model::provider::{Endpoints, Provider};
use model::time::Timestamp;
use oidc::foreign::printable;
use std::collections::HashMap;
use std::time::Duration;

/// Within this time a browser is sent to a provider by itself once. A provider that sends it back
/// here in place of asking the person would go on for ever.
const ONCE_IN: Duration = Duration::from_secs(30);
/// Most browsers remembered.
const MOST: usize = 4096;
/// Longest hint that is passed on.
const MOST_HINT: usize = 254;

/// Browsers that were sent to a provider by a third party's word a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Initiated {
    /// By browser tag and provider.
    sent: HashMap<(Vec<u8>, i64), Timestamp>,
}

impl Initiated {
    /// Whether this browser may be sent to this provider by itself; if so, it is noted.
    fn may(&mut self, browser: Vec<u8>, provider: i64, now: Timestamp) -> bool {
        let key = (browser, provider);
        let again = |sent: &Timestamp| now.since(*sent) < ONCE_IN;
        if self.sent.get(&key).is_some_and(again) {
            return false;
        }
        if self.sent.len() >= MOST {
            self.sent.retain(|_, sent| again(sent));
        }
        if self.sent.len() < MOST {
            self.sent.insert(key, now);
        }
        true
    }
}

/// What a third party says of the sign-in it begins.
#[derive(Debug, Clone)]
pub struct Initiation<'a> {
    /// The provider's issuer.
    pub issuer: Option<&'a str>,
    /// Who is about to sign in, perhaps.
    pub login_hint: Option<&'a str>,
    /// Where the person wants to go here.
    pub return_to: ReturnTo,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The browser goes to this URL.
    Leave(String),
    /// It was sent there just now: the person is asked by the sign-in page.
    Ask,
}

impl App {
    /// Starts a sign-in by a provider at the word of a third party, which must name the provider's
    /// issuer.
    ///
    /// # Errors
    /// The refusal for the person's page; it is recorded.
    pub async fn begin_initiated_sign_in(
        &self,
        provider: &str,
        initiation: Initiation<'_>,
        browser: &str,
        client: &Client,
    ) -> Result<Begun, Box<Refused>> {
        let mut record = Record::new(self, Door::Provider, client);
        match self
            .initiate(provider, initiation, browser, &mut record)
            .await
        {
            Ok(begun) => Ok(begun),
            Err(problem) => Err(self.refuse(record, own_fault(problem)).await),
        }
    }

    async fn initiate(
        &self,
        slug: &str,
        initiation: Initiation<'_>,
        browser: &str,
        record: &mut Record,
    ) -> Result<Begun, Problem> {
        self.starts.begin(record.attempt.ip)?;
        let provider = self.leaving_for(slug, record).await?;
        let issuer = initiation.issuer.unwrap_or_default();
        if !is_of(&provider, issuer) {
            let words = format!("begun for the issuer {:?}", printable(issuer, 200));
            let trace = &mut record.attempt.trace;
            trace.push("third party", StepState::Blocked, words);
            return Err(Problem::Refused(self.foreign_state()));
        }
        let (tag, now) = (self.browser_tag(browser), self.clock.now());
        if !self.initiated.lock().may(tag, provider.id.0, now) {
            return Ok(Begun::Ask);
        }
        let leaving = Leaving {
            return_to: initiation.return_to,
            login_hint: initiation.login_hint.filter(|hint| is_hint(hint)),
        };
        self.leave(&provider, browser, leaving)
            .await
            .map(Begun::Leave)
    }
}

/// A provider that is known by its endpoints alone has no issuer that anybody could name.
fn is_of(provider: &Provider, issuer: &str) -> bool {
    match &provider.settings.endpoints {
        Endpoints::Issuer { issuer: own } => own == issuer,
        Endpoints::Manual { .. } => false,
    }
}

/// Whether a foreign word may be passed on as a hint.
fn is_hint(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_HINT && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_sent_once_in_a_while_and_others_are_not_held_up() {
        let mut initiated = Initiated::default();
        let at = Timestamp::from_secs;
        assert!(initiated.may(vec![1], 1, at(0)));
        assert!(!initiated.may(vec![1], 1, at(29)));
        assert!(initiated.may(vec![1], 2, at(29)));
        assert!(initiated.may(vec![2], 1, at(29)));
        assert!(initiated.may(vec![1], 1, at(30)));
        for n in 0..2 * MOST as u64 {
            assert!(initiated.may(n.to_be_bytes().to_vec(), 1, at(30)));
        }
        assert!(initiated.sent.len() <= MOST);
        assert!(initiated.may(vec![3], 1, at(90)));
        assert!(!initiated.may(vec![3], 1, at(91)), "room is made again");
    }
}
