//! The group-commit writer: what is acknowledged, what is undone, what a bad job can do.

use crate::support::TempStore;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use store::{StoreError, Unavailable, settings};

async fn value(temp: &TempStore, name: &str) -> Option<String> {
    let mut sql = temp.store.read().unwrap();
    settings::get(&mut sql, name).await.unwrap()
}

/// Holds up the writer until the sender is used or dropped, so that the jobs queued meanwhile make
/// one group.
async fn hold_up(temp: &TempStore) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let released = parking_lot::Mutex::new(released);
    let started = parking_lot::Mutex::new(Some(started));
    let store = temp.store.clone();
    tokio::spawn(async move {
        let job = async move |_: &mut store::Conn| {
            started.lock().take().unwrap().send(()).unwrap();
            let _ = released.lock().recv();
            Ok::<_, StoreError>(())
        };
        store.write(job).await
    });
    running.await.unwrap();
    release
}

/// Lets the writer go on once `jobs` wait, all of one group then.
async fn release_at(temp: &TempStore, jobs: u64, release: mpsc::Sender<()>) {
    while temp.store.writer_counts().waiting < jobs {
        tokio::task::yield_now().await;
    }
    drop(release);
}

#[tokio::test]
async fn concurrent_writes_share_commits_and_all_arrive() {
    let temp = TempStore::new();
    let before = temp.store.writer_counts();
    let release = hold_up(&temp).await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let store = temp.store.clone();
            tokio::spawn(async move {
                store
                    .write(async move |sql| settings::set(sql, &format!("n{n}"), "here").await)
                    .await
            })
        })
        .collect();
    release_at(&temp, 200, release).await;
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for n in 0..200 {
        assert_eq!(
            value(&temp, &format!("n{n}")).await.as_deref(),
            Some("here")
        );
    }
    let after = temp.store.writer_counts();
    assert_eq!(after.jobs - before.jobs, 201);
    assert!(after.commits - before.commits <= 3, "{after:?}");
}

