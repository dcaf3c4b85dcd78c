//! Start, change, failure and end of the real engines.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::eventually;
use crate::support::gatepost::{self, PASSWORD, Table};
use crate::support::instance::{self, Instance, any, free_port, pace, processes_in};
use crate::support::wire::Wire;
use engines::description::{Accounts, Ids, MailSystem};
use engines::programs::Programs;
use engines::supervise::{Engine, EnginesError, Pace, State};
use engines::{Engines, layout::Layout};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use testkit::skip::is_root;

const ALICE: &str = "alice@example.test";

async fn sign_in(system: &MailSystem) -> Wire {
    let address = system.store.imaps[0];
    Wire::imap_login(address, &system.tls.certificate, ALICE, PASSWORD).await
}

async fn greeted_by_postfix(system: &MailSystem) {
    let address = system.transport.as_ref().unwrap().smtp[0];
    let mut smtp = Wire::plain(address).await;
    let greeting = smtp.reply().await;
    assert!(greeting.starts_with("220 "), "{greeting}");
}

fn pid_in(file: &Path) -> Pid {
    let text = std::fs::read_to_string(file).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

fn dovecot_pid(system: &MailSystem) -> Pid {
    pid_in(
        &Layout::of(&system.directories)
            .dovecot_run()
            .join("master.pid"),
    )
}

fn postfix_pid(system: &MailSystem) -> Pid {
    pid_in(&system.directories.queue.join("pid/master.pid"))
}

#[tokio::test]
async fn a_change_comes_into_force_without_ending_sessions() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let mut session = sign_in(&instance.system).await;
    let mut changed = instance.system.clone();
    changed.store.pop3s = vec![free_port()];
    changed.message_size_limit = 1_000_000;
    changed.transport.as_mut().unwrap().smtp.push(free_port());
    instance.engines.apply(changed.clone()).await.unwrap();

    let added = changed.transport.as_ref().unwrap().smtp[1];
    let mut smtp = Wire::plain(added).await;
    let offered = smtp.ehlo().await;
    assert!(offered.contains("SIZE 1000000"), "{offered}");
    let ca = &changed.tls.certificate;
    let mut pop = Wire::tls(changed.store.pop3s[0], ca).await;
    assert!(pop.line().await.starts_with("+OK"));
    let answer = session.imap("NOOP").await;
    assert!(answer.contains("OK"), "{answer}");
    instance.stop().await;
}

/// F9: whatever way a configuration fails, what ran before goes on.
#[tokio::test]
async fn a_configuration_that_fails_leaves_the_last_good_one_running() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let mut session = sign_in(&instance.system).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();

    type Change = fn(&mut MailSystem, std::net::SocketAddr);
    let cases: [(&str, Change); 4] = [
        // Nothing rendered.
        ("both listen", |s, _| s.store.imaps = s.store.imap.clone()),
        // Dovecot's own check would accept it.
        ("nosuchuser", |s, _| {
            s.accounts = Accounts::Separate {
                mail: instance::MAIL,
                dovecot: "nosuchuser".to_owned(),
                dovecot_login: "dovenull".to_owned(),
                postfix: "postfix".to_owned(),
                postdrop: "postdrop".to_owned(),
            };
        }),
        ("Address already in use", |s, taken| {
            s.store.pop3 = vec![taken];
        }),
        ("Address already in use", |s, taken| {
            s.transport.as_mut().unwrap().smtp.push(taken);
        }),
    ];
    for (n, (words, change)) in cases.into_iter().enumerate() {
        let mut changed = instance.system.clone();
        changed.message_size_limit = 99_999;
        change(&mut changed, taken.1);
        let error = instance.engines.apply(changed).await.unwrap_err();
        assert!(error.to_string().contains(words), "case {n}: {error}");
        let status = instance.engines.status();
        assert_eq!(status.refused, Some(error.to_string()), "case {n}");
        assert!(matches!(status.dovecot, State::Running { .. }), "case {n}");

        let answer = session.imap("NOOP").await;
        assert!(answer.contains("OK"), "case {n}: {answer}");
        sign_in(&instance.system).await;
        let mut smtp = Wire::plain(instance.transport().smtp[0]).await;
        let offered = smtp.ehlo().await;
        assert!(offered.contains("SIZE 52428800"), "case {n}: {offered}");
    }
    instance
        .engines
        .apply(instance.system.clone())
        .await
        .unwrap();
    assert_eq!(instance.engines.status().refused, None);
    instance.stop().await;
}

