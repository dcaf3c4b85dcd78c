//! Mail through the real engines, configured as rendered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::support::eventually;
use crate::support::gatepost::{ALIAS, BOTH, DOMAIN, FRESH, PASSWORD};
use crate::support::instance::{self, API_KEY, Instance, free_port, pace};
use crate::support::wire::Wire;
use engines::MailSystem;
use engines::description::ProcessModel;
use engines::kick::{KickError, Kicker};
use engines::layout::kick_endpoint;
use engines::post::{Post, PostError};
use model::address::{Address, DomainName};
use testkit::skip::is_root;

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";
/// Another address of this host: Dovecot takes a connection between equal addresses for secured.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

impl Instance {
    async fn imap(&self, user: &str) -> Wire {
        let address = self.system.store.imaps[0];
        Wire::imap_login(address, &self.system.tls.certificate, user, PASSWORD).await
    }

    /// Signed in to a submission service with STARTTLS.
    async fn submission(&self, user: &str) -> Wire {
        let mut smtp = Wire::plain(self.transport().submission[0]).await;
        smtp.ehlo().await;
        let reply = smtp.smtp("STARTTLS").await;
        assert!(reply.starts_with("220"), "{reply}");
        let ca = &self.system.tls.certificate;
        let mut smtp = smtp.start_tls("mail.example.test", ca).await;
        smtp.smtp("EHLO client.test").await;
        let reply = smtp.smtp_auth(user, PASSWORD).await;
        assert!(reply.starts_with("235"), "{reply}");
        smtp
    }

    /// From another server to port 25.
    async fn receive(&self, to: &str, message: &str) -> String {
        let mut smtp = Wire::plain(self.transport().smtp[0]).await;
        smtp.ehlo().await;
        smtp.deliver("carol@other.test", to, message).await
    }

    /// Waits until a message with the subject is in the folder; returns its whole text.
    async fn arrived(&self, user: &str, folder: &str, subject: &str) -> String {
        eventually(&format!("{subject} in {folder} of {user}"), async || {
            let mut imap = self.imap(user).await;
            imap.imap(&format!("SELECT {folder}")).await;
            let found = imap.imap(&format!("SEARCH SUBJECT \"{subject}\"")).await;
            let number: u32 = found
                .lines()
                .next()?
                .strip_prefix("* SEARCH ")?
                .split(' ')
                .next()?
                .parse()
                .ok()?;
            Some(imap.imap(&format!("FETCH {number} BODY.PEEK[]")).await)
        })
        .await
    }
}

fn message(subject: &str) -> String {
    format!("From: carol@other.test\r\nTo: someone\r\nSubject: {subject}\r\n\r\nHello.")
}

#[tokio::test]
async fn imap_needs_tls_before_it_takes_a_password() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let plain = instance.system.store.imap[0];
    let ca = &instance.system.tls.certificate;

    let mut imap = Wire::plain_from(ELSEWHERE, plain).await;
    let greeting = imap.line().await;
    assert!(greeting.contains("LOGINDISABLED"), "{greeting}");
    assert!(greeting.contains("Gatepost ready."), "{greeting}");
    let answer = imap.imap(&format!("LOGIN {ALICE} \"{PASSWORD}\"")).await;
    assert!(answer.contains("NO [PRIVACYREQUIRED]"), "{answer}");
    assert!(!instance.table.was_asked(&["AUTH"]), "the password got in");
    let answer = imap.imap("STARTTLS").await;
    assert!(answer.contains("OK"), "{answer}");
    let mut imap = imap.start_tls("mail.example.test", ca).await;
    let answer = imap.imap(&format!("LOGIN {ALICE} \"{PASSWORD}\"")).await;
    assert!(answer.contains("OK"), "{answer}");
    assert!(instance.table.was_asked(&[
        "AUTH PLAIN",
        "service=imap",
        "secured=tls",
        "rip=127.0.0.2"
    ]));

    let mut imap = Wire::tls(instance.system.store.imaps[0], ca).await;
    imap.line().await;
    let answer = imap.imap(&format!("LOGIN {ALICE} wrong")).await;
    assert!(answer.contains("NO [AUTHENTICATIONFAILED]"), "{answer}");
    instance.stop().await;
}

