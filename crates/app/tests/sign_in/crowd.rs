//! Many people at once, put there by the store's own functions: to sign each in would take too long.

use crate::world::{SLUG, World, address};
use model::domain::GIB;
use model::ids::LinkId;
use model::link::LinkOrigin;
use model::mailbox::{NewMailbox, SignInMethods};
use model::protocol::Protocols;
use model::template::TemplateFields;
use model::time::Timestamp;
use store::{Conn, Store, StoreError, links, mailboxes};

/// So many people of the company, `{name}0@example.org` and on, with a mailbox and a link each.
pub async fn crowd(
    world: &World,
    name: &'static str,
    people: usize,
    now: Timestamp,
) -> Vec<LinkId> {
    let store = Store::open(&world.dir.join("store.db")).unwrap();
    let provider = world.app.provider(SLUG).await.unwrap();
    let (domain, staff) = (provider.settings.domains[0], world.staff.clone());
    store
        .write(async move |tx: &mut Conn| {
            let mut made = Vec::with_capacity(people);
            for n in 0..people {
                let new = NewMailbox {
                    tags: model::tag::Tags::default(),
                    domain,
                    address: address(&format!("{name}{n}@example.org")),
                    name: String::new(),
                    quota: 2 * GIB,
                    protocols: Protocols::ALL,
                    active: true,
                    methods: SignInMethods::PROVIDER,
                    template: Some((staff.id, staff.modified)),
                    overrides: TemplateFields::NONE,
                };
                let storage = uuid::Uuid::from_u128(n as u128 + 1);
                let mailbox = mailboxes::insert(tx, &new, storage, now).await?;
                let (id, space, subject) =
                    (provider.id, &provider.namespace, format!("{name}-{n}"));
                let origin = LinkOrigin::FirstSignIn;
                made.push(links::insert(tx, mailbox, id, space, &subject, origin, now).await?);
            }
            Ok::<_, StoreError>(made)
        })
        .await
        .unwrap()
}
