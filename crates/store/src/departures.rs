//! Sign-ins that left for a provider and never came back.

use crate::{Conn, StoreError};
use model::ids::ProviderId;
use model::rules::departures::Departures;

statements! {
    GET = "SELECT returned, lost, first FROM departures WHERE provider = $1";
    PUT = "INSERT INTO departures (provider, returned, lost, first) VALUES ($1, $2, $3, $4)
        ON CONFLICT (provider) DO UPDATE SET returned = excluded.returned, lost = excluded.lost,
            first = excluded.first";
}

/// Those of a provider.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn get(sql: &mut Conn, provider: ProviderId) -> Result<Departures, StoreError> {
    let Some(row) = sql.one(GET, &[provider.into()]).await? else {
        return Ok(Departures::default());
    };
    Ok(Departures {
        returned: row.get("returned")?,
        lost: row.get("lost")?,
        first: row.get("first")?,
    })
}

/// Remembers those of a provider.
///
/// # Errors
/// [`StoreError::Missing`] if it is gone.
pub async fn put(
    sql: &mut Conn,
    provider: ProviderId,
    departures: &Departures,
) -> Result<(), StoreError> {
    let Departures {
        returned,
        lost,
        first,
    } = *departures;
    let values = [provider.into(), returned.into(), lost.into(), first.into()];
    sql.execute(PUT, &values).await?;
    Ok(())
}
