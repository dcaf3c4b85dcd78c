//! Claims from the userinfo endpoint.

use super::memory::Memory;
use crate::error::{AnswerFault, Purpose, UpstreamError};
use crate::http::Request;
use crate::provider::ProviderSettings;
use crate::upstream::{Upstream, fault, unreadable};
use oidc::discovery::Metadata;
use oidc::endpoint::Endpoint;
use oidc::userinfo::{self, UserInfoError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

impl Upstream {
    /// Fetches userinfo with the token in the header. Signed userinfo is verified with the
    /// provider's keys; without `metadata` there are none, and it is refused.
    pub(super) async fn userinfo(
        &self,
        settings: &ProviderSettings,
        memory: &Memory,
        metadata: Option<&Metadata>,
        endpoint: &Endpoint,
        access_token: &SecretString,
    ) -> Result<Map<String, Value>, UpstreamError> {
        let url = endpoint.url();
        let header = SecretString::from(format!("Bearer {}", access_token.expose_secret()));
        let request = Request::get(url)
            .accept("application/json, application/jwt")
            .authorization(Some(&header));
        let answer = self.fetch(settings, Purpose::UserInfo, &request).await?;
        if !userinfo::is_signed(answer.content_type.as_deref()) {
            return userinfo::parse(&answer.body)
                .map_err(|why| unreadable(Purpose::UserInfo, url, &answer, why));
        }
        let Some(metadata) = metadata else {
            return Err(fault(Purpose::UserInfo, url, AnswerFault::Uncheckable));
        };
        let now = self.clock.now();
        self.with_keys(
            settings,
            memory,
            metadata,
            |keys| {
                let (issuer, client) = (&metadata.issuer, &settings.client_id);
                userinfo::verify(&answer.body, keys, issuer, client, now)
            },
            |error| match error {
                UserInfoError::Jwt(error) => Some(error),
                _ => None,
            },
        )
        .await
    }
}
