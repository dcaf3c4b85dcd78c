//! What one worker hands to the next so that a planned restart loses no login.
//!
//! The old worker stops accepting and reading, answers what it holds, and then gives up its
//! connected sockets with these states. Requests that arrived meanwhile wait unread in the sockets,
//! or here if they were read already. The states are versioned: a worker that cannot read one drops
//! that connection, and the engine connects again.

use crate::decisions::{Granted, Origin};
use crate::pending::Remembered;
use crate::sasl::Exchange;
use crate::settings::Door;
use crate::wire::auth_client::Cookie;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use zeroize::Zeroizing;

/// Changes whenever an older worker's state would be misread.
const FORMAT: u32 = 2;

/// Everything that a drained desk held.
#[derive(Debug)]
pub struct Handover {
    /// What belongs to no single connection.
    pub desk: DeskState,
    /// The connections, each with its state.
    pub connections: Vec<Connected>,
}

/// One live connection of an engine.
#[derive(Debug)]
pub struct Connected {
    /// The connected socket.
    pub socket: OwnedFd,
    /// Where its conversation stands.
    pub state: ConnectionState,
}

/// What belongs to no single connection: the OKs that sessions will still ask about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskState {
    format: u32,
    pub(crate) remembered: Vec<Remembered>,
    pub(crate) last_connection: u32,
}

/// Where a conversation stands. May hold a request that was not worked on yet, and in it a secret:
/// pass it on, never keep or log it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    format: u32,
    pub(crate) door: Door,
    pub(crate) talk: Talk,
    #[serde(with = "bytes")]
    pub(crate) unread: Vec<u8>,
    #[serde(with = "bytes")]
    pub(crate) unsent: Vec<u8>,
}

/// The protocol's own part of a [`ConnectionState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Talk {
    /// On [`Door::DovecotLogin`] and [`Door::PostfixAuth`].
    AuthClient {
        cookie: Cookie,
        handshake: Handshake,
        exchanges: BTreeMap<u32, OpenExchange>,
        /// On [`Door::PostfixAuth`], the last OK.
        signed_in: Option<Granted>,
    },
    /// On [`Door::DovecotMaster`] and [`Door::DovecotUserdb`].
    AuthMaster {
        greeted: bool,
        listing: Option<Listing>,
    },
    /// On [`Door::Socketmap`].
    Socketmap,
    /// On [`Door::Policy`].
    Policy,
}

/// How far the engine's side of the auth-client handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Handshake {
    /// Nothing yet.
    Fresh,
    /// `VERSION`.
    Versioned,
    /// `CPID` too: requests may come.
    Done {
        /// The engine process's id.
        client_pid: u32,
    },
}

/// A SASL exchange that waits for the mail program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenExchange {
    pub(crate) origin: Origin,
    pub(crate) no_login: bool,
    pub(crate) exchange: Exchange,
}

/// A listing that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing {
    pub(crate) id: u32,
    pub(crate) after: Option<model::address::Address>,
}

/// A state that this version cannot read.
#[derive(Debug, thiserror::Error)]
pub enum UnknownState {
    /// Not the serialized form at all.
    #[error("unreadable state of another worker")]
    Unreadable(#[from] serde_json::Error),
    /// Another version's form.
    #[error("another worker's state has format {0}, this one reads {FORMAT}")]
    Format(u32),
}

impl DeskState {
    pub(crate) const fn new(remembered: Vec<Remembered>, last_connection: u32) -> Self {
        Self {
            format: FORMAT,
            remembered,
            last_connection,
        }
    }

    /// The serialized form.
    ///
    /// # Errors
    /// None in practice; the serializer's.
    pub fn encode(&self) -> Result<Vec<u8>, UnknownState> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`UnknownState`].
    pub fn decode(bytes: &[u8]) -> Result<Self, UnknownState> {
        known_format(bytes)?;
        Ok(serde_json::from_slice(bytes)?)
    }
}

impl ConnectionState {
    pub(crate) const fn new(door: Door, talk: Talk, unread: Vec<u8>, unsent: Vec<u8>) -> Self {
        Self {
            format: FORMAT,
            door,
            talk,
            unread,
            unsent,
        }
    }

    /// The serialized form, wiped when dropped.
    ///
    /// # Errors
    /// None in practice; the serializer's.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, UnknownState> {
        Ok(Zeroizing::new(serde_json::to_vec(self)?))
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`UnknownState`].
    pub fn decode(bytes: &[u8]) -> Result<Self, UnknownState> {
        known_format(bytes)?;
        Ok(serde_json::from_slice(bytes)?)
    }
}

impl Drop for ConnectionState {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.unread);
    }
}

impl std::fmt::Debug for ConnectionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionState")
            .field("door", &self.door)
            .field("unread", &self.unread.len())
            .field("unsent", &self.unsent.len())
            .finish_non_exhaustive()
    }
}

fn known_format(bytes: &[u8]) -> Result<(), UnknownState> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    match serde_json::from_slice::<Head>(bytes)?.format {
        FORMAT => Ok(()),
        other => Err(UnknownState::Format(other)),
    }
}

mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_round_trips_and_another_format_is_refused() {
        let talk = Talk::AuthClient {
            cookie: [5; 16],
            handshake: Handshake::Done { client_pid: 4 },
            exchanges: BTreeMap::from([(
                9,
                OpenExchange {
                    origin: Origin::default(),
                    no_login: true,
                    exchange: Exchange::LoginSecret { name: "a".into() },
                },
            )]),
            signed_in: None,
        };
        let state = ConnectionState::new(Door::PostfixAuth, talk, b"AUTH\t\xff".to_vec(), vec![1]);
        let bytes = state.encode().unwrap();
        assert_eq!(ConnectionState::decode(&bytes).unwrap(), state);

        let newer =
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .replacen("\"format\":2", "\"format\":3", 1);
        assert!(matches!(
            ConnectionState::decode(newer.as_bytes()),
            Err(UnknownState::Format(3))
        ));
        assert!(matches!(
            ConnectionState::decode(b"{}"),
            Err(UnknownState::Unreadable(_))
        ));
    }

    #[test]
    fn a_state_never_shows_what_it_holds() {
        let state = ConnectionState::new(Door::Policy, Talk::Policy, b"secret".to_vec(), vec![]);
        let shown = format!("{state:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("115"),
            "{shown}"
        );
    }
}
