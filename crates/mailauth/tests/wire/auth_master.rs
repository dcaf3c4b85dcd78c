//! The auth-master doors, from the outside: session processes, lmtp and doveadm.

use crate::support::{Client, Rig};
use mailauth::{Door, QuotaField};
use std::sync::atomic::Ordering::SeqCst;

const LOGIN: Door = Door::DovecotLogin;
const MASTER: Door = Door::DovecotMaster;
const USERDB: Door = Door::DovecotUserdb;
const ATTRIBUTES: &str = "uid=5000\tgid=5001\thome=/srv/mail/ab/0197\tquota_rule=*:bytes=104857600";

/// A login process with one OK, and a session process.
async fn logged_in(rig: &Rig) -> (Client, Client) {
    let mut login = rig.login_process(LOGIN, 7).await;
    assert!(
        login
            .imap(3, "alice@example.org", "right")
            .await
            .starts_with("OK\t3")
    );
    (login, rig.session_process(MASTER).await)
}

#[tokio::test]
async fn a_session_claims_its_login_once() {
    let rig = Rig::open();
    let (login, mut master) = logged_in(&rig).await;
    assert_eq!(
        master.request(1, 7, 3, &login.cookie).await,
        format!("USER\t1\talice@example.org\t{ATTRIBUTES}")
    );
    assert_eq!(master.request(2, 7, 3, &login.cookie).await, "FAIL\t2");
    assert_eq!(rig.desk().counts().requests_ok, 1);
    assert_eq!(rig.desk().counts().requests_failed, 1);
}

#[tokio::test]
async fn a_token_is_given_when_asked_for() {
    let rig = Rig::open();
    let (login, mut master) = logged_in(&rig).await;
    master
        .send(&format!(
            "REQUEST\t1\t7\t3\t{}\tsession_pid=9\trequest_auth_token\n",
            login.cookie
        ))
        .await;
    let line = master.line().await;
    let token = line.split("\tauth_token=").nth(1).unwrap();
    assert_eq!(token.len(), 40);
    assert!(token.bytes().all(|b| b.is_ascii_hexdigit()));
}

#[tokio::test]
async fn another_pid_id_or_cookie_claims_nothing() {
    let rig = Rig::open();
    let (login, mut master) = logged_in(&rig).await;
    let other = rig.login_process(LOGIN, 7).await.cookie;
    assert_eq!(master.request(1, 8, 3, &login.cookie).await, "FAIL\t1");
    assert_eq!(master.request(2, 7, 4, &login.cookie).await, "FAIL\t2");
    assert_eq!(master.request(3, 7, 3, &other).await, "FAIL\t3");
    let mut userdb = rig.session_process(USERDB).await;
    assert_eq!(userdb.request(4, 7, 3, &login.cookie).await, "FAIL\t4");
    assert!(
        master
            .request(5, 7, 3, &login.cookie)
            .await
            .starts_with("USER\t5")
    );
}

#[tokio::test]
async fn what_was_revoked_between_login_and_session_does_not_start() {
    let rig = Rig::open();
    let (login, mut master) = logged_in(&rig).await;
    rig.chosen.revoked.store(true, SeqCst);
    assert_eq!(master.request(1, 7, 3, &login.cookie).await, "FAIL\t1");
}

#[tokio::test]
async fn a_session_that_cannot_be_judged_fails_and_never_says_not_found() {
    let rig = Rig::open();
    let (login, mut master) = logged_in(&rig).await;
    rig.chosen.unsure.store(true, SeqCst);
    assert_eq!(master.request(1, 7, 3, &login.cookie).await, "FAIL\t1");
    rig.chosen.down.store(true, SeqCst);
    master
        .send("USER\t2\talice@example.org\tservice=lmtp\n")
        .await;
    assert_eq!(master.line().await, "FAIL\t2");
}

#[tokio::test]
async fn logins_without_a_session_are_not_remembered() {
    let rig = Rig::open();
    let mut smtpd = rig.login_process(Door::PostfixAuth, 7).await;
    smtpd
        .auth(3, "service=smtp\tnologin", "alice@example.org", "right")
        .await;
    assert!(smtpd.line().await.starts_with("OK\t3"));
    let mut tester = rig.login_process(LOGIN, 8).await;
    tester
        .auth(3, "service=imap\tnologin", "alice@example.org", "right")
        .await;
    assert!(tester.line().await.starts_with("OK\t3"));
    let mut master = rig.session_process(MASTER).await;
    assert_eq!(master.request(1, 7, 3, &smtpd.cookie).await, "FAIL\t1");
    assert_eq!(master.request(2, 8, 3, &tester.cookie).await, "FAIL\t2");
}

