//! Workers that die.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::support::{Instance, soon};

/// The promise: after a crash the next sign-in succeeds within this time.
const NEXT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_killed_web_worker_never_refuses_and_is_back_within_seconds() {
    let instance = Instance::new();
    let _keeper = instance.serve().await;
    for _ in 0..3 {
        let old = instance.worker("web").unwrap();
        kill_process(old, Signal::KILL).unwrap();
        let killed = Instant::now();
        // Whoever connects now waits in the keeper's socket. Only a connection that the dying
        // worker had accepted may be lost, and this one came later.
        soon("the old worker's end", async || {
            rustix::process::test_kill_process(old)
                .is_err()
                .then_some(())
        })
        .await;
        instance.get().unwrap();
        assert!(killed.elapsed() < NEXT, "{:?}", killed.elapsed());
        assert_ne!(instance.worker("web"), Some(old));
    }
}

#[tokio::test]
async fn a_killed_auth_worker_never_refuses_and_keeps_its_server_id() {
    let instance = Instance::new();
    let keeper = instance.serve().await;
    let mut before = instance.auth_client().unwrap();
    assert_eq!(before.spid, keeper.id());
    for _ in 0..3 {
        let old = instance.worker("auth").unwrap();
        kill_process(old, Signal::KILL).unwrap();
        let killed = Instant::now();
        soon("the old worker's end", async || {
            rustix::process::test_kill_process(old)
                .is_err()
                .then_some(())
        })
        .await;
        let mut after = instance.auth_client().unwrap();
        let answer = after.ask(1).unwrap();
        assert!(answer.starts_with("FAIL\t1"), "{answer}");
        assert!(killed.elapsed() < NEXT, "{:?}", killed.elapsed());
        assert_eq!(after.spid, keeper.id());
    }
    assert!(
        before.ask(2).is_err(),
        "a connection of the killed worker is over"
    );
}

#[tokio::test]
async fn a_worker_that_keeps_dying_is_started_ever_more_rarely() {
    let instance = Instance::new();
    let keeper = instance.serve().await;
    let started = Instant::now();
    let mut deaths = 0;
    while started.elapsed() < Duration::from_secs(4) {
        if let Some(pid) = instance.worker("web") {
            kill_process(pid, Signal::KILL).unwrap();
            deaths += 1;
            soon("its end", async || {
                (instance.worker("web") != Some(pid)).then_some(())
            })
            .await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // 0 + 0.2 + 0.5 + 1 + 2 s of pauses.
    assert!(
        (3..=7).contains(&deaths),
        "{deaths} deaths\n{}",
        keeper.output()
    );
    // And it does come back.
    soon("an answer", async || instance.get().ok()).await;
}
