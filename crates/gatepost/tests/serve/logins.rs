//! Logins through real engines while workers and the keeper are replaced, killed and started again,
//! and the end of live sessions.

use app::attempts::AttemptFilter;
use app::domains::Page;
use gatepost::administration::Request;
use gatepost::administration::attempts::AttemptRequest;
use gatepost::administration::devices::DeviceRequest;
use gatepost::administration::mailboxes::MailboxRequest;
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use testkit::process::Process;

use super::engines::keeper_stops;
use super::mail::{Device, Login, MailInstance, alice, now};
use super::support::{SOON, pid_of, soon};

/// The promise after a crash: no login that began later than so many seconds after it fails.
const NEXT: f64 = 5.0;

/// The promise of a revocation: live sessions end within so many seconds.
const KICKED: f64 = 2.0;

/// So many seconds of logins while no keeper lives.
const WITHOUT_KEEPER: f64 = 10.0;

const CONNECTIONS: usize = 4;

fn failed(logins: &[Login]) -> Vec<&Login> {
    logins.iter().filter(|login| !login.ok).collect()
}

/// Refused attempts as administrators see them.
async fn refusals(server: &MailInstance) -> Vec<Value> {
    let filter = AttemptFilter {
        refused: true,
        code: None,
        app: None,
    };
    let page = Page::default();
    let list = AttemptRequest::List { filter, page };
    let document = server.ask(Request::Attempt(list)).await;
    document["attempts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_planned_restart_loses_no_login() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let phone = server.device("Phone").await;
    let programs = server.log_in_loop(&phone, CONNECTIONS);
    for _ in 0..3 {
        programs.succeed(2 * CONNECTIONS).await;
        let old = server.instance.worker("auth");
        kill_process(pid_of(&keeper), Signal::HUP).unwrap();
        soon("another auth worker", async || {
            let new = server.instance.worker("auth");
            (new.is_some() && new != old && server.instance.workers().len() == 2).then_some(())
        })
        .await;
    }
    programs.succeed(2 * CONNECTIONS).await;
    let logins = programs.finish().await;
    assert!(failed(&logins).is_empty(), "{:#?}", failed(&logins));
    assert!(refusals(&server).await.is_empty());
    keeper_stops(&mut keeper).await;
}

#[tokio::test]
async fn a_killed_auth_worker_fails_at_most_the_logins_in_flight() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let phone = server.device("Phone").await;
    let programs = server.log_in_loop(&phone, CONNECTIONS);
    let mut deaths = Vec::new();
    for _ in 0..3 {
        programs.succeed(2 * CONNECTIONS).await;
        // Taken before: a login may fail before this line is over.
        deaths.push(now());
        kill_process(server.instance.worker("auth").unwrap(), Signal::KILL).unwrap();
    }
    programs.succeed(2 * CONNECTIONS).await;
    let logins = programs.finish().await;
    for login in failed(&logins) {
        let death = deaths.iter().rfind(|death| **death <= login.end);
        let death = *death.unwrap_or_else(|| panic!("failed before any kill: {}", login.line));
        assert!(
            login.begin <= death + NEXT,
            "{:.1} s after the kill: {}",
            login.begin - death,
            login.line
        );
    }
    // Each connection has one login in flight when the worker dies.
    assert!(
        failed(&logins).len() <= deaths.len() * CONNECTIONS,
        "{:#?}",
        failed(&logins)
    );
    assert!(
        refusals(&server).await.is_empty(),
        "counted against somebody"
    );
    keeper_stops(&mut keeper).await;
}

#[tokio::test]
async fn logins_go_on_without_a_keeper_until_the_next_one_takes_over() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let phone = server.device("Phone").await;
    let left_over = server.processes();
    let programs = server.log_in_loop(&phone, CONNECTIONS);
    programs.succeed(CONNECTIONS).await;
    kill_process(pid_of(&keeper), Signal::KILL).unwrap();
    soon("the keeper's end", async || keeper.ended().unwrap()).await;
    let killed = now();
    let logged = server.lines_of_dovecot();
    // Dovecot writes a line about every login; it would end if it could not.
    while now() < killed + WITHOUT_KEEPER {
        programs.succeed(2 * CONNECTIONS).await;
    }
    let taken_over = now();
    let alone: Vec<_> = programs.logins();
    assert!(failed(&alone).is_empty(), "{:#?}", failed(&alone));
    let alone = alone.iter().filter(|login| login.begin > killed).count();
    let lines = server.lines_of_dovecot() - logged;
    assert!(lines >= alone, "{lines} lines about {alone} logins");

    let mut next = server.serve().await;
    let up = now();
    programs.succeed(2 * CONNECTIONS).await;
    let logins = programs.finish().await;
    let outside = |login: &&&Login| login.end < taken_over || login.begin > up;
    let lost: Vec<_> = failed(&logins).iter().filter(outside).copied().collect();
    assert!(lost.is_empty(), "{lost:#?}");
    let still = server.processes();
    let survived: Vec<_> = left_over.iter().filter(|one| still.contains(one)).collect();
    assert!(survived.is_empty(), "{survived:?} of {left_over:?}");
    assert!(refusals(&server).await.is_empty());
    keeper_stops(&mut next).await;
}

/// Seconds from `since` to the end of a session in IDLE.
async fn end_of(idle: Process, since: f64) -> f64 {
    idle.says("ended", SOON).await.unwrap();
    now() - since
}

#[tokio::test]
async fn revoking_an_app_password_ends_its_session_and_no_other() {
    let Some(server) = MailInstance::new_or_skip() else {
        return;
    };
    let mut keeper = server.serve().await;
    server.populate().await;
    let (phone, laptop) = (server.device("Phone").await, server.device("Laptop").await);
    let (on_phone, mut on_laptop) = (server.idle(&phone).await, server.idle(&laptop).await);
    let revoke = DeviceRequest::Revoke {
        address: alice(),
        id: phone.id,
    };
    server.ask(Request::Device(revoke)).await;
    let seconds = end_of(on_phone, now()).await;
    assert!(seconds <= KICKED, "the session lived on for {seconds:.1} s");
    assert!(refused_at_once(&server, &phone).await);

    // Dovecot ends sessions by user, so the laptop may have to come back; it can.
    if on_laptop.ended().unwrap().is_some() {
        on_laptop = server.idle(&laptop).await;
    }
    let reason = "left the company".to_owned();
    let address = alice();
    server
        .ask(Request::Mailbox(MailboxRequest::Disable {
            address,
            reason,
        }))
        .await;
    let seconds = end_of(on_laptop, now()).await;
    assert!(seconds <= KICKED, "the session lived on for {seconds:.1} s");
    assert!(refused_at_once(&server, &laptop).await);
    keeper_stops(&mut keeper).await;
}

/// Whether Dovecot refuses the app password.
async fn refused_at_once(server: &MailInstance, device: &Device) -> bool {
    let programs = server.log_in_loop(device, 1);
    soon("an answer", async || {
        (!programs.logins().is_empty()).then_some(())
    })
    .await;
    let logins = programs.finish().await;
    logins.iter().all(|login| !login.ok)
}