#[tokio::test]
async fn every_mailbox_has_attributes_and_only_strangers_are_not_found() {
    let rig = Rig::open();
    for door in [MASTER, USERDB] {
        let mut client = rig.session_process(door).await;
        for (name, reply) in [
            ("Alice@EXAMPLE.org", format!("USER\t1\talice@example.org\t{ATTRIBUTES}")),
            (
                "unlimited@example.org",
                "USER\t1\tunlimited@example.org\tuid=5000\tgid=5001\thome=/srv/mail/ab/0197".into(),
            ),
            (
                "special@example.org",
                "USER\t1\tspecial@example.org\tuid=5000\tgid=5001\thome=/srv/mail/ab/0197\tmail=maildir:/x\u{1}ty\tquota_rule=*:bytes=104857600".into(),
            ),
            ("nobody@example.org", "NOTFOUND\t1".into()),
            ("../../etc/passwd", "NOTFOUND\t1".into()),
            ("", "NOTFOUND\t1".into()),
            ("a\u{1}0b@example.org", "NOTFOUND\t1".into()),
        ] {
            client.send(&format!("USER\t1\t{name}\tservice=lmtp\n")).await;
            assert_eq!(client.line().await, reply, "{name}");
        }
    }
}

#[tokio::test]
async fn the_quota_service_is_told_the_room_behind_an_alias_of_one() {
    let rig = Rig::open();
    let mut client = rig.session_process(USERDB).await;
    let alice = format!("USER\t1\talice@example.org\t{ATTRIBUTES}");
    for (name, service, reply) in [
        ("info@example.org", "quota-status", alice.as_str()),
        ("alice@example.org", "quota-status", &alice),
        ("info@example.org", "lmtp", "NOTFOUND\t1"),
        ("sales@example.org", "quota-status", "NOTFOUND\t1"),
        ("nobody@example.org", "quota-status", "NOTFOUND\t1"),
    ] {
        let line = format!("USER\t1\t{name}\tservice={service}\n");
        client.send(&line).await;
        assert_eq!(client.line().await, reply, "{name} for {service}");
    }
}

#[tokio::test]
async fn quota_has_the_form_of_the_engine_version() {
    let rig = Rig::with(
        |settings| settings.quota_field = QuotaField::StorageSize,
        vec![rustix::process::geteuid().as_raw()],
    );
    let mut client = rig.session_process(USERDB).await;
    client
        .send("USER\t1\talice@example.org\tprotocol=lmtp\n")
        .await;
    assert!(
        client
            .line()
            .await
            .ends_with("\tquota_storage_size=104857600B")
    );
}

#[tokio::test]
async fn there_is_no_passdb_and_no_cache() {
    let rig = Rig::open();
    let mut client = rig.session_process(USERDB).await;
    client
        .send("PASS\t1\talice@example.org\tservice=imap\nCACHE-FLUSH\t2\n")
        .await;
    assert_eq!(client.line().await, "NOTFOUND\t1");
    assert_eq!(client.line().await, "OK\t2\t0");
}

#[tokio::test]
async fn a_long_listing_comes_whole_and_other_requests_are_answered_meanwhile() {
    if !testkit::skip::is_root() {
        return;
    }
    let rig = Rig::open();
    rig.chosen.listed.store(25_000, SeqCst);
    let mut client = rig.session_process(USERDB).await;
    client
        .send("LIST\t1\tuser=*\nLIST\t2\nUSER\t3\talice@example.org\n")
        .await;
    let (mut listed, mut others) = (0, Vec::new());
    while others.len() < 3 {
        let line = client.line().await;
        if line == format!("LIST\t1\tu{listed:07}@example.org") {
            listed += 1;
        } else {
            others.push(line);
        }
    }
    assert_eq!(listed, 25_000);
    assert_eq!(others[0], "DONE\t2\tfail", "one listing at a time");
    assert!(others[1].starts_with("USER\t3"));
    assert_eq!(others[2], "DONE\t1");
}

#[tokio::test]
async fn a_listing_that_breaks_off_says_so() {
    let rig = Rig::open();
    rig.chosen.down.store(true, SeqCst);
    let mut client = rig.session_process(USERDB).await;
    client.send("LIST\t1\n").await;
    assert_eq!(client.line().await, "DONE\t1\tfail");
}

#[tokio::test]
async fn framing_errors_disconnect() {
    let rig = Rig::open();
    let long = format!("USER\t1\t{}\n", "a".repeat(9000));
    for bad in [
        "AUTH\t1\tPLAIN\n",
        "REQUEST\t1\t7\t3\tnot-a-cookie\n",
        "USER\t0\ta@example.org\n",
        "USER\t4294967296\ta@example.org\n",
        "USER\t1\ta\u{1}\n",
        "VERSION\t1\t0\n",
        "\n",
        long.as_str(),
    ] {
        let mut client = rig.session_process(MASTER).await;
        client.try_send(bad.as_bytes()).await;
        client.assert_closed().await;
    }
    for hello in ["VERSION\t2\t0\n", "USER\t1\ta@example.org\n", "CPID\t1\n"] {
        let mut client = rig.connect(MASTER).await;
        client.send(hello).await;
        client.line().await;
        client.line().await;
        client.assert_closed().await;
    }
}
