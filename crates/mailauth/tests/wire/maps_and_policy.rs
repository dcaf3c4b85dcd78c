//! The socketmap and policy doors, from the outside: Postfix.

use crate::support::{Client, Rig};
use mailauth::Door;
use std::sync::atomic::Ordering::SeqCst;

async fn ask(client: &mut Client, request: &str) -> String {
    client.send(&format!("{}:{request},", request.len())).await;
    reply(client).await
}

/// One netstring.
async fn reply(client: &mut Client) -> String {
    let mut length = String::new();
    loop {
        match client.bytes(1).await.as_str() {
            ":" => break,
            digit => length += digit,
        }
    }
    let mut content = client.bytes(length.parse::<usize>().unwrap() + 1).await;
    assert_eq!(content.pop(), Some(','));
    content
}

async fn action(client: &mut Client, request: &str) -> String {
    client
        .send(&format!("request=smtpd_access_policy\n{request}\n"))
        .await;
    let action = client.line().await;
    assert_eq!(client.line().await, "");
    action
}

#[tokio::test]
async fn maps_answer_in_the_form_that_postfix_reads() {
    let rig = Rig::open();
    let mut client = rig.connect(Door::Socketmap).await;
    for (request, answer) in [
        ("domains example.org", "OK example.org"),
        ("domains EXAMPLE.ORG", "OK example.org"),
        ("domains other.example", "NOTFOUND "),
        ("mailboxes Alice@example.org", "OK alice@example.org"),
        ("mailboxes bob@example.org", "NOTFOUND "),
        (
            "mailboxes alice+tag@example.org",
            "OK alice+tag@example.org",
        ),
        (
            "aliases sales@example.org",
            "OK alice@example.org,bob@example.org",
        ),
        ("aliases @example.org", "OK all@example.org"),
        ("aliases alice@example.org", "NOTFOUND "),
        (
            "senders sales@example.org",
            "OK alice@example.org,bob@example.org",
        ),
        ("senders @other.example", "NOTFOUND "),
    ] {
        // The fake takes only the exact name; extensions are a mailbox of their own here.
        let answer = if request.contains("+tag") {
            "NOTFOUND "
        } else {
            answer
        };
        assert_eq!(ask(&mut client, request).await, answer, "{request}");
    }
}

#[tokio::test]
async fn strange_keys_are_surely_absent() {
    let rig = Rig::open();
    let mut client = rig.connect(Door::Socketmap).await;
    let long = format!("mailboxes {}@example.org", "a".repeat(8192));
    for request in [
        "mailboxes ",
        "mailboxes",
        "mailboxes a\0b@example.org",
        "mailboxes \"alice\"@example.org",
        "mailboxes @a:alice@example.org",
        "mailboxes @example.org",
        "mailboxes alice",
        "aliases @",
        "domains a b",
        "domains bücher.example",
        "domains xn--bcher-kva.example",
        long.as_str(),
    ] {
        assert_eq!(ask(&mut client, request).await, "NOTFOUND ", "{request}");
    }
}

#[tokio::test]
async fn a_fault_of_ours_and_an_unknown_map_make_mail_wait() {
    let rig = Rig::open();
    let mut client = rig.connect(Door::Socketmap).await;
    assert_eq!(
        ask(&mut client, "nosuchmap alice@example.org").await,
        "TEMP unknown map"
    );
    rig.chosen.down.store(true, SeqCst);
    for map in [
        "domains example.org",
        "mailboxes a@example.org",
        "aliases a@example.org",
        "senders a@example.org",
    ] {
        assert_eq!(
            ask(&mut client, map).await,
            "TEMP temporarily unavailable",
            "{map}"
        );
    }
    // What cannot exist is surely absent even then.
    assert_eq!(ask(&mut client, "mailboxes alice").await, "NOTFOUND ");
    assert_eq!(rig.desk().counts().lookups_unavailable, 4);
}

#[tokio::test]
async fn pipelined_look_ups_are_answered_in_order() {
    let rig = Rig::open();
    let mut client = rig.connect(Door::Socketmap).await;
    let mut requests = String::new();
    for n in 0..500 {
        let name = if n % 3 == 0 { "alice" } else { "bob" };
        let request = format!("mailboxes {name}@example.org");
        requests += &format!("{}:{request},", request.len());
    }
    client.send(&requests).await;
    for n in 0..500 {
        let expected = if n % 3 == 0 {
            "OK alice@example.org"
        } else {
            "NOTFOUND "
        };
        assert_eq!(reply(&mut client).await, expected, "{n}");
    }
}

