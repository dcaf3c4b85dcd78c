//! What handlers work with.

use crate::admin::progress::Works;
use crate::once::Once;
use crate::parts::Notice;
use crate::shell::Entries;
use crate::site::Site;
use app::App;
use app::devices::MadeDevice;
use app::import::ImportLine;
use app::test_provider::CheckLine;
use axum::body::Bytes;
use axum::extract::FromRef;
use model::ids::{AppPasswordId, OauthAppId, ProviderId, SessionId};
use secrecy::SecretString;
use std::ops::Deref;
use std::sync::Arc;

/// The state of the site. Cheap to clone: every request does.
#[derive(Debug, Clone)]
pub struct WebState(Arc<Shared>);

/// What handlers share.
#[derive(Debug)]
pub struct Shared {
    /// The use cases.
    pub app: App,
    /// What this installation is called.
    pub site: Arc<Site>,
    /// Which entries of the navigation have a page.
    pub entries: Entries,
    /// What just happened, for the next page of a session.
    pub notices: Arc<Once<SessionId, Notice>>,
    /// App passwords that were made and not shown yet.
    pub made: Arc<Once<(SessionId, AppPasswordId), MadeDevice>>,
    /// Client secrets that were made here and not shown yet.
    pub client_secrets: Arc<Once<(SessionId, ProviderId), SecretString>>,
    /// Secrets of apps that were made and not shown yet.
    pub app_secrets: Arc<Once<(SessionId, OauthAppId), SecretString>>,
    /// Connection checks, the last one of each provider.
    pub checks: Arc<Works<ProviderId, CheckLine>>,
    /// Imports that were only tried, the last one of each session.
    pub trials: Arc<Works<SessionId, ImportLine>>,
    /// Imports, the last one of each session.
    pub imports: Arc<Works<SessionId, ImportLine>>,
    /// Files that were tried and may be imported.
    pub files: Arc<Once<SessionId, Bytes>>,
}

impl WebState {
    /// The state for these use cases.
    #[must_use]
    pub fn new(app: App, site: Arc<Site>, entries: Entries) -> Self {
        Self(Arc::new(Shared {
            app,
            site,
            entries,
            notices: Arc::default(),
            made: Arc::default(),
            client_secrets: Arc::default(),
            app_secrets: Arc::default(),
            checks: Arc::default(),
            trials: Arc::default(),
            imports: Arc::default(),
            files: Arc::default(),
        }))
    }

    /// Leaves a message for the next page of a session.
    pub fn tell(&self, session: SessionId, notice: Notice) {
        self.notices.put(session, notice, self.app.now());
    }
}

impl Deref for WebState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<WebState> for Arc<Site> {
    fn from_ref(state: &WebState) -> Self {
        Self::clone(&state.site)
    }
}
