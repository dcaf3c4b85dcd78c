//! The ways to sign in that the sign-in page offers.

use crate::{App, Problem};
use model::address::Address;
use model::provider::Provider;
use model::rules::routing;
use model::time::Timestamp;

/// A button on the sign-in page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderButton {
    /// For `/sso/{slug}/start`.
    pub slug: String,
    /// The name on the button.
    pub name: String,
    /// Since when it has not answered, if it did not lately.
    pub down_since: Option<Timestamp>,
}

/// What the sign-in page offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ways {
    /// The providers that are switched on, in their order.
    pub buttons: Vec<ProviderButton>,
    /// Whether to ask for an address first, which tells the provider.
    pub asks_address: bool,
}

impl App {
    /// What the sign-in page offers.
    pub async fn ways(&self) -> Result<Ways, Problem> {
        let mut read = self.store.read()?;
        let all = store::providers::all(&mut read).await?;
        let bound = store::domains::any_bound(&mut read).await?;
        Ok(Ways {
            asks_address: routing::asks_address(&all, bound),
            buttons: self.buttons(all.iter().filter(|p| p.settings.active)),
        })
    }

    /// The providers by which people of the address's domain may come; nothing but the domain is
    /// looked at. None if the domain is not served, as if it has no provider.
    pub async fn ways_of(&self, address: &Address) -> Result<Vec<ProviderButton>, Problem> {
        let mut read = self.store.read()?;
        let all = store::providers::all(&mut read).await?;
        let domain = store::domains::by_name(&mut read, &address.domain()).await?;
        let found = routing::of_domain(domain.as_ref(), &all);
        Ok(self.buttons(found.into_iter()))
    }

    fn buttons<'p>(&self, providers: impl Iterator<Item = &'p Provider>) -> Vec<ProviderButton> {
        providers
            .map(|provider| ProviderButton {
                slug: provider.slug.clone(),
                name: provider.settings.name.clone(),
                down_since: self.upstream.down_since(provider.id),
            })
            .collect()
    }
}
