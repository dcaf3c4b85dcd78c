//! The store and its key.

use store::{KeyError, MasterKey, Store};

use super::Check;
use crate::config::Config;

const GROUP: &str = "store";

pub(super) async fn look(config: &Config) -> Vec<Check> {
    let layout = config.layout();
    let (key, database) = (layout.master_key(), layout.database());
    if !layout.store().exists() {
        let seen = format!("there is none at {} yet", database.display());
        let fix = "gatepost serve makes it on its first start";
        return vec![Check::warn(GROUP, "database", seen, fix)];
    }
    match MasterKey::load(&key, &database) {
        Ok(master) => {
            let seen = format!("master key {} fits its store", master.id());
            vec![
                Check::ok(GROUP, "key", seen),
                readable(&Store::open_read_only(&database)).await,
            ]
        }
        Err(error @ KeyError::Io { .. }) => {
            let fix = "run doctor as root, or as the account that runs the web worker";
            vec![Check::warn(GROUP, "key", error.to_string(), fix)]
        }
        Err(error) => {
            let fix = "put key and store back together, from the same backup";
            vec![Check::failed(GROUP, "key", error.to_string(), fix)]
        }
    }
}

async fn readable(store: &Store) -> Check {
    let count = async { store::mailboxes::count(&mut *store.read()?).await };
    match count.await {
        Ok(count) => Check::ok(GROUP, "database", format!("answers; mailboxes: {count}")),
        Err(error) => {
            let fix = "start the server once: it brings the store up to date";
            Check::failed(GROUP, "database", error.to_string(), fix)
        }
    }
}
