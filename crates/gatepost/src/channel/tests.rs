//! Client and server against each other, over real sockets.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::super::notes::NoteQueue;
use super::super::server::{Answering, MAX_IN_FLIGHT, Peer, Server};
use super::*;

struct Doubling;

impl Protocol for Doubling {
    type Question = u64;
    type Answer = u64;
    type Note = u64;
}

/// Doubles, but only while `gate` lets it.
struct Doubler {
    gate: Semaphore,
    asked: AtomicU64,
}

impl Doubler {
    fn open() -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            asked: AtomicU64::new(0),
        })
    }

    fn shut() -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            asked: AtomicU64::new(0),
        })
    }
}

impl Answering<Doubling> for Doubler {
    async fn answer(&self, question: u64, _: Peer) -> u64 {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _permit = self.gate.acquire().await;
        question * 2
    }
}

/// A listening socket that outlives its servers, as the keeper's do.
struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
    listener: std::os::unix::net::UnixListener,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self {
            _dir: dir,
            path,
            listener,
        }
    }

    fn serve(&self, answering: &Arc<Doubler>, notes: &NoteQueue<u64>) -> Running {
        self.serve_for(rustix::process::getuid().as_raw(), answering, notes)
    }

    fn serve_for(&self, uid: u32, answering: &Arc<Doubler>, notes: &NoteQueue<u64>) -> Running {
        let stop = CancellationToken::new();
        let listener = UnixListener::from_std(self.listener.try_clone().unwrap()).unwrap();
        let server = Server::new(Arc::clone(answering), [uid], notes.clone());
        Running {
            task: tokio::spawn(server.serve(listener, stop.clone())),
            stop,
        }
    }
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn answers_questions_asked_at_once() {
    let place = Place::new();
    let _server = place.serve(&Doubler::open(), &NoteQueue::new(1));
    let client = Client::<Doubling>::start(place.path.clone(), Arc::new(()));
    let answers = (0..100).map(|n| client.ask(n, PATIENCE));
    for (n, answer) in (0..100).zip(futures_util::future::join_all(answers).await) {
        assert_eq!(answer.unwrap(), n * 2);
    }
    assert_eq!(
        ask_once::<Doubling>(&place.path, 4, PATIENCE)
            .await
            .unwrap(),
        8
    );
}

#[tokio::test]
async fn lets_in_named_users_only() {
    let place = Place::new();
    let other = rustix::process::getuid().as_raw() + 1;
    let _server = place.serve_for(other, &Doubler::open(), &NoteQueue::new(1));
    let refused = ask_once::<Doubling>(&place.path, 4, PATIENCE).await;
    assert!(matches!(refused, Err(CallError::Lost)));
}

#[tokio::test]
async fn a_question_waits_for_a_server_that_is_starting() {
    let place = Place::new();
    let client = Client::<Doubling>::start(place.path.clone(), Arc::new(()));
    let asking = tokio::spawn(async move { client.ask(3, PATIENCE).await });
    tokio::task::yield_now().await;
    let _server = place.serve(&Doubler::open(), &NoteQueue::new(1));
    assert_eq!(asking.await.unwrap().unwrap(), 6);
}

#[tokio::test]
async fn gives_up_in_time() {
    let place = Place::new();
    let client = Client::<Doubling>::start(place.path.clone(), Arc::new(()));
    let result = client.ask(3, Duration::from_millis(20)).await;
    assert!(matches!(result, Err(CallError::TimedOut)));
    let nowhere = ask_once::<Doubling>(Path::new("/nonexistent/s"), 1, PATIENCE).await;
    assert!(matches!(nowhere, Err(CallError::Connect { .. })));
}

#[tokio::test]
async fn too_many_questions_are_answered_busy_and_the_rest_in_full() {
    let place = Place::new();
    let doubler = Doubler::shut();
    let _server = place.serve(&doubler, &NoteQueue::new(1));
    let client = Client::<Doubling>::start(place.path.clone(), Arc::new(()));
    let asked: Vec<_> = (0..MAX_IN_FLIGHT as u64)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.ask(n, PATIENCE).await })
        })
        .collect();
    until("all slots taken", || {
        doubler.asked.load(Ordering::Relaxed) == MAX_IN_FLIGHT as u64
    })
    .await;
    assert!(matches!(
        client.ask(1, PATIENCE).await,
        Err(CallError::Busy)
    ));
    doubler.gate.add_permits(MAX_IN_FLIGHT);
    for asking in asked {
        asking.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_planned_restart_loses_no_question() {
    let place = Place::new();
    let notes = NoteQueue::new(1);
    let mut server = place.serve(&Doubler::open(), &notes);
    let client = Client::<Doubling>::start(place.path.clone(), Arc::new(()));
    let asking = tokio::spawn(async move {
        for n in 0..2000 {
            assert_eq!(client.ask(n, PATIENCE).await.unwrap(), n * 2);
        }
    });
    while !asking.is_finished() {
        server.stop().await;
        server = place.serve(&Doubler::open(), &notes);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asking.await.unwrap();
}

/// Collects notes; the batch that is being dealt with when the gate is shut stays unconfirmed.
struct Collector {
    gate: Semaphore,
    seen: parking_lot::Mutex<Vec<u64>>,
    dropped: AtomicU64,
}

impl Noting<u64> for Collector {
    async fn note(&self, notes: Vec<u64>, dropped: u64) {
        let _permit = self.gate.acquire().await;
        self.seen.lock().extend(notes);
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
    }
}

fn collector(permits: usize) -> Arc<Collector> {
    let seen = parking_lot::Mutex::default();
    Arc::new(Collector {
        gate: Semaphore::new(permits),
        seen,
        dropped: AtomicU64::new(0),
    })
}

#[tokio::test]
async fn notes_arrive_in_order_and_are_flushed_before_a_stop() {
    let place = Place::new();
    let notes = NoteQueue::new(1000);
    let server = place.serve(&Doubler::open(), &notes);
    let collected = collector(Semaphore::MAX_PERMITS);
    let _client = Client::<Doubling>::start(place.path.clone(), Arc::clone(&collected));
    notes.offer(0);
    until("the first note", || !collected.seen.lock().is_empty()).await;
    for note in 1..600 {
        assert!(notes.offer(note));
    }
    server.stop().await;
    assert_eq!(*collected.seen.lock(), (0..600).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_slow_reader_costs_notes_but_never_waiting() {
    let place = Place::new();
    let notes = NoteQueue::new(10);
    let _server = place.serve(&Doubler::open(), &notes);
    let collected = collector(0);
    let client = Client::<Doubling>::start(place.path.clone(), Arc::clone(&collected));
    let taken = (0..100).filter(|note| notes.offer(*note)).count() as u64;
    assert!(taken < 100);
    // Questions go on beside a stuck batch.
    assert_eq!(client.ask(1, PATIENCE).await.unwrap(), 2);
    collected.gate.add_permits(Semaphore::MAX_PERMITS);
    until("the rest", || collected.seen.lock().len() as u64 == taken).await;
    until("the next note", || {
        notes.offer(1000);
        collected.seen.lock().len() as u64 > taken
    })
    .await;
    assert!(collected.dropped.load(Ordering::Relaxed) >= 100 - taken);
}
