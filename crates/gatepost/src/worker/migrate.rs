//! The migrate process: a store with its key and the newest schema, before anybody opens it.

use std::fs;

use anyhow::Context as _;
use zeroize::Zeroizing;

use super::Context;
use crate::wiring;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let layout = context.config.layout();
    let master = wiring::prepare_store(&layout)?;
    // The keeper gives these to the auth worker, which may not see the master key.
    let keys = layout.store().join("auth.keys");
    master.write_auth_keys(&keys)?;
    let bytes = Zeroizing::new(fs::read(&keys).context("cannot read the auth worker's keys")?);
    fs::remove_file(&keys).context("cannot remove the auth worker's keys")?;
    context.keeper.migrated(&bytes).await?;
    Ok(())
}
