//! Gatepost's side: `gatepost serve` with two apps, and people all over its store who are signed in.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use model::ids::MailboxId;
use model::oauth_app::{AppCard, AppSettings, Consent, IdTokenAlg, RefreshRule};
use model::random;
use model::session::Principal;
use model::time::{Clock as _, DAY, SystemClock};
use store::sessions::NewSession;
use store::{Conn, MasterKey, OsRandom, Store, StoreError};

use super::party::{CALLBACK, Party, Paths, client_id, secret};
use crate::installation::{database, key};
use crate::server::{Running, Server};

/// People who are signed in, spread over all mailboxes.
pub(super) const SIGNED_IN: u32 = 500;
const START: Duration = Duration::from_secs(30);

/// A running installation.
pub(super) struct Gatepost {
    pub(super) party: Party,
    _running: Running,
    _server: Server,
}

impl Gatepost {
    pub(super) fn start(binary: PathBuf, parent: &Path, mailboxes: u32) -> anyhow::Result<Self> {
        let server = Server::new(binary, parent, mailboxes, 0)?;
        let cookies = prepare(&server.data(), mailboxes)?;
        let running = server.spawn()?;
        let party = Party {
            name: "Gatepost",
            authority: server.authority(),
            pid: running.pid(),
            paths: Paths {
                authorize: "/oauth/authorize",
                token: "/oauth/token",
                userinfo: "/oauth/userinfo",
                introspect: "/oauth/introspect",
                jwks: "/oauth/jwks",
                has_profile: true,
                has_tags: true,
            },
            cookies,
        };
        let started = Instant::now();
        while !is_ready(&party) {
            ensure!(started.elapsed() < START, "no start: {}", server.log());
            thread::sleep(Duration::from_millis(10));
        }
        party.look()?;
        Ok(Self {
            party,
            _running: running,
            _server: server,
        })
    }
}

fn is_ready(party: &Party) -> bool {
    let answer = party.ask(&party.get("/readyz", &[]));
    answer.is_ok_and(|answer| answer.status == 200)
}

/// Adds apps and sessions to the store of a server that does not run; the sessions' cookies.
fn prepare(data: &Path, mailboxes: u32) -> anyhow::Result<Vec<String>> {
    let tags = MasterKey::load(&key(data), &database(data))?
        .purpose_keys()?
        .tag;
    let people = SIGNED_IN.min(mailboxes);
    let store = Store::open(&database(data))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let cookies = runtime.block_on(store.write(async move |tx: &mut Conn| {
        let now = SystemClock.now();
        for alg in IdTokenAlg::ALL {
            let app = store::oauth_apps::insert(tx, &client_id(alg), &settings(alg), now).await?;
            let tag = tags.tag(&[b"app-secret", secret(alg).as_bytes()]);
            store::oauth_apps::add_secret(tx, app, &tag, "6789", now).await?;
        }
        let mut cookies = Vec::new();
        for person in 0..people {
            let token = random::token(&OsRandom);
            let tag = tags.tag(&[b"session", token.as_bytes()]);
            let mailbox = MailboxId(i64::from(person * (mailboxes / people)) + 1);
            let new = NewSession {
                token_tag: &tag,
                principal: Principal::Person(mailbox),
                at: None,
                id_token: None,
                now,
                proved: now,
                ends: now.plus(DAY),
                ip: None,
                user_agent: "benches",
            };
            store::sessions::insert(tx, &new).await?;
            cookies.push(format!("gatepost={token}"));
        }
        Ok::<_, StoreError>(cookies)
    }))?;
    Ok(cookies)
}

/// An app as one sets it up for a web site of one's own.
fn settings(alg: IdTokenAlg) -> AppSettings {
    AppSettings {
        name: "An app".to_owned(),
        redirects: vec![CALLBACK.to_owned()],
        consent: Consent::Trusted,
        refresh: RefreshRule::Always,
        id_token_alg: alg,
        ..AppCard::Generic.settings()
    }
}