#[tokio::test]
async fn a_letter_of_our_own_arrives_with_every_line_as_it_was() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let own = Ipv4Addr::LOCALHOST.into();
    let smtp = SocketAddr::new(own, instance.transport().smtp[0].port());
    let post = Post::new(smtp, instance.system.hostname.clone());
    let alice = Address::parse(ALICE).unwrap();
    let text = "Gr\u{fc}\u{df}e\n.\nMAIL FROM:<eve@other.test>\nthe end";
    post.send(&alice, "two people", text).await.unwrap();
    let letter = instance.arrived(ALICE, "INBOX", "two people").await;
    assert!(letter.contains("Return-Path: <>"), "{letter}");
    assert!(
        letter.contains("From: Gatepost <postmaster@example.test>"),
        "{letter}"
    );
    assert!(
        letter.contains("\n.\nMAIL FROM:<eve@other.test>\nthe end"),
        "{letter}"
    );
    let id = letter.lines().find(|line| line.starts_with("Message-I"));
    assert!(
        id.is_some_and(|id| id.ends_with("@mail.example.test>")),
        "{letter}"
    );

    let elsewhere = Address::parse("dora@other.test").unwrap();
    let refused = post.send(&elsewhere, "out", "text").await.unwrap_err();
    assert!(
        refused.to_string().contains("Relay access denied"),
        "{refused}"
    );
    let nobody = Post::new(free_port(), instance.system.hostname.clone());
    let away = nobody.send(&alice, "away", "text").await.unwrap_err();
    assert!(matches!(away, PostError::Refused(_)), "{away}");
    instance.stop().await;
}

/// RFC 5321, 4.5.1.
#[tokio::test]
async fn the_servers_own_postmaster_gets_mail_from_elsewhere_only() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    for (to, subject) in [
        ("postmaster", "bare"),
        ("Postmaster@mail.example.test", "named"),
    ] {
        let reply = instance.receive(to, &message(subject)).await;
        assert!(reply.starts_with("250"), "{to}: {reply}");
        instance.arrived(ALICE, "INBOX", subject).await;
    }
    for to in ["alice@mail.example.test", "postmaster@elsewhere.test"] {
        let reply = instance.receive(to, &message("no")).await;
        assert!(reply.starts_with("554 5.7.1"), "{to}: {reply}");
    }
    instance.stop().await;
}

/// A program that is just set up opens several sessions at once, and mail may come meanwhile.
#[tokio::test]
async fn a_new_mailbox_is_opened_by_many_at_once() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    for number in 0..FRESH {
        let user = format!("fresh{number}@{DOMAIN}");
        let session = async || {
            let mut imap = instance.imap(&user).await;
            imap.imap("SELECT INBOX").await
        };
        let welcome = message("welcome");
        let (one, two, three, four, _) = tokio::join!(
            session(),
            session(),
            session(),
            session(),
            instance.receive(&user, &welcome),
        );
        for answer in [one, two, three, four] {
            assert!(answer.contains(" OK [READ-WRITE]"), "{user}: {answer}");
        }
        instance.arrived(&user, "INBOX", "welcome").await;
    }
}

#[tokio::test]
async fn a_new_mailbox_shows_its_folders_and_quota() {
    if !is_root() {
        return;
    }
    let instance = Instance::with(|_| {}, 3 << 20, pace()).await;
    let mut imap = instance.imap("o'neil@example.test").await;
    let folders = imap
        .imap("LIST \"\" \"*\" RETURN (SPECIAL-USE SUBSCRIBED)")
        .await;
    for name in ["Drafts", "Sent", "Junk", "Trash", "Archive"] {
        let line = folders
            .lines()
            .find(|line| line.ends_with(&format!(" {name}")))
            .unwrap_or_else(|| panic!("no {name}: {folders}"));
        assert!(line.contains(&format!("\\{name}")), "{line}");
        assert!(line.contains("\\Subscribed"), "{line}");
    }
    let quota = imap.imap("GETQUOTAROOT INBOX").await;
    assert!(
        quota.contains("QUOTA \"User quota\" (STORAGE 0 3072)"),
        "{quota}"
    );
    for command in ["CREATE Projects/v2.0", "SELECT INBOX"] {
        let answer = imap.imap(command).await;
        assert!(answer.contains(" OK "), "{answer}");
    }

    let home = instance.system.directories.mail.join("ab/o'neil");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&home).unwrap());
    assert_eq!(owner, instance::MAIL.uid);
    for part in ["Maildir", "index", "control"] {
        assert!(home.join(part).is_dir(), "{part}");
    }
    instance.stop().await;
}

