//! A planned restart loses no login: every state of a connection survives the change of workers.

use crate::support::{Client, Rig, load};
use mailauth::Door;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};

const LOGIN: Door = Door::DovecotLogin;
const MASTER: Door = Door::DovecotMaster;

async fn log_in(client: &mut Client, id: u32) {
    assert_eq!(
        client.imap(id, "alice@example.org", "right").await,
        format!("OK\t{id}\tuser=alice@example.org")
    );
}

#[tokio::test]
async fn a_client_in_the_middle_of_the_handshake_goes_on() {
    let mut rig = Rig::open();
    let mut fresh = rig.connect(LOGIN).await;
    let mut versioned = rig.connect(LOGIN).await;
    versioned.send("VERSION\t1\t2\n").await;
    let mut half = rig.connect(LOGIN).await;
    half.send("VERSION\t1\t2\nCP").await;
    rig.settled().await;
    rig.restart().await;
    for (client, rest) in [
        (&mut fresh, "VERSION\t1\t2\nCPID\t1\n"),
        (&mut versioned, "CPID\t2\n"),
        (&mut half, "ID\t3\n"),
    ] {
        client.read_greeting().await;
        client.send(rest).await;
        log_in(client, 1).await;
    }
}

#[tokio::test]
async fn a_greeting_that_was_not_sent_yet_is_sent_once() {
    let mut rig = Rig::open();
    let mut client = rig.connect(LOGIN).await;
    rig.restart().await;
    rig.restart().await;
    assert_eq!(client.read_greeting().await.len(), 7);
    client.send("VERSION\t1\t2\nCPID\t1\n").await;
    log_in(&mut client, 1).await;
}

#[tokio::test]
async fn an_unanswered_login_is_answered_before_the_change() {
    let mut rig = Rig::open();
    let mut client = rig.login_process(LOGIN, 7).await;
    let mut smtpd = rig.login_process(Door::PostfixAuth, 8).await;
    client
        .auth(1, "service=imap", "alice@example.org", "slow")
        .await;
    smtpd
        .auth(1, "service=smtp\tnologin", "alice@example.org", "slow")
        .await;
    rig.settled().await;
    let chosen = Arc::clone(&rig.chosen);
    let finish = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        chosen.gate.add_permits(2);
    });
    rig.restart().await;
    finish.await.unwrap();
    assert_eq!(client.line().await, "OK\t1\tuser=alice@example.org");
    assert_eq!(smtpd.line().await, "OK\t1\tuser=alice@example.org");
    assert_eq!(
        rig.chosen.decided.load(SeqCst),
        2,
        "decided once, not twice"
    );
    // And the session that follows finds it in the new worker.
    let mut master = rig.session_process(MASTER).await;
    assert!(
        master
            .request(1, 7, 1, &client.cookie)
            .await
            .starts_with("USER\t1")
    );
}

#[tokio::test]
async fn a_login_that_cannot_be_decided_in_time_is_temporary_and_nothing_waits_for_it() {
    let mut rig = Rig::open();
    let mut client = rig.login_process(LOGIN, 7).await;
    let mut smtpd = rig.login_process(Door::PostfixAuth, 8).await;
    client
        .auth(1, "service=imap", "alice@example.org", "never")
        .await;
    smtpd
        .auth(1, "service=smtp\tnologin", "alice@example.org", "never")
        .await;
    rig.settled().await;
    let started = Instant::now();
    let handover = rig.drain(Duration::from_millis(100)).await;
    assert!(started.elapsed() < Duration::from_secs(2));
    rig.start(Some(handover));
    assert_eq!(client.line().await, "FAIL\t1\ttemp\tcode=temp_fail");
    log_in(&mut client, 2).await;
    smtpd.assert_closed().await;
}