#[tokio::test]
async fn a_start_with_a_bad_configuration_uses_the_last_good_one_and_says_so() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let (system, root) = (instance.system, instance.root);
    instance.engines.stop().await;
    let mut changed = system.clone();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    changed.store.pop3 = vec![taken.local_addr().unwrap()];
    // What ran before listened elsewhere: it must be asked where.
    changed.transport.as_mut().unwrap().sieve_submission = free_port();
    let engines = Engines::start(changed.clone(), pace()).await.unwrap();
    let refused = engines.status().refused.unwrap();
    assert!(refused.contains("Address already in use"), "{refused}");
    sign_in(&system).await;
    engines.stop().await;

    // With nothing to fall back to it is an error, and nothing runs.
    std::fs::remove_dir_all(&system.directories.config).unwrap();
    let error = Engines::start(changed, pace()).await.unwrap_err();
    assert!(matches!(error, EnginesError::Address(_)), "{error}");
    assert_eq!(processes_in(root.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_configuration_that_is_accepted_but_does_not_start_gives_way_to_the_last_good_one() {
    if !is_root() {
        return;
    }
    let without_quota = |system: &mut MailSystem| system.store.quota = false;
    let instance = Instance::with(without_quota, 0, pace()).await;
    let (mut system, _root) = (instance.system, instance.root);
    instance.engines.stop().await;
    // Only with quota Dovecot wants a socket of this name.
    let layout = Layout::of(&system.directories);
    std::fs::create_dir(layout.quota_socket()).unwrap();
    system.store.quota = true;
    let engines = Engines::start(system.clone(), pace()).await.unwrap();
    let refused = engines.status().refused.unwrap();
    assert!(refused.contains("quota-status"), "{refused}");
    sign_in(&system).await;
    greeted_by_postfix(&system).await;
    engines.stop().await;
}

#[tokio::test]
async fn a_reload_that_dovecot_refuses_is_an_error_in_its_words() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let conf = Layout::of(&instance.system.directories).dovecot_conf();
    let good = std::fs::read_to_string(&conf).unwrap();
    let broken = good.replace("user = postfix", "user = nosuchuser");
    std::fs::write(&conf, broken).unwrap();
    let error = instance.engines.reload().await.unwrap_err();
    assert!(error.to_string().contains("nosuchuser"), "{error}");
    sign_in(&instance.system).await;
    std::fs::write(&conf, good).unwrap();
    instance.engines.reload().await.unwrap();
    instance.stop().await;
}

#[tokio::test]
async fn one_engine_shows_a_new_certificate_although_the_other_cannot_reload() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let tls = &instance.system.tls;
    let conf = Layout::of(&instance.system.directories).dovecot_conf();
    let good = std::fs::read_to_string(&conf).unwrap();
    let broken = good.replace("user = postfix", "user = nosuchuser");
    std::fs::write(&conf, broken).unwrap();
    instance::write_certificate(tls);
    let error = instance.engines.certificates_changed().await.unwrap_err();
    assert!(error.to_string().contains("nosuchuser"), "{error}");
    let shows = async |address| {
        eventually("the new certificate", async || {
            Wire::try_tls(address, &tls.certificate).await.ok()
        })
        .await;
    };
    shows(instance.transport().submissions[0]).await;
    std::fs::write(&conf, good).unwrap();
    instance.engines.certificates_changed().await.unwrap();
    shows(instance.system.store.imaps[0]).await;
    instance.stop().await;
}

#[tokio::test]
async fn a_configuration_an_engine_refuses_is_reported_in_its_words() {
    if !is_root() {
        return;
    }
    let root = instance::directory();
    let system = instance::description(root.path());
    instance::write_certificate(&system.tls);
    engines::prepare::prepare(&system).unwrap();
    let programs = Programs::find(true).unwrap();
    let releases = programs.releases().await.unwrap();
    let good = engines::render::render(&system, releases).unwrap();
    let generations = engines::files::Generations::open(&system.directories.config).unwrap();
    for (file, broken, words) in [
        ("dovecot.conf", "no_such_setting = 1", "no_such_setting"),
        (
            "postfix/main.cf",
            "smtpd_sasl_pathh = /x",
            "smtpd_sasl_pathh",
        ),
        (
            "postfix/main.cf",
            "mail_owner = nosuchuser",
            "without a word",
        ),
        ("postfix/master.cf", "smtp inet n", "master.cf"),
    ] {
        let mut files = good.clone();
        let target = files
            .iter_mut()
            .find(|rendered| rendered.path == Path::new(file))
            .unwrap();
        target.content.push_str(&format!("{broken}\n"));
        let generation = generations.write(&files).unwrap();
        let refused = engines::validate::validate(&programs, generation.path())
            .await
            .unwrap_err();
        assert!(refused.words.contains(words), "{file}: {refused}");
    }
}

