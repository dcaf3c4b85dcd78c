//! App passwords: one look-up by tag, revocation, last use; uses of the local password.

use crate::support::{NOW, TempStore, later, name};
use model::app_password::LastUse;
use model::ids::{AppPasswordId, MailboxId};
use model::protocol::{Protocol, Protocols};
use model::time::{DAY, Timestamp};
use std::net::IpAddr;
use store::ends::{self, Ending};
use store::{StoreError, Taken, app_passwords, domains, mailboxes, password_uses};

fn tag(temp: &TempStore, secret: &str) -> Vec<u8> {
    temp.keys.app_password.tag(&[secret.as_bytes()])
}

async fn make(temp: &TempStore, mailbox: MailboxId, secret: &str) -> AppPasswordId {
    let tag = tag(temp, secret);
    temp.write(async move |sql| {
        let imap = Protocols::NONE.with(Protocol::Imap, true);
        app_passwords::insert(sql, mailbox, &tag, "Phone", imap, Some(later(9)), NOW).await
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_login_finds_everything_it_is_judged_by_in_one_row() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let id = make(&temp, mailbox, "gpone").await;
    make(&temp, mailbox, "gptwo").await;
    let tag = tag(&temp, "gpone");
    let find = async || app_passwords::by_tag(&mut temp.read(), &tag).await.unwrap();
    let found = find().await.unwrap();
    assert_eq!((found.id, found.mailbox), (id, mailbox));
    assert_eq!(found.address.as_str(), "a@example.org");
    assert_eq!(found.protocols.to_string(), "IMAP");
    assert_eq!(found.mailbox_protocols, Protocols::ALL);
    assert_eq!((found.ends, found.revoked), (Some(later(9)), None));
    assert!(found.mailbox_active && found.domain_active);
    let by_id = app_passwords::by_id_for_recheck(&mut temp.read(), id).await;
    assert_eq!(by_id, Ok(Some(found)));

    temp.write(async move |sql| {
        let mut off = mailboxes::by_id(sql, mailbox)
            .await?
            .ok_or(StoreError::Missing)?;
        off.active = false;
        mailboxes::update(sql, &off, None, NOW).await?;
        let domain = domains::by_name(sql, &name("example.org")).await?;
        let mut domain = domain.ok_or(StoreError::Missing)?;
        domain.active = false;
        domains::update(sql, &domain, None, NOW).await
    })
    .await
    .unwrap();
    let found = find().await.unwrap();
    assert!(!found.mailbox_active && !found.domain_active);

    temp.write(async move |sql| mailboxes::delete(sql, mailbox, "admin", NOW, NOW).await)
        .await
        .unwrap();
    assert_eq!(find().await, None);
}

#[tokio::test]
async fn one_secret_opens_one_mailbox() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let b = temp.mailbox("b@example.org").await;
    make(&temp, a, "gpone").await;
    let tag = tag(&temp, "gpone");
    let again = temp
        .write(async move |sql| {
            app_passwords::insert(sql, b, &tag, "x", Protocols::ALL, None, NOW).await
        })
        .await;
    assert_eq!(again, Err(StoreError::Taken(Taken::Token)));
}

#[tokio::test]
async fn a_revoked_one_is_found_as_revoked_until_it_is_forgotten() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let a = temp.mailbox("a@example.org").await;
    let b = temp.mailbox("b@example.org").await;
    let (first, second) = (make(&temp, a, "gp1").await, make(&temp, a, "gp2").await);
    make(&temp, a, "gp3").await;
    let count = async || app_passwords::count(&mut temp.read(), a).await.unwrap();
    assert_eq!(count().await, 3);
    let revoke =
        |id, of, now| temp.write(async move |sql| app_passwords::revoke(sql, id, of, now).await);
    assert_eq!(revoke(first, b, NOW).await, Ok(false), "of somebody else");
    assert_eq!(revoke(first, a, NOW).await, Ok(true));
    assert_eq!(revoke(first, a, later(1)).await, Ok(false), "once");
    assert_eq!(count().await, 2);
    assert_eq!(revoke(second, a, later(5)).await, Ok(true));
    assert_eq!(count().await, 1);
    let found = app_passwords::by_id_for_recheck(&mut temp.read(), first).await;
    assert_eq!(found.unwrap().unwrap().revoked, Some(NOW));

    let forget =
        |before| temp.write(async move |sql| app_passwords::forget_revoked(sql, before, 9).await);
    assert_eq!(forget(later(4)).await, Ok(1));
    let left = app_passwords::list(&mut temp.read(), a).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(left[1].id, second, "newest first");
    assert_eq!(left[1].revoked, Some(later(5)));
}

