//! The auth-client doors, from the outside: Dovecot's login processes and Postfix's smtpd.

use crate::support::{Client, Rig, SERVER_PID, plain};
use mailauth::{Door, Misfit, Origin};
use model::protocol::Protocol;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const DOVECOT: Door = Door::DovecotLogin;
const POSTFIX: Door = Door::PostfixAuth;

async fn postfix(client: &mut Client, id: u32, secret: &str) -> Option<String> {
    client
        .auth(
            id,
            "service=submission\tnologin\tsecured",
            "alice@example.org",
            secret,
        )
        .await;
    client.next_line().await
}

#[tokio::test]
async fn greets_with_mechanisms_server_pid_and_a_fresh_cookie() {
    let rig = Rig::open();
    let mut client = rig.connect(DOVECOT).await;
    let greeting = client.read_greeting().await;
    assert_eq!(
        greeting,
        [
            "VERSION\t1\t2".to_owned(),
            "MECH\tPLAIN\tplaintext".to_owned(),
            "MECH\tLOGIN\tplaintext".to_owned(),
            format!("SPID\t{SERVER_PID}"),
            "CUID\t1".to_owned(),
            format!("COOKIE\t{}", client.cookie),
            "DONE".to_owned(),
        ]
    );
    assert_eq!(client.cookie.len(), 32);
    let mut other = rig.connect(DOVECOT).await;
    assert_eq!(other.read_greeting().await[4], "CUID\t2");
    assert_ne!(client.cookie, other.cookie);
}

#[tokio::test]
async fn a_right_secret_is_ok_under_the_canonical_name() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    client
        .auth(
            1,
            "service=imap\tsecured=tls\tsession=s1\tlip=10.0.0.1\trip=::ffff:192.0.2.7\tlport=993\trport=5",
            "Alice@Example.ORG",
            "right",
        )
        .await;
    assert_eq!(client.line().await, "OK\t1\tuser=alice@example.org");
    let seen = rig.chosen.last();
    assert_eq!(seen.protocol, Some(Protocol::Imap));
    assert_eq!(seen.name.as_deref(), Some("Alice@Example.ORG"));
    assert_eq!(
        seen.origin,
        Origin {
            mechanism: "PLAIN".into(),
            service: "imap".into(),
            remote: Some("192.0.2.7".parse().unwrap()),
            remote_port: Some(5),
            local: Some("10.0.0.1".parse().unwrap()),
            local_port: Some(993),
            secured: true,
            session: Some("s1".into()),
            no_penalty: false,
        }
    );
}

#[tokio::test]
async fn services_stand_for_protocols_and_unknown_ones_are_denied() {
    let rig = Rig::open();
    for (door, params, protocol) in [
        (DOVECOT, "service=imap", Some(Protocol::Imap)),
        (DOVECOT, "service=pop3", Some(Protocol::Pop3)),
        (DOVECOT, "protocol=sieve", Some(Protocol::Sieve)),
        (POSTFIX, "service=smtp", Some(Protocol::Smtp)),
        (POSTFIX, "service=submission", Some(Protocol::Smtp)),
        (POSTFIX, "service=submissions", Some(Protocol::Smtp)),
        (DOVECOT, "service=submission", None),
        (POSTFIX, "service=imap", None),
        (DOVECOT, "service=ftp", None),
        (DOVECOT, "service=", None),
        (DOVECOT, "lip=10.0.0.1", None),
    ] {
        let mut client = rig.login_process(door, 7).await;
        client.auth(1, params, "alice@example.org", "right").await;
        let reply = client.line().await;
        assert_eq!(rig.chosen.last().protocol, protocol, "{params}");
        if protocol.is_some() {
            assert_eq!(reply, "OK\t1\tuser=alice@example.org");
        } else {
            assert_eq!(reply, "FAIL\t1", "{params}");
            assert_eq!(rig.chosen.misfit(), Some(Misfit::Service));
        }
    }
}

