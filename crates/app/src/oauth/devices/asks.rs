//! A device asks whether its person has answered (RFC 8628 sections 3.4 and 3.5).

use super::begin::cannot;
use crate::App;
use crate::oauth::client_auth::EndpointError;
use model::grant::{DeviceAnswer, WaitingDevice};
use model::ids::GrantId;
use model::oauth_app::OauthApp;
use model::rules::apps;
use model::time::Timestamp;
use oidc::op::error::TokenErrorCode;
use oidc::op::token::TokenError;

/// What there is to tell a device.
pub(in crate::oauth) enum Heard {
    /// Nobody has answered yet.
    Waits(WaitingDevice),
    /// It gets tokens.
    Allowed(WaitingDevice, GrantId),
    /// It got them before.
    Again(WaitingDevice, GrantId),
    /// It gets none.
    Refused(TokenError),
}

/// What a device is told at `now`; `None` for one that this app does not have.
pub(in crate::oauth) fn heard(device: Option<WaitingDevice>, now: Timestamp) -> Heard {
    let refused = |error, words: &str| Heard::Refused(TokenError::new(error, words));
    let Some(device) = device else {
        let words = "the device code is unknown, ended long ago, or of another client";
        return refused(TokenErrorCode::InvalidGrant, words);
    };
    match device.answer {
        DeviceAnswer::Denied => refused(TokenErrorCode::AccessDenied, "the person said no"),
        DeviceAnswer::Used(grant) => Heard::Again(device, grant),
        _ if device.ends <= now => {
            let words = "the device code has ended; ask for a new one";
            refused(TokenErrorCode::ExpiredToken, words)
        }
        DeviceAnswer::Waiting => Heard::Waits(device),
        DeviceAnswer::Granted(grant) => Heard::Allowed(device, grant),
    }
}

/// Nobody has answered yet.
pub(in crate::oauth) fn pending() -> TokenError {
    let words = "the person has not answered yet";
    TokenError::new(TokenErrorCode::AuthorizationPending, words)
}

impl App {
    /// Whether there is something to give to the device with this tag. Only reads: a device asks
    /// every few seconds for minutes.
    ///
    /// # Errors
    /// What the device is told.
    pub(in crate::oauth) async fn device_asks(
        &self,
        app: &OauthApp,
        tag: &[u8],
    ) -> Result<(), EndpointError> {
        if let Err(refusal) = apps::may_use_devices(app) {
            let error = TokenErrorCode::UnauthorizedClient;
            return Err(EndpointError::refused(error, cannot(&refusal)));
        }
        let device = store::app_devices::by_device(&mut *self.store.read()?, tag).await?;
        let device = device.filter(|device| device.app == app.id);
        let (id, now) = (device.as_ref().map(|device| device.id), self.clock.now());
        let heard = heard(device, now);
        if let Heard::Waits(device) = heard {
            let error = if self.waiting.lock().asks_in_time(device.id, now) {
                pending()
            } else {
                let words = "the person has not answered yet; wait five seconds longer each time";
                TokenError::new(TokenErrorCode::SlowDown, words)
            };
            return Err(EndpointError::Refused(error));
        }
        if let Some(id) = id {
            self.waiting.lock().forget(id);
        }
        match heard {
            Heard::Refused(error) => Err(EndpointError::Refused(error)),
            // Told apart once more in the transaction that gives them.
            _ => Ok(()),
        }
    }
}
