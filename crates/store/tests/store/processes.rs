//! The store across processes: a read-only reader beside a living, killed or closed writer, the
//! loss of nothing acknowledged at a kill, and a disk that refuses.
//!
//! Other processes are this test program itself, run for one of the `child_…` tests below.

use crate::support::TempStore;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::{Conn, Store, StoreError, settings};

const STORE: &str = "GATEPOST_TEST_STORE";

/// Prepares a child: `test` of `program` on the store `file`.
fn child(program: &Path, test: &str, file: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(test)
        .env(STORE, file)
        .stdout(Stdio::piped());
    command
}

fn this() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

/// The store named for a child; `None` when somebody runs the ignored tests by hand.
fn named() -> Option<std::path::PathBuf> {
    std::env::var_os(STORE).map(Into::into)
}

/// What a reading child prints.
fn read_elsewhere(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| line.split_once("seen: "))
        .map_or(text.clone(), |(_, seen)| seen.to_owned())
}

#[tokio::test]
#[ignore = "a child process of the tests below"]
async fn child_reader() {
    let Some(file) = named() else { return };
    let store = Store::open_read_only(&file);
    let seen = match store.read() {
        Ok(mut sql) => settings::get(&mut sql, "seen").await,
        Err(error) => Err(error),
    };
    println!("seen: {seen:?}");
}

/// Writes pairs of rows, and prints each number once its write is acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child process of the tests below"]
async fn child_writer() {
    let Some(file) = named() else { return };
    let store = Store::open(&file).unwrap();
    println!("writing");
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let number = n * 8 + task;
                    if let Err(error) = store.write(async move |sql| pair(sql, number).await).await
                    {
                        println!("failed: {error}");
                        return;
                    }
                    // One write call a line, so that a killed process leaves whole lines.
                    let line = format!("{number}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut sql = store.read().unwrap();
    println!("readable: {}", numbers(&mut sql, "a").await.len());
}

/// A change and its record.
async fn pair(sql: &mut Conn, number: i64) -> Result<(), StoreError> {
    settings::set(sql, &format!("a{number}"), "1").await?;
    settings::set(sql, &format!("b{number}"), "1").await
}

async fn numbers(sql: &mut Conn, prefix: &str) -> std::collections::BTreeSet<i64> {
    sql.all("SELECT name FROM meta", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<String>("name").unwrap())
        .filter_map(|name| name.strip_prefix(prefix)?.parse().ok())
        .collect()
}

fn start_writer(file: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut writer = child(&this(), "processes::child_writer", file)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap());
    let mut line = String::new();
    while !line.ends_with("writing\n") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the writer ended");
    }
    (writer, lines)
}

#[tokio::test]
async fn a_reader_of_another_process_sees_the_store_whatever_became_of_the_writer() {
    let temp = TempStore::new();
    temp.write(async |sql| settings::set(sql, "seen", "yes").await)
        .await
        .unwrap();
    let file = temp.file();
    let read = || read_elsewhere(child(&this(), "processes::child_reader", &file));
    assert_eq!(read(), "Ok(Some(\"yes\"))", "while the writer lives");

    let TempStore { dir, store, .. } = temp;
    drop(store);
    assert_eq!(read(), "Ok(Some(\"yes\"))", "after a clean close");

    let (mut writer, _lines) = start_writer(&file);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(read(), "Ok(Some(\"yes\"))", "after kill -9");

    Store::open(&file).unwrap();
    assert_eq!(read(), "Ok(Some(\"yes\"))", "after a new writer");
    drop(dir);
}

/// The auth worker's account may read the directory and write nothing. Only root can start a child
/// as somebody else; as an ordinary user the directory is made read-only for ourselves.
#[tokio::test]
async fn a_reader_without_write_permission_can_open_after_a_clean_close() {
    const NOBODY: u32 = 65534;
    let temp = TempStore::new();
    temp.write(async |sql| settings::set(sql, "seen", "yes").await)
        .await
        .unwrap();
    let file = temp.file();
    let program = temp.dir.path().join("reader");
    std::fs::copy(this(), &program).unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let path = temp.dir.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let directory = temp.dir.path().to_owned();
    let permit = |mode| {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&program).unwrap()) == 0;
    let read = || {
        let mut command = child(&program, "processes::child_reader", &file);
        command.current_dir("/");
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        permit(0o555);
        let seen = read_elsewhere(command);
        permit(0o755);
        seen
    };
    assert_eq!(read(), "Ok(Some(\"yes\"))", "while the writer lives");
    let TempStore { dir, store, .. } = temp;
    drop(store);
    assert_eq!(read(), "Ok(Some(\"yes\"))", "after a clean close");
    // From an empty log, the next writer's first commit passes through a state that such a reader
    // cannot open, and a kill may come just then.
    let log = std::fs::metadata(dir.path().join("store.db-wal")).unwrap();
    assert!(log.len() > 32, "the log was cut to {} bytes", log.len());
    let (mut writer, _lines) = start_writer(&file);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(read(), "Ok(Some(\"yes\"))", "after kill -9");
    drop(dir);
}

