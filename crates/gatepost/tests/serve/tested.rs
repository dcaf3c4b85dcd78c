//! A test sign-in beside running engines: it leaves them, their configuration and the outbox alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab::{Handle, Options};
use model::time::Timestamp;
use rustix::process::Pid;
use serde_json::Value;
use store::Store;
use store::outbox::{Lane, OutboxRow};
use testkit::browser::{Browser, Form, Page, Tab};
use tokio::net::TcpListener;

use super::engines::keeper_stops;
use super::mail::MailInstance;
use super::support::SOON;

const PASSWORD: &str = "a gate needs two posts";
const SECRET: &str = "a secret only this test knows";

/// Everything of the engines that a sign-in could change.
#[derive(Debug, PartialEq)]
struct Engines {
    /// Rendered configuration and the keys it names: when each file was written, and its bytes.
    files: BTreeMap<PathBuf, (i64, i64, Vec<u8>)>,
    /// The generation in force.
    current: PathBuf,
    /// The engines' masters: a reload in place of a restart shows in the files.
    masters: Vec<(String, Pid)>,
    /// Side effects that wait, in both lanes, whenever they are due.
    outbox: Vec<OutboxRow<Value>>,
}

impl Engines {
    async fn picture(server: &MailInstance) -> Self {
        let data = server.instance.dir.join("data");
        let config = data.join("engines");
        let mut files = BTreeMap::new();
        read(&config, &mut files);
        read(&server.instance.run_dir().join("secret"), &mut files);
        // What the engines say of themselves is no state of theirs.
        files.retain(|path, _| path.extension().is_none_or(|kind| kind != "log"));
        assert!(files.len() > 5, "{:?}", files.keys());
        let store = Store::open_read_only(&data.join("store/gatepost.db"));
        let mut read = store.read().unwrap();
        let mut outbox = Vec::new();
        for lane in [Lane::Engines, Lane::Mail] {
            let ever = Timestamp(i64::MAX);
            let due = store::outbox::due::<Value>(&mut read, lane, ever, 100).await;
            outbox.extend(due.unwrap());
        }
        Self {
            files,
            current: fs::read_link(config.join("current")).unwrap(),
            masters: server.instance.masters(),
            outbox,
        }
    }
}

fn read(directory: &Path, files: &mut BTreeMap<PathBuf, (i64, i64, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            read(&path, files);
        } else if kind.is_file() {
            let told = entry.metadata().unwrap();
            let bytes = fs::read(&path).unwrap();
            files.insert(path, (told.mtime(), told.mtime_nsec(), bytes));
        }
    }
}

/// `gatepost` with the instance's configuration.
fn run(server: &MailInstance, words: &[&str], input: &str) {
    let mut command = Command::new(&server.instance.program)
        .args(words)
        .arg("--config")
        .arg(server.instance.dir.join("gatepost.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = command.stdin.take().unwrap();
    typed.write_all(input.as_bytes()).unwrap();
    drop(typed);
    let output = command.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// The sample company as a provider, whose staff get a template for everything.
async fn company(server: &MailInstance, base: &str) -> Handle {
    let company = lab::sample::company("example.org");
    let redirect = format!("{base}/sso/example/callback");
    company.add_client(lab::Client::new("mail", SECRET, &redirect));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let company = lab::serve(listener, company, Options::default())
        .await
        .unwrap();
    let domain = ["--max-mailboxes", "5", "--default-quota", "1G"];
    run(
        server,
        &[&["domain", "add", "example.org"][..], &domain].concat(),
        "",
    );
    for (name, protocols) in [("Staff", "all"), ("Web only", "none")] {
        let add = ["template", "add", name, "--quota", "1G"];
        run(
            server,
            &[&add[..], &["--protocols", protocols]].concat(),
            "",
        );
    }
    let client = ["--client-id", "mail", "--secret-stdin"];
    let reach = ["--domain", "example.org", "--allow-host", "127.0.0.1"];
    let add = ["provider", "add", "Example", "--issuer", company.issuer()];
    let scopes = ["--scopes", "openid profile email mailcow_template"];
    let on = ["--active", "yes", "--untested"];
    run(
        server,
        &[&add[..], &client, &reach, &scopes, &on].concat(),
        SECRET,
    );
    let add = ["rule", "add", "example", "--value", "staff"];
    run(server, &[&add[..], &["--template", "Staff"]].concat(), "");
    company
}

fn filled(page: &Page, name: (&str, &str), password: &str) -> Form {
    let form = page.form_with_button("Sign in").unwrap();
    let form = form.fill(name.0, name.1).unwrap();
    form.fill("password", password).unwrap()
}

/// Opens an address that leads to the company, and signs in there.
async fn by_company(tab: &mut Tab, url: &str, login: &str) -> Page {
    let page = tab.open(url).await.unwrap();
    let form = filled(&page, ("username", login), lab::sample::PASSWORD);
    tab.submit(form).await.unwrap()
}

/// What the page of an administrator's test sign-in says.
async fn tested(base: &str, login: &str) -> Page {
    let mut tab = Browser::new().unwrap().tab();
    let page = tab.open(base).await.unwrap();
    let form = filled(&page, ("name", "root"), PASSWORD);
    tab.submit(form).await.unwrap();
    let begin = format!("{base}/admin/providers/example/test");
    let page = by_company(&mut tab, &begin, login).await;
    assert!(page.url().path().contains("/tests/"), "{}", page.text());
    page
}

async fn signed_in(base: &str, login: &str) {
    let mut tab = Browser::new().unwrap().tab();
    let begin = format!("{base}/sso/example/start");
    let page = by_company(&mut tab, &begin, login).await;
    assert!(page.status().is_success(), "{}", page.text());
}

#[tokio::test]
async fn a_test_sign_in_leaves_the_engines_alone() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    let create = ["admin", "create", "root", "--email", "root@example.net"];
    run(
        &server,
        &[&create[..], &["--password-stdin"]].concat(),
        PASSWORD,
    );
    let base = format!("http://127.0.0.1:{}", server.instance.port);
    let company = company(&server, &base).await;
    signed_in(&base, "alice").await;
    let phone = server.device("Phone").await;
    // From here on her next sign-in takes her mail programs away.
    let edit = ["rule", "edit", "example", "1", "--template", "Web only"];
    run(&server, &edit, "");

    let before = Engines::picture(&server).await;
    let refused = tested(&base, "carol").await;
    let verdict = refused.text_of(".verdict h2").unwrap();
    assert_eq!(verdict, "Refused: SSO-405");
    assert_eq!(Engines::picture(&server).await, before, "refused");

    let mut idle = server.idle(&phone).await;
    let passed = tested(&base, "alice").await;
    assert_eq!(passed.text_of(".verdict h2").unwrap(), "It works");
    assert!(passed.text().contains("Web only"), "{}", passed.text());
    assert_eq!(Engines::picture(&server).await, before, "passed");
    assert!(idle.ended().unwrap().is_none(), "{}", idle.output());

    // The sign-in itself does what the test only showed.
    signed_in(&base, "alice").await;
    idle.says("ended: ", SOON).await.unwrap();
    company.stop().await;
    keeper_stops(&mut keeper).await;
}
