//! A keeper that is killed, and the next one.

use rustix::process::{Signal, kill_process};

use super::support::{Instance, pid_of, soon};

#[tokio::test]
async fn workers_serve_on_without_a_keeper_and_the_next_one_replaces_them() {
    let instance = Instance::new();
    let mut keeper = instance.serve().await;
    let old: Vec<_> = instance.workers().into_iter().map(|(pid, _)| pid).collect();
    kill_process(pid_of(&keeper), Signal::KILL).unwrap();
    soon("the keeper's end", async || keeper.ended().unwrap()).await;
    // A crash of the keeper costs nobody anything.
    instance.get().unwrap();
    assert_eq!(instance.workers().len(), 2);

    let next = instance.serve().await;
    assert!(
        next.output()
            .contains("stopping a worker that a former keeper left behind")
    );
    let new = instance.workers();
    assert_eq!(new.len(), 2);
    assert!(
        new.iter().all(|(pid, _)| !old.contains(pid)),
        "{old:?} {new:?}"
    );
    assert_eq!(instance.auth_client().unwrap().spid, next.id());
}

#[tokio::test]
async fn a_frozen_left_over_is_killed() {
    let instance = Instance::new();
    let mut keeper = instance.serve().await;
    let web = instance.worker("web").unwrap();
    kill_process(web, Signal::STOP).unwrap();
    kill_process(pid_of(&keeper), Signal::KILL).unwrap();
    soon("the keeper's end", async || keeper.ended().unwrap()).await;
    let _next = instance.serve().await;
    assert_ne!(instance.worker("web"), Some(web));
    instance.get().unwrap();
}

#[tokio::test]
async fn another_instances_workers_are_left_alone() {
    let (one, two) = (Instance::new(), Instance::new());
    let _first = one.serve().await;
    let workers = one.workers();
    let _second = two.serve().await;
    assert_eq!(one.workers(), workers);
}
