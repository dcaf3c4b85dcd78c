//! What ends when a device is lost or a person leaves: submission sessions that are open, and the
//! scripts of a mailbox that was switched off.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use gatepost::administration::Request;
use gatepost::administration::devices::DeviceRequest;
use gatepost::administration::mailboxes::MailboxRequest;
use model::address::Address;
use rustix::process::Signal;

use super::engines::keeper_stops;
use super::mail::{ALICE, MailInstance, alice};
use super::removal::{MAIL, homes};
use super::support::{SOON, soon};

const BOB: &str = "bob@example.org";

#[tokio::test]
async fn an_open_submission_session_ends_with_its_credential() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let (lost, kept) = (server.device("Lost").await, server.device("Kept").await);
    let mut on_lost = server.submit(&lost).await;
    let mut on_kept = server.submit(&kept).await;
    assert_eq!(on_lost.send(ALICE).await, "sent");
    assert_eq!(on_kept.send(ALICE).await, "sent");

    let revoke = DeviceRequest::Revoke {
        address: alice(),
        id: lost.id,
    };
    server.ask(Request::Device(revoke)).await;
    let refused = on_lost.send(ALICE).await;
    assert!(refused.starts_with("550 5.7.1 "), "{refused}");
    assert_eq!(on_kept.send(ALICE).await, "sent", "another device");

    keeper.signal(Signal::HUP).unwrap();
    let done = "the planned restart is done";
    soon(done, async || keeper.output().contains(done).then_some(())).await;
    assert_eq!(on_kept.send(ALICE).await, "sent", "the next worker knows");
    keeper_stops(&mut keeper).await;
}

/// Brings mail from another server.
fn receive(port: u16, subject: &str) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut smtp = BufReader::new(stream);
    let message = format!("Subject: {subject}\r\n\r\nHello.\r\n.");
    let rcpt = format!("RCPT TO:<{ALICE}>");
    for (say, expected) in [
        ("", "220"),
        ("HELO client.example.net", "250"),
        ("MAIL FROM:<carol@example.net>", "250"),
        (&rcpt, "250"),
        ("DATA", "354"),
        (&message, "250"),
    ] {
        if !say.is_empty() {
            smtp.get_mut()
                .write_all(format!("{say}\r\n").as_bytes())
                .unwrap();
        }
        let mut reply = String::new();
        smtp.read_line(&mut reply).unwrap();
        assert!(reply.starts_with(expected), "{say}: {reply}");
    }
}

/// Waits until a message with the subject is in the inbox.
async fn arrives(home: &Path, subject: &str) {
    let line = format!("Subject: {subject}");
    soon(&format!("{subject} in {}", home.display()), async || {
        let new = fs::read_dir(home.join("Maildir/new")).ok()?;
        let mut texts = new.flatten().map(|file| fs::read_to_string(file.path()));
        texts
            .any(|text| text.is_ok_and(|text| text.contains(&line)))
            .then_some(())
    })
    .await;
}

fn install_script(home: &Path, script: &str) {
    let scripts = home.join("sieve");
    let main = scripts.join("main.sieve");
    fs::create_dir_all(&scripts).unwrap();
    fs::write(&main, script).unwrap();
    for path in [&scripts, &main] {
        chown(path, Some(MAIL), Some(MAIL)).unwrap();
    }
    symlink("sieve/main.sieve", home.join(".dovecot.sieve")).unwrap();
}

#[tokio::test]
async fn mail_of_a_mailbox_that_is_switched_off_is_kept_and_not_forwarded() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let bob = Address::parse(BOB).unwrap();
    server.mailbox(bob, "Bob").await;
    let mail = server.instance.dir.join("data/mail");
    receive(server.smtp, "first");
    let home = soon("Alice's home", async || homes(&mail).pop()).await;
    arrives(&home, "first").await;
    install_script(&home, &format!("redirect \"{BOB}\";\n"));
    receive(server.smtp, "forwarded");
    let other = |homes: Vec<PathBuf>| homes.into_iter().find(|other| *other != home);
    let bobs = soon("Bob's home", async || other(homes(&mail))).await;
    arrives(&bobs, "forwarded").await;

    let disable = MailboxRequest::Disable {
        address: alice(),
        reason: "left".to_owned(),
    };
    server.ask(Request::Mailbox(disable)).await;
    receive(server.smtp, "kept");
    // A redirect takes the place of keeping: what is in the inbox was not forwarded.
    arrives(&home, "kept").await;
    server
        .ask(Request::Mailbox(MailboxRequest::Enable(alice())))
        .await;
    receive(server.smtp, "forwarded again");
    arrives(&bobs, "forwarded again").await;
    keeper_stops(&mut keeper).await;
}