#[tokio::test]
async fn pop3_and_managesieve_ask_as_services_of_their_own() {
    if !is_root() {
        return;
    }
    let hardened = |system: &mut MailSystem| system.processes = ProcessModel::Hardened;
    let instance = Instance::with(hardened, 100 << 20, pace()).await;
    let ca = &instance.system.tls.certificate;
    let mut pop = Wire::tls(instance.system.store.pop3s[0], ca).await;
    pop.line().await;
    pop.send(&format!("USER {ALICE}\r\n")).await;
    pop.line().await;
    pop.send(&format!("PASS {PASSWORD}\r\n")).await;
    let answer = pop.line().await;
    assert!(answer.starts_with("+OK"), "{answer}");
    assert!(instance.table.was_asked(&["AUTH", "service=pop3"]));

    let mut sieve = signed_in_sieve(&instance, ALICE).await;
    sieve.send("PUTSCRIPT \"a\" {7+}\r\nbroken!\r\n").await;
    let answer = sieve.line().await;
    assert!(answer.starts_with("NO"), "{answer}");
    assert!(instance.table.was_asked(&["AUTH", "service=sieve"]));
    instance.stop().await;
}

async fn signed_in_sieve(instance: &Instance, user: &str) -> Wire {
    use base64::Engine as _;
    let mut sieve = Wire::plain(instance.system.store.managesieve[0]).await;
    while !sieve.line().await.starts_with("OK") {}
    sieve.send("STARTTLS\r\n").await;
    let answer = sieve.line().await;
    assert!(answer.starts_with("OK"), "{answer}");
    let ca = &instance.system.tls.certificate;
    let mut sieve = sieve.start_tls("mail.example.test", ca).await;
    while !sieve.line().await.starts_with("OK") {}
    let response =
        base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{PASSWORD}"));
    sieve
        .send(&format!("AUTHENTICATE \"PLAIN\" \"{response}\"\r\n"))
        .await;
    let answer = sieve.line().await;
    assert!(answer.starts_with("OK"), "{answer}");
    sieve
}

/// Stores and activates a script.
async fn install_script(instance: &Instance, user: &str, script: &str) {
    let mut sieve = signed_in_sieve(instance, user).await;
    for command in [
        format!("PUTSCRIPT \"main\" {{{}+}}\r\n{script}\r\n", script.len()),
        "SETACTIVE \"main\"\r\n".to_owned(),
    ] {
        sieve.send(&command).await;
        let answer = sieve.line().await;
        assert!(answer.starts_with("OK"), "{command}: {answer}");
    }
}

#[tokio::test]
async fn mail_from_outside_is_taken_for_our_addresses_only() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let mut smtp = Wire::plain_from(ELSEWHERE, instance.transport().smtp[0]).await;
    let offered = smtp.ehlo().await;
    assert!(offered.contains("STARTTLS"), "{offered}");
    assert!(offered.contains("SIZE 52428800"), "{offered}");
    for missing in ["AUTH", "VRFY", "SMTPUTF8"] {
        assert!(!offered.contains(missing), "{offered}");
    }
    let reply = smtp.smtp(&format!("VRFY {ALICE}")).await;
    assert!(reply.starts_with("502"), "{reply}");
    for (from, to, answer) in [
        ("carol@other.test", "nobody@example.test", "550 5.1.1"),
        ("carol@other.test", "dave@elsewhere.test", "554 5.7.1"),
        ("ghost@example.test", ALICE, "550 5.1.0"),
    ] {
        let reply = smtp.deliver(from, to, &message("never")).await;
        assert!(reply.starts_with(answer), "{from} to {to}: {reply}");
        smtp.smtp("RSET").await;
    }
    for (n, to) in [ALICE, "alice+shop@example.test", ALIAS].iter().enumerate() {
        let subject = format!("number {n}");
        let reply = smtp
            .deliver("carol@other.test", to, &message(&subject))
            .await;
        assert!(reply.starts_with("250"), "{to}: {reply}");
        instance.arrived(ALICE, "INBOX", &subject).await;
    }
    let policy = ["POLICY", "protocol_state=RCPT", "policy_context=smtp"];
    assert!(instance.table.was_asked(&policy));
    assert!(
        instance
            .table
            .was_asked(&["USER alice@example.test", "service=lmtp"])
    );
    instance.stop().await;
}

