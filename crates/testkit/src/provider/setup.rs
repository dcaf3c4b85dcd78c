//! What a provider is started with.

use super::ProviderError;
use serde_json::{Map, Value};

/// A registered confidential client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    /// The registered token endpoint method, such as `client_secret_basic`.
    pub(super) auth: String,
    pub(super) redirect_uris: Vec<String>,
    /// What else is registered, in the words of dynamic client registration.
    pub(super) also: Map<String, Value>,
    /// Back-channel logout URL and post-logout redirect URL.
    pub(super) departures: Option<(String, String)>,
}

/// What a provider is started with: clients, people, and the habits that can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub(super) clients: Vec<Client>,
    pub(super) people: Map<String, Value>,
    pub(super) pkce_optional: bool,
    pub(super) claims_in_id_token: bool,
    pub(super) no_template_scope: bool,
    pub(super) no_audience: bool,
    pub(super) trailing_slashes: bool,
    pub(super) for_load: bool,
}

impl Setup {
    /// Registers a confidential client. `auth` is the registered token endpoint method, such as
    /// `client_secret_basic`.
    #[must_use]
    pub fn client(mut self, id: &str, secret: &str, auth: &str, redirect_uris: &[&str]) -> Self {
        self.clients.push(Client {
            id: id.to_owned(),
            secret: secret.to_owned(),
            auth: auth.to_owned(),
            redirect_uris: redirect_uris.iter().map(|&uri| uri.to_owned()).collect(),
            also: Map::new(),
            departures: None,
        });
        self
    }

    /// Registers more about every client so far, in the words of dynamic client registration, such
    /// as `id_token_signed_response_alg` (`OidcProvider`).
    #[must_use]
    pub fn client_with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        for client in &mut self.clients {
            client.also.insert(name.to_owned(), value.clone());
        }
        self
    }

    /// Registers this redirect URI for every client so far, in place of the others.
    #[must_use]
    pub fn only_redirect(mut self, uri: &str) -> Self {
        for client in &mut self.clients {
            client.redirect_uris = vec![uri.to_owned()];
        }
        self
    }

    /// Lets every client so far be told of sign-outs, have people come back from the provider's own
    /// sign-out page, and use refresh tokens (`OidcProvider`).
    #[must_use]
    pub fn told_of_departures(mut self, backchannel: &str, signed_out: &str) -> Self {
        for client in &mut self.clients {
            client.departures = Some((backchannel.to_owned(), signed_out.to_owned()));
        }
        self
    }

    /// Takes somebody on, with [`PASSWORD`](super::PASSWORD). `claims` is an object.
    #[must_use]
    pub fn person(mut self, login: &str, claims: Value) -> Self {
        self.people.insert(login.to_owned(), claims);
        self
    }

    /// Lets clients leave PKCE out (`OidcProvider`; the others never ask for it).
    #[must_use]
    pub fn pkce_optional(mut self) -> Self {
        self.pkce_optional = true;
        self
    }

    /// Puts claims into the ID token too, not into userinfo alone (`OidcProvider`; `Glewlwyd` and
    /// `Canaille` always do, `LemonLdap` never).
    #[must_use]
    pub fn claims_in_id_token(mut self) -> Self {
        self.claims_in_id_token = true;
        self
    }

    /// Knows no scope for the template: it is dropped without a word (`OidcProvider`).
    #[must_use]
    pub fn no_template_scope(mut self) -> Self {
        self.no_template_scope = true;
        self
    }

    /// Registers clients without an audience, as its own form does (`Canaille`).
    #[must_use]
    pub fn no_audience(mut self) -> Self {
        self.no_audience = true;
        self
    }

    /// Has its endpoints where authentik has them: `/application/o/token/`, slash included
    /// (`OidcProvider`).
    #[must_use]
    pub fn trailing_slashes(mut self) -> Self {
        self.trailing_slashes = true;
        self
    }

    /// Made for thousands of requests: it keeps all that it gives out in plain maps, where its own
    /// memory forgets the oldest of a thousand, and gives every client a refresh token that is
    /// rotated at each use (`OidcProvider`).
    #[must_use]
    pub fn for_load(mut self) -> Self {
        self.for_load = true;
        self
    }
}

/// Sets one claim of one of these people.
pub(super) fn set_claim(
    people: &mut Map<String, Value>,
    login: &str,
    claim: &str,
    value: impl Into<Value>,
) -> Result<(), ProviderError> {
    let claims = people.get_mut(login).and_then(Value::as_object_mut);
    let claims = claims.ok_or_else(|| ProviderError::NoSuchPerson(login.to_owned()))?;
    claims.insert(claim.to_owned(), value.into());
    Ok(())
}
