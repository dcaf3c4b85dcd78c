//! Sending a person to the provider.

use super::metadata::Places;
use crate::error::{Purpose, UpstreamError};
use crate::http::HttpError;
use crate::provider::ProviderSettings;
use crate::upstream::{Upstream, no_answer};
use oidc::authorize::AuthorizationRequest;
use oidc::callback::Delivery;
use oidc::redirect::RedirectUri;

/// What belongs to one sign-in. State, nonce and verifier are kept with the browser's pending
/// sign-in until it comes back.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizeInput<'a> {
    /// Where the answer goes; the same bytes are repeated in the token request.
    pub redirect_uri: &'a RedirectUri,
    /// `model::random::token` makes one.
    pub state: &'a str,
    /// Likewise.
    pub nonce: &'a str,
    /// [`oidc::pkce::Verifier::challenge`].
    pub challenge: &'a str,
    /// `login` asks the provider to authenticate anew.
    pub prompt: Option<&'a str>,
    /// How many seconds ago the person may have signed in there; the provider then says when they did.
    pub max_age: Option<u32>,
    /// The address the person typed, if any.
    pub login_hint: Option<&'a str>,
}

/// The way to the provider.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Where the person is sent.
    pub url: String,
    /// How the answer was asked for; `None` where the request does not say.
    pub asked: Option<Delivery>,
}

impl Upstream {
    /// The URL to which the person is sent, and how the answer is asked for.
    ///
    /// # Errors
    /// Discovery failed, or the authorization URL is one of ours (SSO-104) or not usable.
    pub async fn authorize(
        &self,
        settings: &ProviderSettings,
        input: &AuthorizeInput<'_>,
    ) -> Result<Departure, UpstreamError> {
        let places = self.places(settings, &self.memory(settings)).await?;
        self.authorization_url(settings, &places, input)
    }

    pub(super) fn authorization_url(
        &self,
        settings: &ProviderSettings,
        places: &Places,
        input: &AuthorizeInput<'_>,
    ) -> Result<Departure, UpstreamError> {
        let endpoint = places.authorization();
        let asked = asked(settings, places);
        if self.http.guard().is_own_url(endpoint.url()) {
            let host = endpoint.host();
            let error = HttpError::OwnHost { host };
            return Err(no_answer(Purpose::Authorization, endpoint.url(), error));
        }
        let request = AuthorizationRequest {
            endpoint,
            client_id: &settings.client_id,
            redirect_uri: input.redirect_uri,
            scopes: &settings.scopes,
            state: input.state,
            nonce: input.nonce,
            challenge: input.challenge,
            prompt: input.prompt,
            max_age: input.max_age,
            response_mode: asked,
            login_hint: input.login_hint,
        };
        Ok(Departure {
            url: request.url()?,
            asked,
        })
    }
}

/// The way in which the answer is asked for; `None` leaves it to the provider, which then sends it
/// in the query. Only what an administrator chose, or what cannot be otherwise, is asked for:
/// providers exist that refuse parameters they do not know.
fn asked(settings: &ProviderSettings, places: &Places) -> Option<Delivery> {
    let only_posts = places.metadata().is_some_and(|found| found.only_posts());
    settings
        .chosen_delivery()
        .or_else(|| only_posts.then_some(Delivery::FormPost))
}
