//! Coming up, refusing to come up, and going down.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use testkit::process::Process;

use super::support::{Instance, SOON, pid_of, sockets_of, soon, user_of};

#[tokio::test]
async fn workers_hold_the_keepers_sockets_under_accounts_of_their_own() {
    let instance = Instance::new();
    let keeper = instance.serve().await;
    let (web, auth) = (
        instance.worker("web").unwrap(),
        instance.worker("auth").unwrap(),
    );
    let owned = sockets_of(pid_of(&keeper));
    let shared = |pid| {
        sockets_of(pid)
            .iter()
            .filter(|socket| owned.contains(socket))
            .count()
    };
    // The web listener and the admin socket; six doors and the channel.
    assert_eq!((shared(web), shared(auth)), (2, 7));
    assert!(instance.worker("migrate").is_none());
    if rustix::process::geteuid().is_root() {
        assert_eq!((user_of(web), user_of(auth)), (61001, 61002));
        for pid in [web, auth] {
            let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
            assert!(
                status
                    .unwrap()
                    .lines()
                    .any(|line| line.trim_end() == "Groups:")
            );
        }
    }
}

#[tokio::test]
async fn directories_are_closed_to_everybody_else() {
    let instance = Instance::new();
    let _keeper = instance.serve().await;
    let mode = |path: &str| {
        fs::metadata(instance.dir.join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    let root = rustix::process::geteuid().is_root();
    let expected = |as_root: u32| if root { as_root } else { 0o700 };
    assert_eq!(mode("run"), expected(0o711));
    assert_eq!(mode("data"), expected(0o711));
    assert_eq!(mode("data/store"), expected(0o2750));
    assert_eq!(mode("data/store/master.key"), 0o600);
    assert_eq!(mode("run/keys/auth"), 0o400);
    for door in [
        "dovecot-login",
        "dovecot-master",
        "dovecot-userdb",
        "postfix-auth",
        "policy",
    ] {
        assert_eq!(mode(&format!("run/{door}")), expected(0o750), "{door}");
    }
    assert_eq!(mode("run/admin"), 0o600);
}

#[tokio::test]
async fn stops_in_order_and_leaves_nothing() {
    let instance = Instance::new();
    let mut keeper = instance.serve().await;
    let status = keeper.stop().unwrap();
    assert!(status.success(), "{status}: {}", keeper.output());
    assert!(instance.workers().is_empty());
    let left: Vec<_> = walk(&instance.run_dir())
        .into_iter()
        .filter(|path| fs::symlink_metadata(path).unwrap().file_type().is_socket())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // The same directories serve again.
    instance.serve().await;
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_taken_port_is_named_with_its_holder_and_its_key() {
    let instance = Instance::new();
    let _holder = TcpListener::bind(("127.0.0.1", instance.port)).unwrap();
    let (code, words) = instance.refuses();
    let expected = format!(
        "port {} (listen.web) is taken by {} (process {}): stop that program, or set listen.web to \
         another port",
        instance.port,
        fs::read_to_string("/proc/self/comm").unwrap().trim(),
        std::process::id(),
    );
    assert_eq!(code, 5);
    assert!(words.contains(&expected), "{words}");
    assert!(instance.workers().is_empty());
}

#[tokio::test]
async fn a_second_server_in_the_same_place_refuses() {
    let instance = Instance::new();
    let keeper = instance.serve().await;
    let (code, words) = instance.refuses();
    assert_eq!(code, 5);
    let expected = format!("held by process {}", keeper.id());
    assert!(
        words.contains("another gatepost is at work here") && words.contains(&expected),
        "{words}"
    );
    // The first one did not even notice.
    instance.get().unwrap();
}

#[test]
fn missing_accounts_come_with_the_command_that_makes_them() {
    if !testkit::skip::is_root() {
        return;
    }
    let instance = Instance::new();
    let config = instance.dir.join("gatepost.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("web = 61001", "web = \"no-such-web\"");
    fs::write(
        &config,
        text.replace("auth = 61002", "auth = \"no-such-auth\""),
    )
    .unwrap();
    let (code, words) = instance.refuses();
    assert_eq!(code, 5);
    assert!(
        words.contains("missing accounts: no-such-web, no-such-auth"),
        "{words}"
    );
    let command = "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell \
                   /usr/sbin/nologin no-such-web && useradd ";
    assert!(words.contains(command), "{words}");
}

#[test]
fn a_wrong_configuration_says_where_and_exits_with_3() {
    let url = "public_url = \"https://mail.example.org\"\n";
    let cases = [
        (
            format!("{url}[lisen]\nweb = 443"),
            "lisen (line 2): unknown key; did you mean listen?",
        ),
        (
            format!("{url}[listen]\nweb = true"),
            "listen.web (line 3): invalid type: boolean `true`",
        ),
        (
            "public_url = \"http://mail.example.org\"".to_owned(),
            "public_url (line 1): must be https",
        ),
        (
            format!("{url}[run]\ndir = \"/{}\"", "x".repeat(90)),
            "run.dir (line 3): 91 bytes are too long",
        ),
        (
            format!("{url}[listen]\nimap = 993"),
            "listen.imaps: 993 is already taken by listen.imap (993)",
        ),
    ];
    let instance = Instance::new();
    for (text, expected) in cases {
        fs::write(instance.dir.join("gatepost.toml"), &text).unwrap();
        let (code, words) = instance.refuses();
        assert_eq!(code, 3, "{text}");
        assert!(words.contains(expected), "{text}\n{words}");
    }
}

#[test]
fn config_show_check_and_explain() {
    let instance = Instance::new();
    let file = instance.dir.join("gatepost.toml");
    let run = |verb: &[&str]| {
        let mut command = Command::new(&instance.program);
        command
            .arg("config")
            .args(verb)
            .env("GATEPOST_LOG_FILTER", "debug");
        command.output().unwrap()
    };
    let path = file.to_str().unwrap();
    let shown = run(&["show", "--config", path]);
    assert!(
        String::from_utf8(shown.stdout)
            .unwrap()
            .contains("filter = \"debug\"")
    );
    assert!(run(&["check", "--config", path]).status.success());
    let checked = run(&["check", "--json", "--config", path]);
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(checked["problems"], serde_json::json!([]));
    let explained = String::from_utf8(run(&["explain"]).stdout).unwrap();
    assert!(explained.contains("environment: GATEPOST_MAIL_RELAY_HOST"));

    let key = instance.dir.join("key.pem");
    fs::write(&key, "").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let tls = format!("[tls]\nmode = \"files\"\ncert = \"/nonexistent\"\nkey = {key:?}\n");
    fs::write(&file, fs::read_to_string(&file).unwrap() + &tls).unwrap();
    let checked = run(&["check", "--config", path]);
    assert_eq!(checked.status.code(), Some(3));
    let words = String::from_utf8(checked.stderr).unwrap();
    assert!(
        words.contains("tls.cert: cannot read /nonexistent"),
        "{words}"
    );
    assert!(
        words.contains("tls.key: everybody on this machine can read it"),
        "{words}"
    );
}

#[tokio::test]
async fn https_shows_the_configured_certificate_and_takes_over_a_new_one() {
    let authority = testkit::tls::Authority::new().unwrap();
    let instance = Instance::new();
    let (cert, key) = (instance.dir.join("cert.pem"), instance.dir.join("key.pem"));
    let put = |names: &[&str]| {
        let pair = authority.issue(names).unwrap();
        fs::write(&cert, pair.certificate_pem).unwrap();
        fs::write(&key, pair.key_pem).unwrap();
    };
    put(&["one.example.org"]);
    let config = instance.dir.join("gatepost.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("http://127.0.0.1", "https://one.example.org");
    let tls = format!("[tls]\nmode = \"files\"\ncert = {cert:?}\nkey = {key:?}\n");
    fs::write(&config, text + &tls).unwrap();
    let ca = instance.dir.join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let fetch = |name: &str| {
        let url = format!("https://{name}:{}/healthz", instance.port);
        let to = format!("{name}:{}:127.0.0.1", instance.port);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--cacert"]).arg(&ca);
        curl.args(["--resolve", &to, &url])
            .output()
            .unwrap()
            .status
            .success()
    };
    let keeper = testkit::process::Process::start(instance.command()).unwrap();
    soon("the first certificate", async || {
        fetch("one.example.org").then_some(())
    })
    .await;
    assert!(!fetch("two.example.org"), "{}", keeper.output());
    put(&["two.example.org"]);
    let taken_over = async || fetch("two.example.org").then_some(());
    testkit::poll::until("the second certificate", 2 * SOON, taken_over)
        .await
        .unwrap();
    // A pair that does not fit changes nothing.
    fs::write(&key, authority.issue(&["x"]).unwrap().key_pem).unwrap();
    rustix::process::kill_process(pid_of(&keeper), Signal::HUP).unwrap();
    soon("the complaint", async || {
        keeper
            .output()
            .contains("the last good one stays")
            .then_some(())
    })
    .await;
    assert!(fetch("two.example.org"));
}

/// A mistyped path must not close somebody else's directory to them.
#[test]
fn directories_of_others_are_refused_and_left_as_they_are() {
    for name in ["data", "run"] {
        let instance = Instance::new();
        let place = instance.dir.join(name);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("theirs"), "").unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o775)).unwrap();
        let (code, words) = instance.refuses();
        assert_eq!(code, 5, "{words}");
        let said = format!("{} holds files that are not Gatepost's", place.display());
        assert!(words.contains(&said), "{words}");
        let mode = fs::metadata(&place).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o775);
    }
}

