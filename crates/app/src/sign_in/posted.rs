//! Answers that a provider's page sends as a form (`response_mode=form_post`).
//!
//! Such a request comes from another site, so the browser leaves its cookies at home and nobody can
//! tell whose it is. Nothing is done with it: the answer of a sign-in that is under way is kept for
//! a minute, and the browser is sent to fetch the end of its sign-in with a request of its own. That
//! one carries its cookie, and is judged like any other.

use super::record::Record;
use super::{Arrived, Ended, Refused};
use crate::{App, Client, Problem};
use model::attempt::{Door, StepState};
use model::time::Timestamp;
use oidc::callback::Delivery;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::time::Duration;

/// A browser follows a redirect at once.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Most answers kept; one for each sign-in under way, so only as many as networks may start.
const MOST: usize = 1024;

/// Answers that wait for their browser.
#[derive(Debug, Default)]
pub(crate) struct Posted {
    /// By the tag of the state.
    waiting: HashMap<Vec<u8>, (Timestamp, SecretString)>,
}

impl Posted {
    /// Keeps the answer of a sign-in; a second one takes the place of the first.
    fn keep(&mut self, state_tag: Vec<u8>, parameters: SecretString, now: Timestamp) {
        self.waiting
            .retain(|_, (came, _)| now.since(*came) < KEPT_FOR);
        if self.waiting.len() >= MOST && !self.waiting.contains_key(&state_tag) {
            let oldest = self.waiting.iter().min_by_key(|(_, (came, _))| *came);
            if let Some(oldest) = oldest.map(|(tag, _)| tag.clone()) {
                self.waiting.remove(&oldest);
            }
        }
        self.waiting.insert(state_tag, (now, parameters));
    }

    fn take(&mut self, state_tag: &[u8], now: Timestamp) -> Option<SecretString> {
        let (came, parameters) = self.waiting.remove(state_tag)?;
        (now.since(came) < KEPT_FOR).then_some(parameters)
    }
}

impl App {
    /// Keeps an answer that came as a form: `parameters` is its body. Returns the state, with which
    /// the browser fetches the end of its sign-in.
    ///
    /// # Errors
    /// The refusal for the person's page, of an answer to no sign-in that is under way; it is
    /// recorded.
    pub async fn keep_posted_answer(
        &self,
        parameters: &str,
        client: &Client,
    ) -> Result<String, Box<Refused>> {
        let mut record = Record::new(self, Door::Provider, client);
        match self.keep_posted(parameters, &mut record).await {
            Ok(state) => Ok(state),
            Err(problem) => Err(self.refuse(record, super::record::own_fault(problem)).await),
        }
    }

    async fn keep_posted(&self, parameters: &str, record: &mut Record) -> Result<String, Problem> {
        let callback = self.read_answer(parameters, Delivery::FormPost, record)?;
        let state = callback
            .state
            .ok_or_else(|| Problem::Refused(self.foreign_state()))?;
        let (tag, now) = (self.state_tag(&state), self.clock.now());
        let waits = self.tests.waits(&tag, now)
            || store::sign_in_flows::waits(&mut *self.store.read()?, &tag, now).await?;
        if !waits {
            return Err(Problem::Refused(self.foreign_state()));
        }
        self.posted.lock().keep(tag, parameters.into(), now);
        Ok(state)
    }

    /// Ends a sign-in whose answer came as a form a moment ago.
    pub async fn finish_posted_sign_in(
        &self,
        arrived: Arrived,
        state: &str,
        browser: Option<&str>,
        client: &Client,
    ) -> Ended {
        let tag = self.state_tag(state);
        let parameters = self.posted.lock().take(&tag, self.clock.now());
        match parameters {
            Some(parameters) => {
                let parameters = parameters.expose_secret();
                self.finish(&arrived, parameters, Delivery::FormPost, browser, client)
                    .await
            }
            None => {
                let mut record = Record::new(self, Door::Provider, client);
                let trace = &mut record.attempt.trace;
                trace.push(
                    "answer",
                    StepState::Blocked,
                    "no form was sent, or too long ago",
                );
                self.refuse_for(record, Problem::Refused(self.foreign_state()))
                    .await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn an_answer_is_fetched_once_and_soon() {
        let mut posted = Posted::default();
        posted.keep(vec![1], "a".into(), at(0));
        assert!(posted.take(&[2], at(0)).is_none());
        assert_eq!(posted.take(&[1], at(59)).unwrap().expose_secret(), "a");
        assert!(posted.take(&[1], at(59)).is_none());
        posted.keep(vec![1], "a".into(), at(0));
        assert!(posted.take(&[1], at(60)).is_none());
    }

    #[test]
    fn one_sign_in_takes_one_place_and_all_of_them_a_bounded_number() {
        let mut posted = Posted::default();
        for n in 0..3 {
            posted.keep(vec![1], n.to_string().into(), at(n));
        }
        assert_eq!(posted.waiting.len(), 1);
        for n in 0..2 * MOST as u64 {
            posted.keep(n.to_be_bytes().to_vec(), "".into(), at(3));
        }
        assert_eq!(posted.waiting.len(), MOST);
    }
}
