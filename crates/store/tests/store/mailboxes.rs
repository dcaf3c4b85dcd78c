//! Mailboxes: what is kept, what is unique, what a deletion leaves.

use crate::support::{NOW, TempStore, address, later, new_mailbox, storage};
use model::address::Address;
use model::ids::MailboxId;
use model::mailbox::{Disabled, Mailbox, SignInMethods};
use model::protocol::{Protocol, Protocols};
use model::template::{TemplateField, TemplateFields, TemplateSettings};
use store::{Page, StoreError, Taken, aliases, mailboxes, templates};

async fn get(temp: &TempStore, id: MailboxId) -> Mailbox {
    mailboxes::by_id(&mut temp.read(), id)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_mailbox_comes_back_as_it_was_put_and_changed() {
    let temp = TempStore::new();
    let domain = temp.domain("example.org").await;
    let template = temp
        .write(async |sql| templates::insert(sql, "Staff", &TemplateSettings::default(), NOW).await)
        .await
        .unwrap();
    let mut new = new_mailbox(domain, "alice@example.org");
    new.name = "Alice Ärmel".to_owned();
    new.methods = SignInMethods::PROVIDER;
    new.template = Some((template, later(-9)));
    new.overrides = TemplateFields::NONE.with(TemplateField::Quota, true);
    new.tags = "staff, vip".parse().unwrap();
    let (put, place) = (new.clone(), storage());
    let id = temp
        .write(async move |sql| mailboxes::insert(sql, &put, place, NOW).await)
        .await
        .unwrap();
    let before = get(&temp, id).await;
    let expected = Mailbox {
        tags: new.tags.clone(),
        id,
        domain,
        address: new.address.clone(),
        name: new.name.clone(),
        storage: place,
        quota: 1000,
        protocols: Protocols::ALL,
        active: true,
        disabled: None,
        methods: SignInMethods::PROVIDER,
        template: Some(template),
        template_seen: Some(later(-9)),
        overrides: new.overrides,
        has_password: false,
        password_until: None,
        created: NOW,
        modified: NOW,
        last_sign_in: None,
    };
    assert_eq!(before, expected);
    let by_address = mailboxes::by_address(&mut temp.read(), &new.address).await;
    assert_eq!(by_address, Ok(Some(expected)));

    let mut after = before.clone();
    after.name = "Alice Other".to_owned();
    after.quota = 0;
    after.tags = "vip, board".parse().unwrap();
    after.protocols = Protocols::NONE.with(Protocol::Imap, true);
    after.active = false;
    after.disabled = Some(Disabled {
        at: later(1),
        by: "admin".to_owned(),
        reason: String::new(),
    });
    after.methods = SignInMethods::LOCAL;
    after.template = None;
    after.template_seen = None;
    after.overrides = TemplateFields::NONE;
    after.password_until = Some(later(2));
    let put = after.clone();
    let changed = temp
        .write(async move |sql| mailboxes::update(sql, &put, Some(NOW), later(3)).await)
        .await;
    assert_eq!(changed, Ok(true));
    after.modified = later(3);
    assert_eq!(get(&temp, id).await, after);
    let stale = temp
        .write(async move |sql| mailboxes::update(sql, &before, Some(NOW), later(4)).await)
        .await;
    assert_eq!(stale, Ok(false));
    assert_eq!(get(&temp, id).await, after);
}

#[tokio::test]
async fn an_address_is_one_mailbox_or_one_alias() {
    let temp = TempStore::new();
    let domain = temp.domain("example.org").await;
    let id = temp.mailbox("a@example.org").await;
    let taken = Err(StoreError::Taken(Taken::Address));
    let mailbox = |text: &'static str| {
        temp.write(async move |sql| {
            mailboxes::insert(sql, &new_mailbox(domain, text), storage(), NOW)
                .await
                .map(|_| ())
        })
    };
    let alias = |text: &'static str| {
        temp.write(async move |sql| {
            aliases::insert(sql, domain, &address(text), &[id], true, NOW)
                .await
                .map(|_| ())
        })
    };
    alias("b@example.org").await.unwrap();
    assert_eq!(mailbox("a@example.org").await, taken);
    assert_eq!(mailbox("b@example.org").await, taken);
    assert_eq!(alias("a@example.org").await, taken);
    assert_eq!(alias("b@example.org").await, taken);
}