#[tokio::test]
async fn a_client_that_vanished_holds_up_nobody() {
    let mut rig = Rig::open();
    let mut client = rig.login_process(LOGIN, 7).await;
    let mut other = rig.login_process(LOGIN, 8).await;
    client
        .auth(1, "service=imap", "alice@example.org", "slow")
        .await;
    rig.settled().await;
    drop(client);
    rig.settled().await;
    let started = Instant::now();
    rig.restart().await;
    assert!(started.elapsed() < Duration::from_secs(1));
    log_in(&mut other, 1).await;
}

#[tokio::test]
async fn a_session_between_ok_and_request_finds_its_login_in_the_new_worker() {
    let mut rig = Rig::open();
    let mut login = rig.login_process(LOGIN, 7).await;
    let mut master = rig.session_process(MASTER).await;
    log_in(&mut login, 3).await;
    log_in(&mut login, 4).await;
    assert!(
        master
            .request(1, 7, 3, &login.cookie)
            .await
            .starts_with("USER\t1")
    );
    rig.restart().await;
    assert!(
        master
            .request(2, 7, 4, &login.cookie)
            .await
            .starts_with("USER\t2")
    );
    let mut new = rig.session_process(MASTER).await;
    assert_eq!(
        new.request(1, 7, 4, &login.cookie).await,
        "FAIL\t1",
        "claimed once"
    );
}

#[tokio::test]
async fn revocation_holds_across_the_change() {
    let mut rig = Rig::open();
    let (mut login, mut master) = load::pair(&rig, 7).await;
    log_in(&mut login, 3).await;
    rig.restart().await;
    rig.chosen.revoked.store(true, SeqCst);
    assert_eq!(master.request(1, 7, 3, &login.cookie).await, "FAIL\t1");
}

#[tokio::test]
async fn an_exchange_goes_on_where_it_was() {
    let mut rig = Rig::open();
    let mut client = rig.login_process(LOGIN, 7).await;
    client
        .send("AUTH\t1\tLOGIN\tservice=imap\tsecured\trip=192.0.2.7\n")
        .await;
    client.line().await;
    rig.restart().await;
    client.send("CONT\t1\tYWxpY2VAZXhhbXBsZS5vcmc=\n").await;
    assert_eq!(client.line().await, "CONT\t1\tUGFzc3dvcmQ6");
    rig.restart().await;
    client.send("CONT\t1\tcmlnaHQ=\n").await;
    assert_eq!(client.line().await, "OK\t1\tuser=alice@example.org");
    let origin = rig.chosen.last().origin;
    assert_eq!(origin.remote, Some("192.0.2.7".parse().unwrap()));
    assert!(origin.secured);
}

#[tokio::test]
async fn a_request_cut_in_two_by_the_change_is_one_request() {
    let mut rig = Rig::open();
    let mut login = rig.login_process(LOGIN, 7).await;
    let mut master = rig.session_process(MASTER).await;
    let mut map = rig.connect(Door::Socketmap).await;
    let mut policy = rig.connect(Door::Policy).await;
    let line = crate::support::plain(1, "service=imap", "alice@example.org", "right");
    let (head, tail) = line.split_at(40);
    login.send(head).await;
    master.send("USER\t1\talice@").await;
    map.send("19:domains exam").await;
    policy.send("request=smtpd_access_policy\nsender=a").await;
    rig.settled().await;
    rig.restart().await;
    login.send(tail).await;
    master.send("example.org\n").await;
    map.send("ple.org,").await;
    policy.send("@example.org\n\n").await;
    assert_eq!(login.line().await, "OK\t1\tuser=alice@example.org");
    assert!(
        master
            .line()
            .await
            .starts_with("USER\t1\talice@example.org")
    );
    assert_eq!(map.bytes(18).await, "14:OK example.org,");
    assert_eq!(policy.line().await, "action=DUNNO");
}

#[tokio::test]
async fn a_refusal_that_was_held_back_is_said_before_the_change() {
    let mut rig = Rig::open();
    *rig.chosen.delay.lock() = Duration::from_secs(10);
    let mut client = rig.login_process(LOGIN, 7).await;
    client
        .auth(1, "service=imap", "alice@example.org", "wrong")
        .await;
    log_in(&mut client, 2).await;
    let started = Instant::now();
    rig.restart().await;
    assert!(client.line().await.starts_with("FAIL\t1\t"));
    assert!(started.elapsed() < Duration::from_secs(2));
    log_in(&mut client, 3).await;
}

