//! A device asks for its codes (RFC 8628 section 3.1).

use super::room::{self, MOST_WAITING, Room};
use super::{INTERVAL, LIFETIME};
use crate::oauth::client_auth::EndpointError;
use crate::oauth::names::{Secret, grantable};
use crate::sign_in::throttled;
use crate::{App, Client, Problem};
use model::ids::OauthAppId;
use model::outcome::{Code, Refusal};
use model::random;
use model::rules::apps;
use model::time::Timestamp;
use model::user_code::UserCode;
use oidc::op::device::DeviceRequest;
use oidc::op::error::TokenErrorCode;
use oidc::op::paths;
use serde::Serialize;
use std::net::IpAddr;
use std::sync::Arc;
use store::app_devices::NewDevice;
use store::{Conn, StoreError, Taken};

/// Why an app has no room for one more.
const FULL: &str = "1,000 devices of this app wait, and no other network has more than its share";
/// How long a device waits that found no room.
const ROOM_AFTER: u64 = 60;
/// How often another code is tried in place of one that is in use.
const TRIES: usize = 3;

/// What a device gets (RFC 8628 section 3.2).
#[derive(Serialize)]
pub struct DeviceStart {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// Both codes open something.
impl std::fmt::Debug for DeviceStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceStart")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// A code about to wait.
struct Start {
    app: OauthAppId,
    device_tag: Vec<u8>,
    scopes: String,
    now: Timestamp,
    ip: Option<IpAddr>,
}

impl App {
    /// Answers a request to the device authorization endpoint, given the value of its
    /// `Authorization` header and its form.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn begin_device(
        &self,
        authorization: Option<&str>,
        form: &str,
        client: &Client,
    ) -> Result<DeviceStart, EndpointError> {
        let (credentials, request) = DeviceRequest::parse(authorization, form)
            .map_err(|error| EndpointError::of(error, authorization.is_some()))?;
        let app = self.calling_app(credentials, client).await?;
        // Before anything is written: an app without a secret can be named by anybody.
        let now = self.clock.now();
        let room = self.waiting.lock().new_code(client.ip, now);
        if let Err(wait) = room {
            let wait_seconds = wait.0.as_secs().max(1);
            return Err(EndpointError::TooManyDevices { wait_seconds });
        }
        if let Err(refusal) = apps::may_use_devices(&app) {
            let words = cannot(&refusal);
            self.note_refused(&app, refusal, client).await;
            return Err(EndpointError::refused(
                TokenErrorCode::UnauthorizedClient,
                words,
            ));
        }
        let Some(scopes) = grantable(&app.settings, &request.scopes) else {
            let asked = model::foreign::printable(&request.scopes.to_string(), 120);
            let refusal = apps::of_app(Code::AppScope, &app);
            let refusal = refusal.with("scopes", format!("“{asked}”"));
            self.note_refused(&app, refusal, client).await;
            let words = "none of the scopes exists";
            return Err(EndpointError::refused(TokenErrorCode::InvalidScope, words));
        };
        let device_code = random::token(self.random.as_ref());
        let start = Arc::new(Start {
            app: app.id,
            device_tag: self.oauth_tag(Secret::Device, &device_code),
            scopes,
            now,
            ip: client.ip,
        });
        let Some(user_code) = self.let_wait(&start).await? else {
            let refusal = throttled(ROOM_AFTER).with("detail", FULL);
            self.note_refused(&app, refusal, client).await;
            let wait_seconds = ROOM_AFTER;
            return Err(EndpointError::TooManyDevices { wait_seconds });
        };
        let page = format!("{}{}", self.public_url(), paths::CONNECT);
        Ok(DeviceStart {
            device_code,
            verification_uri_complete: format!("{page}?user_code={user_code}"),
            verification_uri: page,
            user_code: user_code.to_string(),
            expires_in: LIFETIME.as_secs(),
            interval: INTERVAL.as_secs(),
        })
    }

    /// Stores a waiting device under a code that no other one has; `None` where too many wait.
    async fn let_wait(&self, start: &Arc<Start>) -> Result<Option<UserCode>, EndpointError> {
        for _ in 0..TRIES {
            let code = UserCode::generate(self.random.as_ref());
            let tag = self.oauth_tag(Secret::UserCode, code.as_str());
            let start = Arc::clone(start);
            let stored = self
                .store
                .write(async move |tx: &mut Conn| start.store(tx, &tag).await);
            match stored.await {
                Ok(true) => return Ok(Some(code)),
                Ok(false) => return Ok(None),
                Err(StoreError::Taken(Taken::Token)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let words = "no code was free".to_owned();
        Err(Problem::Unavailable(words).into())
    }
}

impl Start {
    /// `false` where too many wait already, and none of them makes way.
    async fn store(&self, tx: &mut Conn, user_tag: &[u8]) -> Result<bool, StoreError> {
        let waiting = store::app_devices::waiting(tx, self.app, self.now, MOST_WAITING).await?;
        match room::of(&waiting, self.ip) {
            Room::Free => {}
            Room::InPlaceOf(other) => store::app_devices::end(tx, other, self.now).await?,
            Room::None => return Ok(false),
        }
        let new = NewDevice {
            device_tag: &self.device_tag,
            user_tag,
            app: self.app,
            scopes: &self.scopes,
            now: self.now,
            ends: self.now.plus(LIFETIME),
            ip: self.ip,
        };
        store::app_devices::insert(tx, &new).await?;
        Ok(true)
    }
}

/// Why no device waits for this app, in the words of the protocol.
pub(super) fn cannot(refusal: &Refusal) -> &'static str {
    match refusal.code {
        Code::AppOff => "this client is switched off",
        _ => "this client may not use the device grant",
    }
}