#[tokio::test]
async fn each_refusal_has_its_form() {
    let rig = Rig::open();
    for door in [DOVECOT, POSTFIX] {
        let mut client = rig.login_process(door, 7).await;
        let service = if door == DOVECOT { "imap" } else { "smtp" };
        for (secret, rest) in [
            ("wrong", "\treason=wrong"),
            ("silent", ""),
            ("expired", "\tcode=pass_expired\treason=it has ended"),
            ("not-here", "\tauthz\tcode=authz_fail\treason=not by POP3"),
            (
                "disabled",
                "\tuser_disabled\tcode=user_disabled\treason=switched off",
            ),
            (
                "no-tls",
                "\tcode=auth_mech_ssl_required\treason=encrypt first",
            ),
        ] {
            let params = format!("service={service}");
            client.auth(3, &params, "a@example.org", secret).await;
            assert_eq!(
                client.line().await,
                format!("FAIL\t3\tuser=a@example.org{rest}")
            );
        }
    }
    assert_eq!(rig.desk().counts().logins_refused, 12);
}

#[tokio::test]
async fn a_fault_of_ours_is_temp_fail_for_dovecot_and_a_closed_connection_for_postfix() {
    let rig = Rig::with(
        |settings| settings.answer_within = Duration::from_millis(50),
        vec![rustix::process::geteuid().as_raw()],
    );
    let mut client = rig.login_process(DOVECOT, 7).await;
    for fault in ["down", "panic", "never"] {
        assert_eq!(
            client.imap(1, "alice@example.org", fault).await,
            "FAIL\t1\ttemp\tcode=temp_fail",
            "{fault}"
        );
        let mut smtpd = rig.login_process(POSTFIX, 8).await;
        assert_eq!(postfix(&mut smtpd, 1, fault).await, None, "{fault}");
    }
    assert_eq!(
        client.imap(2, "alice@example.org", "right").await,
        "OK\t2\tuser=alice@example.org"
    );
    assert_eq!(rig.desk().counts().logins_unavailable, 6);
}

#[tokio::test]
async fn what_postfix_was_answered_before_a_fault_still_arrives() {
    let rig = Rig::open();
    let mut smtpd = rig.login_process(POSTFIX, 8).await;
    let params = "service=smtp\tnologin";
    smtpd
        .send(
            &(plain(1, params, "alice@example.org", "right")
                + &plain(2, params, "a@b.example", "down")),
        )
        .await;
    assert_eq!(smtpd.line().await, "OK\t1\tuser=alice@example.org");
    smtpd.assert_closed().await;
}

// Bad inputs of the auth socket, one by one.

#[tokio::test]
async fn wrong_version_disconnects() {
    let rig = Rig::open();
    for hello in [
        "VERSION\t2\t0\n",
        "VERSION\tx\t0\n",
        "VERSION\n",
        "HELO\n",
        "\n",
    ] {
        let mut client = rig.connect(DOVECOT).await;
        client.read_greeting().await;
        client.send(hello).await;
        client.assert_closed().await;
    }
    assert_eq!(rig.desk().counts().framing_errors, 5);
}

#[tokio::test]
async fn auth_before_the_handshake_disconnects_undecided() {
    let rig = Rig::open();
    for hello in ["", "VERSION\t1\t2\n"] {
        let mut client = rig.connect(DOVECOT).await;
        client.read_greeting().await;
        client.send(hello).await;
        client
            .auth(1, "service=imap", "alice@example.org", "right")
            .await;
        client.assert_closed().await;
    }
    assert!(rig.chosen.seen.lock().is_empty());
}

#[tokio::test]
async fn a_second_handshake_disconnects() {
    let rig = Rig::open();
    for again in ["VERSION\t1\t2\n", "CPID\t8\n"] {
        let mut client = rig.login_process(DOVECOT, 7).await;
        client.send(again).await;
        client.assert_closed().await;
    }
}

