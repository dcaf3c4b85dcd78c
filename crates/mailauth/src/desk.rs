//! Accepts engines, serves them, and hands them to the next worker.

use crate::auth_client::AuthClient;
use crate::auth_master::AuthMaster;
use crate::connection::{Connection, Drain};
use crate::conversation::{Conversation, Shared};
use crate::counts::{Counts, bump};
use crate::decisions::Decisions;
use crate::handover::{Connected, ConnectionState, DeskState, Handover, Talk};
use crate::inbox::Inbox;
use crate::policy::Policy;
use crate::settings::{Door, Settings};
use crate::socketmap::Socketmap;
use model::random::Random;
use std::collections::HashMap;
use std::io;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

/// Pause after a failed accept, which means that descriptors or memory are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a drain waits beyond its deadline for connections to give themselves up.
const GRACE: Duration = Duration::from_millis(500);

/// A listening socket, owned by the keeper and lent to this worker.
#[derive(Debug)]
pub struct Listener {
    /// What is spoken on it.
    pub door: Door,
    /// The socket. The keeper's copy keeps it alive between workers.
    pub socket: StdListener,
    /// User ids that may connect; root is not implied. Others are closed without a byte.
    pub allowed: Vec<u32>,
}

/// Serves the engines until it is drained.
///
/// ```text
/// old worker                     keeper                         new worker
/// ----------                     ------                         ----------
///                 <-- "drain" --
/// desk.drain(2 s)
///   stops accepting and reading
///   answers what it holds
/// Handover        -- states, descriptors -->
///                                -- states, descriptors, listeners -->
///                                                               Desk::open(.., Some(handover))
/// exits
/// ```
///
/// Between the two, engines notice nothing but a pause: new connections wait in the listeners'
/// backlog, new requests in the sockets. Dropping a desk without draining closes everything.
pub struct Desk<D: Decisions> {
    server: Arc<Server<D>>,
    drain: watch::Sender<Option<Instant>>,
    parked: mpsc::UnboundedReceiver<Connected>,
}

/// What the desk's tasks share.
struct Server<D> {
    shared: Arc<Shared<D>>,
    /// By door, so that a flood on one leaves room on the others.
    connections: HashMap<Door, Arc<Semaphore>>,
    last_connection: AtomicU32,
}

/// The desk's ends of the channels, one set for each task.
#[derive(Clone)]
struct Channels {
    drain: Drain,
    parked: mpsc::UnboundedSender<Connected>,
}

impl<D: Decisions> Desk<D> {
    /// Takes over what the previous worker handed over, then starts to accept. In this order,
    /// because a session may ask on a new connection about a login that the previous worker granted.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If a listener cannot be registered with the runtime. A handed-over connection that cannot is
    /// closed instead; its engine connects again.
    pub fn open(
        decisions: Arc<D>,
        random: Arc<dyn Random>,
        settings: Settings,
        listeners: Vec<Listener>,
        inherited: Option<Handover>,
    ) -> io::Result<Self> {
        let server = Arc::new(Server {
            connections: Door::ALL
                .map(|door| (door, Arc::new(Semaphore::new(settings.connections))))
                .into(),
            shared: Arc::new(Shared::new(decisions, random, settings)),
            last_connection: AtomicU32::new(0),
        });
        let (drain, draining) = watch::channel(None);
        let (sender, parked) = mpsc::unbounded_channel();
        let channels = Channels {
            drain: draining,
            parked: sender,
        };
        if let Some(Handover {
            desk,
            mut connections,
        }) = inherited
        {
            server.shared.pending.import(desk.remembered);
            server.last_connection.store(desk.last_connection, Relaxed);
            // Policy requests ask who is signed in at an smtpd; its own connection tells.
            connections.sort_by_key(|connected| connected.state.door != Door::PostfixAuth);
            for connected in connections {
                if let Err(error) = server.resume(connected, &channels) {
                    tracing::warn!(%error, "a handed-over connection could not be resumed");
                }
            }
        }
        for listener in listeners {
            listener.socket.set_nonblocking(true)?;
            let socket = UnixListener::from_std(listener.socket)?;
            let (server, channels) = (Arc::clone(&server), channels.clone());
            tokio::spawn(server.accept(listener.door, socket, listener.allowed, channels));
        }
        Ok(Self {
            server,
            drain,
            parked,
        })
    }

    /// Stops accepting and reading, answers everything that is being decided, and gives back the
    /// connections. Refusals that were held back are said at once. What is not decided after `within`
    /// is answered as a fault of ours; towards Postfix that closes the connection.
    pub async fn drain(mut self, within: Duration) -> Handover {
        let until = Instant::now() + within;
        self.drain.send_replace(Some(until));
        let mut connections = Vec::new();
        let collect = async {
            // Ends when the last task is gone.
            while let Some(connected) = self.parked.recv().await {
                connections.push(connected);
            }
        };
        if tokio::time::timeout_at(until + GRACE, collect)
            .await
            .is_err()
        {
            tracing::warn!("a connection was not handed over in time");
        }
        let remembered = self.server.shared.pending.export();
        Handover {
            desk: DeskState::new(remembered, self.server.last_connection.load(Relaxed)),
            connections,
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.server.shared.counters.snapshot()
    }
}

impl<D: Decisions> std::fmt::Debug for Desk<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl<D: Decisions> Server<D> {
    fn room(&self, door: Door) -> Arc<Semaphore> {
        self.connections
            .get(&door)
            .map_or_else(|| Arc::new(Semaphore::new(0)), Arc::clone)
    }

