//! Bytes that have arrived and are not worked on yet. Wiped after use: they hold secrets.

use std::io;
use tokio::net::UnixStream;
use zeroize::{Zeroize as _, Zeroizing};

/// Room made before each read. Most connections are idle and keep this much.
const CHUNK: usize = 4 * 1024;

/// A read buffer that leaves no copy of what passed through it.
#[derive(Default)]
pub(crate) struct Inbox {
    bytes: Zeroizing<Vec<u8>>,
    start: usize,
}

impl Inbox {
    /// A buffer that starts with `bytes`.
    pub(crate) fn with(bytes: &[u8]) -> Self {
        let mut inbox = Self::default();
        inbox.make_room(bytes.len());
        inbox.bytes.extend_from_slice(bytes);
        inbox
    }

    /// What is not consumed yet.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Forgets the first `count` unread bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        let end = self.start + count;
        self.bytes[self.start..end].zeroize();
        self.start = end;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Reads once without waiting. `Ok(0)` is the end of the stream.
    pub(crate) fn read_from(&mut self, stream: &UnixStream) -> io::Result<usize> {
        self.make_room(CHUNK);
        stream.try_read_buf(&mut *self.bytes)
    }

    /// Room for `count` more bytes. Growing copies to a new buffer and wipes the old one, which a
    /// plain reallocation would not do.
    fn make_room(&mut self, count: usize) {
        if self.bytes.capacity() - self.bytes.len() >= count {
            return;
        }
        let unread = self.bytes.len() - self.start;
        let mut roomy = Zeroizing::new(Vec::with_capacity((unread + count).next_power_of_two()));
        roomy.extend_from_slice(&self.bytes[self.start..]);
        self.bytes = roomy;
        self.start = 0;
    }
}