#[tokio::test]
async fn unknown_mechanism_is_refused() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    for mechanism in ["EXTERNAL", "PLAIN2", "", "\u{1}t"] {
        client
            .send(&format!(
                "AUTH\t1\t{mechanism}\tservice=imap\tresp=AGEAYg==\n"
            ))
            .await;
        assert_eq!(client.line().await, "FAIL\t1");
        assert_eq!(
            rig.chosen.misfit(),
            Some(Misfit::Mechanism),
            "{mechanism:?}"
        );
    }
}

#[tokio::test]
async fn ids_are_unique_while_open_and_between_1_and_2_32() {
    let rig = Rig::open();
    for id in ["0", "4294967296", "-1", "x", ""] {
        let mut client = rig.login_process(DOVECOT, 7).await;
        client
            .send(&format!("AUTH\t{id}\tPLAIN\tservice=imap\tresp=AGEAYg==\n"))
            .await;
        client.assert_closed().await;
    }
    let mut client = rig.login_process(DOVECOT, 7).await;
    assert_eq!(
        client
            .imap(u32::MAX, "alice@example.org", "wrong")
            .await
            .split('\t')
            .nth(1),
        Some("4294967295")
    );
    // Free again once it is answered.
    assert!(
        client
            .imap(u32::MAX, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
    client.send("AUTH\t5\tLOGIN\tservice=imap\n").await;
    assert_eq!(client.line().await, "CONT\t5\tVXNlcm5hbWU6");
    client.send("AUTH\t5\tLOGIN\tservice=imap\n").await;
    client.assert_closed().await;
}

#[tokio::test]
async fn a_response_that_cannot_be_judged_is_refused_without_detail() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let long = "A".repeat(4000) + "!";
    for (response, misfit) in [
        ("!", Misfit::Response),
        ("AGEAYg", Misfit::Response),
        (long.as_str(), Misfit::Response),
        ("", Misfit::Response),
        ("=", Misfit::Response),
        ("YWxpY2U=", Misfit::Response), // no NUL
        ("YQBi", Misfit::Response),     // one NUL
        ("AGEAYgBj", Misfit::Response), // three NULs
        ("AAAAAAAA", Misfit::Response), // only NULs
        ("AABi", Misfit::Response),     // no name
        ("AP8AYg==", Misfit::Response), // not UTF-8
        ("AGEA", Misfit::EmptyPassword),
        ("YgBhAGM=", Misfit::Authzid), // b, a, c
    ] {
        client
            .send(&format!("AUTH\t9\tPLAIN\tservice=imap\tresp={response}\n"))
            .await;
        let reply = client.line().await;
        let name = if misfit == Misfit::Response {
            ""
        } else {
            "\tuser=a"
        };
        assert_eq!(reply, format!("FAIL\t9{name}"), "{response}");
        assert_eq!(rig.chosen.misfit(), Some(misfit), "{response}");
    }
    assert_eq!(
        rig.chosen.decided.load(SeqCst),
        0,
        "nothing of this is an attempt"
    );
}

#[tokio::test]
async fn authzid_other_than_authcid_is_refused_even_with_the_right_secret() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let mut with = async |authzid: &str| {
        use base64::Engine as _;
        let response = base64::engine::general_purpose::STANDARD
            .encode(format!("{authzid}\0alice@example.org\0right"));
        client
            .send(&format!("AUTH\t1\tPLAIN\tservice=imap\tresp={response}\n"))
            .await;
        client.line().await
    };
    assert_eq!(
        with("ALICE@example.org").await,
        "OK\t1\tuser=alice@example.org"
    );
    assert_eq!(
        with("bob@example.org").await,
        "FAIL\t1\tuser=alice@example.org"
    );
    assert_eq!(rig.chosen.misfit(), Some(Misfit::Authzid));
}

