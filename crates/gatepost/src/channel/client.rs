//! The asking side of a named socket.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt as _;
use futures_util::stream::{SplitSink, StreamExt as _};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Protocol;
use super::frame::{Frame, Stream, decode, encode, framed};

/// Questions that wait for a connection; more are refused at once.
const MAX_WAITING: usize = 256;

const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// Why there is no answer. All of them mean *unavailable*, never *refused*.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody answered in time; the question may or may not have been dealt with.
    #[error("no answer in time")]
    TimedOut,
    /// Too many questions are waiting; this one was not dealt with.
    #[error("too many questions at once")]
    Busy,
    /// The connection ended before the answer; the question may or may not have been dealt with.
    #[error("the connection ended before the answer")]
    Lost,
    /// Nobody listens, or we may not connect.
    #[error("cannot connect to {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The two sides do not understand each other: versions that do not fit.
    #[error("the two sides do not understand each other: {0}")]
    Protocol(io::Error),
}

/// Deals with notes from the server.
pub trait Noting<N>: Send + Sync + 'static {
    /// Deals with a batch; the next one comes only after this one is done. `dropped` is how many
    /// notes the server lost since the batch before.
    fn note(&self, notes: Vec<N>, dropped: u64) -> impl Future<Output = ()> + Send;
}

impl<N: Send + 'static> Noting<N> for () {
    async fn note(&self, _: Vec<N>, _: u64) {}
}

/// A connection that is kept up: it comes back by itself when the server restarts, and questions
/// asked meanwhile wait for it. Clones share it; it ends with the last clone.
pub struct Client<P: Protocol> {
    calls: mpsc::Sender<Call<P>>,
}

struct Call<P: Protocol> {
    question: P::Question,
    deadline: Instant,
    answer: oneshot::Sender<Result<P::Answer, CallError>>,
}

impl<P: Protocol> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self {
            calls: self.calls.clone(),
        }
    }
}

impl<P: Protocol<Question: Clone>> Client<P> {
    /// Starts connecting to `path`, within the running tokio runtime.
    #[must_use]
    pub fn start<N: Noting<P::Note>>(path: PathBuf, noting: Arc<N>) -> Self {
        let (calls, incoming) = mpsc::channel(MAX_WAITING);
        let keeper = Keeper {
            path,
            incoming,
            waiting: VecDeque::new(),
            noting,
        };
        tokio::spawn(keeper.run());
        Self { calls }
    }

    /// Asks, and waits for the answer up to `patience`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn ask(
        &self,
        question: P::Question,
        patience: Duration,
    ) -> Result<P::Answer, CallError> {
        let (answer, answered) = oneshot::channel();
        let call = Call {
            question,
            deadline: Instant::now() + patience,
            answer,
        };
        self.calls.try_send(call).map_err(|_| CallError::Busy)?;
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(CallError::Lost),
            Err(_) => Err(CallError::TimedOut),
        }
    }
}

/// Asks one question on a connection of its own; for commands.
///
/// # Errors
/// [`CallError`]; [`CallError::Connect`] when no server runs.
pub async fn ask_once<P: Protocol>(
    path: &Path,
    question: P::Question,
    patience: Duration,
) -> Result<P::Answer, CallError> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|source| CallError::Connect {
            path: path.to_owned(),
            source,
        })?;
    let exchange = async {
        let mut stream = framed(stream);
        let question = encode(&Frame::<P>::Question {
            id: 1,
            body: question,
        });
        stream
            .send(question.map_err(CallError::Protocol)?)
            .await
            .map_err(|_| CallError::Lost)?;
        while let Some(bytes) = stream.next().await {
            match decode::<P>(&bytes.map_err(|_| CallError::Lost)?).map_err(CallError::Protocol)? {
                Frame::Answer { id: 1, body } => return Ok(body),
                Frame::Busy { .. } => return Err(CallError::Busy),
                Frame::Goodbye { .. } => return Err(CallError::Lost),
                // Notes go to whoever stays; unconfirmed they come again.
                _ => {}
            }
        }
        Err(CallError::Lost)
    };
    tokio::time::timeout(patience, exchange)
        .await
        .map_err(|_| CallError::TimedOut)?
}

/// Keeps the connection up.
struct Keeper<P: Protocol, N> {
    path: PathBuf,
    incoming: mpsc::Receiver<Call<P>>,
    /// Asked while there was no server, or of one that went without looking at them: first in
    /// line at its successor.
    waiting: VecDeque<Call<P>>,
    noting: Arc<N>,
}

