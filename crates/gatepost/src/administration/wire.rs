//! The admin socket: a length (4 bytes, big endian), then JSON. A command asks, reads lines of
//! progress, then the answer, and may ask again.

use app::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::UnixStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// Largest frame: the largest file to import (16 MiB), with room for how JSON writes it.
const MAX_FRAME: usize = 48 << 20;

/// What the server says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// A line of long work.
    Progress(Value),
    /// Done; the document. Last frame of an answer.
    Done(Value),
    /// Not done. Last frame of an answer.
    Not(Problem),
    /// The server knows no such request. Last frame of an answer.
    Unknown(String),
}

pub(super) type Stream = Framed<UnixStream, LengthDelimitedCodec>;

pub(super) fn framed(stream: UnixStream) -> Stream {
    LengthDelimitedCodec::builder()
        .max_frame_length(MAX_FRAME)
        .new_framed(stream)
}

pub(super) fn encode(message: &impl Serialize) -> std::io::Result<bytes::Bytes> {
    Ok(serde_json::to_vec(message)?.into())
}