#[tokio::test]
async fn a_lone_write_does_not_wait_for_company() {
    let temp = TempStore::new();
    let start = Instant::now();
    for n in 0..20 {
        temp.write(async move |sql| settings::set(sql, "n", &n.to_string()).await)
            .await
            .unwrap();
    }
    assert_eq!(temp.store.writer_counts().commits, 20);
    // Far above what twenty flushes take, far below twenty pauses of any length worth having.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_refusal_undoes_its_own_job_only() {
    let temp = TempStore::new();
    let release = hold_up(&temp).await;
    let (first, refused, last, ()) = tokio::join!(
        temp.write(async |sql| settings::set(sql, "first", "1").await),
        temp.write(async |sql| {
            settings::set(sql, "refused", "1").await?;
            Err::<(), _>(StoreError::NotEmpty)
        }),
        temp.write(async |sql| {
            // What a neighbour of the same group did, and what the refused one did not.
            let first = settings::get(sql, "first").await?;
            let refused = settings::get(sql, "refused").await?;
            settings::set(sql, "last", "1").await?;
            Ok((first, refused))
        }),
        release_at(&temp, 3, release),
    );
    assert_eq!(temp.store.writer_counts().jobs, 4);
    first.unwrap();
    assert_eq!(refused.unwrap_err(), StoreError::NotEmpty);
    assert_eq!(last.unwrap(), (Some("1".to_owned()), None));
    assert_eq!(value(&temp, "first").await.as_deref(), Some("1"));
    assert_eq!(value(&temp, "refused").await, None);
    assert_eq!(value(&temp, "last").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_panic_is_rolled_back_and_the_writer_goes_on() {
    let temp = TempStore::new();
    let (bad, good) = tokio::join!(
        temp.write(async |sql| {
            settings::set(sql, "bad", "1").await?;
            if settings::get(sql, "bad").await?.is_some() {
                panic!("on purpose");
            }
            Ok(())
        }),
        temp.write(async |sql| settings::set(sql, "good", "1").await),
    );
    assert!(matches!(
        bad.unwrap_err(),
        StoreError::Unavailable(Unavailable::Job(_))
    ));
    good.unwrap();
    assert_eq!(value(&temp, "bad").await, None);
    assert_eq!(value(&temp, "good").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_job_that_awaits_something_else_is_an_error() {
    let temp = TempStore::new();
    let waiting = temp
        .write(async |sql| {
            settings::set(sql, "waiting", "1").await?;
            std::future::pending::<()>().await;
            Ok(())
        })
        .await;
    assert!(waiting.unwrap_err().is_unavailable());
    assert_eq!(value(&temp, "waiting").await, None);
}

#[tokio::test]
async fn a_failed_commit_answers_unavailable_to_the_whole_group() {
    let temp = TempStore::new();
    let release = hold_up(&temp).await;
    let (innocent, guilty, ()) = tokio::join!(
        temp.write(async |sql| settings::set(sql, "innocent", "1").await),
        // A reference that is checked at the commit only, and is wrong.
        temp.write(async |sql| {
            sql.execute("PRAGMA defer_foreign_keys = ON", &[]).await?;
            sql.execute(
                "INSERT INTO alias_targets (alias, position, mailbox) VALUES (1, 1, 1)",
                &[],
            )
            .await
        }),
        release_at(&temp, 2, release),
    );
    assert!(innocent.unwrap_err().is_unavailable());
    assert!(guilty.unwrap_err().is_unavailable());
    assert_eq!(value(&temp, "innocent").await, None);
    assert_eq!(temp.store.writer_counts().failed_commits, 1);
    temp.write(async |sql| settings::set(sql, "after", "1").await)
        .await
        .unwrap();
    assert_eq!(value(&temp, "after").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn statistics_arrive_after_a_short_pause_and_at_closing() {
    let temp = TempStore::new();
    let file = temp.file();
    let set = async |sql: &mut store::Conn| settings::set(sql, "seen", "1").await;
    let start = Instant::now();
    temp.store.write_statistics(set).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(400));
    assert_eq!(value(&temp, "seen").await.as_deref(), Some("1"));
    // Durable writes are durable again afterwards.
    let mode = temp
        .write(
            async |sql| match sql.one("PRAGMA synchronous", &[]).await? {
                Some(row) => row.get::<i64>("synchronous"),
                None => Ok(-1),
            },
        )
        .await;
    assert_eq!(mode.unwrap(), 2);

    let last = tokio::spawn({
        let store = temp.store.clone();
        async move {
            let job = async |sql: &mut store::Conn| settings::set(sql, "last", "1").await;
            store.write_statistics(job).await
        }
    });
    while temp.store.writer_counts().waiting == 0 {
        tokio::task::yield_now().await;
    }
    let TempStore { dir, store, .. } = temp;
    drop(store);
    last.await.unwrap().unwrap();
    let store = store::Store::open(&file).unwrap();
    let mut sql = store.read().unwrap();
    let last = settings::get(&mut sql, "last").await.unwrap();
    assert_eq!(last.as_deref(), Some("1"));
    drop(dir);
}

/// While another process holds the database for writing (catalogue F8).
#[tokio::test]
async fn a_locked_database_is_unavailable_for_writing_and_readable() {
    let temp = TempStore::new();
    temp.write(async |sql| settings::set(sql, "before", "1").await)
        .await
        .unwrap();
    let other = rusqlite::Connection::open(temp.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let (refused, seen) = tokio::join!(
        temp.write(async |sql| settings::set(sql, "during", "1").await),
        value(&temp, "before"),
    );
    assert_eq!(
        refused.unwrap_err(),
        StoreError::Unavailable(Unavailable::Busy)
    );
    assert_eq!(seen.as_deref(), Some("1"));
    assert!(start.elapsed() < Duration::from_secs(20));
    other.execute_batch("ROLLBACK").unwrap();
    temp.write(async |sql| settings::set(sql, "after", "1").await)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let temp = TempStore::new();
    let mut sql = temp.store.read().unwrap();
    let error = settings::set(&mut sql, "x", "1").await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let read_only = store::Store::open_read_only(&temp.file());
    let error = read_only
        .write(async |sql| settings::set(sql, "x", "1").await)
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::Unavailable(Unavailable::ReadOnly));
}
