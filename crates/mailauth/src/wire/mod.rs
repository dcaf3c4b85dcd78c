//! Parsers and writers of the four protocols: plain functions on bytes, without I/O or state.
//!
//! A parser takes what has arrived so far and says: a whole request and how many bytes it took, not
//! yet, or a [`FramingError`], after which the connection is closed, because nobody knows any more
//! where the next request starts. Whatever is merely wrong *inside* a well-framed request is no
//! framing error and gets a reply.

pub mod auth_client;
pub mod auth_master;
pub mod fields;
pub mod lines;
pub mod netstring;
pub mod policy;
pub mod socketmap;
pub mod text;

/// Why a connection can no longer be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FramingError {
    /// A line or netstring above the hard limit.
    #[error("request longer than the limit")]
    TooLong,
    /// More fields than any engine sends.
    #[error("too many fields in one request")]
    TooManyFields,
    /// NUL or CR outside an escape, or 0x01 before a byte that it does not escape.
    #[error("byte that has to be escaped")]
    Escape,
    /// A command or handshake line that the protocol does not have.
    #[error("unknown command")]
    Command,
    /// An id, a process id or a version that is not such a number.
    #[error("number missing or out of range")]
    Number,
    /// A cookie that is not 32 hex digits.
    #[error("broken cookie")]
    Cookie,
    /// Another major version of the protocol.
    #[error("protocol version not supported")]
    Version,
    /// A command before the handshake was finished, or a second handshake.
    #[error("command out of order")]
    Order,
    /// The id of a request that is still open.
    #[error("id of an open request used again")]
    IdInUse,
    /// A netstring whose length, colon or comma is wrong.
    #[error("broken netstring")]
    Netstring,
    /// A policy line that is not `name=value`, or a request that is not a policy request.
    #[error("broken policy request")]
    Policy,
}
