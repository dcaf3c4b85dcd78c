//! Signing out: here, and at the provider too where an administrator wants that.

use crate::{App, Problem};
use model::provider::{self, Provider};
use model::random;
use model::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::time::Duration;
use store::Conn;
use store::sessions::WayOut;
use tokio::time::Instant;
use upstream::EndSessionInput;

/// How long finding the provider's sign-out page may take; the session here has ended by then.
const ASKING: Duration = Duration::from_secs(3);
/// How long a sign-out may stay at the provider.
const AWAY: Duration = Duration::from_secs(600);
/// Most people who are away to sign out and are expected back for an app.
const MOST_AWAY: usize = 1024;
/// Longest ID token that is kept: longer ones are of no use in a URL.
const LONGEST_HINT: usize = oidc::end_session::LONGEST_HINT;

/// Where a person who signed out here signs out too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOutThere {
    /// The provider's name.
    pub provider: String,
    /// Its page, with what it needs to know.
    pub url: String,
}

/// What a person who comes back from a provider's sign-out page may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameBack {
    /// The provider's name; `None` if there is none of this name.
    pub provider: Option<String>,
    /// Whether this browser left from here for it, a short while ago. If not, nothing is known.
    pub known: bool,
    /// The app that the person was about to return to.
    pub onward: Option<Onward>,
}

/// The way back to an app that sent somebody here to sign out; known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// The app's name.
    pub app: String,
    /// Where to, with the state.
    pub url: String,
    /// The browser may go there by itself: the app showed an ID token.
    pub by_itself: bool,
}

/// People who are at a provider's sign-out page, and the apps that they return to afterwards. In memory
/// alone: whoever is forgotten reads that they are signed out.
#[derive(Debug, Default)]
pub(crate) struct Away {
    /// By the state that comes back with them.
    expected: HashMap<String, (Timestamp, Onward)>,
}

impl Away {
    fn expect(&mut self, state: &str, onward: Onward, now: Timestamp) {
        self.expected.retain(|_, (left, _)| now.since(*left) < AWAY);
        if self.expected.len() < MOST_AWAY {
            self.expected.insert(state.to_owned(), (now, onward));
        }
    }

    fn take(&mut self, state: &str) -> Option<Onward> {
        self.expected.remove(state).map(|(_, onward)| onward)
    }
}

impl App {
    /// Ends the session of a token, here only.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only, and the session goes on then.
    pub async fn sign_out(&self, token: &str) -> Result<(), Problem> {
        self.end_by_tag(self.session_tag(token)).await.map(drop)
    }

    /// Ends the session of a token, and tells where the person goes to end that of its provider
    /// too, if an administrator wants that. `browser` is the opaque value of the browser's flow
    /// cookie: the return is known by it, and leads to `onward` then.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only, and the session goes on then.
    pub async fn sign_out_there_too(
        &self,
        token: &str,
        browser: &str,
        onward: Option<&Onward>,
    ) -> Result<Option<SignOutThere>, Problem> {
        let tag = self.session_tag(token);
        let way_out = self.end_by_tag(tag.clone()).await?;
        let Some((id, sealed)) = way_out.and_then(|out| Some((out.provider?, out.id_token))) else {
            return Ok(None);
        };
        let provider = store::providers::by_id(&mut *self.store.read()?, id).await?;
        let wanted = provider.filter(|provider| {
            provider.settings.active && provider.settings.leavers.sign_out_there
        });
        let Some(provider) = wanted else {
            return Ok(None);
        };
        let hint = sealed.and_then(|sealed| self.opened_hint(&tag, &sealed));
        let state = self.sign_out_state(&provider.slug, browser);
        if let Some(onward) = onward {
            let now = self.clock.now();
            self.away.lock().expect(&state, onward.clone(), now);
        }
        match self.sign_out_url(&provider, hint.as_ref(), &state).await {
            Ok(url) => Ok(url.map(|url| SignOutThere {
                provider: provider.settings.name,
                url,
            })),
            Err(error) => {
                tracing::info!(provider.slug = %provider.slug, %error, "its sign-out page is not known; the session here has ended");
                Ok(None)
            }
        }
    }

    async fn end_by_tag(&self, tag: Vec<u8>) -> Result<Option<WayOut>, Problem> {
        self.store
            .write(async move |tx: &mut Conn| {
                let Some(session) = store::sessions::by_tag(tx, &tag).await? else {
                    return Ok(None);
                };
                let way_out = store::sessions::way_out(tx, &tag).await?;
                store::sessions::delete(tx, session.id, session.principal).await?;
                Ok(way_out)
            })
            .await
    }

