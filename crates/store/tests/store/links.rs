//! Links and pending links: one person, one mailbox.

use crate::support::{NOW, TempStore, later};
use model::ids::{LinkId, MailboxId, ProviderId};
use model::link::{Link, LinkOrigin, Namespace, PendingLink};
use store::{StoreError, Taken, links, mailboxes};

fn namespace(text: &str) -> Namespace {
    Namespace(text.to_owned())
}

async fn link(
    temp: &TempStore,
    mailbox: MailboxId,
    provider: ProviderId,
    subject: &'static str,
) -> Result<LinkId, StoreError> {
    temp.write(async move |sql| {
        let origin = LinkOrigin::LocalPassword;
        links::insert(
            sql,
            mailbox,
            provider,
            &namespace("n"),
            subject,
            origin,
            NOW,
        )
        .await
    })
    .await
}

#[tokio::test]
async fn a_person_has_one_mailbox_and_a_mailbox_one_person_a_provider() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let b = temp.mailbox("b@example.org").await;
    let company = temp.provider("company").await;
    let id = link(&temp, a, company, "alice").await.unwrap();
    assert_eq!(
        link(&temp, b, company, "alice").await,
        Err(StoreError::Taken(Taken::Subject))
    );
    assert_eq!(
        link(&temp, a, company, "other").await,
        Err(StoreError::Taken(Taken::MailboxAtProvider))
    );
    assert_eq!(
        link(&temp, MailboxId(99), company, "nobody").await,
        Err(StoreError::Missing)
    );
    temp.write(async move |sql| links::touch(sql, id, later(1)).await)
        .await
        .unwrap();
    let expected = Link {
        id,
        mailbox: a,
        provider: company,
        namespace: namespace("n"),
        subject: "alice".to_owned(),
        origin: LinkOrigin::LocalPassword,
        created: NOW,
        last_sign_in: Some(later(1)),
        confirmed: Some(NOW),
        unconfirmed: None,
    };
    let found = links::by_subject(&mut temp.read(), &namespace("n"), "alice").await;
    assert_eq!(found, Ok(Some(expected.clone())));
    let found = links::by_subject(&mut temp.read(), &namespace("N"), "alice").await;
    assert_eq!(found, Ok(None), "namespaces are exact");
    let found = links::by_subject(&mut temp.read(), &namespace("n"), "Alice").await;
    assert_eq!(found, Ok(None), "subjects are exact");
    assert_eq!(
        links::of_mailbox(&mut temp.read(), a).await,
        Ok(vec![expected])
    );
    assert_eq!(
        links::count_of_provider(&mut temp.read(), company).await,
        Ok(1)
    );
}

/// The same person in two tabs: one link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_first_sign_ins_make_one_link() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let company = temp.provider("company").await;
    let mut mailboxes = Vec::new();
    for n in 0..8 {
        mailboxes.push(temp.mailbox(&format!("n{n}@example.org")).await);
    }
    let tasks: Vec<_> = mailboxes
        .into_iter()
        .map(|mailbox| {
            let store = temp.store.clone();
            tokio::spawn(async move {
                let job = async move |sql: &mut store::Conn| {
                    let origin = LinkOrigin::FirstSignIn;
                    links::insert(sql, mailbox, company, &namespace("n"), "alice", origin, NOW)
                        .await
                };
                store.write(job).await
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error, StoreError::Taken(Taken::Subject)),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn learning_the_issuer_moves_all_links_or_none() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let company = temp.provider("company").await;
    let other = temp.provider("other").await;
    for (n, subject) in ["x", "y", "z"].into_iter().enumerate() {
        let mailbox = temp.mailbox(&format!("n{n}@example.org")).await;
        link(&temp, mailbox, company, subject).await.unwrap();
    }
    let taken = temp.mailbox("taken@example.org").await;
    temp.write(async move |sql| {
        let (namespace, origin) = (namespace("issuer"), LinkOrigin::Pending);
        links::insert(sql, taken, other, &namespace, "y", origin, NOW).await
    })
    .await
    .unwrap();
    let rekey = |to: &'static str| {
        temp.write(async move |sql| {
            links::rekey(sql, company, &namespace("n"), &namespace(to)).await
        })
    };
    assert_eq!(
        rekey("issuer").await,
        Err(StoreError::Taken(Taken::Subject))
    );
    let still = links::by_subject(&mut temp.read(), &namespace("n"), "x").await;
    assert!(still.unwrap().is_some(), "nothing was moved");
    assert_eq!(rekey("fresh").await, Ok(3));
    let moved = links::by_subject(&mut temp.read(), &namespace("fresh"), "x").await;
    assert!(moved.unwrap().is_some());
}

#[tokio::test]
async fn a_pending_link_is_replaced_taken_once_and_lapses() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let company = temp.provider("company").await;
    let pending = |subject: Option<&str>, ends| PendingLink {
        mailbox,
        provider: company,
        expected_subject: subject.map(str::to_owned),
        ends,
    };
    for put in [pending(Some("alice"), later(1)), pending(None, later(10))] {
        temp.write(async move |sql| links::put_pending(sql, &put).await)
            .await
            .unwrap();
    }
    let expected = pending(None, later(10));
    let found = links::pending_of(&mut temp.read(), mailbox).await;
    assert_eq!(found, Ok(Some(expected.clone())));
    let take = || temp.write(async move |sql| links::take_pending(sql, mailbox).await);
    assert_eq!(take().await, Ok(Some(expected.clone())));
    assert_eq!(take().await, Ok(None));

    temp.write(async move |sql| links::put_pending(sql, &expected).await)
        .await
        .unwrap();
    let sweep = |now| temp.write(async move |sql| links::sweep_pending(sql, now).await);
    assert_eq!(sweep(later(9)).await, Ok(0));
    assert_eq!(sweep(later(10)).await, Ok(1));
}

#[tokio::test]
async fn a_deleted_mailbox_takes_its_links_along() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let company = temp.provider("company").await;
    link(&temp, mailbox, company, "alice").await.unwrap();
    temp.write(async move |sql| mailboxes::delete(sql, mailbox, "admin", NOW, NOW).await)
        .await
        .unwrap();
    let found = links::by_subject(&mut temp.read(), &namespace("n"), "alice").await;
    assert_eq!(found, Ok(None));
}