#[tokio::test]
async fn a_master_separator_in_the_name_is_just_a_wrong_name() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    assert_eq!(
        client
            .imap(1, "bob@example.org*alice@example.org", "right")
            .await,
        "FAIL\t1\tuser=bob@example.org*alice@example.org\treason=no"
    );
}

#[tokio::test]
async fn control_bytes_in_names_and_secrets_stay_where_they_are() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let name = "a\t\n\r\u{1}OK\t2\tuser=x@example.org";
    let reply = client.imap(1, name, "p\t\u{1}\n1").await;
    assert_eq!(
        reply,
        "FAIL\t1\tuser=a\u{1}t\u{1}n\u{1}r\u{1}1OK\u{1}t2\u{1}tuser=x@example.org\treason=wrong"
    );
    let seen = rig.chosen.last();
    assert_eq!(seen.name.as_deref(), Some(name));
    assert_eq!(seen.secret.as_deref(), Some("p\t\u{1}\n1"));
}

#[tokio::test]
async fn a_password_of_4_kib_is_judged() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let secret = "p\t\u{1}é".repeat(4096 / 5);
    assert!(
        client
            .imap(1, "alice@example.org", &secret)
            .await
            .starts_with("FAIL\t1\tuser=")
    );
    assert_eq!(rig.chosen.last().secret.as_deref(), Some(secret.as_str()));
}

#[tokio::test]
async fn a_missing_or_unreadable_address_counts_as_none() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    for params in [
        "service=imap",
        "service=imap\trip=",
        "service=imap\trip=300.1.1.1\tlip=x\trport=70000",
    ] {
        client.auth(1, params, "alice@example.org", "right").await;
        assert!(client.line().await.starts_with("OK"), "{params}");
        let origin = rig.chosen.last().origin;
        assert_eq!(
            (origin.remote, origin.local, origin.remote_port),
            (None, None, None)
        );
    }
}

#[tokio::test]
async fn a_line_above_8_kib_is_refused_and_the_connection_goes_on() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let long = "A".repeat(20_000);
    client
        .send(&format!("AUTH\t1\tPLAIN\tservice=imap\tresp={long}\n"))
        .await;
    assert_eq!(client.line().await, "FAIL\t1");
    assert_eq!(rig.chosen.misfit(), Some(Misfit::TooLong));
    client.send("AUTH\t2\tLOGIN\tservice=imap\n").await;
    client.line().await;
    client.send(&format!("CONT\t2\t{long}\n")).await;
    assert_eq!(client.line().await, "FAIL\t2");
    assert!(
        client
            .imap(3, "alice@example.org", "right")
            .await
            .starts_with("OK\t3")
    );
}

#[tokio::test]
async fn a_line_of_64_kib_disconnects() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let long = "A".repeat(65_536);
    client
        .try_send(format!("AUTH\t1\tPLAIN\tservice=imap\tresp={long}").as_bytes())
        .await;
    client.assert_closed().await;
    assert_eq!(rig.desk().counts().framing_errors, 1);
}

#[tokio::test]
async fn cont_without_request_is_refused_and_cont_out_of_turn_disconnects() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    client.send("CONT\t4\tQQ==\n").await;
    assert_eq!(client.line().await, "FAIL\t4");
    assert_eq!(rig.chosen.misfit(), Some(Misfit::NoExchange));
    client
        .auth(5, "service=imap", "alice@example.org", "slow")
        .await;
    client.send("CONT\t5\tQQ==\n").await;
    client.assert_closed().await;
}