/// CVE-2023-51764: a lone line feed around the dot must not end the message.
#[tokio::test]
async fn a_bare_newline_smuggles_nothing() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    for (n, end) in ["\n.\n", "\n.\r\n", "\r\n.\n"].iter().enumerate() {
        let mut smtp = Wire::plain_from(ELSEWHERE, instance.transport().smtp[0]).await;
        smtp.ehlo().await;
        smtp.smtp("MAIL FROM:<carol@other.test>").await;
        smtp.smtp(&format!("RCPT TO:<{ALICE}>")).await;
        smtp.smtp("DATA").await;
        let outer = message(&format!("outer {n}"));
        let inner = message(&format!("smuggled {n}"));
        smtp.send(&format!(
            "{outer}{end}MAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\n{inner}\r\n.\r\n"
        ))
        .await;
        let reply = smtp.reply().await;
        assert!(reply.starts_with("250"), "{reply}");
        // All of it is one message, the lone line feeds made whole.
        let text = instance
            .arrived(ALICE, "INBOX", &format!("outer {n}"))
            .await;
        assert!(text.contains(&format!("Subject: smuggled {n}")), "{text}");
        let reply = smtp.smtp("NOOP").await;
        assert!(reply.starts_with("250"), "{end:?}: {reply}");
        let mut bob = instance.imap(BOB).await;
        bob.imap("SELECT INBOX").await;
        let found = bob.imap("SEARCH ALL").await;
        assert!(found.starts_with("* SEARCH\n"), "{end:?}: {found}");
    }
    instance.stop().await;
}

#[tokio::test]
async fn submission_needs_tls_a_login_and_an_own_sender() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let transport = instance.transport();
    let mut smtp = Wire::plain(transport.submission[0]).await;
    let offered = smtp.ehlo().await;
    assert!(!offered.contains("AUTH"), "{offered}");
    let reply = smtp.smtp_auth(ALICE, PASSWORD).await;
    assert!(reply.starts_with("530"), "{reply}");
    assert!(!instance.table.was_asked(&["AUTH"]), "the password got in");

    let mut smtp = instance.submission(ALICE).await;
    assert!(
        instance
            .table
            .was_asked(&["AUTH PLAIN", "service=submission", "secured"])
    );
    for (from, answer) in [
        (BOB, "553 5.7.1"),
        ("dave@elsewhere.test", "553 5.7.1"),
        (ALICE, "250"),
        ("alice+tag@example.test", "250"),
        (ALIAS, "250"),
        ("", "250"),
    ] {
        let reply = smtp.deliver(from, BOB, &message("owned")).await;
        assert!(reply.starts_with(answer), "{from:?}: {reply}");
        smtp.smtp("RSET").await;
    }
    let asked = [
        "POLICY",
        "policy_context=submission",
        "sasl_username=alice@example.test",
    ];
    assert!(instance.table.was_asked(&asked));
    instance.arrived(BOB, "INBOX", "owned").await;

    let ca = &instance.system.tls.certificate;
    let mut smtp = Wire::tls(transport.submissions[0], ca).await;
    let offered = smtp.ehlo().await;
    assert!(offered.contains("AUTH PLAIN"), "{offered}");
    let reply = smtp.deliver(ALICE, BOB, &message("unsigned")).await;
    assert!(
        reply.starts_with("553") || reply.starts_with("530"),
        "{reply}"
    );
    smtp.smtp("RSET").await;
    let reply = smtp.smtp_auth(ALICE, "wrong").await;
    assert!(reply.starts_with("535"), "{reply}");
    let reply = smtp.smtp_auth(ALICE, PASSWORD).await;
    assert!(reply.starts_with("235"), "{reply}");
    assert!(
        instance
            .table
            .was_asked(&["AUTH PLAIN", "service=submissions"])
    );
    instance.stop().await;
}