/// F9.
#[tokio::test]
async fn an_engine_that_crashes_comes_back() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    for engine in [Engine::Dovecot, Engine::Postfix] {
        let mut state = instance.engines.follow(engine).unwrap();
        let before = state.borrow_and_update().clone();
        assert!(matches!(before, State::Running { .. }), "{before:?}");
        let pid = match engine {
            Engine::Dovecot => dovecot_pid(&instance.system),
            Engine::Postfix => postfix_pid(&instance.system),
        };
        kill_process(pid, Signal::KILL).unwrap();
        let failed = state
            .wait_for(|state| matches!(state, State::Waiting { .. }))
            .await
            .unwrap()
            .clone();
        assert!(matches!(failed, State::Waiting { failures: 1, .. }));
        let back = state
            .wait_for(|state| matches!(state, State::Running { .. }))
            .await
            .unwrap()
            .clone();
        assert_ne!(before, back);
    }
    sign_in(&instance.system).await;
    greeted_by_postfix(&instance.system).await;
    instance.stop().await;
}

/// F9.
#[tokio::test]
async fn an_engine_that_hangs_is_restarted() {
    if !is_root() {
        return;
    }
    let impatient = Pace {
        patience: Duration::from_millis(500),
        probe_every: Duration::from_millis(300),
        probe_limit: Duration::from_millis(700),
        probe_failures: 2,
        ..pace()
    };
    let instance = Instance::with(|_| {}, 100 << 20, impatient).await;
    let mut state = instance.engines.follow(Engine::Dovecot).unwrap();
    kill_process_group(dovecot_pid(&instance.system), Signal::STOP).unwrap();
    state
        .wait_for(|state| matches!(state, State::Unresponsive { .. }))
        .await
        .unwrap();
    let failed = state
        .wait_for(|state| matches!(state, State::Waiting { .. }))
        .await
        .unwrap()
        .clone();
    let State::Waiting { words, .. } = failed else {
        panic!("{failed:?}");
    };
    assert!(words.contains("does not answer"), "{words}");
    state
        .wait_for(|state| matches!(state, State::Running { .. }))
        .await
        .unwrap();
    sign_in(&instance.system).await;
    instance.stop().await;
}

#[tokio::test]
async fn an_engine_that_cannot_start_is_tried_again_ever_more_slowly() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let mut state = instance.engines.follow(Engine::Postfix).unwrap();
    let address = instance.transport().smtp[0];
    let main_cf = Layout::of(&instance.system.directories)
        .postfix_directory()
        .join("main.cf");
    let good = std::fs::read_to_string(&main_cf).unwrap();
    std::fs::write(&main_cf, format!("{good}\nmail_owner = nosuchuser\n")).unwrap();
    kill_process(postfix_pid(&instance.system), Signal::KILL).unwrap();
    let mut delays = Vec::new();
    for wanted in 2..=3 {
        let waiting = state
            .wait_for(
                |state| matches!(state, State::Waiting { failures, .. } if *failures == wanted),
            )
            .await
            .unwrap()
            .clone();
        let State::Waiting { delay, words, .. } = waiting else {
            panic!("{waiting:?}");
        };
        assert!(words.contains("exit status: 1"), "{words}");
        delays.push(delay);
    }
    assert_eq!(delays[1], delays[0] * 2);
    // Dovecot is not touched by it, and the cure is taken up.
    sign_in(&instance.system).await;
    std::fs::write(&main_cf, good).unwrap();
    state
        .wait_for(|state| matches!(state, State::Running { .. }))
        .await
        .unwrap();
    Wire::plain(address).await.ehlo().await;
    instance.stop().await;
}

/// F11.
#[tokio::test]
async fn a_new_certificate_is_shown_by_both_engines_and_a_wrong_one_is_not() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    let tls = &instance.system.tls;
    let address = instance.system.store.imaps[0];
    let transport = instance.transport();
    let mut session = sign_in(&instance.system).await;
    let old = instance.root.path().join("old.pem");
    std::fs::copy(&tls.certificate, &old).unwrap();
    let old_key = std::fs::read(&tls.key).unwrap();

    instance::write_certificate(tls);
    let new_key = std::fs::read(&tls.key).unwrap();
    std::fs::write(&tls.key, old_key).unwrap();
    let error = instance.engines.certificates_changed().await.unwrap_err();
    assert!(matches!(error, EnginesError::Certificate(_)), "{error}");
    Wire::try_tls(address, &old).await.unwrap();

    std::fs::write(&tls.key, new_key).unwrap();
    instance.engines.certificates_changed().await.unwrap();
    for shown in [address, transport.submissions[0]] {
        eventually("the new certificate", async || {
            Wire::try_tls(shown, &tls.certificate).await.ok()
        })
        .await;
        assert!(Wire::try_tls(shown, &old).await.is_err());
    }
    let answer = session.imap("NOOP").await;
    assert!(answer.contains("OK"), "{answer}");
    instance.stop().await;
}

