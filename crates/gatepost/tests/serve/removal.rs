//! The mail of deleted mailboxes goes, and nothing else does.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gatepost::administration::Request;
use gatepost::administration::mailboxes::MailboxRequest;
use testkit::poll::until;
use testkit::process::Process;

use super::engines::keeper_stops;
use super::mail::{MailInstance, alice};
use super::support::{Instance, SOON, soon};

/// Of `[users]` in the tests' configuration.
pub(crate) const MAIL: u32 = 61003;

/// Runs SQL on the store of an instance that does not run; returns the first value, or nothing.
fn sql(instance: &Instance, statement: &str) -> String {
    const SCRIPT: &str = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1])\n\
        row = store.execute(sys.argv[2]).fetchone()\n\
        store.commit()\n\
        print(row[0] if row else '')\n";
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(instance.dir.join("data/store/gatepost.db"))
        .arg(statement)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{statement}: {words}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Removals that are still to be done.
fn waiting(instance: &Instance) -> String {
    sql(instance, "SELECT count(*) FROM deleted_mail")
}

/// The directories of all mailboxes.
pub(crate) fn homes(mail: &Path) -> Vec<PathBuf> {
    let inside = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    inside(mail)
        .flat_map(|shelf| inside(&shelf.path()))
        .map(|home| home.path())
        .collect()
}

#[tokio::test]
async fn deleted_mail_goes_when_its_time_has_come() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let phone = server.device("Phone").await;
    let programs = server.log_in_loop(&phone, 1);
    programs.succeed(1).await;
    programs.finish().await;
    let [home] = homes(&server.instance.dir.join("data/mail"))
        .try_into()
        .unwrap();
    // Made by Dovecot, and closed to our other accounts.
    let data = fs::metadata(&home).unwrap();
    assert_eq!((data.uid(), data.mode() & 0o077), (MAIL, 0));
    server
        .ask(Request::Mailbox(MailboxRequest::Delete(alice())))
        .await;
    keeper_stops(&mut keeper).await;
    assert!(home.exists());

    sql(&server.instance, "UPDATE deleted_mail SET remove_at = 0");
    let mut keeper = server.serve().await;
    soon("the removal", async || (!home.exists()).then_some(())).await;
    let said = "the mail of a deleted mailbox is gone";
    soon(said, async || keeper.output().contains(said).then_some(())).await;
    keeper_stops(&mut keeper).await;
    assert_eq!(waiting(&server.instance), "0");
}

/// Runs the server, under an account of its own if there is one.
async fn serve(instance: &Instance, account: Option<u32>) -> Process {
    let mut command = instance.command();
    if let Some(account) = account {
        command.uid(account).gid(account);
    }
    let keeper = Process::start(command).unwrap();
    let up = async || keeper.output().contains("gatepost is up").then_some(());
    until("the server", SOON, up)
        .await
        .unwrap_or_else(|error| panic!("{error}:\n{}", keeper.output()));
    keeper
}

/// A mailbox's directory with a message.
fn mailbox(mail: &Path, directory: &str, owner: Option<u32>) -> PathBuf {
    let home = mail.join(directory);
    fs::create_dir_all(home.join("cur")).unwrap();
    fs::write(home.join("cur/1"), "Subject: hello").unwrap();
    for path in [mail, home.parent().unwrap(), &home, &home.join("cur")] {
        chown(path, owner, owner).unwrap();
    }
    home
}

async fn what_is_due_goes_and_nothing_else(account: Option<u32>) {
    let instance = Instance::new();
    if let Some(account) = account {
        chown(instance.dir.path(), Some(account), Some(account)).unwrap();
    }
    serve(&instance, account).await.stop().unwrap();
    let root = rustix::process::geteuid().is_root();
    let owner = account.or(root.then_some(MAIL));
    let mail = instance.dir.join("data/mail");
    let [doomed, named, neighbour] = ["0aab", "0bab", "0cab"].map(|end| {
        let directory = format!("ab/0000000000007000800000000000{end}");
        (mailbox(&mail, &directory, owner), directory)
    });
    symlink(&neighbour.0, doomed.0.join("link")).unwrap();
    let id = |directory: &str| directory.trim_start_matches("ab/").to_owned();
    let put = |directory: &str| {
        let row = format!(
            "(X'{}', 0, 'gone@example.org', 0, 'test', 0)",
            id(directory)
        );
        let put = "INSERT INTO deleted_mail VALUES";
        sql(&instance, &format!("{put} {row}"));
    };
    // A former life's name: its removal may have been taken back with a restored backup.
    let spool = instance.dir.join("data/removals");
    fs::write(spool.join(id(&named.1)), "").unwrap();

    let mut keeper = serve(&instance, account).await;
    soon("the former life's name to go", async || {
        (!spool.join(id(&named.1)).exists()).then_some(())
    })
    .await;
    keeper.stop().unwrap();
    put(&doomed.1);
    let mut keeper = serve(&instance, account).await;
    // In the spool, but not as the web worker writes it.
    fs::write(spool.join(id(&named.1).to_uppercase()), "").unwrap();
    fs::write(spool.join(format!("{}0", id(&named.1))), "").unwrap();
    symlink(&mail, spool.join(id(&named.1))).unwrap();
    soon("the removal", async || (!doomed.0.exists()).then_some(())).await;
    let said = "the mail of a deleted mailbox is gone";
    soon(said, async || keeper.output().contains(said).then_some(())).await;
    keeper.stop().unwrap();
    for (home, _) in [named, neighbour] {
        assert!(home.join("cur/1").exists(), "{}", home.display());
    }
    assert!(!spool.join(id(&doomed.1)).exists());
    assert_eq!(waiting(&instance), "0");
}

#[tokio::test]
async fn separate_accounts_remove_what_is_due_and_nothing_else() {
    what_is_due_goes_and_nothing_else(None).await;
}

#[tokio::test]
async fn one_account_removes_what_is_due_and_nothing_else() {
    if testkit::skip::is_root() {
        what_is_due_goes_and_nothing_else(Some(61004)).await;
    }
}