/// Why a connection is over.
enum End {
    /// The server is gone, or not understood: connect again.
    Server,
    /// Nobody is left to ask.
    Askers,
}

impl<P: Protocol<Question: Clone>, N: Noting<P::Note>> Keeper<P, N> {
    async fn run(mut self) {
        let mut pause = RETRY_FIRST;
        loop {
            let end = match UnixStream::connect(&self.path).await {
                Ok(stream) => {
                    pause = RETRY_FIRST;
                    self.exchange(framed(stream)).await
                }
                Err(error) => {
                    tracing::debug!(%error, path = %self.path.display(), "cannot connect yet");
                    let end = self.wait(pause).await;
                    pause = (pause * 2).min(RETRY_LAST);
                    end
                }
            };
            if matches!(end, End::Askers) {
                return;
            }
        }
    }

    /// Takes in questions while there is no server, and forgets those whose asker has given up.
    async fn wait(&mut self, pause: Duration) -> End {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            self.waiting.retain(|call| !call.answer.is_closed());
            tokio::select! {
                () = &mut over => return End::Server,
                call = self.incoming.recv(), if self.waiting.len() < MAX_WAITING => match call {
                    Some(call) => self.waiting.push_back(call),
                    None => return End::Askers,
                },
            }
        }
    }

    /// Serves one connection.
    async fn exchange(&mut self, stream: Stream) -> End {
        let (sink, mut source) = stream.split();
        let (noted_sender, mut noted) = mpsc::channel(1);
        let mut asked = Asked::<P> {
            sink,
            pending: BTreeMap::new(),
            last_id: 0,
        };
        while let Some(call) = self.waiting.pop_front() {
            if asked.ask(call).await.is_err() {
                return End::Server;
            }
        }
        loop {
            let sent = tokio::select! {
                call = self.incoming.recv() => match call {
                    Some(call) => asked.ask(call).await,
                    None => return End::Askers,
                },
                Some(id) = noted.recv() => asked.send(&Frame::Noted { id }).await,
                bytes = source.next() => {
                    let frame = match bytes {
                        Some(bytes) => bytes.and_then(|bytes| decode::<P>(&bytes)),
                        None => return End::Server,
                    };
                    match frame {
                        Ok(Frame::Notes { id, dropped, notes }) => {
                            let (noting, done) = (Arc::clone(&self.noting), noted_sender.clone());
                            tokio::spawn(async move {
                                noting.note(notes, dropped).await;
                                // Fails when the connection is gone: then the batch comes again.
                                let _ = done.send(id).await;
                            });
                            Ok(())
                        }
                        Ok(Frame::Goodbye { read }) => {
                            self.waiting.extend(asked.not_read(read));
                            return End::Server;
                        }
                        Ok(frame) => asked.answered(frame),
                        Err(error) => Err(error),
                    }
                }
            };
            if let Err(error) = sent {
                tracing::warn!(%error, "the internal channel broke");
                return End::Server;
            }
        }
    }
}

/// The questions of one connection that wait for their answers. Dropped, they are [lost].
///
/// [lost]: CallError::Lost
struct Asked<P: Protocol> {
    sink: SplitSink<Stream, bytes::Bytes>,
    pending: BTreeMap<u64, Call<P>>,
    last_id: u64,
}

impl<P: Protocol<Question: Clone>> Asked<P> {
    async fn ask(&mut self, call: Call<P>) -> io::Result<()> {
        if call.deadline <= Instant::now() || call.answer.is_closed() {
            return Ok(());
        }
        self.last_id += 1;
        let frame = Frame::Question {
            id: self.last_id,
            body: call.question.clone(),
        };
        self.pending.insert(self.last_id, call);
        self.send(&frame).await
    }

    async fn send(&mut self, frame: &Frame<P>) -> io::Result<()> {
        self.sink.send(encode(frame)?).await
    }

    fn answered(&mut self, frame: Frame<P>) -> io::Result<()> {
        let (id, result) = match frame {
            Frame::Answer { id, body } => (id, Ok(body)),
            Frame::Busy { id } => (id, Err(CallError::Busy)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        if let Some(call) = self.pending.remove(&id) {
            // The asker may have given up.
            let _ = call.answer.send(result);
        }
        Ok(())
    }

    /// Questions the server went without looking at.
    fn not_read(mut self, read: u64) -> impl Iterator<Item = Call<P>> {
        self.pending.split_off(&(read + 1)).into_values()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
