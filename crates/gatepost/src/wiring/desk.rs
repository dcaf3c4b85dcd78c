//! The password desk between the workers: the auth worker owns budgets and slow hashes, the web
//! worker asks for them over the internal channel.

use std::net::IpAddr;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use app::passwords::LocalDesk;
use app::ports::{
    Account, Answer, Learned, OtherTry, PasswordDesk, PasswordQuestion, PasswordVerdict, Standing,
    StandingQuestion, Unavailable, Wait,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::learned::Learning;
use super::secret::WireSecret;
use crate::channel::Protocol;
use crate::channel::client::Client;
use crate::channel::notes::NoteQueue;
use crate::channel::server::{Answering, Peer, Server};

/// Covers a full queue of slow hashes and a planned restart of the auth worker.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait with a guess that could not be counted: a throttle that cannot be asked refuses.
const UNCOUNTED: Wait = Wait(Duration::from_secs(5));

/// The messages between web worker (asks) and auth worker (answers, and tells what it learned).
#[derive(Debug)]
pub struct DeskChannel;

impl Protocol for DeskChannel {
    type Question = DeskQuestion;
    type Answer = DeskAnswer;
    type Note = Learned;
}

/// What the web worker asks; one variant for each function of [`PasswordDesk`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskQuestion {
    /// Checks a human password.
    Verify {
        /// Whose.
        account: Account,
        /// From where.
        ip: Option<IpAddr>,
        /// What was typed.
        password: WireSecret,
        /// The stored hash.
        hash: Option<WireSecret>,
    },
    /// Hashes a new password.
    Hash(WireSecret),
    /// Counts a try at something else.
    TryOther(OtherTry, Option<IpAddr>),
    /// That try succeeded.
    Forgive(OtherTry, Option<IpAddr>),
    /// Asks how an account stands.
    Standing {
        /// Whose.
        account: Account,
        /// From where.
        ip: Option<IpAddr>,
        /// The stored hash.
        hash: Option<WireSecret>,
    },
    /// Forgets what was counted.
    Clear(Account, Option<IpAddr>),
}

/// The answers, in the order of the questions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskAnswer {
    /// To [`DeskQuestion::Verify`].
    Verdict(PasswordVerdict),
    /// To [`DeskQuestion::Hash`].
    Hash(Result<String, Unavailable>),
    /// To [`DeskQuestion::TryOther`].
    Try(Result<(), Wait>),
    /// To [`DeskQuestion::Forgive`].
    Forgiven,
    /// To [`DeskQuestion::Standing`].
    Standing(Standing),
    /// To [`DeskQuestion::Clear`].
    Cleared,
}

/// The desk as the web worker sees it. While the auth worker is away, everything is *unavailable*
/// and nothing is counted.
#[derive(Clone)]
pub struct RemoteDesk {
    client: Client<DeskChannel>,
}

impl RemoteDesk {
    /// Connects to the auth worker behind the socket `channel`, now and whenever it comes back.
    /// What it learned arrives at the second half. Call within the tokio runtime.
    #[must_use]
    pub fn connect(channel: PathBuf) -> (Self, Learning) {
        let (learning, arriving) = Learning::new();
        let client = Client::start(channel, Arc::new(arriving));
        (Self { client }, learning)
    }

    async fn ask(&self, question: DeskQuestion) -> Result<DeskAnswer, Unavailable> {
        self.client.ask(question, PATIENCE).await.map_err(|error| {
            tracing::warn!(%error, "the auth worker cannot be asked");
            Unavailable
        })
    }
}