#[tokio::test]
async fn a_dropped_handle_leaves_no_engine_behind() {
    if !is_root() {
        return;
    }
    let instance = Instance::start().await;
    drop(instance.engines);
    let root = instance.root.path().to_owned();
    eventually("nothing runs any more", async || {
        processes_in(&root).is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn engines_left_by_a_killed_keeper_are_found_and_ended() {
    if !is_root() {
        return;
    }
    let root = instance::directory();
    let mut keeper = again(
        "supervision::keeper_that_will_be_killed",
        root.path(),
        &std::env::current_exe().unwrap(),
    )
    .spawn()
    .unwrap();
    let ready = root.path().join("ready");
    eventually("the keeper's engines run", async || {
        ready.is_file().then_some(())
    })
    .await;
    keeper.kill().unwrap();
    keeper.wait().unwrap();
    let left = processes_in(root.path());
    assert!(
        left.iter().any(|line| line.contains("dovecot -F")),
        "{left:?}"
    );
    assert!(left.iter().any(|line| line.contains("postfix")), "{left:?}");

    // The same instance again, with the same ports: they must be free.
    let system = ports_from(root.path());
    let table = Table::new(&system.directories.mail, instance::MAIL, 1 << 20);
    gatepost::serve(&system.sockets, &table);
    let engines = Engines::start(system.clone(), pace()).await.unwrap();
    sign_in(&system).await;
    greeted_by_postfix(&system).await;
    engines.stop().await;
    assert_eq!(processes_in(root.path()), Vec::<String>::new());
}

const ROOT: &str = "GATEPOST_TEST_ROOT";

/// This test binary once more, for one of the ignored tests below.
fn again(test: &str, root: &Path, binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["--exact", test, "--ignored"])
        .env(ROOT, root)
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// The description whose ports the keeper below chose.
fn ports_from(root: &Path) -> MailSystem {
    let mut system = instance::description(root);
    let text = std::fs::read_to_string(root.join("ports")).unwrap();
    let ports: Vec<std::net::SocketAddr> = text.lines().map(|l| l.parse().unwrap()).collect();
    system.store.imaps = vec![ports[0]];
    let transport = system.transport.as_mut().unwrap();
    transport.smtp = vec![ports[1]];
    transport.sieve_submission = ports[2];
    system
}

#[tokio::test]
#[ignore = "run by engines_left_by_a_killed_keeper_are_found_and_ended"]
async fn keeper_that_will_be_killed() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else {
        return;
    };
    let ports: Vec<String> = (0..3).map(|_| free_port().to_string()).collect();
    std::fs::write(root.join("ports"), ports.join("\n")).unwrap();
    let system = ports_from(&root);
    instance::write_certificate(&system.tls);
    let table = Table::new(&system.directories.mail, instance::MAIL, 1 << 20);
    gatepost::serve(&system.sockets, &table);
    let _engines = Engines::start(system, pace()).await.unwrap();
    std::fs::write(root.join("ready"), "").unwrap();
    std::future::pending::<()>().await;
}

/// Debian's account for nobody in particular.
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn an_ordinary_account_runs_dovecot_alone() {
    if !is_root() {
        return;
    }
    let root = instance::directory();
    std::os::unix::fs::chown(root.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // The build directory may be closed to other accounts.
    let binary = root.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let mut command = again("supervision::as_an_ordinary_account", root.path(), &binary);
    std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
    std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}");
    assert!(words.contains("1 passed"), "{words}");
}

#[tokio::test]
#[ignore = "run by an_ordinary_account_runs_dovecot_alone"]
async fn as_an_ordinary_account() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else {
        return;
    };
    let mut system = instance::description(&root);
    system.store.imap = vec![any(free_port())];
    system.accounts = Accounts::Single {
        user: "nobody".to_owned(),
        group: "nogroup".to_owned(),
        ids: Ids {
            uid: NOBODY,
            gid: NOBODY,
        },
    };
    system.transport = None;
    instance::write_certificate(&system.tls);
    let table = Table::new(&system.directories.mail, system.accounts.mail(), 1 << 20);
    gatepost::serve(&system.sockets, &table);
    let engines = Engines::start(system.clone(), pace()).await.unwrap();
    let mut imap = sign_in(&system).await;
    let answer = imap.imap("GETQUOTAROOT INBOX").await;
    assert!(answer.contains("1024"), "{answer}");
    let kicker = engines::kick::Kicker::new(
        engines::layout::kick_endpoint(&system),
        instance::API_KEY.to_owned().into(),
    );
    let alice = model::address::Address::parse(ALICE).unwrap();
    assert_eq!(kicker.kick(&alice).await.unwrap(), 1);
    assert!(imap.line().await.starts_with("* BYE"));
    engines.stop().await;
}