    async fn sign_out_url(
        &self,
        provider: &Provider,
        hint: Option<&SecretString>,
        state: &str,
    ) -> Result<Option<String>, Problem> {
        let mut settings = self.call_settings(provider).await?;
        settings.deadline = Some(Instant::now() + ASKING);
        let input = EndSessionInput {
            id_token_hint: hint,
            return_to: &provider::signed_out_url(self.public_url(), &provider.slug),
            state,
        };
        self.upstream
            .end_session_url(&settings, &input)
            .await
            .map_err(|error| crate::provider_calls::refused(provider, &error))
    }

    /// A person came back from the sign-out page of the provider `slug`. A `state` that is absent,
    /// old, of another browser or of another provider proves nothing. Nothing is done in any case but
    /// leading on, once, to the app that the person came from.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] only.
    pub async fn back_from_sign_out(
        &self,
        slug: &str,
        state: Option<&str>,
        browser: Option<&str>,
    ) -> Result<CameBack, Problem> {
        let provider = store::providers::by_slug(&mut *self.store.read()?, slug).await?;
        let known = match (state, browser) {
            (Some(state), Some(browser)) => self.knows_sign_out(slug, state, browser),
            _ => false,
        };
        let known = known && provider.is_some();
        let state = state.filter(|_| known);
        Ok(CameBack {
            known,
            onward: state.and_then(|state| self.away.lock().take(state)),
            provider: provider.map(|provider| provider.settings.name),
        })
    }

    /// Time, a random part, and their tag with browser and provider: nothing has to be stored for
    /// a promise that only decides on a sentence.
    fn sign_out_state(&self, slug: &str, browser: &str) -> String {
        let (at, nonce) = (self.clock.now().secs(), random::token(self.random.as_ref()));
        let tag = self
            .keys
            .tag
            .tag(&state_parts(slug, browser, &at.to_string(), &nonce));
        format!("{at}.{nonce}.{}", hex::encode(tag))
    }

    fn knows_sign_out(&self, slug: &str, state: &str, browser: &str) -> bool {
        let mut parts = state.splitn(3, '.');
        let (Some(at), Some(nonce), Some(tag)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let (Ok(secs), Ok(tag)) = (at.parse::<i64>(), hex::decode(tag)) else {
            return false;
        };
        let (left, now) = (Timestamp::from_secs(secs), self.clock.now());
        let lately = left <= now && now.since(left) < AWAY;
        lately
            && self
                .keys
                .tag
                .verify(&state_parts(slug, browser, at, nonce), &tag)
    }

    /// Seals the ID token of a session that is about to be made; `None` if it is too long to be of
    /// use.
    pub(crate) fn sealed_hint(&self, session: &[u8], hint: &SecretString) -> Option<Vec<u8>> {
        let text = hint.expose_secret();
        if text.len() > LONGEST_HINT {
            return None;
        }
        let sealed = self
            .keys
            .seal
            .seal(&hint_row(session), text.as_bytes(), self.random.as_ref());
        sealed
            .inspect_err(|error| tracing::warn!(%error, "an ID token could not be sealed"))
            .ok()
    }

    fn opened_hint(&self, session: &[u8], sealed: &[u8]) -> Option<SecretString> {
        let opened = self.keys.seal.open(&hint_row(session), sealed);
        let plain = opened
            .inspect_err(|error| tracing::warn!(%error, "a sealed ID token does not open"))
            .ok()?;
        let text = std::str::from_utf8(&plain).ok()?;
        Some(SecretString::from(text.to_owned()))
    }
}

fn state_parts<'a>(slug: &'a str, browser: &'a str, at: &'a str, nonce: &'a str) -> [&'a [u8]; 5] {
    [
        b"sign-out",
        slug.as_bytes(),
        browser.as_bytes(),
        at.as_bytes(),
        nonce.as_bytes(),
    ]
}

/// Binds a sealed ID token to its session.
fn hint_row(session: &[u8]) -> Vec<u8> {
    [b"session/id-token/", session].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_returned_to_once_and_few_are_expected() {
        let back = |n: usize| Onward {
            app: "Files".to_owned(),
            url: format!("https://files.example.com/{n}"),
            by_itself: true,
        };
        let (mut away, at) = (Away::default(), Timestamp::from_secs);
        away.expect("a", back(1), at(0));
        assert_eq!(away.take("a"), Some(back(1)));
        assert_eq!(away.take("a"), None);
        for n in 0..2 * MOST_AWAY {
            away.expect(&n.to_string(), back(n), at(0));
        }
        assert_eq!(away.expected.len(), MOST_AWAY);
        away.expect("later", back(2), at(600));
        assert_eq!(away.expected.len(), 1, "the others took too long");
    }
}
