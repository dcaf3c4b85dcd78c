//! Domains: limits and use, stale edits, deletion.

use crate::support::{NOW, TempStore, address, later, name, new_domain, new_mailbox, storage};
use model::domain::{DomainLimits, DomainUse};
use store::{Page, StoreError, Taken, aliases, domains, mailboxes, providers};

#[tokio::test]
async fn a_domain_comes_back_as_it_was_put() {
    let temp = TempStore::new();
    let mut new = new_domain("bücher.example");
    new.active = false;
    new.limits = DomainLimits {
        max_mailboxes: 1,
        default_quota: 2,
        max_quota: 3,
        domain_quota: 4,
    };
    let put = new.clone();
    let id = temp
        .write(async move |sql| domains::insert(sql, &put, NOW).await)
        .await
        .unwrap();
    let (domain, used) = domains::with_use(&mut temp.read(), &name("BÜCHER.example"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(domain.id, id);
    assert_eq!(domain.name.as_str(), "xn--bcher-kva.example");
    assert!(!domain.active);
    assert_eq!(domain.limits, new.limits);
    assert_eq!(domain.role_target, new.role_target);
    assert_eq!((domain.created, domain.modified), (NOW, NOW));
    assert_eq!(used, DomainUse::default());
    let again = temp
        .write(async move |sql| domains::insert(sql, &new, NOW).await)
        .await;
    assert_eq!(again, Err(StoreError::Taken(Taken::Domain)));
}

#[tokio::test]
async fn domains_are_counted_as_they_come_and_go() {
    let temp = TempStore::new();
    let count = async || domains::count(&mut temp.read()).await.unwrap();
    assert_eq!(count().await, 0);
    let id = temp.domain("example.org").await;
    temp.domain("example.net").await;
    assert_eq!(count().await, 2);
    let again = temp
        .write(async |sql| domains::insert(sql, &new_domain("example.net"), NOW).await)
        .await;
    assert_eq!(again, Err(StoreError::Taken(Taken::Domain)));
    let deleted = temp.write(async move |sql| domains::delete(sql, id).await);
    assert_eq!(deleted.await, Ok(true));
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn an_edit_of_what_was_changed_meanwhile_is_stale() {
    let temp = TempStore::new();
    let id = temp.domain("example.org").await;
    let seen = domains::by_id(&mut temp.read(), id).await.unwrap().unwrap();
    let edit = |active: bool| {
        let mut domain = seen.clone();
        domain.active = active;
        let seen = seen.modified;
        // The clock stands still: the edit is noticed all the same.
        temp.write(async move |sql| domains::update(sql, &domain, Some(seen), NOW).await)
    };
    assert_eq!(edit(false).await, Ok(true));
    assert_eq!(edit(true).await, Ok(false));
    let now = domains::by_id(&mut temp.read(), id).await.unwrap().unwrap();
    assert!(!now.active && now.modified > NOW);
    let forced = seen.clone();
    let done = temp
        .write(async move |sql| domains::update(sql, &forced, None, later(5)).await)
        .await;
    assert_eq!(done, Ok(true));
    let now = domains::by_id(&mut temp.read(), id).await.unwrap().unwrap();
    assert!(now.active);
    assert_eq!(now.modified, later(5));
}

#[tokio::test]
async fn use_is_exact_after_every_change() {
    let temp = TempStore::new();
    let id = temp.domain("example.org").await;
    let other = temp.domain("example.net").await;
    let first = temp.mailbox("a@example.org").await;
    temp.mailbox("b@example.org").await;
    temp.mailbox("a@example.net").await;
    temp.write(async move |sql| {
        let mut mailbox = mailboxes::by_id(sql, first)
            .await?
            .ok_or(StoreError::Missing)?;
        mailbox.quota = 5000;
        mailboxes::update(sql, &mailbox, None, NOW).await
    })
    .await
    .unwrap();
    let used = async |id| {
        let found = domains::use_by_id(&mut temp.read(), id).await.unwrap();
        found.unwrap().1
    };
    let expected = DomainUse {
        mailboxes: 2,
        quota: 6000,
    };
    assert_eq!(used(id).await, expected);
    assert_eq!(used(other).await.mailboxes, 1);
    assert_eq!(mailboxes::count(&mut temp.read()).await, Ok(3));
    temp.write(async move |sql| mailboxes::delete(sql, first, "admin", NOW, later(1)).await)
        .await
        .unwrap();
    let expected = DomainUse {
        mailboxes: 1,
        quota: 1000,
    };
    assert_eq!(used(id).await, expected);
    assert_eq!(mailboxes::count(&mut temp.read()).await, Ok(2));
}

/// Two last places and twenty people at once: the limit is judged inside the transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_creations_never_pass_a_limit() {
    let temp = TempStore::new();
    let id = temp.domain("example.org").await;
    temp.mailbox("first@example.org").await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let store = temp.store.clone();
            tokio::spawn(async move {
                let job = async move |sql: &mut store::Conn| {
                    let (_, used) = domains::use_by_id(sql, id)
                        .await?
                        .ok_or(StoreError::Missing)?;
                    if used.mailboxes >= 3 {
                        return Err(StoreError::NotEmpty);
                    }
                    let new = new_mailbox(id, &format!("n{n}@example.org"));
                    mailboxes::insert(sql, &new, storage(), NOW).await
                };
                store.write(job).await
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(error, StoreError::NotEmpty),
        }
    }
    assert_eq!(made, 2);
    let found = domains::use_by_id(&mut temp.read(), id).await.unwrap();
    assert_eq!(found.unwrap().1.mailboxes, 3);
}

#[tokio::test]
async fn only_an_empty_domain_is_deleted() {
    let temp = TempStore::new();
    let id = temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let delete = || temp.write(async move |sql| domains::delete(sql, id).await);
    assert_eq!(delete().await, Err(StoreError::NotEmpty));
    let alias = temp
        .write(async move |sql| {
            aliases::insert(sql, id, &address("b@example.org"), &[mailbox], true, NOW).await
        })
        .await
        .unwrap();
    temp.write(async move |sql| mailboxes::delete(sql, mailbox, "admin", NOW, NOW).await)
        .await
        .unwrap();
    assert_eq!(
        delete().await,
        Err(StoreError::NotEmpty),
        "an alias is left"
    );
    temp.write(async move |sql| aliases::delete(sql, alias).await)
        .await
        .unwrap();
    assert_eq!(delete().await, Ok(true));
    assert_eq!(delete().await, Ok(false));
}

#[tokio::test]
async fn pages_follow_the_order_of_names() {
    let temp = TempStore::new();
    for text in ["b.example", "a.example", "ab.example", "c.example"] {
        temp.domain(text).await;
    }
    let names = async |prefix, limit, after: Option<String>| {
        let page = Page { after, limit };
        let listed = domains::list(&mut temp.read(), &page, prefix)
            .await
            .unwrap();
        let names: Vec<_> = listed
            .rows
            .iter()
            .map(|(d, _)| d.name.to_string())
            .collect();
        (names, listed.next)
    };
    let (first, next) = names(None, 3, None).await;
    assert_eq!(first, ["a.example", "ab.example", "b.example"]);
    let (second, end) = names(None, 3, next).await;
    assert_eq!(second, ["c.example"]);
    assert_eq!(end, None);
    assert_eq!(
        names(Some("a"), 9, None).await.0,
        ["a.example", "ab.example"]
    );
    assert_eq!(names(Some("ab"), 9, None).await.0, ["ab.example"]);
}

#[tokio::test]
async fn a_domain_is_bound_to_a_provider_and_freed() {
    let temp = TempStore::new();
    let (org, net) = (
        temp.domain("example.org").await,
        temp.domain("example.net").await,
    );
    let (a, b) = (temp.provider("a").await, temp.provider("b").await);
    let bind = async |domain, provider, seen| {
        temp.write(async move |sql| domains::bind(sql, domain, provider, seen, NOW).await)
            .await
    };
    let bound_to = async |provider| -> Vec<_> {
        let found = domains::bound_to(&mut temp.read(), provider, 10).await;
        found.unwrap().into_iter().map(|(id, _)| id).collect()
    };
    assert!(!domains::any_bound(&mut temp.read()).await.unwrap());
    for domain in [org, net] {
        assert_eq!(bind(domain, Some(a), Some(NOW)).await, Ok(true));
    }
    assert_eq!(bound_to(a).await, [net, org], "by name");
    assert!(domains::any_bound(&mut temp.read()).await.unwrap());
    assert_eq!(bind(org, Some(b), Some(NOW)).await, Ok(false), "stale");
    assert_eq!(bind(org, Some(b), None).await, Ok(true));
    assert_eq!(bound_to(b).await, [org]);
    let found = domains::by_id(&mut temp.read(), org).await.unwrap();
    assert_eq!(found.unwrap().provider, Some(b));
    let nobody = model::ids::ProviderId(99);
    assert_eq!(
        bind(org, Some(nobody), None).await,
        Err(StoreError::Missing)
    );
    // An edit of something else leaves it.
    let domain = domains::by_id(&mut temp.read(), org)
        .await
        .unwrap()
        .unwrap();
    let edited = temp
        .write(async move |sql| domains::update(sql, &domain, None, NOW).await)
        .await;
    assert_eq!(edited, Ok(true));
    assert_eq!(bound_to(b).await, [org]);
    let delete = || temp.write(async move |sql| providers::delete(sql, b).await);
    assert_eq!(delete().await, Err(StoreError::InUse));
    assert_eq!(bind(org, None, None).await, Ok(true));
    assert_eq!(delete().await, Ok(true));
}
