//! Recorded attempts to sign in.

use crate::domains::{Listed, Page};
use crate::privacy::masked;
use crate::{App, Problem};
use model::attempt::{Attempt, Reference};
use model::ids::OauthAppId;
use serde::{Deserialize, Serialize};

/// Which attempts a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AttemptFilter {
    /// Refused ones only.
    pub refused: bool,
    /// With this code only.
    pub code: Option<model::outcome::Code>,
    /// To sign in to this app.
    #[serde(default)]
    pub app: Option<OauthAppId>,
}

impl App {
    /// One, by its reference, without the values of private claims.
    pub async fn attempt(&self, reference: &Reference) -> Result<Attempt, Problem> {
        let private = self.private_claims().await?;
        let mut read = self.store.read()?;
        Ok(masked(self.recorded(&mut read, reference).await?, &private))
    }

    /// A page, newest first; `page.search` is an address.
    pub async fn attempts(
        &self,
        filter: AttemptFilter,
        page: Page,
    ) -> Result<Listed<Attempt>, Problem> {
        let filter = store::attempts::AttemptFilter {
            refused_only: filter.refused,
            code: filter.code,
            address: page.prefix().map(str::to_lowercase),
            provider: None,
            app: filter.app,
        };
        let private = self.private_claims().await?;
        let mut read = self.store.read()?;
        let listed = store::attempts::list(&mut read, &page.keyset(), &filter).await?;
        let mut listed = Listed::from(listed);
        let rows = listed.rows.into_iter();
        listed.rows = rows.map(|row| masked(row, &private)).collect();
        Ok(listed)
    }
}
