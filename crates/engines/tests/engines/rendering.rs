//! What is rendered, and that the installed engines accept it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::support::instance;
use engines::check::DescriptionError;
use engines::description::{
    Accounts, Ids, KickListener, MailSystem, Milter, MilterAction, Milters, OutwardTls,
    ProcessModel, Relay, RelayCredentials, RelayTls,
};
use engines::render::{Releases, render};
use engines::rendered::RenderedFile;
use engines::version::{DovecotRelease, PostfixRelease};
use proptest::prelude::*;
use testkit::skip::is_root;

const DEBIAN_12: Releases = Releases {
    dovecot: DovecotRelease::V2_3,
    postfix: Some(PostfixRelease::V3_7),
};

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// As a server on the usual ports.
fn usual() -> MailSystem {
    let mut system = instance::description(Path::new("/srv/gatepost"));
    system.directories.run = "/run/gatepost".into();
    system.sockets = engines::description::Sockets::below(
        Path::new("/run/gatepost/for-dovecot"),
        Path::new("/run/gatepost/for-postfix"),
    );
    system.sessions = 1024;
    let store = &mut system.store;
    store.imap = vec![at("0.0.0.0:143"), at("[::]:143")];
    store.imaps = vec![at("0.0.0.0:993"), at("[::]:993")];
    store.pop3 = Vec::new();
    store.pop3s = vec![at("0.0.0.0:995")];
    store.managesieve = vec![at("0.0.0.0:4190")];
    let transport = system.transport.as_mut().unwrap();
    transport.outward_tls = OutwardTls::Dane;
    transport.smtp = vec![at("0.0.0.0:25"), at("[::]:25")];
    transport.submission = vec![at("0.0.0.0:587")];
    transport.submissions = vec![at("0.0.0.0:465")];
    transport.sieve_submission = at("127.0.0.1:10587");
    system
}

/// Everything the usual one leaves out.
fn unusual() -> MailSystem {
    let mut system = usual();
    system.processes = ProcessModel::Hardened;
    system.store.quota = false;
    system.store.pop3 = vec![at("127.0.0.1:110")];
    system.store.lmtp = vec![at("127.0.0.1:24")];
    system.store.kick.listener = KickListener::Loopback(at("127.0.0.1:10080"));
    let transport = system.transport.as_mut().unwrap();
    transport.relay = Some(Relay {
        host: "smtp.relay.example".to_owned(),
        port: 465,
        tls: RelayTls::Implicit,
        credentials: Some(RelayCredentials {
            user: "gatepost@relay.example".to_owned(),
            password: "p:w $x #y".to_owned().into(),
        }),
    });
    transport.milters = Milters {
        list: vec![
            Milter::Inet {
                host: "::1".to_owned(),
                port: 11332,
            },
            Milter::Unix("/run/rspamd/milter.sock".into()),
        ],
        default_action: MilterAction::Accept,
    };
    system
}

/// Dovecot alone under one account.
fn single() -> MailSystem {
    let mut system = usual();
    system.accounts = Accounts::Single {
        user: "mailer".to_owned(),
        group: "mailer".to_owned(),
        ids: Ids {
            uid: 1000,
            gid: 1000,
        },
    };
    system.transport = None;
    system
}

fn together(files: &[RenderedFile]) -> String {
    let mut text = String::new();
    for file in files {
        let path = file.path.display();
        text.push_str(&format!("==> {path} {:o}\n{}\n", file.mode, file.content));
    }
    text
}

#[test]
fn the_usual_server() {
    insta::assert_snapshot!(together(&render(&usual(), DEBIAN_12).unwrap()));
}

#[test]
fn hardened_behind_a_smart_host_with_filters() {
    insta::assert_snapshot!(together(&render(&unusual(), DEBIAN_12).unwrap()));
}

#[test]
fn dovecot_alone_under_one_account() {
    insta::assert_snapshot!(together(&render(&single(), DEBIAN_12).unwrap()));
}

