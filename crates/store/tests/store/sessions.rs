//! Sessions and local administrators.

use crate::support::{NOW, TempStore, later};
use model::ids::{AdminId, MailboxId, SessionId};
use model::link::Namespace;
use model::session::{Principal, ProviderSession, Session};
use store::sessions::{EndedThere, NewSession};
use store::{StoreError, Taken, admins, logout_tokens, mailboxes, replaced_sessions, sessions};

async fn admin(temp: &TempStore, name: &'static str) -> Result<AdminId, StoreError> {
    temp.write(async move |sql| admins::insert(sql, name, "a@elsewhere.example", "hash", NOW).await)
        .await
}

fn new(tag: &[u8], principal: Principal) -> NewSession<'_> {
    NewSession {
        token_tag: tag,
        principal,
        at: None,
        id_token: None,
        now: NOW,
        proved: later(-60),
        ends: later(600),
        ip: None,
        user_agent: "Browser",
    }
}

async fn session(temp: &TempStore, tag: &'static [u8], principal: Principal) -> SessionId {
    temp.write(async move |sql| {
        let ip = "192.0.2.9".parse().ok();
        sessions::insert(
            sql,
            &NewSession {
                ip,
                ..new(tag, principal)
            },
        )
        .await
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
        proved: later(-60),
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
        .write(async move |sql| sessions::insert(sql, &new(b"2", nobody)).await)
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

#[tokio::test]
async fn a_provider_ends_what_stands_on_its_sessions() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let person = Principal::Person(temp.mailbox("a@example.org").await);
    let (one, two) = (temp.provider("one").await, temp.provider("two").await);
    let namespace = Namespace("https://auth.example".to_owned());
    let at = |provider, subject: &str, sid: Option<&str>| ProviderSession {
        provider,
        namespace: namespace.clone(),
        subject: subject.to_owned(),
        sid: sid.map(str::to_owned),
    };
    let stand = [
        at(one, "alice", Some("s1")),
        at(one, "alice", Some("s2")),
        at(one, "alice", None),
        at(one, "bob", Some("s3")),
        at(two, "alice", Some("s1")),
    ];
    for (n, at) in stand.into_iter().enumerate() {
        let tag = [u8::try_from(n).unwrap()];
        temp.write(async move |sql| {
            let hint = (n == 0).then_some(b"sealed".as_slice());
            let made = NewSession {
                at: Some(&at),
                id_token: hint,
                ..new(&tag, person)
            };
            sessions::insert(sql, &made).await
        })
        .await
        .unwrap();
    }
    let left = async || {
        let mut left = Vec::new();
        for n in 0_u8..5 {
            if sessions::by_tag(&mut temp.read(), &[n])
                .await
                .unwrap()
                .is_some()
            {
                left.push(n);
            }
        }
        left
    };
    let out = sessions::way_out(&mut temp.read(), &[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(out.provider, Some(one));
    assert_eq!(out.id_token.as_deref(), Some(b"sealed".as_slice()));
    let other = Namespace("https://other.example".to_owned());
    let end = async |namespace: &Namespace, ended: EndedThere<'static>| {
        let namespace = namespace.clone();
        temp.write(async move |sql| sessions::end_at_provider(sql, one, &namespace, ended).await)
            .await
    };
    assert_eq!(end(&other, EndedThere::Subject("alice")).await, Ok(0));
    assert_eq!(end(&namespace, EndedThere::Sid("s3")).await, Ok(1));
    let both = EndedThere::Session {
        subject: "alice",
        sid: "s1",
    };
    assert_eq!(
        end(&namespace, both).await,
        Ok(2),
        "and one that knows of none"
    );
    assert_eq!(left().await, [1, 4]);
    let (from, to) = (namespace.clone(), other.clone());
    temp.write(async move |sql| sessions::rekey(sql, one, &from, &to).await)
        .await
        .unwrap();
    assert_eq!(end(&namespace, EndedThere::Subject("alice")).await, Ok(0));
    assert_eq!(end(&other, EndedThere::Subject("alice")).await, Ok(1));
    assert_eq!(left().await, [4]);
}

#[tokio::test]
async fn a_logout_token_is_taken_once_at_each_provider() {
    let temp = TempStore::new();
    let (one, two) = (temp.provider("one").await, temp.provider("two").await);
    let take = async |provider, jti: &'static [u8], ends| {
        temp.write(async move |sql| logout_tokens::take(sql, provider, jti, later(ends)).await)
            .await
    };
    assert_eq!(take(one, b"a", 60).await, Ok(true));
    assert_eq!(take(one, b"a", 90).await, Ok(false));
    assert_eq!(take(two, b"a", 120).await, Ok(true));
    for (now, gone) in [(59, 0), (60, 1), (60, 0)] {
        let swept = temp.write(async move |sql| logout_tokens::sweep(sql, later(now), 10).await);
        assert_eq!(swept.await, Ok(gone), "at {now}");
    }
    assert_eq!(take(one, b"a", 60).await, Ok(true));
}

#[tokio::test]
async fn what_stands_in_the_place_of_a_session_is_found_while_that_would_have_lasted() {
    let temp = TempStore::new();
    let person = Principal::Admin(admin(&temp, "root").await.unwrap());
    let found = async |tag: &'static [u8], at| {
        let mut read = temp.read();
        replaced_sessions::in_place_of(&mut read, tag, later(at)).await
    };
    let replace = async |old, fresh, at| {
        temp.write(async move |sql| {
            replaced_sessions::replace(sql, old, fresh, later(at)).await?;
            sessions::delete(sql, old, person).await
        })
        .await
    };
    let first = session(&temp, b"1", person).await;
    let second = session(&temp, b"2", person).await;
    assert_eq!(found(b"1", 0).await, Ok(None), "it is there itself");
    assert_eq!(replace(first, second, 0).await, Ok(true));
    assert_eq!(found(b"1", 599).await, Ok(Some(second)));
    assert_eq!(found(b"1", 600).await, Ok(None));
    assert_eq!(found(b"2", 0).await, Ok(None));
    let third = session(&temp, b"3", person).await;
    assert_eq!(replace(second, third, 0).await, Ok(true));
    for tag in [&b"1"[..], b"2"] {
        assert_eq!(found(tag, 0).await, Ok(Some(third)), "{tag:?}");
    }
    // What would have ended is not carried along; what it stands for ends with the session.
    let fourth = session(&temp, b"4", person).await;
    assert_eq!(replace(third, fourth, 600).await, Ok(true));
    assert_eq!(found(b"1", 0).await, Ok(None));
    assert_eq!(found(b"3", 0).await, Ok(Some(fourth)));
    temp.write(async move |sql| sessions::delete(sql, fourth, person).await)
        .await
        .unwrap();
    assert_eq!(found(b"3", 0).await, Ok(None));
    // In the place of one of which nothing is left; who comes later knows that the other counts no more.
    let sixth = session(&temp, b"6", person).await;
    let seventh = session(&temp, b"7", person).await;
    let stand_in = async |fresh, ends| {
        let ends = later(ends);
        let done =
            temp.write(async move |sql| replaced_sessions::stand_in(sql, b"0", fresh, ends).await);
        done.await.unwrap();
    };
    stand_in(sixth, 10).await;
    assert_eq!(found(b"0", 9).await, Ok(Some(sixth)));
    assert_eq!(found(b"0", 10).await, Ok(None));
    stand_in(seventh, 20).await;
    assert_eq!(found(b"0", 19).await, Ok(Some(seventh)));
    // A token that is noted already may be that of a session that counts again.
    stand_in(sixth, 30).await;
    let eighth = session(&temp, b"8", person).await;
    let done = temp.write(async move |sql| {
        replaced_sessions::stand_in(sql, b"8", sixth, later(30)).await?;
        replaced_sessions::replace(sql, eighth, seventh, later(0)).await
    });
    assert_eq!(done.await, Ok(()));
    assert_eq!(found(b"8", 0).await, Ok(Some(seventh)));

    let gone = session(&temp, b"5", person).await;
    let missing = replace(gone, fourth, 0).await;
    assert_eq!(missing, Err(StoreError::Missing));
}