#[tokio::test]
async fn a_reader_waits_out_a_missing_store() {
    let temp = TempStore::new();
    let away = temp.dir.path().join("away.db");
    let store = Store::open_read_only(&away);
    assert!(store.read().unwrap_err().is_unavailable());
    let TempStore {
        dir, store: writer, ..
    } = temp;
    drop(writer);
    for suffix in ["", "-wal", "-shm"] {
        let from = dir.path().join(format!("store.db{suffix}"));
        std::fs::rename(from, dir.path().join(format!("away.db{suffix}"))).unwrap();
    }
    for _ in 0..100 {
        if store.read().is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", store.read());
}

/// A backup is restored under a reader that goes on.
#[tokio::test]
async fn a_reader_notices_that_the_store_was_replaced() {
    let (temp, backup) = (TempStore::new(), TempStore::new());
    for (temp, value) in [(&temp, "now"), (&backup, "then")] {
        temp.write(async move |sql| settings::set(sql, "seen", value).await)
            .await
            .unwrap();
    }
    let reader = Store::open_read_only(&temp.file());
    let seen = async || {
        let mut sql = reader.read()?;
        settings::get(&mut sql, "seen").await
    };
    assert_eq!(seen().await.unwrap().as_deref(), Some("now"));
    let file = temp.file();
    let TempStore { dir, store, .. } = temp;
    let TempStore {
        dir: from,
        store: other,
        ..
    } = backup;
    drop((store, other));
    for name in ["store.db-wal", "store.db-shm", "store.db"] {
        std::fs::rename(from.path().join(name), dir.path().join(name)).unwrap();
    }
    for _ in 0..200 {
        if seen()
            .await
            .is_ok_and(|seen| seen.as_deref() == Some("then"))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{file:?}: {:?}", seen().await);
}

/// Catalogue F1, a smoke test of it: killed at any moment, nothing acknowledged is lost and
/// nothing is half there.
#[tokio::test]
async fn kill_9_loses_no_acknowledged_write() {
    const ROUNDS: u64 = 12;
    let temp = TempStore::new();
    let file = temp.file();
    let TempStore { dir, store, .. } = temp;
    drop(store);
    let mut acknowledged = std::collections::BTreeSet::new();
    for round in 0..ROUNDS {
        let (mut writer, lines) = start_writer(&file);
        let reading = std::thread::spawn(move || {
            lines
                .lines()
                .map_while(Result::ok)
                .filter_map(|line| line.parse::<i64>().ok())
                .collect::<Vec<_>>()
        });
        // A different moment in each round.
        std::thread::sleep(Duration::from_millis(5 + 17 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        acknowledged.extend(reading.join().unwrap());

        let store = Store::open(&file).unwrap();
        let mut sql = store.read().unwrap();
        let (changes, records) = (numbers(&mut sql, "a").await, numbers(&mut sql, "b").await);
        assert_eq!(
            changes, records,
            "round {round}: a change without its record"
        );
        let lost: Vec<_> = acknowledged.difference(&changes).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
    }
    assert!(
        acknowledged.len() > 20,
        "only {} writes",
        acknowledged.len()
    );
    drop(dir);
}

/// Catalogue F3: the log cannot grow any more. A file size limit stands for the full disk.
#[tokio::test]
async fn a_disk_that_refuses_is_unavailable_for_writing_and_heals() {
    let temp = TempStore::new();
    let file = temp.file();
    let TempStore { dir, store, .. } = temp;
    drop(store);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh"])
        .arg(this())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("processes::child_writer")
        .env(STORE, &file);
    let output = limited.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("failed: "), "{text}");
    assert!(text.contains("readable: "), "reading went on");

    let store = Store::open(&file).unwrap();
    let mut sql = store.read().unwrap();
    let (changes, records) = (numbers(&mut sql, "a").await, numbers(&mut sql, "b").await);
    assert_eq!(changes, records);
    for line in text.lines().filter_map(|line| line.parse::<i64>().ok()) {
        assert!(changes.contains(&line), "{line} was acknowledged");
    }
    store
        .write(async |sql| settings::set(sql, "healed", "1").await)
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    drop(dir);
}