#[tokio::test]
async fn ten_thousand_open_requests_are_bounded_and_each_gets_its_reply() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    let lines: String = (1..=10_000)
        .map(|id| format!("AUTH\t{id}\tLOGIN\tservice=imap\n"))
        .collect();
    let sender = async {
        for part in lines.as_bytes().chunks(32_768) {
            tokio::task::yield_now().await;
            client.send_bytes(part).await;
        }
        let (mut asked, mut refused) = (0, 0);
        for id in 1..=10_000 {
            let line = client.line().await;
            assert_eq!(line.split('\t').nth(1), Some(id.to_string().as_str()));
            match line.split('\t').next() {
                Some("CONT") => asked += 1,
                _ => {
                    assert_eq!(line, format!("FAIL\t{id}\ttemp\tcode=temp_fail"));
                    refused += 1;
                }
            }
        }
        (asked, refused)
    };
    assert_eq!(sender.await, (2048, 7952));
    // One that ends makes room for one.
    client.send("CANCEL\t1\n").await;
    assert!(
        client
            .imap(20_000, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
}

#[tokio::test]
async fn a_client_that_vanishes_is_decided_all_the_same_and_leaves_nothing() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    client
        .auth(1, "service=imap", "alice@example.org", "slow")
        .await;
    client
        .auth(2, "service=imap", "alice@example.org", "wrong")
        .await;
    assert!(client.line().await.starts_with("FAIL\t2"));
    drop(client);
    rig.settled().await;
    rig.chosen.gate.add_permits(1);
    let deadline = Instant::now() + crate::support::SOON;
    while rig.desk().counts().closed < 2 {
        assert!(Instant::now() < deadline, "the connection lingers");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rig.chosen.decided.load(SeqCst), 2);
    assert_eq!(
        rig.desk().counts().logins_ok,
        0,
        "an OK that nobody heard is none"
    );
}

#[tokio::test]
async fn a_cancelled_request_gets_no_reply_but_is_decided() {
    let rig = Rig::open();
    let mut client = rig.login_process(DOVECOT, 7).await;
    client
        .auth(1, "service=imap", "alice@example.org", "slow")
        .await;
    client.send("CANCEL\t1\n").await;
    // The id is free at once, and the verdict on its first use is not taken for that on the second.
    client
        .auth(1, "service=imap", "bob@example.org", "slow")
        .await;
    rig.chosen.gate.add_permits(1);
    assert!(
        client
            .imap(2, "alice@example.org", "right")
            .await
            .starts_with("OK\t2")
    );
    assert_eq!(rig.chosen.decided.load(SeqCst), 2);
    rig.chosen.gate.add_permits(1);
    assert_eq!(client.line().await, "OK\t1\tuser=bob@example.org");
}

// Exchanges, delays and strangers.

#[tokio::test]
async fn plain_and_login_without_initial_response_are_asked_for_it() {
    let rig = Rig::open();
    for door in [DOVECOT, POSTFIX] {
        let service = if door == DOVECOT { "imap" } else { "smtp" };
        let mut client = rig.login_process(door, 7).await;
        client
            .send(&format!("AUTH\t1\tPLAIN\tservice={service}\n"))
            .await;
        assert_eq!(client.line().await, "CONT\t1\t");
        client
            .send("CONT\t1\tAGFsaWNlQGV4YW1wbGUub3JnAHJpZ2h0\n")
            .await;
        assert_eq!(client.line().await, "OK\t1\tuser=alice@example.org");
        client
            .send(&format!("AUTH\t2\tLOGIN\tservice={service}\n"))
            .await;
        assert_eq!(client.line().await, "CONT\t2\tVXNlcm5hbWU6");
        client.send("CONT\t2\tYWxpY2VAZXhhbXBsZS5vcmc=\n").await;
        assert_eq!(client.line().await, "CONT\t2\tUGFzc3dvcmQ6");
        client.send("CONT\t2\tcmlnaHQ=\n").await;
        assert_eq!(client.line().await, "OK\t2\tuser=alice@example.org");
    }
}

#[tokio::test]
async fn an_exchange_that_nobody_continues_ends() {
    let rig = Rig::with(
        |settings| settings.exchange_within = Duration::from_millis(50),
        vec![rustix::process::geteuid().as_raw()],
    );
    let mut client = rig.login_process(DOVECOT, 7).await;
    client.send("AUTH\t1\tLOGIN\tservice=imap\n").await;
    client.line().await;
    assert_eq!(client.line().await, "FAIL\t1");
}

