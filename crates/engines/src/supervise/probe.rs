//! Whether an engine answers.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// The listener that shows whether the engine is alive. Both speak first and need neither a
/// certificate of ours nor Gatepost's own sockets, so an outage of ours is not held against them.
#[derive(Debug, Clone)]
pub(super) enum Probe {
    /// Dovecot's LMTP socket.
    Lmtp(PathBuf),
    /// Postfix's internal listener, whose address stands in this file: after falling back to an
    /// older configuration it is not the one of the newest description.
    Smtp(PathBuf),
}

impl Probe {
    /// Connects, reads the greeting and says goodbye.
    pub(super) async fn greets(&self, limit: Duration) -> io::Result<()> {
        let greeted = async {
            match self {
                Self::Lmtp(path) => greeting(UnixStream::connect(path).await?).await,
                Self::Smtp(note) => {
                    let address = tokio::fs::read_to_string(note).await?;
                    greeting(TcpStream::connect(address.trim()).await?).await
                }
            }
        };
        timeout(limit, greeted)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

async fn greeting(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    // Any reply code will do: with a filter down Postfix greets with a temporary refusal, and a
    // restart would not bring the filter back.
    let mut code = [0; 3];
    stream.read_exact(&mut code).await?;
    if !code.iter().all(u8::is_ascii_digit) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a greeting"));
    }
    stream.write_all(b"QUIT\r\n").await
}
