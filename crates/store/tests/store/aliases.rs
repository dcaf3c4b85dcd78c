//! Aliases: targets in order, who owns an address, what is left without a target.

use crate::support::{NOW, TempStore, address, later, name, new_domain};
use model::ids::{AliasId, MailboxId};
use store::{Page, StoreError, aliases, domains, mail_lookup, mailboxes};

async fn alias(temp: &TempStore, text: &str, targets: &[MailboxId]) -> AliasId {
    let (address, targets) = (address(text), targets.to_vec());
    temp.write(async move |sql| {
        let domain = domains::by_name(sql, &address.domain()).await?;
        let domain = domain.ok_or(StoreError::Missing)?;
        aliases::insert(sql, domain.id, &address, &targets, true, NOW).await
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn targets_keep_their_order() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let b = temp.mailbox("b@example.org").await;
    let id = alias(&temp, "info@example.org", &[b, a, b]).await;
    let found = aliases::by_address(&mut temp.read(), &address("info@example.org"))
        .await
        .unwrap()
        .unwrap();
    let expected = [(b, address("b@example.org")), (a, address("a@example.org"))];
    assert_eq!(found.targets, expected);
    let by_id = aliases::by_id(&mut temp.read(), id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&found));

    let mut edit = found.clone();
    edit.targets.reverse();
    let put = edit.clone();
    let done = temp
        .write(async move |sql| aliases::update(sql, &put, Some(NOW), later(1)).await)
        .await;
    assert_eq!(done, Ok(true));
    edit.modified = later(1);
    let now = aliases::by_id(&mut temp.read(), id).await.unwrap();
    assert_eq!(now, Some(edit));
    let stale = temp
        .write(async move |sql| aliases::update(sql, &found, Some(NOW), later(2)).await)
        .await;
    assert_eq!(stale, Ok(false));
}

#[tokio::test]
async fn a_target_that_is_gone_is_refused_and_nothing_is_left() {
    let temp = TempStore::new();
    let domain = temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let info = address("info@example.org");
    let wanted = info.clone();
    let refused = temp
        .write(async move |sql| {
            aliases::insert(sql, domain, &wanted, &[a, MailboxId(99)], true, NOW).await
        })
        .await;
    assert_eq!(refused, Err(StoreError::Missing));
    assert_eq!(aliases::by_address(&mut temp.read(), &info).await, Ok(None));
}

#[tokio::test]
async fn the_mailbox_and_those_it_delivers_to_may_send_as_an_address() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let b = temp.mailbox("b@example.org").await;
    let id = alias(&temp, "info@example.org", &[b, a]).await;
    let senders = async |text| {
        let senders = mail_lookup::senders(&mut temp.read(), &address(text)).await;
        let senders = senders.unwrap();
        senders.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(senders("a@example.org").await, ["a@example.org"]);
    assert_eq!(
        senders("info@example.org").await,
        ["b@example.org", "a@example.org"]
    );
    assert!(senders("nobody@example.org").await.is_empty());

    let of = async |id| aliases::of_mailbox(&mut temp.read(), id).await.unwrap();
    assert_eq!(of(a).await, [address("info@example.org")]);
    temp.write(async move |sql| {
        let mut off = aliases::by_id(sql, id).await?.ok_or(StoreError::Missing)?;
        off.active = false;
        aliases::update(sql, &off, None, NOW).await
    })
    .await
    .unwrap();
    assert!(senders("info@example.org").await.is_empty());
    assert!(of(a).await.is_empty());
}

#[tokio::test]
async fn an_alias_of_a_domain_that_is_off_delivers_nowhere() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let mut off = new_domain("off.example");
    off.active = false;
    temp.write(async move |sql| domains::insert(sql, &off, NOW).await)
        .await
        .unwrap();
    alias(&temp, "info@example.org", &[a]).await;
    alias(&temp, "info@off.example", &[a]).await;
    let targets = async |text| {
        let found = aliases::targets_by_address(&mut temp.read(), &address(text)).await;
        found.unwrap()
    };
    assert_eq!(
        targets("info@example.org").await,
        [address("a@example.org")]
    );
    assert!(targets("info@off.example").await.is_empty());
    assert!(targets("a@example.org").await.is_empty());
}

#[tokio::test]
async fn an_alias_that_would_be_left_without_a_target_is_named() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let b = temp.mailbox("b@example.org").await;
    alias(&temp, "both@example.org", &[a, b]).await;
    let only = async |id| aliases::only_target(&mut temp.read(), id).await.unwrap();
    assert_eq!(only(a).await, None);
    alias(&temp, "single@example.org", &[a]).await;
    assert_eq!(only(a).await, Some(address("single@example.org")));
    assert_eq!(only(b).await, None);
    temp.write(async move |sql| mailboxes::delete(sql, b, "admin", NOW, NOW).await)
        .await
        .unwrap();
    let both = aliases::by_address(&mut temp.read(), &address("both@example.org")).await;
    assert_eq!(both.unwrap().unwrap().targets.len(), 1);
}

#[tokio::test]
async fn pages_follow_addresses_within_a_domain_or_all() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    temp.domain("example.net").await;
    let a = temp.mailbox("z@example.org").await;
    for text in [
        "b@example.org",
        "a@example.org",
        "a@example.net",
        "ab@example.org",
    ] {
        alias(&temp, text, &[a]).await;
    }
    let net = domains::by_name(&mut temp.read(), &name("example.net")).await;
    let net = net.unwrap().unwrap().id;
    let list = async |domain, prefix, limit, after| {
        let page = Page { after, limit };
        let listed = aliases::list(&mut temp.read(), &page, domain, prefix).await;
        let listed = listed.unwrap();
        let texts: Vec<_> = listed.rows.iter().map(|a| a.address.to_string()).collect();
        (texts, listed.next)
    };
    let (first, next) = list(None, None, 2, None).await;
    assert_eq!(first, ["a@example.net", "a@example.org"]);
    let (second, end) = list(None, None, 2, next).await;
    assert_eq!(second, ["ab@example.org", "b@example.org"]);
    assert_eq!(end, None);
    assert_eq!(list(Some(net), None, 9, None).await.0, ["a@example.net"]);
    assert_eq!(list(None, Some("ab"), 9, None).await.0, ["ab@example.org"]);
    assert!(list(Some(net), Some("b"), 9, None).await.0.is_empty());
}

#[tokio::test]
async fn an_alias_of_a_domain_that_is_off_lends_nobody_its_address() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    temp.domain("example.net").await;
    let a = temp.mailbox("a@example.org").await;
    alias(&temp, "info@example.net", &[a]).await;
    let info = address("info@example.net");
    let senders = async || mail_lookup::senders(&mut temp.read(), &info).await;
    assert_eq!(senders().await, Ok(vec![address("a@example.org")]));
    temp.write(async |sql| {
        let domain = domains::by_name(sql, &name("example.net")).await?;
        let mut domain = domain.ok_or(StoreError::Missing)?;
        domain.active = false;
        domains::update(sql, &domain, None, NOW).await
    })
    .await
    .unwrap();
    assert_eq!(senders().await, Ok(Vec::new()));
}