#[tokio::test]
async fn the_latest_use_is_kept() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let id = make(&temp, mailbox, "gp1").await;
    let last = |at, protocol, ip: Option<IpAddr>| LastUse { at, protocol, ip };
    let ip = "2001:db8::7".parse().ok();
    // The second comes late, from a batch that waited.
    for used in [
        last(later(60), Protocol::Imap, ip),
        last(later(30), Protocol::Smtp, None),
    ] {
        temp.store
            .write_statistics(async move |sql| app_passwords::record_use(sql, id, &used).await)
            .await
            .unwrap();
    }
    let listed = app_passwords::list(&mut temp.read(), mailbox)
        .await
        .unwrap();
    assert_eq!(
        listed[0].last_used,
        Some(last(later(60), Protocol::Imap, ip))
    );
    assert_eq!((listed[0].created, listed[0].ends), (NOW, Some(later(9))));
    assert_eq!(listed[0].name, "Phone");
}

#[tokio::test]
async fn programs_that_use_the_password_are_one_row_each() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mailbox = temp.mailbox("a@example.org").await;
    let ip: Option<IpAddr> = "192.0.2.1".parse().ok();
    let used = |mailbox, at: Timestamp, protocol, ip| {
        let last = LastUse { at, protocol, ip };
        temp.write(async move |sql| password_uses::record(sql, mailbox, &last).await)
    };
    let long_ago = NOW.minus(200 * DAY);
    used(mailbox, long_ago, Protocol::Pop3, ip).await.unwrap();
    used(mailbox, later(2), Protocol::Imap, ip).await.unwrap();
    used(mailbox, later(1), Protocol::Imap, ip).await.unwrap();
    used(mailbox, later(3), Protocol::Smtp, None).await.unwrap();
    used(MailboxId(99), later(3), Protocol::Smtp, None)
        .await
        .unwrap();
    let recent = async |since| {
        let uses = password_uses::recent(&mut temp.read(), mailbox, since).await;
        uses.unwrap()
    };
    let expected = [
        (Protocol::Smtp, None, later(3)),
        (Protocol::Imap, ip, later(2)),
    ];
    assert_eq!(recent(long_ago).await, expected, "the oldest is forgotten");
    assert_eq!(recent(later(3)).await, expected[..1]);
}

#[tokio::test]
async fn each_end_is_given_once_however_many_fall_on_one_moment() {
    let temp = TempStore::new();
    temp.domain("example.org").await;
    let mut expected = Vec::new();
    for letter in ["a", "b", "c"] {
        let mailbox = temp.mailbox(&format!("{letter}@example.org")).await;
        make(&temp, mailbox, &format!("gp{letter}")).await;
        expected.push(format!("{letter}@example.org"));
    }
    let revoked = temp.mailbox("d@example.org").await;
    let id = make(&temp, revoked, "gpd").await;
    temp.write(async move |sql| app_passwords::revoke(sql, id, revoked, NOW).await)
        .await
        .unwrap();
    let take = async |now: Timestamp| {
        let taken =
            temp.write(async move |sql| ends::take(sql, Ending::AppPasswords, now, 2).await);
        let taken = taken.await.unwrap().into_iter();
        taken.map(|address| address.to_string()).collect::<Vec<_>>()
    };
    assert!(take(later(8)).await.is_empty());
    assert_eq!(take(later(9)).await, expected[..2]);
    assert_eq!(take(later(9)).await, expected[2..]);
    assert!(take(later(99)).await.is_empty());
}
