//! What to paste at an app's side.

use crate::App;
use model::app_cards::{CardGuide, CardSetup, CardUrls, guide};
use model::oauth_app::OauthApp;
use oidc::op::paths;
use secrecy::SecretString;

impl App {
    /// Where apps find this server.
    #[must_use]
    pub fn app_urls(&self) -> CardUrls {
        let issuer = self.public_url();
        let at = |path: &str| format!("{issuer}{path}");
        CardUrls {
            discovery: at(paths::OPENID_CONFIGURATION),
            authorize: at(paths::AUTHORIZE),
            token: at(paths::TOKEN),
            device: at(paths::DEVICE_AUTHORIZATION),
            userinfo: at(paths::USERINFO),
            profile: at(paths::PROFILE),
            end_session: at(paths::END_SESSION),
            issuer: issuer.to_owned(),
        }
    }

    /// What to do at an app's side, with its secret while that is new.
    #[must_use]
    pub fn app_guide(&self, app: &OauthApp, secret: Option<&SecretString>) -> CardGuide {
        guide(&CardSetup {
            app,
            urls: &self.app_urls(),
            secret,
        })
    }
}
