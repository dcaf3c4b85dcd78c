//! Frames on the named sockets: a length (4 bytes, big endian), then JSON.

use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::Protocol;

/// Largest frame. Answers that could grow past it are paged by their use case.
const MAX_FRAME: usize = 4 << 20;

/// What travels. Ids are the client's for questions and the server's for notes; each side counts
/// upwards from 1 on every connection.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Frame<P: Protocol> {
    /// Client to server.
    Question { id: u64, body: P::Question },
    /// Server to client.
    Answer { id: u64, body: P::Answer },
    /// Server to client: too many questions in flight, this one was not looked at.
    Busy { id: u64 },
    /// Server to client: a batch, and how many notes were lost since the batch before.
    Notes {
        id: u64,
        dropped: u64,
        notes: Vec<P::Note>,
    },
    /// Client to server: the batch has been dealt with.
    Noted { id: u64 },
    /// Server to client, last frame: questions after `read` were not looked at; ask a successor.
    Goodbye { read: u64 },
}

/// [`Frame::Notes`] written from borrowed notes, so that they can be sent again.
#[derive(Serialize)]
#[serde(rename = "Frame")]
enum Borrowed<'a, N> {
    Notes {
        id: u64,
        dropped: u64,
        notes: &'a [N],
    },
}

pub(super) type Stream = Framed<UnixStream, LengthDelimitedCodec>;

pub(super) fn framed(stream: UnixStream) -> Stream {
    LengthDelimitedCodec::builder()
        .max_frame_length(MAX_FRAME)
        .new_framed(stream)
}

pub(super) fn encode<P: Protocol>(frame: &Frame<P>) -> std::io::Result<bytes::Bytes> {
    Ok(serde_json::to_vec(frame)?.into())
}

pub(super) fn decode<P: Protocol>(bytes: &[u8]) -> std::io::Result<Frame<P>> {
    Ok(serde_json::from_slice(bytes)?)
}

pub(super) fn encode_notes<N: Serialize>(
    id: u64,
    dropped: u64,
    notes: &[N],
) -> std::io::Result<bytes::Bytes> {
    Ok(serde_json::to_vec(&Borrowed::Notes { id, dropped, notes })?.into())
}
