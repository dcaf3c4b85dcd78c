//! A load client: keeps logging in on one connection, with a number of requests under way.

use super::{Client, Rig, plain};
use mailauth::Door;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What one client saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub ok: u64,
    pub other: Vec<String>,
}

/// Logs in until told to stop, `depth` requests under way at a time, always with the right secret and
/// without a session to follow.
pub async fn logins(mut client: Client, depth: u32, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    let mut id = 0;
    while !stop.load(Relaxed) {
        let mut batch = String::new();
        for _ in 0..depth {
            id += 1;
            batch += &plain(
                id,
                "service=imap\tsecured\tnologin",
                "alice@example.org",
                "right",
            );
        }
        client.send(&batch).await;
        for _ in 0..depth {
            match client.next_line().await {
                Some(line) if line.starts_with("OK\t") => seen.ok += 1,
                other => seen.other.push(format!("{other:?}")),
            }
        }
    }
    seen
}

/// Logs in and claims each login for a session, as one IMAP connection after the other does.
pub async fn sessions(rig_door: (Client, Client), pid: u32, stop: Arc<AtomicBool>) -> Seen {
    let (mut login, mut master) = rig_door;
    let mut seen = Seen::default();
    let mut id = 0;
    while !stop.load(Relaxed) {
        id += 1;
        let granted = login.imap(id, "alice@example.org", "right").await;
        if !granted.starts_with("OK\t") {
            seen.other.push(granted);
            continue;
        }
        let cookie = login.cookie.clone();
        let session = master.request(id, pid, id, &cookie).await;
        if session.starts_with("USER\t") {
            seen.ok += 1;
        } else {
            seen.other.push(session);
        }
    }
    seen
}

/// A login process and a session process.
pub async fn pair(rig: &Rig, pid: u32) -> (Client, Client) {
    (
        rig.login_process(Door::DovecotLogin, pid).await,
        rig.session_process(Door::DovecotMaster).await,
    )
}
