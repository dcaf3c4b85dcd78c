//! Recorded attempts to sign in.

use crate::domains::{Listed, Page};
use crate::{App, Problem};
use model::attempt::{Attempt, Reference};
use serde::{Deserialize, Serialize};

/// Which attempts a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AttemptFilter {
    /// Refused ones only.
    pub refused: bool,
    /// With this code only.
    pub code: Option<model::outcome::Code>,
}

impl App {
    /// One, by its reference.
    pub async fn attempt(&self, reference: &Reference) -> Result<Attempt, Problem> {
        let mut read = self.store.read()?;
        store::attempts::by_reference(&mut read, reference)
            .await?
            .ok_or_else(|| {
                Problem::NotFound(format!(
                    "attempt {reference}; it may be older than attempts are kept"
                ))
            })
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
        };
        let mut read = self.store.read()?;
        Ok(store::attempts::list(&mut read, &page.keyset(), &filter)
            .await?
            .into())
    }
}
