//! The migrate process: a store with its key and the newest schema, before anybody opens it.

use std::fs;

use anyhow::Context as _;
use store::{KeyError, MasterKey, OsRandom};
use zeroize::Zeroizing;

use super::Context;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let layout = context.config.layout();
    let (key, database) = (layout.master_key(), layout.database());
    let master = match MasterKey::create_with_new_store(&key, &database, &OsRandom) {
        Ok(master) => {
            tracing::info!(key = %key.display(), "made a new store; back up its master key");
            master
        }
        Err(KeyError::StoreExists(_)) => {
            let master = MasterKey::load(&key, &database)?;
            store::migrate(&database)?;
            master
        }
        Err(error) => return Err(error.into()),
    };
    // The keeper gives these to the auth worker, which may not see the master key.
    let keys = layout.store().join("auth.keys");
    master.write_auth_keys(&keys)?;
    let bytes = Zeroizing::new(fs::read(&keys).context("cannot read the auth worker's keys")?);
    fs::remove_file(&keys).context("cannot remove the auth worker's keys")?;
    context.keeper.migrated(&bytes).await?;
    Ok(())
}
