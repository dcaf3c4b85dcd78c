//! Mail that leaves: filters, the smart host, TLS.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use engines::MailSystem;
use engines::description::{Milter, MilterAction, Milters, Relay, RelayCredentials, RelayTls};
use parking_lot::Mutex;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::eventually;
use crate::support::instance::{Instance, free_port, pace};
use crate::support::wire::{Stream, Wire};
use testkit::skip::is_root;

const MESSAGE: &str = "From: a@example.test\r\nTo: b\r\nSubject: out\r\n\r\nHello.";

#[tokio::test]
async fn a_filter_that_is_down_has_the_chosen_consequence() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let dead = free_port();
    for (default_action, answer) in [
        (MilterAction::TempFail, "451"),
        (MilterAction::Accept, "250"),
        (MilterAction::Reject, "554"),
    ] {
        let mut filtered = instance.system.clone();
        filtered.transport.as_mut().unwrap().milters = Milters {
            list: vec![Milter::Inet {
                host: dead.ip().to_string(),
                port: dead.port(),
            }],
            default_action,
        };
        instance.engines.apply(filtered).await.unwrap();
        let what = format!("{default_action:?}");
        // An smtpd of before the change may serve one more client.
        eventually(&what, async || {
            let reply = first_refusal(instance.transport().smtp[0]).await;
            reply.starts_with(answer).then_some(())
        })
        .await;
    }
    instance.stop().await;
}

/// The greeting if it is a refusal, else what becomes of a message.
async fn first_refusal(address: SocketAddr) -> String {
    let mut smtp = Wire::plain(address).await;
    let greeting = smtp.reply().await;
    if !greeting.starts_with("220") {
        return greeting;
    }
    smtp.smtp("EHLO client.test").await;
    smtp.deliver("carol@other.test", "alice@example.test", MESSAGE)
        .await
}

#[tokio::test]
async fn outgoing_mail_takes_the_smart_host_over_tls_when_offered() {
    if !is_root() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(Mutex::new(String::new()));
    tokio::spawn(smart_host(listener, Arc::clone(&received)));
    let relayed = |system: &mut MailSystem| {
        system.transport.as_mut().unwrap().relay = Some(relay(address));
    };
    let instance = Instance::with(relayed, 1 << 20, pace()).await;
    let ca = &instance.system.tls.certificate;
    let mut smtp = Wire::tls(instance.transport().submissions[0], ca).await;
    smtp.ehlo().await;
    let reply = smtp
        .smtp_auth("alice@example.test", crate::support::gatepost::PASSWORD)
        .await;
    assert!(reply.starts_with("235"), "{reply}");
    let reply = smtp
        .deliver("alice@example.test", "dave@elsewhere.test", MESSAGE)
        .await;
    assert!(reply.starts_with("250"), "{reply}");
    let text = eventually("the mail at the smart host", async || {
        let received = received.lock().clone();
        received.contains("Subject: out").then_some(received)
    })
    .await;
    assert!(text.contains("(over TLS)"), "{text}");
    assert!(text.contains("RCPT TO:<dave@elsewhere.test>"), "{text}");
    // Where the person sat is nobody's business; who handed it in is not told either.
    assert!(!text.contains("Authenticated sender"), "{text}");
    instance.stop().await;
}

#[tokio::test]
async fn the_smart_hosts_password_lies_in_the_run_directory_only() {
    if !is_root() {
        return;
    }
    let signed_in = |system: &mut MailSystem, password: &str| {
        let mut relay = relay(SocketAddr::from(([127, 0, 0, 1], 587)));
        relay.tls = RelayTls::Required;
        relay.credentials = Some(RelayCredentials {
            user: "us".to_owned(),
            password: password.to_owned().into(),
        });
        system.transport.as_mut().unwrap().relay = Some(relay);
    };
    let instance = Instance::with(|system| signed_in(system, "one-Pw"), 1 << 20, pace()).await;
    let map = instance
        .system
        .directories
        .run
        .join("secret/relay-passwords");
    let looked_up = || {
        let output = std::process::Command::new("/usr/sbin/postmap")
            .args(["-q", "[127.0.0.1]:587"])
            .arg(format!("texthash:{}", map.display()))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(looked_up(), "us:one-Pw\n");
    let mode = std::fs::metadata(&map).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut changed = instance.system.clone();
    signed_in(&mut changed, "two-Pw");
    instance.engines.apply(changed.clone()).await.unwrap();
    assert_eq!(looked_up(), "us:two-Pw\n");

    // What is refused takes its password with it.
    let mut refused = changed.clone();
    signed_in(&mut refused, "three-Pw");
    refused.tls.key = instance.root.path().join("missing.pem");
    instance.engines.apply(refused).await.unwrap_err();
    assert_eq!(looked_up(), "us:two-Pw\n");

    for directory in [
        &instance.system.directories.config,
        &instance.system.directories.state,
    ] {
        let found = std::process::Command::new("grep")
            .args(["-rlF", "-e", "-Pw"])
            .arg(directory)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    }

    changed.transport.as_mut().unwrap().relay = None;
    instance.engines.apply(changed).await.unwrap();
    assert!(!map.exists());
    instance.stop().await;
}

fn relay(address: SocketAddr) -> Relay {
    Relay {
        host: address.ip().to_string(),
        port: address.port(),
        tls: RelayTls::Opportunistic,
        credentials: None,
    }
}

/// Takes everything, offers STARTTLS, notes what it got.
async fn smart_host(listener: TcpListener, received: Arc<Mutex<String>>) {
    let pair = rcgen::generate_simple_self_signed(["smart.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(pair.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let _ = serve(stream, &acceptor, &received).await;
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    received: &Mutex<String>,
) -> std::io::Result<()> {
    let mut stream: BufReader<Box<dyn Stream>> = BufReader::new(Box::new(stream));
    stream.write_all(b"220 smart.test ESMTP\r\n").await?;
    let mut in_data = false;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        received.lock().push_str(&line);
        let answer = match line.split_ascii_whitespace().next().unwrap_or_default() {
            "." if in_data => {
                in_data = false;
                "250 taken\r\n"
            }
            _ if in_data => continue,
            "EHLO" => "250-smart.test\r\n250 STARTTLS\r\n",
            "DATA" => {
                in_data = true;
                "354 go on\r\n"
            }
            "STARTTLS" => {
                stream.write_all(b"220 ready\r\n").await?;
                let over_tls = acceptor.accept(stream.into_inner()).await?;
                received.lock().push_str("(over TLS)\r\n");
                stream = BufReader::new(Box::new(over_tls));
                continue;
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}
