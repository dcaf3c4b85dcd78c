//! Who connected an app, as administrators see it.

use super::by_id;
use crate::domains::{Listed, Page};
use crate::{App, Problem, audit};
use model::address::Address;
use model::audit::Actor;
use model::grant::Connection;
use model::ids::{MailboxId, OauthAppId};
use serde_json::json;
use store::app_grants::{self, Ending};
use store::{Conn, app_connections, app_sessions};

/// A person who connected an app.
#[derive(Debug, Clone)]
pub struct ConnectedPerson {
    /// What they allowed, and when.
    pub connection: Connection,
    /// Their address.
    pub address: Address,
}

impl App {
    /// A page of the people who connected an app, newest mailboxes first.
    pub async fn app_people(
        &self,
        id: OauthAppId,
        page: Page,
    ) -> Result<Listed<ConnectedPerson>, Problem> {
        let mut read = self.store.read()?;
        let listed = app_connections::of_app(&mut read, id, &page.keyset()).await?;
        let mut rows = Vec::with_capacity(listed.rows.len());
        for connection in listed.rows {
            let mailbox = store::mailboxes::by_id(&mut read, connection.mailbox).await?;
            rows.extend(mailbox.map(|mailbox| ConnectedPerson {
                connection,
                address: mailbox.address,
            }));
        }
        Ok(Listed {
            rows,
            next: listed.next,
            previous: listed.previous,
        })
    }

    /// The address of a person who connected an app.
    pub async fn connected_address(
        &self,
        id: OauthAppId,
        mailbox: MailboxId,
    ) -> Result<Address, Problem> {
        let mut read = self.store.read()?;
        let connected = app_connections::get(&mut read, mailbox, id).await?;
        let person = store::mailboxes::by_id(&mut read, mailbox).await?;
        match (connected, person) {
            (Some(_), Some(person)) => Ok(person.address),
            _ => Err(nobody()),
        }
    }

    /// Disconnects a person from an app: its tokens for them end at once, it is told that their
    /// sessions ended, and they are asked anew.
    pub async fn disconnect_person(
        &self,
        id: OauthAppId,
        mailbox: MailboxId,
        actor: &Actor,
    ) -> Result<(), Problem> {
        let (now, actor) = (self.clock.now(), actor.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                let app = by_id(tx, id).await?;
                let person = store::mailboxes::by_id(tx, mailbox).await?;
                app_grants::end(tx, Ending::Connection(mailbox, id)).await?;
                app_sessions::end(tx, id, Some(mailbox)).await?;
                if !app_connections::delete(tx, mailbox, id).await? {
                    return Err(nobody());
                }
                let address = person.map(|person| person.address.to_string());
                let details = json!({ "name": app.settings.name, "person": address });
                audit::note(tx, now, &actor, "app.disconnect", &app.client_id, details).await?;
                Ok(())
            })
            .await
    }
}

fn nobody() -> Problem {
    Problem::NotFound("such person at this app".to_owned())
}