#[tokio::test]
async fn a_refusal_is_held_back_without_holding_up_others() {
    let rig = Rig::open();
    *rig.chosen.delay.lock() = Duration::from_millis(300);
    let mut client = rig.login_process(DOVECOT, 7).await;
    let started = Instant::now();
    client
        .auth(1, "service=imap", "alice@example.org", "wrong")
        .await;
    assert!(
        client
            .imap(2, "alice@example.org", "right")
            .await
            .starts_with("OK\t2")
    );
    // One that the engine vouches for does not wait.
    client
        .auth(3, "service=imap\tno-penalty", "alice@example.org", "wrong")
        .await;
    assert!(client.line().await.starts_with("FAIL\t3"));
    assert!(started.elapsed() < Duration::from_millis(300));
    assert!(client.line().await.starts_with("FAIL\t1"));
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn refusals_beyond_the_cap_are_unavailable_and_the_cap_is_one_for_all() {
    let rig = Rig::with(
        |settings| settings.held_replies = 2,
        vec![rustix::process::geteuid().as_raw()],
    );
    *rig.chosen.delay.lock() = Duration::from_secs(60);
    let mut first = rig.login_process(DOVECOT, 7).await;
    first
        .auth(1, "service=imap", "alice@example.org", "wrong")
        .await;
    first
        .auth(2, "service=imap", "alice@example.org", "wrong")
        .await;
    assert!(
        first
            .imap(3, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
    let mut second = rig.login_process(DOVECOT, 8).await;
    assert_eq!(
        second.imap(1, "alice@example.org", "wrong").await,
        "FAIL\t1\ttemp\tcode=temp_fail"
    );
    let mut smtpd = rig.login_process(POSTFIX, 9).await;
    assert_eq!(postfix(&mut smtpd, 1, "wrong").await, None);
    // A right secret always passes, and one that is cancelled makes room.
    assert!(
        second
            .imap(2, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
    first.send("CANCEL\t1\n").await;
    assert!(
        first
            .imap(4, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
    second
        .auth(3, "service=imap", "alice@example.org", "wrong")
        .await;
    assert!(
        second
            .imap(4, "alice@example.org", "right")
            .await
            .starts_with("OK\t4")
    );
    assert_eq!(rig.desk().counts().held_overflow, 2);
}

#[tokio::test]
async fn a_stranger_is_closed_without_a_byte() {
    let stranger = rustix::process::geteuid().as_raw() + 1;
    let rig = Rig::with(|_| {}, vec![stranger]);
    for door in [
        DOVECOT,
        POSTFIX,
        Door::DovecotMaster,
        Door::Socketmap,
        Door::Policy,
    ] {
        rig.connect(door).await.assert_closed().await;
    }
    assert_eq!(rig.desk().counts().strangers, 5);
}

#[tokio::test]
async fn a_peer_that_stops_in_the_middle_is_closed() {
    let rig = Rig::with(
        |settings| settings.stall_within = Duration::from_millis(50),
        vec![rustix::process::geteuid().as_raw()],
    );
    let mut idle = rig.login_process(DOVECOT, 6).await;
    let mut client = rig.login_process(DOVECOT, 7).await;
    client.send("AUTH\t1\tPLAIN\tservice=im").await;
    client.assert_closed().await;
    assert_eq!(rig.desk().counts().stalled, 1);
    // One that is merely idle is not.
    assert!(
        idle.imap(1, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let rig = Rig::with(
        |settings| settings.connections = 1,
        vec![rustix::process::geteuid().as_raw()],
    );
    let first = rig.login_process(DOVECOT, 7).await;
    let mut second = rig.connect(DOVECOT).await;
    second.send("VERSION\t1\t2\nCPID\t8\n").await;
    drop(first);
    second.read_greeting().await;
    assert!(
        second
            .imap(1, "alice@example.org", "right")
            .await
            .starts_with("OK")
    );
}