/// Workers serve thousands of connections.
#[tokio::test]
async fn workers_may_open_as_many_files_as_the_system_allows() {
    let instance = Instance::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 300 && exec \"$0\" serve --config \"$1\""])
        .arg(&instance.program)
        .arg(instance.dir.join("gatepost.toml"));
    let keeper = Process::start(command).unwrap();
    for role in ["web", "auth"] {
        let limits = soon(&format!("the {role} worker"), async || {
            let pid = instance.worker(role)?.as_raw_nonzero();
            fs::read_to_string(format!("/proc/{pid}/limits")).ok()
        })
        .await;
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let words: Vec<_> = line.unwrap().split_whitespace().collect();
        assert_eq!(words[3], words[4], "soft and hard: {}", keeper.output());
    }
}

/// A mechanism that nobody offered carries nothing to guess: an engine or a program at fault must
/// not use up what a whole office may get wrong.
#[tokio::test]
async fn what_was_not_offered_counts_against_nobody() {
    let instance = Instance::new();
    let _keeper = instance.serve().await;
    let mut client = instance.auth_client().unwrap();
    let wrong = client.ask(1).unwrap();
    assert!(wrong.starts_with("FAIL\t1"), "{wrong}");
    for id in 2..150 {
        let answer = client.ask_by(id, "CRAM-MD5").unwrap();
        assert!(answer.starts_with(&format!("FAIL\t{id}")), "{answer}");
    }
    let still = client.ask(1).unwrap();
    assert_eq!(still, wrong, "wrong, and not one try too many");
}
