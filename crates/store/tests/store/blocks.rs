//! Blocks of people.

use crate::support::{NOW, TempStore, later};
use model::block::Block;
use model::ids::BlockId;
use model::link::Namespace;
use store::{Page, StoreError, blocks};

fn namespace(text: &str) -> Namespace {
    Namespace(text.to_owned())
}

fn block(at: &str, subject: &str, address: &str) -> Block {
    Block {
        id: BlockId(0),
        namespace: namespace(at),
        subject: subject.to_owned(),
        address: address.to_owned(),
        reason: "left".to_owned(),
        at: NOW,
        by: "karin".to_owned(),
    }
}

async fn put(temp: &TempStore, block: Block) -> bool {
    temp.write(async move |sql| blocks::insert(sql, &block).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_block_is_of_one_person_and_the_first_one_stays() {
    let temp = TempStore::new();
    let first = block("n", "s1", "alice@example.org");
    assert!(put(&temp, first.clone()).await);
    let again = Block {
        reason: "another".to_owned(),
        at: later(5),
        ..first.clone()
    };
    assert!(!put(&temp, again).await);
    let mut read = temp.read();
    let found = async |read: &mut _, at: &str, subject: &str| {
        blocks::by_person(read, &namespace(at), subject)
            .await
            .unwrap()
    };
    let known = found(&mut read, "n", "s1").await.unwrap();
    assert_eq!(
        known,
        Block {
            id: known.id,
            ..first
        }
    );
    assert_eq!(found(&mut read, "n", "s2").await, None);
    assert_eq!(found(&mut read, "other", "s1").await, None);
    assert_eq!(
        blocks::by_id(&mut read, known.id).await.unwrap(),
        Some(known.clone())
    );

    let lift = || temp.write(async move |sql| blocks::delete(sql, known.id).await);
    assert_eq!(lift().await, Ok(true));
    assert_eq!(lift().await, Ok(false));
    assert_eq!(found(&mut temp.read(), "n", "s1").await, None);
}

#[tokio::test]
async fn they_are_listed_by_page_and_found_by_the_mailbox() {
    let temp = TempStore::new();
    for n in 0..5 {
        let address = format!("p{}@example.org", n % 2);
        assert!(put(&temp, block("n", &format!("s{n}"), &address)).await);
    }
    let mut read = temp.read();
    let page = |after| Page { after, limit: 2 };
    let subjects = |rows: &[Block]| {
        let all = rows.iter().map(|block| block.subject.clone());
        all.collect::<Vec<_>>()
    };
    let first = blocks::list(&mut read, &page(None)).await.unwrap();
    assert_eq!(subjects(&first.rows), ["s4", "s3"]);
    let second = blocks::list(&mut read, &page(first.next)).await.unwrap();
    assert_eq!(subjects(&second.rows), ["s2", "s1"]);
    let last = blocks::list(&mut read, &page(second.next)).await.unwrap();
    assert_eq!(
        (subjects(&last.rows), last.next),
        (vec!["s0".to_owned()], None)
    );
    let bad = blocks::list(&mut read, &page(Some("moon".to_owned()))).await;
    assert_eq!(bad.unwrap_err(), StoreError::Cursor);

    let of = blocks::of_address(&mut read, "p1@example.org")
        .await
        .unwrap();
    assert_eq!(subjects(&of), ["s3", "s1"]);
    assert!(blocks::of_address(&mut read, "p").await.unwrap().is_empty());
}

#[tokio::test]
async fn they_move_with_the_namespace() {
    let temp = TempStore::new();
    for (at, subject) in [("old", "s1"), ("old", "s2"), ("new", "s2"), ("else", "s1")] {
        assert!(put(&temp, block(at, subject, "a@example.org")).await);
    }
    let moved = temp
        .write(async |sql| blocks::rekey(sql, &namespace("old"), &namespace("new")).await)
        .await;
    assert_eq!(moved, Ok(1), "the other was blocked there already");
    let mut read = temp.read();
    for (at, subject, blocked) in [
        ("old", "s1", false),
        ("old", "s2", false),
        ("new", "s1", true),
        ("new", "s2", true),
        ("else", "s1", true),
    ] {
        let found = blocks::by_person(&mut read, &namespace(at), subject).await;
        assert_eq!(found.unwrap().is_some(), blocked, "{at} {subject}");
    }
}