    async fn accept(
        self: Arc<Self>,
        door: Door,
        listener: UnixListener,
        allowed: Vec<u32>,
        mut channels: Channels,
    ) {
        let room = self.room(door);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = channels.drain.changed() => return,
                accepted = next(&room, &listener) => accepted,
            };
            match accepted {
                Ok((stream, permit)) => self.welcome(door, stream, &allowed, permit, &channels),
                Err(error) => {
                    tracing::warn!(door = door.name(), %error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn welcome(
        self: &Arc<Self>,
        door: Door,
        stream: UnixStream,
        allowed: &[u32],
        permit: OwnedSemaphorePermit,
        channels: &Channels,
    ) {
        let counters = &self.shared.counters;
        let uid = match stream.peer_cred() {
            Ok(peer) if allowed.contains(&peer.uid()) => peer.uid(),
            Ok(peer) => {
                bump(&counters.strangers);
                tracing::warn!(
                    door = door.name(),
                    peer.uid = peer.uid(),
                    peer.pid = peer.pid(),
                    "a stranger connected to an engine's socket"
                );
                return;
            }
            Err(error) => {
                bump(&counters.strangers);
                tracing::warn!(door = door.name(), %error, "a peer could not be identified");
                return;
            }
        };
        bump(&counters.accepted);
        let mut out = Vec::new();
        let shared = Arc::clone(&self.shared);
        let number = self.last_connection.fetch_add(1, Relaxed).wrapping_add(1);
        let inbox = Inbox::default();
        let parts = (stream, door, inbox, permit);
        match door {
            Door::DovecotLogin | Door::PostfixAuth => {
                let conversation = AuthClient::greet(shared, door, number, &mut out);
                self.serve(parts, conversation, out, channels);
            }
            Door::DovecotMaster | Door::DovecotUserdb => {
                let conversation = AuthMaster::greet(shared, door, uid == 0, &mut out);
                self.serve(parts, conversation, out, channels);
            }
            Door::Socketmap => self.serve(parts, Socketmap::new(shared), out, channels),
            Door::Policy => self.serve(parts, Policy::new(shared), out, channels),
        }
    }

    /// Goes on with a connection of the previous worker, which checked the peer.
    fn resume(self: &Arc<Self>, connected: Connected, channels: &Channels) -> io::Result<()> {
        let Connected { socket, mut state } = connected;
        let socket = StdStream::from(socket);
        socket.set_nonblocking(true)?;
        let stream = UnixStream::from_std(socket)?;
        let permit = self
            .room(state.door)
            .try_acquire_owned()
            .map_err(io::Error::other)?;
        let may_list = stream.peer_cred()?.uid() == 0;
        bump(&self.shared.counters.resumed);
        let shared = Arc::clone(&self.shared);
        let inbox = Inbox::with(&state.unread);
        let out = std::mem::take(&mut state.unsent);
        let door = state.door;
        let parts = (stream, door, inbox, permit);
        match talk(&mut state) {
            Talk::AuthClient {
                cookie,
                handshake,
                exchanges,
                signed_in,
            } => {
                let conversation =
                    AuthClient::resume(shared, door, cookie, handshake, exchanges, signed_in);
                self.serve(parts, conversation, out, channels);
            }
            Talk::AuthMaster { greeted, listing } => {
                let conversation = AuthMaster::resume(shared, door, may_list, greeted, listing);
                self.serve(parts, conversation, out, channels);
            }
            Talk::Socketmap => self.serve(parts, Socketmap::new(shared), out, channels),
            Talk::Policy => self.serve(parts, Policy::new(shared), out, channels),
        }
        Ok(())
    }

    fn serve<C: Conversation>(
        self: &Arc<Self>,
        (stream, door, inbox, permit): (UnixStream, Door, Inbox, OwnedSemaphorePermit),
        conversation: C,
        out: Vec<u8>,
        channels: &Channels,
    ) {
        let connection = Connection {
            stream,
            door,
            conversation,
            inbox,
            out,
        };
        let shared = Arc::clone(&self.shared);
        let Channels { drain, parked } = channels.clone();
        tokio::spawn(async move {
            let serving = connection.serve(&shared.settings, &shared.counters, drain, parked);
            serving.await;
            bump(&shared.counters.closed);
            drop(permit);
        });
    }
}

/// The next connection, once there is room for one: until then it waits in the backlog.
async fn next(
    room: &Arc<Semaphore>,
    listener: &UnixListener,
) -> io::Result<(UnixStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Takes the protocol's part out of a state, which wipes the rest when dropped.
fn talk(state: &mut ConnectionState) -> Talk {
    std::mem::replace(&mut state.talk, Talk::Policy)
}