impl PasswordDesk for RemoteDesk {
    fn verify<'a>(&'a self, question: PasswordQuestion) -> Answer<'a, PasswordVerdict> {
        let question = DeskQuestion::Verify {
            account: question.account,
            ip: question.ip,
            password: question.password.into(),
            hash: question.hash.map(WireSecret::from),
        };
        Box::pin(async move {
            match self.ask(question).await {
                Ok(DeskAnswer::Verdict(verdict)) => verdict,
                _ => PasswordVerdict::Unavailable,
            }
        })
    }

    fn hash<'a>(&'a self, password: SecretString) -> Answer<'a, Result<String, Unavailable>> {
        Box::pin(async move {
            match self.ask(DeskQuestion::Hash(password.into())).await? {
                DeskAnswer::Hash(outcome) => outcome,
                _ => Err(Unavailable),
            }
        })
    }

    fn try_other<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, Result<(), Wait>> {
        Box::pin(async move {
            match self.ask(DeskQuestion::TryOther(kind, ip)).await {
                Ok(DeskAnswer::Try(outcome)) => outcome,
                _ => Err(UNCOUNTED),
            }
        })
    }

    fn forgive<'a>(&'a self, kind: OtherTry, ip: Option<IpAddr>) -> Answer<'a, ()> {
        Box::pin(async move {
            // Not forgiven costs one try, which time gives back.
            let _ = self.ask(DeskQuestion::Forgive(kind, ip)).await;
        })
    }

    fn standing<'a>(
        &'a self,
        question: StandingQuestion,
    ) -> Answer<'a, Result<Standing, Unavailable>> {
        let question = DeskQuestion::Standing {
            account: question.account,
            ip: question.ip,
            hash: question.hash.map(WireSecret::from),
        };
        Box::pin(async move {
            match self.ask(question).await? {
                DeskAnswer::Standing(standing) => Ok(standing),
                _ => Err(Unavailable),
            }
        })
    }

    fn clear<'a>(
        &'a self,
        account: Account,
        ip: Option<IpAddr>,
    ) -> Answer<'a, Result<(), Unavailable>> {
        Box::pin(async move {
            match self.ask(DeskQuestion::Clear(account, ip)).await? {
                DeskAnswer::Cleared => Ok(()),
                _ => Err(Unavailable),
            }
        })
    }
}

/// Answers the web worker from `desk`, and tells it the notes of `learned`, until `stop`. `socket`
/// is the channel's listening socket with the users that may connect.
///
/// # Errors
/// When the socket cannot be used.
pub async fn serve_desk(
    desk: LocalDesk,
    socket: (UnixListener, Vec<u32>),
    learned: NoteQueue<Learned>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let (listener, allowed) = socket;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let server = Server::new(Arc::new(AtDesk(desk)), allowed, learned);
    server.serve(listener, stop).await;
    Ok(())
}

struct AtDesk(LocalDesk);

