//! Noticing that sign-ins leave for a provider and none comes back. Nobody can be told a code then:
//! people stand before the provider's own error page.

use crate::audit;
use model::alert::{About, Alert, Topic};
use model::audit::Actor;
use model::ids::ProviderId;
use model::outcome::{Code, Refusal};
use model::provider::Provider;
use model::rules::alerts;
use model::rules::departures::Departures;
use model::time::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use store::{Conn, StoreError};

/// Notes that somebody came back, with whatever: an alert about nobody coming back is over.
pub(crate) async fn came_back(
    tx: &mut Conn,
    provider: ProviderId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = store::departures::get(tx, provider).await?;
    let mut departures = before;
    departures.come_back(now);
    if departures != before {
        store::departures::put(tx, provider, &departures).await?;
    }
    if !before.nobody_returns() {
        return Ok(());
    }
    let about = About::Provider(provider);
    let Some(mut alert) = store::alerts::live(tx, Topic::NobodyReturns, &about).await? else {
        return Ok(());
    };
    alert.closed = Some(now);
    "a sign-in came back".clone_into(&mut alert.details.by);
    store::alerts::put(tx, &alert).await?;
    let details = json!({ "topic": alert.topic, "count": alert.count });
    audit::note(tx, now, &Actor::System, "alert.close", &about, details).await
}

/// Counts sign-ins that ran out of time at the provider; raises an alert when enough did.
pub(crate) async fn lost(
    tx: &mut Conn,
    left: Vec<(ProviderId, Timestamp)>,
    public_url: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut by_provider = BTreeMap::<_, Vec<_>>::new();
    for (provider, at) in left {
        by_provider.entry(provider).or_default().push(at);
    }
    for (provider, left) in by_provider {
        let before = store::departures::get(tx, provider).await?;
        let mut after = before;
        for at in left {
            after.lose(at);
        }
        if after == before {
            continue;
        }
        store::departures::put(tx, provider, &after).await?;
        if after.nobody_returns()
            && let Some(provider) = store::providers::by_id(tx, provider).await?
        {
            raise(tx, &provider, &after, public_url, now).await?;
        }
    }
    Ok(())
}

/// Begins to count anew after an administrator has closed the alert.
pub(crate) async fn seen_to(tx: &mut Conn, alert: &Alert) -> Result<(), StoreError> {
    let About::Provider(provider) = alert.about else {
        return Ok(());
    };
    let before = store::departures::get(tx, provider).await?;
    let after = Departures {
        returned: before.returned,
        ..Departures::default()
    };
    store::departures::put(tx, provider, &after).await
}

async fn raise(
    tx: &mut Conn,
    provider: &Provider,
    departures: &Departures,
    public_url: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (topic, about) = (Topic::NobodyReturns, About::Provider(provider.id));
    let known = store::alerts::live(tx, topic, &about).await?;
    let name = &provider.settings.name;
    let redirect = provider.settings.redirect.url(public_url, &provider.slug);
    let words = format!(
        "{} Most likely it does not know our redirect URL. Register exactly: {redirect}",
        departures.sentence(name)
    );
    let mut alert = alerts::raised(known, (topic, about), words, &[], now);
    alert.count = departures.lost;
    let most_likely = "people stay there, and that is the commonest reason";
    let refusal = Refusal::new(Code::RedirectRefused)
        .with("provider", name)
        .with("detail", most_likely)
        .with("redirect", redirect);
    alert.details.refusal = Some(refusal);
    store::alerts::put(tx, &alert).await
}
