//! Tags of mailboxes.

use crate::support::{NOW, TempStore};
use model::ids::MailboxId;
use model::tag::{Tag, Tags};
use store::{StoreError, mailbox_tags, mailboxes};

fn tags(list: &str) -> Tags {
    Tags::parse(list).unwrap()
}

async fn set(temp: &TempStore, id: MailboxId, list: &'static str) -> Result<(), StoreError> {
    temp.write(async move |sql| mailbox_tags::set(sql, id, &tags(list)).await)
        .await
}

async fn of(temp: &TempStore, id: MailboxId) -> Tags {
    mailbox_tags::of(&mut temp.read(), id).await.unwrap()
}

async fn in_use(temp: &TempStore, prefix: &str, limit: u32) -> String {
    let found = mailbox_tags::tags_in_use(&mut temp.read(), prefix, limit).await;
    Tags::try_from(found.unwrap()).unwrap().to_string()
}

#[tokio::test]
async fn a_mailbox_has_the_tags_that_were_set_last() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let alice = temp.mailbox("alice@example.org").await;
    let bob = temp.mailbox("bob@example.org").await;
    assert!(of(&temp, alice).await.is_empty());
    set(&temp, alice, "staff, vip").await.unwrap();
    set(&temp, bob, "staff").await.unwrap();
    set(&temp, alice, "VIP, sales team").await.unwrap();
    assert_eq!(of(&temp, alice).await, tags("sales team, vip"));
    assert_eq!(of(&temp, bob).await, tags("staff"));
    let has = async |tag| {
        let tag = Tag::parse(tag).unwrap();
        mailbox_tags::has(&mut temp.read(), alice, &tag).await
    };
    assert_eq!(
        (has("vip").await, has("staff").await),
        (Ok(true), Ok(false))
    );
    set(&temp, alice, "").await.unwrap();
    assert!(of(&temp, alice).await.is_empty());
}

#[tokio::test]
async fn tags_go_with_their_mailbox() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let alice = temp.mailbox("alice@example.org").await;
    set(&temp, alice, "staff").await.unwrap();
    temp.write(async move |sql| mailboxes::delete(sql, alice, "admin", NOW, NOW).await)
        .await
        .unwrap();
    assert!(of(&temp, alice).await.is_empty());
    assert_eq!(in_use(&temp, "", 10).await, "");
    assert_eq!(set(&temp, alice, "staff").await, Err(StoreError::Missing));
    let again = temp.mailbox("alice@example.org").await;
    assert!(of(&temp, again).await.is_empty());
}

#[tokio::test]
async fn tags_in_use_are_told_once_and_in_order() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    for (address, list) in [
        ("a@example.org", "staff, sales"),
        ("b@example.org", "staff, sales team, ärzte"),
        ("c@example.org", "staff"),
    ] {
        let id = temp.mailbox(address).await;
        set(&temp, id, list).await.unwrap();
    }
    assert_eq!(
        in_use(&temp, "", 10).await,
        "sales, sales team, staff, ärzte"
    );
    assert_eq!(in_use(&temp, "", 2).await, "sales, sales team");
    assert_eq!(in_use(&temp, "sal", 10).await, "sales, sales team");
    assert_eq!(in_use(&temp, "ä", 10).await, "ärzte");
    assert_eq!(in_use(&temp, "nobody", 10).await, "");
    assert_eq!(in_use(&temp, "", 0).await, "");
}
