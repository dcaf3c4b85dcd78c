//! Which pages in browsers may read what an app is answered: those of an app that runs in a browser alone.
//! Asked only where a browser names the origin of a page.

use super::names::Secret;
use crate::{App, Problem};
use model::oauth_app::AppSettings;
use model::rules;
use oidc::op::bearer::{BearerPlaces, BearerRequest};
use oidc::op::client_auth::client_credentials;
use oidc::op::origin::PageOrigin;
use oidc::op::params::Params;
use oidc::op::redirect::RegisteredRedirect;
use secrecy::ExposeSecret as _;
use store::StoreError;
use store::app_tokens::Found;

impl App {
    /// Whether `page` is one of the app that a request names as the one that calls. An app that nobody
    /// knows has none. Ask before the request is carried out: a page that cannot read what it was given
    /// for a refresh token offers the old one again, as a thief would.
    ///
    /// # Errors
    /// [`Problem::Unavailable`].
    pub async fn is_page_of_client(
        &self,
        page: &PageOrigin,
        authorization: Option<&str>,
        form: &str,
    ) -> Result<bool, Problem> {
        let Ok(params) = Params::parse(form) else {
            return Ok(false);
        };
        let Ok(Some(credentials)) = client_credentials(authorization, &params) else {
            return Ok(false);
        };
        let id = &credentials.id;
        let found = store::oauth_apps::by_client_id(&mut *self.store.read()?, id).await?;
        Ok(found.is_some_and(|app| is_of(page, &app.settings)))
    }

    /// Whether `page` is one of the app that an access token was given to. While nobody can say, none is.
    pub async fn is_page_of_token(&self, page: &PageOrigin, request: BearerRequest<'_>) -> bool {
        let places = BearerPlaces {
            form: true,
            query: false,
        };
        let Ok(Some(shown)) = request.token(places) else {
            return false;
        };
        let tag = self.oauth_tag(Secret::Access, shown.token.expose_secret());
        match self.found_by(&tag).await {
            Ok(found) => found.is_some_and(|found| is_of(page, &found.settings)),
            Err(error) => {
                tracing::warn!(%error, "whose page asks could not be looked up");
                false
            }
        }
    }

    async fn found_by(&self, tag: &[u8]) -> Result<Option<Found>, StoreError> {
        store::app_tokens::find(&mut *self.store.read()?, tag).await
    }
}

fn is_of(page: &PageOrigin, settings: &AppSettings) -> bool {
    let leads_there =
        |text: &str| RegisteredRedirect::parse(text).is_ok_and(|redirect| page.is_of(&redirect));
    rules::apps::page_may_read(settings, leads_there)
}
