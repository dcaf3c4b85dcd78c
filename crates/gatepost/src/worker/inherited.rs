//! What an auth worker takes over from its predecessor.

use std::os::fd::OwnedFd;

use zeroize::Zeroizing;

use crate::channel::control::{Handed, HandedWhat};

/// A connection with more state than this is not taken over; its engine connects again.
const MAX_ITEM: usize = 16 << 20;

/// Everything the predecessor held.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Live connections of engines.
    pub connections: Vec<HandedConnection>,
    /// What belongs to no single connection; empty without a predecessor.
    pub desk: Zeroizing<Vec<u8>>,
    /// Failure budgets and known networks; empty without a predecessor.
    pub budgets: Zeroizing<Vec<u8>>,
}

/// One live connection.
#[derive(Debug)]
pub struct HandedConnection {
    /// The connected socket.
    pub socket: OwnedFd,
    /// Where its conversation stands, as the mail edge wrote it.
    pub state: Zeroizing<Vec<u8>>,
}

/// Puts pieces together.
#[derive(Default)]
pub(super) struct Collector {
    inherited: Inherited,
    pieces: Zeroizing<Vec<u8>>,
}

impl Collector {
    pub(super) fn add(&mut self, handed: Handed, piece: &[u8], descriptors: Vec<OwnedFd>) {
        if self.pieces.len() + piece.len() <= MAX_ITEM {
            self.pieces.extend_from_slice(piece);
        }
        if !handed.last {
            return;
        }
        let state = std::mem::take(&mut self.pieces);
        match (handed.what, descriptors.into_iter().next()) {
            (HandedWhat::Connection, Some(socket)) => {
                self.inherited
                    .connections
                    .push(HandedConnection { socket, state });
            }
            (HandedWhat::Desk, None) => self.inherited.desk = state,
            (HandedWhat::Budgets, None) => self.inherited.budgets = state,
            _ => tracing::warn!("a piece of the predecessor's state makes no sense"),
        }
    }

    pub(super) fn into_inherited(self) -> Inherited {
        self.inherited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_items() {
        let mut collector = Collector::default();
        let connection = |last| Handed {
            what: HandedWhat::Connection,
            last,
        };
        let socket = || std::os::unix::net::UnixStream::pair().unwrap().0.into();
        collector.add(connection(false), b"one ", vec![]);
        collector.add(connection(true), b"state", vec![socket()]);
        collector.add(connection(true), b"two", vec![socket()]);
        collector.add(
            Handed {
                what: HandedWhat::Desk,
                last: true,
            },
            b"desk",
            vec![],
        );
        let inherited = collector.into_inherited();
        let states: Vec<_> = inherited
            .connections
            .iter()
            .map(|c| c.state.as_slice())
            .collect();
        assert_eq!(states, [&b"one state"[..], b"two"]);
        assert_eq!(inherited.desk.as_slice(), b"desk");
    }

    #[test]
    fn a_connection_without_its_socket_is_left_out() {
        let mut collector = Collector::default();
        collector.add(
            Handed {
                what: HandedWhat::Connection,
                last: true,
            },
            b"x",
            vec![],
        );
        assert!(collector.into_inherited().connections.is_empty());
    }
}