/// The last free address, wanted by many at once as mailbox and as alias: one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_claims_of_an_address_have_one_winner() {
    let temp = TempStore::new();
    let domain = temp.domain("example.org").await;
    let target = temp.mailbox("target@example.org").await;
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let store = temp.store.clone();
            tokio::spawn(async move {
                let job = async move |sql: &mut store::Conn| {
                    let wanted = "wanted@example.org";
                    if n % 2 == 0 {
                        let new = new_mailbox(domain, wanted);
                        mailboxes::insert(sql, &new, storage(), NOW).await?;
                    } else {
                        aliases::insert(sql, domain, &address(wanted), &[target], true, NOW)
                            .await?;
                    }
                    Ok::<_, StoreError>(())
                };
                store.write(job).await
            })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => winners += 1,
            Err(error) => assert_eq!(error, StoreError::Taken(Taken::Address)),
        }
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_new_password_ends_verdicts_and_a_better_hash_does_not() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let id = temp.mailbox("a@example.org").await;
    let generation = async || mailboxes::generation(&mut temp.read(), id).await.unwrap();
    let hash = async || {
        mailboxes::password_hash(&mut temp.read(), id)
            .await
            .unwrap()
    };
    assert_eq!(generation().await, Some(0));
    temp.write(async move |sql| mailboxes::set_password(sql, id, Some("old"), NOW).await)
        .await
        .unwrap();
    assert_eq!(generation().await, Some(1));
    assert!(get(&temp, id).await.has_password);

    let rehash = |old: &'static str, new: &'static str| {
        temp.write(async move |sql| mailboxes::rehash(sql, id, old, new).await)
    };
    assert_eq!(rehash("old", "better").await, Ok(true));
    assert_eq!(rehash("old", "late").await, Ok(false));
    assert_eq!(hash().await.as_deref(), Some("better"));
    assert_eq!(generation().await, Some(1));

    temp.write(async move |sql| mailboxes::bump_generation(sql, id).await)
        .await
        .unwrap();
    temp.write(async move |sql| mailboxes::set_password(sql, id, None, NOW).await)
        .await
        .unwrap();
    assert_eq!(generation().await, Some(3));
    assert_eq!(hash().await, None);
    assert!(!get(&temp, id).await.has_password);
}

#[tokio::test]
async fn deleted_mail_waits_under_its_storage_id() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let id = temp.mailbox("a@example.org").await;
    let mailbox = get(&temp, id).await;
    let delete =
        || temp.write(async move |sql| mailboxes::delete(sql, id, "admin", NOW, later(10)).await);
    assert_eq!(delete().await, Ok(true));
    assert_eq!(delete().await, Ok(false));
    assert_eq!(mailboxes::by_id(&mut temp.read(), id).await, Ok(None));

    let next = temp.mailbox("a@example.org").await;
    assert_ne!(next, id, "ids are never used again");
    assert_ne!(get(&temp, next).await.storage, mailbox.storage);

    let due = async |now| {
        mailboxes::deleted_due(&mut temp.read(), now, None, 9)
            .await
            .unwrap()
    };
    assert_eq!(due(later(9)).await, []);
    let found = due(later(10)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].storage, found[0].address.as_str()),
        (mailbox.storage, "a@example.org")
    );
    let after = mailboxes::deleted_due(&mut temp.read(), later(10), found.first(), 9).await;
    assert_eq!(after, Ok(Vec::new()));
    let listed = mailboxes::deleted_list(&mut temp.read(), &Page::first(9)).await;
    let listed = listed.unwrap();
    assert_eq!(listed.rows.len(), 1);
    assert_eq!(listed.rows[0].deleted_by, "admin");
    temp.write(async move |sql| mailboxes::deleted_removed(sql, mailbox.storage).await)
        .await
        .unwrap();
    assert_eq!(due(later(99)).await, []);
}

#[tokio::test]
async fn deleted_mail_is_listed_page_by_page() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    for n in 0..5 {
        let id = temp.mailbox(&format!("n{n}@example.org")).await;
        // Two and two are removed at the same time.
        let remove_at = later(n / 2);
        temp.write(async move |sql| mailboxes::delete(sql, id, "admin", NOW, remove_at).await)
            .await
            .unwrap();
    }
    let mut page = Page::first(2);
    let mut seen = Vec::new();
    loop {
        let listed = mailboxes::deleted_list(&mut temp.read(), &page)
            .await
            .unwrap();
        seen.extend(listed.rows.into_iter().map(|mail| mail.address));
        page.after = listed.next;
        if page.after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..5).map(|n| format!("n{n}@example.org")).collect();
    assert_eq!(seen, expected);
    page.after = Some("nonsense".to_owned());
    let listed = mailboxes::deleted_list(&mut temp.read(), &page).await;
    assert_eq!(listed.unwrap_err(), StoreError::Cursor);
}

#[tokio::test]
async fn addresses_are_iterated_without_gaps() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mut expected: Vec<Address> = Vec::new();
    for local in ["b", "a", "a.b", "a-b", "ab", "c"] {
        temp.mailbox(&format!("{local}@example.org")).await;
        expected.push(address(&format!("{local}@example.org")));
    }
    expected.sort();
    let mut seen: Vec<Address> = Vec::new();
    loop {
        let after = seen.last().map(Address::as_str);
        let page = mailboxes::addresses_after(&mut temp.read(), after, 2).await;
        let page = page.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, expected);
}