impl Answering<DeskChannel> for AtDesk {
    async fn answer(&self, question: DeskQuestion, _: Peer) -> DeskAnswer {
        let Self(desk) = self;
        match question {
            DeskQuestion::Verify {
                account,
                ip,
                password,
                hash,
            } => {
                let question = PasswordQuestion {
                    account,
                    ip,
                    password: password.into_inner(),
                    hash: hash.map(|hash| hash.expose().to_owned()),
                };
                DeskAnswer::Verdict(desk.verify(question).await)
            }
            DeskQuestion::Hash(password) => {
                DeskAnswer::Hash(desk.hash(password.into_inner()).await)
            }
            DeskQuestion::TryOther(kind, ip) => DeskAnswer::Try(desk.try_other(kind, ip).await),
            DeskQuestion::Forgive(kind, ip) => {
                desk.forgive(kind, ip).await;
                DeskAnswer::Forgiven
            }
            DeskQuestion::Standing { account, ip, hash } => {
                let hash = hash.as_ref().map(WireSecret::expose);
                DeskAnswer::Standing(desk.budgets().standing(&account, ip, hash))
            }
            DeskQuestion::Clear(account, ip) => {
                desk.budgets().clear(&account, ip);
                DeskAnswer::Cleared
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::{ChannelRecorder, hand_on_learned};
    use app::mail::Coalescer;
    use app::passwords::{Budgets, HashPool};
    use app::ports::Recorder as _;
    use model::ids::AppPasswordId;
    use model::time::SystemMonotonic;
    use store::OsRandom;

    fn desk() -> LocalDesk {
        let budgets = Budgets::new(Arc::new(SystemMonotonic::start()));
        let pool = HashPool::new(Arc::new(OsRandom)).unwrap();
        LocalDesk::new(Arc::new(budgets), Arc::new(pool))
    }

    fn question(password: &str, hash: &str) -> PasswordQuestion {
        PasswordQuestion {
            account: Account::Mailbox("alice@example.org".to_owned()),
            ip: None,
            password: SecretString::from(password),
            hash: Some(hash.to_owned()),
        }
    }

    #[tokio::test]
    async fn the_web_worker_asks_and_learns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("channel");
        let listener = UnixListener::bind(&path).unwrap();
        let allowed = vec![rustix::process::getuid().as_raw()];
        let recorder = ChannelRecorder::new();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve_desk(
            desk(),
            (listener, allowed),
            recorder.notes(),
            stop.clone(),
        ));

        let (remote, learning) = RemoteDesk::connect(path);
        let hash = remote.hash(SecretString::from("right")).await.unwrap();
        let right = remote.verify(question("right", &hash)).await;
        assert_eq!(right, PasswordVerdict::Right { rehash: None });
        let wrong = remote.verify(question("wrong", &hash)).await;
        assert!(matches!(wrong, PasswordVerdict::Wrong { .. }));
        let tries: Vec<_> = [(); 60]
            .map(|()| remote.try_other(OtherTry::SetupLink, None))
            .into();
        let outcomes = futures_util::future::join_all(tries).await;
        assert!(outcomes.iter().any(Result::is_err), "guesses are throttled");
        assert!(outcomes.iter().any(Result::is_ok));
        remote.forgive(OtherTry::SetupLink, None).await;
        let asked = || StandingQuestion {
            account: Account::Mailbox("alice@example.org".to_owned()),
            ip: None,
            hash: Some(hash.clone()),
        };
        for _ in 0..9 {
            remote.verify(question("wrong", &hash)).await;
        }
        let held = remote.standing(asked()).await.unwrap();
        assert!(matches!(held, Standing::Waits(_)), "{held:?}");
        remote.clear(asked().account, None).await.unwrap();
        assert_eq!(remote.standing(asked()).await, Ok(Standing::Free));

        // Of an app password that nobody has: stored as nothing, but confirmed.
        let used = model::app_password::LastUse {
            at: model::time::Timestamp::from_secs(1),
            protocol: model::protocol::Protocol::Imap,
            ip: None,
        };
        recorder.record(Learned::AppPasswordUsed(AppPasswordId(1), used));
        let handing = tokio::spawn(hand_on_learned(
            Arc::new(Coalescer::new(Arc::new(recorder.clone()))),
            stop.clone(),
        ));
        learning.begin(app(dir.path()));
        let notes = recorder.notes();
        tokio::time::timeout(PATIENCE, notes.settled())
            .await
            .unwrap();
        stop.cancel();
        serving.await.unwrap().unwrap();
        handing.await.unwrap();
    }

    fn app(dir: &std::path::Path) -> app::App {
        let text = format!(
            "public_url = \"https://mail.example.org\"\ndata.dir = \"{}\"",
            dir.display()
        );
        let config: crate::config::Config = toml::from_str(&text).unwrap();
        std::fs::create_dir(config.layout().store()).unwrap();
        crate::wiring::local_app(&config).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_auth_worker_nothing_is_decided() {
        let (remote, _learning) = RemoteDesk::connect("/nonexistent/channel".into());
        let verdict = remote.verify(question("right", "hash")).await;
        assert_eq!(verdict, PasswordVerdict::Unavailable);
        assert_eq!(remote.hash(SecretString::from("x")).await, Err(Unavailable));
        assert_eq!(
            remote.try_other(OtherTry::SetupLink, None).await,
            Err(UNCOUNTED)
        );
        let nobody = StandingQuestion {
            account: Account::Admin("karin".to_owned()),
            ip: None,
            hash: None,
        };
        assert_eq!(remote.standing(nobody).await, Err(Unavailable));
    }
}
