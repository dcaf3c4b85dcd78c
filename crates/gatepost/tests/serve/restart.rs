//! Planned restarts: nobody notices.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use testkit::process::Process;

use super::support::{Instance, pid_of, soon};

/// SIGHUP, and until both workers are new.
async fn renew(instance: &Instance, keeper: &Process) {
    let both = || (instance.worker("web"), instance.worker("auth"));
    let old = both();
    let done = || {
        keeper
            .output()
            .matches("the planned restart is done")
            .count()
    };
    let before = done();
    kill_process(pid_of(keeper), Signal::HUP).unwrap();
    soon("the end of the planned restart", async || {
        (done() > before).then_some(())
    })
    .await;
    soon("two new workers", async || {
        let new = both();
        let replaced = new.0.is_some() && new.1.is_some() && new.0 != old.0 && new.1 != old.1;
        (replaced && instance.workers().len() == 2).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_loop_are_all_answered() {
    let instance = Arc::new(Instance::new());
    let keeper = instance.serve().await;
    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (instance, over, answered) = (
                Arc::clone(&instance),
                Arc::clone(&over),
                Arc::clone(&answered),
            );
            tokio::task::spawn_blocking(move || {
                while !over.load(Ordering::Relaxed) {
                    instance.get().unwrap();
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let before = answered.load(Ordering::Relaxed);
        soon("traffic", async || {
            (answered.load(Ordering::Relaxed) > before + 20).then_some(())
        })
        .await;
        renew(&instance, &keeper).await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engines_connection_outlives_the_auth_worker() {
    let instance = Arc::new(Instance::new());
    let keeper = instance.serve().await;
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (instance, over) = (Arc::clone(&instance), Arc::clone(&over));
            tokio::task::spawn_blocking(move || {
                // One connection for the whole test, as Dovecot's login processes hold it.
                let mut client = instance.auth_client().unwrap();
                let mut asked = 0;
                while !over.load(Ordering::Relaxed) {
                    asked += 1;
                    let answer = client.ask(asked).unwrap();
                    assert!(answer.starts_with(&format!("FAIL\t{asked}\t")), "{answer}");
                    // New connections too, like Postfix's.
                    let other = instance.auth_client().unwrap();
                    assert_eq!(other.spid, client.spid);
                }
                asked
            })
        })
        .collect();
    for _ in 0..3 {
        renew(&instance, &keeper).await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn a_hangup_takes_the_newly_installed_program_and_a_crash_before_it_the_old_one() {
    let mut instance = Instance::new();
    let installed = instance.dir.join("gatepost");
    fs::copy(&instance.program, &installed).unwrap();
    instance.program.clone_from(&installed);
    let keeper = instance.serve().await;
    let inode = |pid: Pid| {
        fs::metadata(format!("/proc/{}/exe", pid.as_raw_nonzero()))
            .unwrap()
            .ino()
    };
    let old = fs::metadata(&installed).unwrap().ino();

    let upgrade = instance.dir.join("upgrade");
    fs::copy(&installed, &upgrade).unwrap();
    let new = fs::metadata(&upgrade).unwrap().ino();
    fs::rename(&upgrade, &installed).unwrap();

    let web = instance.worker("web").unwrap();
    kill_process(web, Signal::KILL).unwrap();
    let web = soon("a new web worker", async || {
        instance
            .worker("web")
            .filter(|pid| *pid != web && instance.get().is_ok())
    })
    .await;
    assert_eq!(inode(web), old);

    renew(&instance, &keeper).await;
    assert_eq!(inode(instance.worker("web").unwrap()), new);
    assert_eq!(inode(instance.worker("auth").unwrap()), new);
}

#[tokio::test]
async fn a_broken_configuration_or_program_changes_nothing() {
    let mut instance = Instance::new();
    let installed = instance.dir.join("gatepost");
    fs::copy(&instance.program, &installed).unwrap();
    instance.program.clone_from(&installed);
    let keeper = instance.serve().await;
    let complaints = || {
        keeper
            .output()
            .matches("the planned restart failed")
            .count()
    };
    let refused = async |count: usize| {
        kill_process(pid_of(&keeper), Signal::HUP).unwrap();
        soon("a complaint", async || {
            (complaints() == count).then_some(())
        })
        .await;
        soon("an answer", async || instance.get().ok()).await;
        instance.auth_client().unwrap();
    };
    let config = instance.dir.join("gatepost.toml");
    let good = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{good}[logs]\n")).unwrap();
    refused(1).await;
    fs::write(&config, good.replace("/data", "/data2")).unwrap();
    refused(2).await;
    assert!(
        keeper
            .output()
            .contains("changes of data need a restart of the whole server")
    );
    fs::write(&config, &good).unwrap();
    // An upgrade that was cut short.
    let half = instance.dir.join("half");
    fs::write(&half, b"#!/bin/false\n").unwrap();
    fs::set_permissions(&half, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::rename(&half, &installed).unwrap();
    refused(3).await;
}
