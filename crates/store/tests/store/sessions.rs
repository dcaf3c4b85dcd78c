//! Sessions and local administrators.

use crate::support::{NOW, TempStore, later};
use model::ids::{AdminId, MailboxId, SessionId};
use model::session::{Principal, Session};
use store::{StoreError, Taken, admins, mailboxes, sessions};

async fn admin(temp: &TempStore, name: &'static str) -> Result<AdminId, StoreError> {
    temp.write(async move |sql| admins::insert(sql, name, "a@elsewhere.example", "hash", NOW).await)
        .await
}

async fn session(temp: &TempStore, tag: &'static [u8], principal: Principal) -> SessionId {
    temp.write(async move |sql| {
        let ip = "192.0.2.9".parse().ok();
        sessions::insert(sql, tag, principal, None, NOW, later(600), ip, "Browser").await
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_session_is_found_by_its_tag_and_used_by_the_minute() {
    let temp = TempStore::new();
    let id = admin(&temp, "root").await.unwrap();
    let principal = Principal::Admin(id);
    let id = session(&temp, b"tag", principal).await;
    let find = async || sessions::by_tag(&mut temp.read(), b"tag").await.unwrap();
    let mut expected = Session {
        id,
        principal,
        provider: None,
        created: NOW,
        last_used: NOW,
        ip: "192.0.2.9".parse().ok(),
        user_agent: "Browser".to_owned(),
    };
    assert_eq!(find().await.as_ref(), Some(&expected));
    for (at, seen) in [(59, 0), (60, 60), (100, 60)] {
        temp.write(async move |sql| sessions::touch(sql, id, later(at)).await)
            .await
            .unwrap();
        expected.last_used = later(seen);
        assert_eq!(find().await.as_ref(), Some(&expected), "at {at}");
    }
    let none = sessions::by_tag(&mut temp.read(), b"tah").await;
    assert_eq!(none, Ok(None));
}

#[tokio::test]
async fn somebody_ends_their_own_sessions_only() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let person = Principal::Person(temp.mailbox("a@example.org").await);
    // The same number as the mailbox's: kinds are never mixed up.
    let admin = Principal::Admin(admin(&temp, "root").await.unwrap());
    let mine = session(&temp, b"1", person).await;
    let other = session(&temp, b"2", person).await;
    let theirs = session(&temp, b"3", admin).await;
    let delete = |id, of| temp.write(async move |sql| sessions::delete(sql, id, of).await);
    assert_eq!(delete(theirs, person).await, Ok(false));
    assert_eq!(delete(mine, admin).await, Ok(false));
    let others = temp
        .write(async move |sql| sessions::delete_others(sql, person, mine).await)
        .await;
    assert_eq!(others, Ok(1));
    assert_eq!(delete(other, person).await, Ok(false));
    let left = sessions::list(&mut temp.read(), person).await.unwrap();
    assert_eq!(left.iter().map(|s| s.id).collect::<Vec<_>>(), [mine]);
    let all = temp
        .write(async move |sql| sessions::delete_all(sql, person).await)
        .await;
    assert_eq!(all, Ok(1));
    let left = sessions::list(&mut temp.read(), admin).await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn sessions_end_with_their_owner_and_their_time() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    session(&temp, b"1", Principal::Person(mailbox)).await;
    temp.write(async move |sql| mailboxes::delete(sql, mailbox, "admin", NOW, NOW).await)
        .await
        .unwrap();
    assert_eq!(sessions::by_tag(&mut temp.read(), b"1").await, Ok(None));

    let nobody = Principal::Person(MailboxId(99));
    let refused = temp
        .write(async move |sql| {
            sessions::insert(sql, b"2", nobody, None, NOW, later(1), None, "").await
        })
        .await;
    assert_eq!(refused, Err(StoreError::Missing));

    let admin = Principal::Admin(admin(&temp, "root").await.unwrap());
    session(&temp, b"3", admin).await;
    let sweep = |now| temp.write(async move |sql| sessions::sweep(sql, now, 9).await);
    assert_eq!(sweep(later(599)).await, Ok(0));
    assert_eq!(sweep(later(600)).await, Ok(1));
}

#[tokio::test]
async fn administrators_are_unique_by_name_and_never_all_deleted() {
    let temp = TempStore::new();
    let first = admin(&temp, "Root").await.unwrap();
    assert_eq!(
        admin(&temp, "ROOT").await,
        Err(StoreError::Taken(Taken::AdminName))
    );
    let delete = |id| temp.write(async move |sql| admins::delete(sql, id).await);
    assert_eq!(delete(first).await, Err(StoreError::LastAdmin));
    assert_eq!(delete(AdminId(99)).await, Ok(false));
    let second = admin(&temp, "second").await.unwrap();
    assert_eq!(admins::count(&mut temp.read()).await, Ok(2));
    assert_eq!(delete(first).await, Ok(true));
    assert_eq!(delete(second).await, Err(StoreError::LastAdmin));

    let found = admins::by_name(&mut temp.read(), "SECOND").await.unwrap();
    assert_eq!(found.as_ref().map(|admin| admin.id), Some(second));
    let by_id = admins::by_id(&mut temp.read(), second).await;
    assert_eq!(by_id, Ok(found));
    temp.write(async move |sql| admins::set_password(sql, second, "new", later(1)).await)
        .await
        .unwrap();
    let hash = admins::password_hash(&mut temp.read(), second).await;
    assert_eq!(hash, Ok(Some("new".to_owned())));
    temp.write(async move |sql| admins::update(sql, second, "Third", "", later(1)).await)
        .await
        .unwrap();
    let all = admins::list(&mut temp.read()).await.unwrap();
    assert_eq!((all[0].name.as_str(), all[0].email.as_str()), ("Third", ""));
}

/// Two administrators delete each other at the same moment: one stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_deletions_leave_an_administrator() {
    let temp = TempStore::new();
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(admin(&temp, name).await.unwrap());
    }
    let tasks: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let store = temp.store.clone();
            tokio::spawn(async move {
                let job = async move |sql: &mut store::Conn| admins::delete(sql, id).await;
                store.write(job).await
            })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(deleted) => assert!(deleted),
            Err(error) => {
                assert_eq!(error, StoreError::LastAdmin);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 1);
    assert_eq!(admins::count(&mut temp.read()).await, Ok(1));
}
