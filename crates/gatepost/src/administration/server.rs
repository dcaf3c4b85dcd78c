//! The web worker's end of the admin socket.

use std::io;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use app::App;
use futures_util::{SinkExt as _, StreamExt as _};
use model::audit::Actor;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::wire::{Reply, Stream, encode, framed};
use super::{Request, answer};

/// Commands that are answered at the same time; more wait.
const MAX_COMMANDS: usize = 32;

/// How long a stopping server works for the commands it has; an import is then broken off between
/// two lines, and its command says so.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// Answers commands until `stop`. `socket` is the listening socket with the users that may connect;
/// everybody else is turned away. A command that goes away is not worked for any longer.
///
/// # Errors
/// When the socket cannot be used.
pub async fn serve(
    app: App,
    socket: (UnixListener, Vec<u32>),
    stop: CancellationToken,
) -> io::Result<()> {
    let (listener, allowed) = socket;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(MAX_COMMANDS));
    let commands = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted.and_then(|(stream, place)| {
            check(&stream, &allowed)?;
            Ok((stream, place))
        }) {
            Ok((stream, place)) => {
                let (app, stop) = (app.clone(), stop.clone());
                commands.spawn(async move {
                    let late = async {
                        stop.cancelled().await;
                        tokio::time::sleep(LAST_ANSWERS).await;
                    };
                    tokio::select! {
                        ended = converse(&app, framed(stream), &stop) => if let Err(error) = ended {
                            tracing::debug!(%error, "a command went away");
                        },
                        () = late => tracing::warn!("a command was broken off"),
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a command was turned away");
                // Out of descriptors: accepting again at once would only spin.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    commands.close();
    commands.wait().await;
    Ok(())
}

async fn accept(
    listener: &tokio::net::UnixListener,
    places: &Arc<Semaphore>,
) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// The socket's mode lets nobody else in; this is the second bolt.
fn check(stream: &UnixStream, allowed: &[u32]) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    if allowed.contains(&uid) {
        Ok(())
    } else {
        let refused = format!("user {uid} may not administer");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, refused))
    }
}

async fn converse(app: &App, mut stream: Stream, stop: &CancellationToken) -> io::Result<()> {
    loop {
        let asked = tokio::select! {
            asked = stream.next() => asked,
            () = stop.cancelled() => return Ok(()),
        };
        let Some(bytes) = asked.transpose()? else {
            return Ok(());
        };
        let last = match serde_json::from_slice(&bytes) {
            Ok(request) => reply(app, request, &mut stream).await?,
            Err(error) => Reply::Unknown(error.to_string()),
        };
        stream.send(encode(&last)?).await?;
    }
}

/// Works on a request and sends its lines; returns the last frame.
async fn reply(app: &App, request: Request, stream: &mut Stream) -> io::Result<Reply> {
    // Bounded by the work itself: an import has as many lines as its file.
    let (told, mut lines) = mpsc::unbounded_channel::<Value>();
    let mut tell = |line| {
        // The other end lives as long as this function.
        let _ = told.send(line);
    };
    let outcome = {
        let answering = answer(app, &Actor::CommandLine, request, &mut tell);
        tokio::pin!(answering);
        loop {
            tokio::select! {
                biased;
                outcome = &mut answering => break outcome,
                Some(line) = lines.recv() => stream.send(encode(&Reply::Progress(line))?).await?,
                early = stream.next() => {
                    let gone = if early.is_some() { "it spoke out of turn" } else { "it is gone" };
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, gone));
                }
            }
        }
    };
    while let Ok(line) = lines.try_recv() {
        stream.send(encode(&Reply::Progress(line))?).await?;
    }
    Ok(match outcome {
        Ok(document) => Reply::Done(document),
        Err(problem) => Reply::Not(problem),
    })
}