#[tokio::test]
async fn a_refusal_decided_during_the_change_is_not_held_back() {
    let mut rig = Rig::open();
    *rig.chosen.delay.lock() = Duration::from_secs(10);
    let mut client = rig.login_process(LOGIN, 7).await;
    client
        .auth(1, "service=imap", "alice@example.org", "slow-wrong")
        .await;
    rig.settled().await;
    let chosen = Arc::clone(&rig.chosen);
    let finish = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        chosen.gate.add_permits(1);
    });
    rig.restart().await;
    finish.await.unwrap();
    assert!(client.line().await.starts_with("FAIL\t1\t"));
    log_in(&mut client, 2).await;
}

#[tokio::test]
async fn connections_made_between_two_workers_wait_and_are_served() {
    let mut rig = Rig::open();
    let handover = rig.drain(Duration::from_secs(1)).await;
    let mut client = rig.connect(LOGIN).await;
    client.send("VERSION\t1\t2\nCPID\t7\n").await;
    rig.start(Some(handover));
    client.read_greeting().await;
    log_in(&mut client, 1).await;
}

#[tokio::test]
async fn cookies_and_connection_numbers_do_not_repeat() {
    let mut rig = Rig::open();
    let mut before = rig.connect(LOGIN).await;
    let numbered = before.read_greeting().await;
    rig.restart().await;
    let mut after = rig.connect(LOGIN).await;
    assert_ne!(after.read_greeting().await[4], numbered[4]);
    assert_ne!(after.cookie, before.cookie);
}

#[tokio::test]
async fn a_listing_goes_on_where_it_was() {
    if !testkit::skip::is_root() {
        return;
    }
    let mut rig = Rig::open();
    rig.chosen.listed.store(100_000, SeqCst);
    let mut client = rig.session_process(Door::DovecotUserdb).await;
    client.send("LIST\t1\n").await;
    for n in 0..500 {
        assert_eq!(client.line().await, format!("LIST\t1\tu{n:07}@example.org"));
    }
    // The client does not read now, so the listing cannot have ended.
    let handover = rig.drain(Duration::from_millis(100)).await;
    rig.start(Some(handover));
    for n in 500..100_000 {
        assert_eq!(client.line().await, format!("LIST\t1\tu{n:07}@example.org"));
    }
    assert_eq!(client.line().await, "DONE\t1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_restarts_under_load_lose_no_login() {
    let mut rig = Rig::open();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for pid in 1..=4 {
        let client = rig.login_process(LOGIN, pid).await;
        clients.push(tokio::spawn(load::logins(client, 16, Arc::clone(&stop))));
        let pair = load::pair(&rig, 100 + pid).await;
        clients.push(tokio::spawn(load::sessions(
            pair,
            100 + pid,
            Arc::clone(&stop),
        )));
    }
    let started = Instant::now();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(rig.restart().await, 12);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.store(true, Relaxed);
    let mut total = 0;
    for client in clients {
        let seen = client.await.unwrap();
        assert_eq!(seen.other, Vec::<String>::new());
        assert!(seen.ok > 0);
        total += seen.ok;
    }
    println!(
        "{total} logins in {:?} over 5 restarts, none lost",
        started.elapsed()
    );
}

#[tokio::test]
async fn after_a_crash_the_next_login_succeeds() {
    let mut rig = Rig::open();
    let mut login = rig.login_process(LOGIN, 7).await;
    log_in(&mut login, 1).await;
    let cookie = login.cookie.clone();
    rig.kill();
    login.assert_closed().await;
    rig.start(None);
    let mut master = rig.session_process(MASTER).await;
    assert_eq!(master.request(1, 7, 1, &cookie).await, "FAIL\t1");
    let mut login = rig.login_process(LOGIN, 7).await;
    log_in(&mut login, 1).await;
}