#[tokio::test]
async fn netstrings_that_lie_disconnect() {
    let rig = Rig::open();
    for lie in [
        "3:domains example.org,",
        "019:domains example.org,",
        "1000000000000:domains",
        "-1:a,",
        "19 domains example.org,",
        "19:domains example.org;",
        "domains example.org\n",
    ] {
        let mut client = rig.connect(Door::Socketmap).await;
        client.send(lie).await;
        client.assert_closed().await;
    }
    assert_eq!(rig.desk().counts().framing_errors, 7);
}

#[tokio::test]
async fn policy_answers_each_recipient() {
    let rig = Rig::open();
    let mut client = rig.connect(Door::Policy).await;
    let signed_in = "protocol_state=RCPT\nsasl_username=alice@example.org\ninstance=1a2b.65.3f.0\nrecipient=x@example.net\n";
    let smtpd = signed_in_smtpd(&rig, 0x1a2b).await;
    assert_eq!(action(&mut client, signed_in).await, "action=DUNNO");
    rig.chosen.revoked.store(true, SeqCst);
    assert_eq!(
        action(&mut client, signed_in).await,
        "action=550 5.7.1 This mailbox is switched off"
    );
    let incoming = "protocol_state=RCPT\nsasl_username=\nrecipient=alice@example.org\n";
    assert_eq!(action(&mut client, incoming).await, "action=DUNNO");
    rig.chosen.down.store(true, SeqCst);
    assert_eq!(
        action(&mut client, signed_in).await,
        "action=451 4.3.0 Temporarily unavailable"
    );
    drop(smtpd);
}

/// An smtpd whose session alice signed in to.
async fn signed_in_smtpd(rig: &Rig, pid: u32) -> Client {
    let mut smtpd = rig.login_process(Door::PostfixAuth, pid).await;
    let params = "service=submission\tnologin\tsecured";
    smtpd.auth(1, params, "alice@example.org", "right").await;
    assert_eq!(smtpd.line().await, "OK\t1\tuser=alice@example.org");
    smtpd
}

/// Otherwise nobody could tell whether what the session signed in with was revoked since.
#[tokio::test]
async fn a_session_is_found_by_its_smtpd_and_ends_if_nobody_knows_it() {
    let mut rig = Rig::open();
    let mut client = rig.connect(Door::Policy).await;
    let at = |instance, login| format!("sasl_username={login}\ninstance={instance}\n");
    let smtpd = signed_in_smtpd(&rig, 0x1a2b).await;
    let ours = at("1a2b.65.3f.0", "alice@example.org");
    assert_eq!(action(&mut client, &ours).await, "action=DUNNO");
    for strange in [
        at("1a2c.65.3f.0", "alice@example.org"),
        at("1a2b.65.3f.0", "bob@example.org"),
        at("", "alice@example.org"),
    ] {
        assert_eq!(
            action(&mut client, &strange).await,
            "action=421 4.7.0 Sign in again",
            "{strange}"
        );
    }
    rig.restart().await;
    assert_eq!(
        action(&mut client, &ours).await,
        "action=DUNNO",
        "a planned restart asks nobody to sign in again"
    );
    drop(smtpd);
    rig.settled().await;
    assert!(action(&mut client, &ours).await.starts_with("action=421"));
}

#[tokio::test]
async fn pipelined_policy_requests_are_answered_in_order() {
    let rig = Rig::open();
    rig.chosen.revoked.store(true, SeqCst);
    let mut client = rig.connect(Door::Policy).await;
    let _smtpd = signed_in_smtpd(&rig, 7).await;
    let one = "request=smtpd_access_policy\nsasl_username=alice@example.org\ninstance=7.1.1.0\n\nrequest=smtpd_access_policy\n\n";
    client.send(&one.repeat(100)).await;
    for _ in 0..100 {
        assert!(client.line().await.starts_with("action=550"));
        client.line().await;
        assert_eq!(client.line().await, "action=DUNNO");
        client.line().await;
    }
}

#[tokio::test]
async fn what_is_no_policy_request_disconnects() {
    let rig = Rig::open();
    for bad in [
        "\n",
        "request=other\n\n",
        "request=smtpd_access_policy\nx\n\n",
        "a\0=b\n\n",
    ] {
        let mut client = rig.connect(Door::Policy).await;
        client.send(bad).await;
        client.assert_closed().await;
    }
    let mut client = rig.connect(Door::Policy).await;
    client
        .try_send("sender=x\n".repeat(10_000).as_bytes())
        .await;
    client.assert_closed().await;
}
