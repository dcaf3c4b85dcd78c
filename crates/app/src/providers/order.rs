//! The order of the providers: that of the buttons on the sign-in page.

use crate::{App, Problem, audit};
use model::audit::Actor;
use model::provider::Provider;
use serde_json::json;
use store::Conn;

impl App {
    /// Moves a provider to the place `number`, counted from 1; those behind it move on.
    ///
    /// # Errors
    /// A problem of the field `number` if there is no such place.
    pub async fn move_provider(
        &self,
        actor: &Actor,
        slug: &str,
        number: usize,
    ) -> Result<Vec<Provider>, Problem> {
        let (now, actor, slug) = (self.clock.now(), actor.clone(), slug.to_owned());
        self.store
            .write(async move |tx: &mut Conn| {
                let mut all = store::providers::all(tx).await?;
                let from = all.iter().position(|p| p.slug == slug);
                let from = from.ok_or_else(|| Problem::NotFound(format!("provider {slug}")))?;
                if !(1..=all.len()).contains(&number) {
                    let words = format!("write a number from 1 to {}", all.len());
                    return Err(Problem::field("number", words));
                }
                let moved = all.remove(from);
                all.insert(number - 1, moved);
                for (place, provider) in (1..).zip(&all) {
                    store::providers::place(tx, provider.id, place).await?;
                }
                let details = json!({ "before": from + 1, "after": number });
                audit::note(tx, now, &actor, "provider.move", &slug, details).await?;
                Ok(all)
            })
            .await
    }
}