#[tokio::test]
async fn a_script_files_and_redirects_through_our_own_listener() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let script = "require [\"fileinto\", \"copy\", \"vacation\"];\r\n\
                  if header :contains \"subject\" \"offer\" { fileinto \"Junk\"; stop; }\r\n\
                  if header :contains \"to\" \"alice\" { vacation \"Away.\"; stop; }\r\n\
                  redirect :copy \"bob@example.test\";\r\n";
    install_script(&instance, ALICE, script).await;
    let reply = instance.receive(ALICE, &message("an offer")).await;
    assert!(reply.starts_with("250"), "{reply}");
    instance.arrived(ALICE, "Junk", "an offer").await;

    let reply = instance.receive(ALICE, &message("news")).await;
    assert!(reply.starts_with("250"), "{reply}");
    instance.arrived(ALICE, "INBOX", "news").await;
    let text = instance.arrived(BOB, "INBOX", "news").await;
    let letter = "From: bob@example.test\r\nTo: alice@example.test\r\nSubject: hi\r\n\r\nHello.";
    let mut smtp = instance.submission(BOB).await;
    let reply = smtp.deliver(BOB, ALICE, letter).await;
    assert!(reply.starts_with("250"), "{reply}");
    let away = instance.arrived(BOB, "INBOX", "Auto: hi").await;
    assert!(away.contains("Away."), "{away}");
    assert!(text.contains("Return-Path: <alice@example.test>"), "{text}");
    let asked = [
        "POLICY",
        "policy_context=sieve",
        "sender=alice@example.test",
    ];
    assert!(instance.table.was_asked(&asked));
    instance.stop().await;
}

#[tokio::test]
async fn the_internal_listener_serves_nobody_without_the_certificate() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let address = instance.transport().sieve_submission;
    let layout = engines::layout::Layout::of(&instance.system.directories);
    let mut smtp = Wire::plain(address).await;
    smtp.ehlo().await;
    let reply = smtp.smtp("MAIL FROM:<alice@example.test>").await;
    assert!(reply.starts_with("530"), "{reply}");

    smtp.smtp("STARTTLS").await;
    let ca = layout.internal_certificate();
    let mut smtp = smtp.start_tls("localhost", &ca).await;
    let reply = smtp.smtp("EHLO client.test").await;
    assert!(reply.starts_with("421 4.7.1"), "{reply}");
    assert_eq!(smtp.line().await, "", "it goes on without a certificate");

    let mode = |path: &std::path::Path| {
        let data = std::fs::metadata(path).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o777
    };
    assert_eq!(mode(&layout.internal_key()), 0o600);
    assert_eq!(mode(&layout.secrets_directory()), 0o700);
    instance.stop().await;
}

#[tokio::test]
async fn a_message_of_50_mb_passes() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let line = format!("{}\r\n", "x".repeat(98));
    let text = format!("{}\r\n{}", message("large"), line.repeat(520_000));
    let reply = instance.receive(ALICE, &text).await;
    assert!(reply.starts_with("250"), "{reply}");
    eventually("the large message", async || {
        let mut imap = instance.imap(ALICE).await;
        imap.imap("SELECT INBOX").await;
        let answer = imap.imap("FETCH 1 RFC822.SIZE").await;
        answer.contains("RFC822.SIZE 520").then_some(())
    })
    .await;
    instance.stop().await;
}

