//! The answering side of a named socket.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::stream::{SplitSink, StreamExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Protocol;
use super::frame::{Frame, Stream, decode, encode, encode_notes, framed};
use super::notes::NoteQueue;

/// Questions of one connection that are worked on at the same time; more are answered *busy*.
pub const MAX_IN_FLIGHT: usize = 128;

/// How long a stopping server waits for its notes to be delivered.
const LAST_NOTES: Duration = Duration::from_secs(1);

/// Who is on the other side, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The user that connected.
    pub uid: u32,
}

/// Answers questions.
pub trait Answering<P: Protocol>: Send + Sync + 'static {
    /// The answer to `question`. Must end by itself: nobody cancels it when the asker is gone.
    fn answer(&self, question: P::Question, peer: Peer) -> impl Future<Output = P::Answer> + Send;
}

/// A server on one listening socket.
pub struct Server<P: Protocol, A> {
    answering: Arc<A>,
    allowed: BTreeSet<u32>,
    notes: NoteQueue<P::Note>,
    /// Notes go to one client at a time, the one that has been there longest.
    notes_turn: Arc<Mutex<()>>,
}

impl<P: Protocol, A: Answering<P>> Server<P, A> {
    /// A server that lets in the users `allowed` and nobody else, not even root unless named.
    pub fn new(
        answering: Arc<A>,
        allowed: impl IntoIterator<Item = u32>,
        notes: NoteQueue<P::Note>,
    ) -> Self {
        Self {
            answering,
            allowed: allowed.into_iter().collect(),
            notes,
            notes_turn: Arc::default(),
        }
    }

    /// Accepts until `stop`; then delivers the notes it has, answers what has been read, says
    /// goodbye and returns.
    pub async fn serve(self, listener: UnixListener, stop: CancellationToken) {
        let server = Arc::new(self);
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted.and_then(|(stream, _)| Ok((server.check(&stream)?, stream))) {
                Ok((peer, stream)) => {
                    let (server, stop) = (Arc::clone(&server), stop.clone());
                    connections.spawn(async move {
                        if let Err(error) = server.connection(stream, peer, stop).await {
                            tracing::debug!(%error, "a connection of the internal channel ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection of the internal channel was refused");
                    // Out of descriptors: accepting again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        connections.close();
        connections.wait().await;
    }

    fn check(&self, stream: &UnixStream) -> io::Result<Peer> {
        let uid = stream.peer_cred()?.uid();
        if self.allowed.contains(&uid) {
            Ok(Peer { uid })
        } else {
            let refused = format!("user {uid} may not connect");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, refused))
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: UnixStream,
        peer: Peer,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let (sink, mut source) = framed(stream).split();
        let sink = Arc::new(Mutex::new(sink));
        let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        let answers = TaskTracker::new();
        let (noted_sender, noted) = tokio::sync::mpsc::channel(1);
        let push = Push {
            sink: Arc::clone(&sink),
            noted,
        };
        let pushing = tokio::spawn(push.run::<P>(self.notes.clone(), Arc::clone(&self.notes_turn)));
        let mut read = 0;
        let stopping = async {
            stop.cancelled().await;
            let _ = tokio::time::timeout(LAST_NOTES, self.notes.settled()).await;
        };
        tokio::pin!(stopping);
        let ended = loop {
            let bytes = tokio::select! {
                biased;
                () = &mut stopping => break Ok(()),
                bytes = source.next() => bytes,
            };
            let frame = match bytes
                .transpose()
                .and_then(|bytes| bytes.map(|bytes| decode::<P>(&bytes)).transpose())
            {
                Ok(Some(frame)) => frame,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            match frame {
                Frame::Question { id, body } => {
                    read = id;
                    let sink = Arc::clone(&sink);
                    let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                        send(&sink, &Frame::<P>::Busy { id }).await?;
                        continue;
                    };
                    let answering = Arc::clone(&self.answering);
                    answers.spawn(async move {
                        let body = answering.answer(body, peer).await;
                        // The asker may be gone by now; its answer goes with it.
                        let _ = send(&sink, &Frame::<P>::Answer { id, body }).await;
                        drop(slot);
                    });
                }
                Frame::Noted { id } => {
                    // Full only if a client confirms what it was never sent.
                    let _ = noted_sender.try_send(id);
                }
                Frame::Answer { .. }
                | Frame::Busy { .. }
                | Frame::Notes { .. }
                | Frame::Goodbye { .. } => break Err(io::ErrorKind::InvalidData.into()),
            }
        };
        drop(noted_sender);
        answers.close();
        answers.wait().await;
        pushing.abort();
        let _ = pushing.await;
        if stop.is_cancelled() {
            send(&sink, &Frame::<P>::Goodbye { read }).await?;
        }
        ended
    }
}

type Sink = Arc<Mutex<SplitSink<Stream, bytes::Bytes>>>;

async fn send<P: Protocol>(sink: &Sink, frame: &Frame<P>) -> io::Result<()> {
    let bytes = encode(frame)?;
    sink.lock().await.send(bytes).await
}

/// Sends batches of notes, one at a time: the next leaves when the one before is confirmed.
struct Push {
    sink: Sink,
    noted: tokio::sync::mpsc::Receiver<u64>,
}

impl Push {
    async fn run<P: Protocol>(mut self, notes: NoteQueue<P::Note>, turn: Arc<Mutex<()>>) {
        let _turn = turn.lock().await;
        for id in 1.. {
            let batch = notes.take().await;
            let Ok(frame) = encode_notes(id, batch.dropped, &batch.notes) else {
                // Not to be written down now, so not ever: lost rather than tried in circles.
                tracing::error!("a batch of notes could not be written down");
                batch.confirm();
                continue;
            };
            if self.sink.lock().await.send(frame).await.is_err() {
                return;
            }
            loop {
                match self.noted.recv().await {
                    Some(confirmed) if confirmed == id => break,
                    Some(_) => {}
                    None => return,
                }
            }
            batch.confirm();
        }
    }
}