#[test]
fn what_an_engine_would_misread_is_never_rendered() {
    type Change = fn(&mut MailSystem);
    let cases: [(&str, Change); 12] = [
        ("directories.mail", |s| {
            s.directories.mail = "/srv/a b".into();
        }),
        ("directories.queue", |s| {
            s.directories.queue = "/srv/$x".into();
        }),
        ("tls.key", |s| {
            s.tls.key = "/srv/k\nauth_cache_size = 1".into()
        }),
        ("directories.state", |s| s.directories.state = "srv".into()),
        ("accounts.dovecot_login", |s| {
            s.accounts = Accounts::Separate {
                mail: instance::MAIL,
                dovecot: "dovecot".to_owned(),
                dovecot_login: "dovenull }".to_owned(),
                postfix: "postfix".to_owned(),
                postdrop: "postdrop".to_owned(),
            };
        }),
        ("relay.host", |s| relay(s, "smtp.example]:25 [x", "u", "p")),
        ("relay.user", |s| relay(s, "smtp.example", "u:v", "p")),
        ("relay.password", |s| {
            relay(s, "smtp.example", "u", "p\nx y:z")
        }),
        ("socket", |s| {
            s.directories.run = PathBuf::from(format!("/{}", "r".repeat(100)));
        }),
        ("both listen", |s| s.store.imap = s.store.imaps.clone()),
        ("loopback", |s| {
            s.transport.as_mut().unwrap().sieve_submission = at("0.0.0.0:10587");
        }),
        ("root", |s| {
            s.accounts = Accounts::debian(Ids { uid: 0, gid: 8 });
        }),
    ];
    for (words, change) in cases {
        let mut system = usual();
        change(&mut system);
        let error = render(&system, DEBIAN_12).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

fn relay(system: &mut MailSystem, host: &str, user: &str, password: &str) {
    system.transport.as_mut().unwrap().relay = Some(Relay {
        host: host.to_owned(),
        port: 587,
        tls: RelayTls::Required,
        credentials: Some(RelayCredentials {
            user: user.to_owned(),
            password: password.to_owned().into(),
        }),
    });
}

#[test]
fn a_smart_host_gets_no_password_in_clear() {
    let mut system = usual();
    relay(&mut system, "smtp.example", "u", "p");
    let transport = system.transport.as_mut().unwrap();
    transport.relay.as_mut().unwrap().tls = RelayTls::Opportunistic;
    assert_eq!(
        render(&system, DEBIAN_12).unwrap_err(),
        DescriptionError::CredentialsInClear
    );
}

#[test]
fn the_smart_hosts_password_is_in_no_rendered_file() {
    let files = render(&unusual(), DEBIAN_12).unwrap();
    assert!(together(&files).contains("smtp_sasl_password_maps"));
    assert!(!together(&files).contains("p:w"));
    assert!(!format!("{:?}", unusual()).contains("p:w"));
}

proptest! {
    /// Whatever passes the check cannot add a line, so it cannot add a setting.
    #[test]
    fn no_text_of_the_description_becomes_syntax(
        host in "\\PC{0,12}|[a-z0-9.:\\[\\]-]{1,12}|[\\n\\r\\t #{}$\"'<>=,;a-z/]{1,12}",
        path in "/\\PC{0,12}|/[a-z0-9.@+=_/-]{1,12}|/[\\n\\r\\t #{}$\"'<>=,;a-z/]{1,12}",
        user in "\\PC{0,12}|[\\n\\r\\t #{}$\"'<>=,;:a-z/]{1,12}",
    ) {
        let files = |host: &str, path: &str, user: &str| {
            let mut system = unusual();
            system.directories.mail = path.into();
            let transport = system.transport.as_mut().unwrap();
            transport.milters.list[1] = Milter::Unix(path.into());
            let relay = transport.relay.as_mut().unwrap();
            relay.host = host.to_owned();
            relay.credentials.as_mut().unwrap().user = user.to_owned();
            render(&system, DEBIAN_12)
        };
        let usual = files("host", "/path", "user").unwrap();
        if let Ok(rendered) = files(&host, &path, &user) {
            for (file, usual) in rendered.iter().zip(&usual) {
                prop_assert_eq!(file.content.lines().count(), usual.content.lines().count());
                let syntax = |text: &str| text.matches(['{', '}', '$', '#', '<']).count();
                prop_assert_eq!(syntax(&file.content), syntax(&usual.content));
            }
        }
    }
}

/// Runs both engines' own checks on what is rendered; warnings count as mistakes.
#[tokio::test]
async fn the_engines_accept_it_without_a_warning() {
    if !is_root() {
        return;
    }
    for (sessions, processes, base) in [
        (10, ProcessModel::Fast, usual()),
        (1024, ProcessModel::Fast, unusual()),
        (50_000, ProcessModel::Fast, usual()),
        (10, ProcessModel::Hardened, unusual()),
        (5_000, ProcessModel::Hardened, usual()),
    ] {
        let root = instance::directory();
        let mut system = base;
        let private = instance::description(root.path());
        system.sessions = sessions;
        system.processes = processes;
        system.directories = private.directories;
        system.tls = private.tls;
        instance::write_certificate(&system.tls);
        engines::prepare::prepare(&system).unwrap();
        let files = render(&system, DEBIAN_12).unwrap();
        let generations = engines::files::Generations::open(&system.directories.config).unwrap();
        let generation = generations.write(&files).unwrap();
        let conf = generation.path().join("dovecot.conf");
        let postfix = generation.path().join("postfix");
        for arguments in [
            vec!["/usr/bin/doveconf", "-n", "-c", conf.to_str().unwrap()],
            vec!["/usr/sbin/postconf", "-n", "-c", postfix.to_str().unwrap()],
            vec!["/usr/sbin/postconf", "-P", "-c", postfix.to_str().unwrap()],
            vec![
                "/usr/sbin/postfix",
                "-c",
                postfix.to_str().unwrap(),
                "check",
            ],
        ] {
            let output = std::process::Command::new(arguments[0])
                .args(&arguments[1..])
                .output()
                .unwrap();
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?}: {words}");
            assert_eq!(words, "", "{arguments:?} with {sessions} sessions");
        }
        let programs = engines::programs::Programs::find(true).unwrap();
        engines::validate::validate(&programs, generation.path())
            .await
            .unwrap();
    }
}