#[tokio::test]
async fn a_full_mailbox_is_refused_at_rcpt_and_nothing_bounces() {
    if !is_root() {
        return;
    }
    let quota = 1 << 20;
    let instance = Instance::with(|_| {}, quota, pace()).await;
    let filler = format!("{}\r\n", "x".repeat(70)).repeat(9_000);
    // Together above the quota: the last one accepted is still delivered.
    for n in 0..2 {
        let text = format!("{}\r\n{filler}", message(&format!("big {n}")));
        let reply = instance.receive(ALICE, &text).await;
        assert!(reply.starts_with("250"), "{reply}");
        instance.arrived(ALICE, "INBOX", &format!("big {n}")).await;
    }
    for to in [ALICE, "alice+tag@example.test", ALIAS] {
        let reply = instance.receive(to, &message("late")).await;
        assert!(reply.starts_with("552 5.2.2"), "{to}: {reply}");
        let mut smtp = instance.submission(BOB).await;
        let reply = smtp.deliver(BOB, to, &message("late")).await;
        assert!(reply.starts_with("552 5.2.2"), "{to}: {reply}");
    }
    // Each smtpd holds a connection of its own to the one quota service.
    let mut several = Vec::new();
    for _ in 0..3 {
        let mut smtp = Wire::plain(instance.transport().smtp[0]).await;
        smtp.ehlo().await;
        several.push(smtp);
    }
    for smtp in &mut several {
        let reply = smtp
            .deliver("carol@other.test", ALICE, &message("late"))
            .await;
        assert!(reply.starts_with("552 5.2.2"), "{reply}");
    }
    let reply = instance.receive(BOB, &message("other people")).await;
    assert!(reply.starts_with("250"), "{reply}");

    // Of two targets one has room: that one gets it, and for the other it waits.
    let reply = instance.receive(BOTH, &message("for both")).await;
    assert!(reply.starts_with("250"), "{reply}");
    instance.arrived(BOB, "INBOX", "for both").await;
    let queue = instance.system.directories.queue.join("deferred");
    eventually("the message waits in the queue", async || {
        let mut directories = vec![queue.clone()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).ok()?.flatten() {
                if entry.file_type().ok()?.is_dir() {
                    directories.push(entry.path());
                } else {
                    return Some(());
                }
            }
        }
        None
    })
    .await;
    instance.stop().await;
}

#[tokio::test]
async fn a_kick_ends_idle_sessions_and_counts_them() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let kicker = Kicker::new(kick_endpoint(&instance.system), API_KEY.to_owned().into());
    let alice = Address::parse(ALICE).unwrap();
    assert_eq!(kicker.kick(&alice).await.unwrap(), 0);

    let mut bob = instance.imap(BOB).await;
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let mut imap = instance.imap(ALICE).await;
        imap.imap("SELECT INBOX").await;
        imap.send("i IDLE\r\n").await;
        let answer = imap.line().await;
        assert!(answer.starts_with('+'), "{answer}");
        sessions.push(imap);
    }
    let started = tokio::time::Instant::now();
    assert_eq!(kicker.kick(&alice).await.unwrap(), 2);
    for mut session in sessions {
        let answer = session.line().await;
        assert!(answer.starts_with("* BYE"), "{answer}");
        assert_eq!(session.line().await, "");
    }
    println!("two idle sessions ended within {:?}", started.elapsed());
    let answer = bob.imap("NOOP").await;
    assert!(answer.contains("OK"), "{answer}");

    // A whole domain at once; one whose name only ends alike is not it.
    let mut alice_again = instance.imap(ALICE).await;
    let only_ends_alike = DomainName::parse("ample.test").unwrap();
    assert_eq!(kicker.kick_domain(&only_ends_alike).await.unwrap(), 0);
    let domain = DomainName::parse(DOMAIN).unwrap();
    assert_eq!(kicker.kick_domain(&domain).await.unwrap(), 2);
    for session in [&mut bob, &mut alice_again] {
        let answer = session.line().await;
        assert!(answer.starts_with("* BYE"), "{answer}");
    }
    // Dovecot counts a session for a moment after its end.
    eventually("nobody left to kick", async || {
        (kicker.kick_domain(&domain).await.unwrap() == 0).then_some(())
    })
    .await;

    let wrong = Kicker::new(kick_endpoint(&instance.system), "guess".to_owned().into());
    assert!(matches!(wrong.kick(&alice).await, Err(KickError::Key)));

    let layout = engines::layout::Layout::of(&instance.system.directories);
    let socket = layout.kick_socket();
    for (gid, exit) in [(instance::KICK_GID, 0), (instance::MAIL.gid, 7)] {
        let mut curl = std::process::Command::new("curl");
        curl.args([
            "-s",
            "-o",
            "/dev/null",
            "http://localhost/",
            "--unix-socket",
        ]);
        curl.arg(&socket).current_dir("/");
        std::os::unix::process::CommandExt::uid(&mut curl, gid);
        std::os::unix::process::CommandExt::gid(&mut curl, gid);
        // curl(1): 7, failed to connect.
        assert_eq!(curl.status().unwrap().code(), Some(exit), "group {gid}");
    }
    instance.stop().await;
}
