//! The serving loop: sockets that the keeper opened, TLS or plain, until it is told to stop.
//!
//! Each connection is bounded in what it may hold up: the TLS handshake and the headers of a
//! request have a time limit, one that does nothing is closed, and no network holds more than its
//! share. A planned stop lets running requests finish.

use crate::client_addr::{PeerAddr, TrustedProxies};
use crate::limits;
use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// How long a planned stop waits for the first request of a connection that has just been accepted.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// A socket to serve.
#[derive(Debug)]
pub struct Listener {
    /// The bound, listening socket.
    pub socket: std::net::TcpListener,
    /// TLS; `None` for plain HTTP on loopback or behind a proxy.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// What connections may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once, over all listeners.
    pub connections: usize,
    /// Connections at once from one address (IPv6: one /64); trusted proxies are exempt.
    pub per_network: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the headers of a request (HTTP/1) once a connection waits for one.
    pub headers: Duration,
    /// Without a running request, before a connection is closed.
    pub idle: Duration,
    /// The same while fewer than a fifth of [`Self::connections`] are free.
    pub idle_when_busy: Duration,
    /// For an answer to be taken by the client after its connection was told to close.
    pub linger: Duration,
    /// For running requests at a planned stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            per_network: 256,
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            idle_when_busy: Duration::from_secs(3),
            linger: Duration::from_secs(120),
            drain: Duration::from_secs(30),
        }
    }
}

/// Serves `router` on every listener until `stop` turns true or its sender is gone, then lets
/// running requests finish within [`Limits::drain`].
///
/// # Errors
/// A socket cannot be used; nothing is served then.
pub async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    proxies: TrustedProxies,
    limits: Limits,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let server = Arc::new(Server {
        router,
        slots: Arc::new(Semaphore::new(limits.connections)),
        networks: Networks::new(limits.per_network, proxies),
        limits,
    });
    let mut accepting = JoinSet::new();
    for Listener { socket, tls } in listeners {
        socket.set_nonblocking(true)?;
        let socket = tokio::net::TcpListener::from_std(socket)?;
        let tls = tls.map(TlsAcceptor::from);
        accepting.spawn(Arc::clone(&server).accept(socket, tls, stop.clone()));
    }
    while accepting.join_next().await.is_some() {}
    Ok(())
}

struct Server {
    router: Router,
    slots: Arc<Semaphore>,
    networks: Arc<Networks>,
    limits: Limits,
}

impl Server {
    async fn accept(
        self: Arc<Self>,
        socket: tokio::net::TcpListener,
        tls: Option<TlsAcceptor>,
        stop: watch::Receiver<bool>,
    ) {
        let mut connections = JoinSet::new();
        let mut stopped = pin!(stopped(stop.clone()));
        loop {
            let accepted = tokio::select! {
                () = &mut stopped => break,
                accepted = self.next(&socket) => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let Some((stream, peer, slot)) = accepted else {
                continue;
            };
            let server = Arc::clone(&self);
            let (tls, stop) = (tls.clone(), stop.clone());
            connections
                .spawn(async move { server.connection(stream, peer, slot, tls, stop).await });
        }
        drop(socket);
        let finished = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.drain, finished)
            .await
            .is_err()
        {
            tracing::warn!(
                connections.left = connections.len(),
                "connections cut off at a planned stop"
            );
        }
    }

    /// The next connection that may be served. When all slots are taken, the kernel's queue waits.
    async fn next(
        &self,
        socket: &tokio::net::TcpListener,
    ) -> Option<(TcpStream, SocketAddr, Slot)> {
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        match socket.accept().await {
            Ok((stream, peer)) => {
                let share = self.networks.enter(peer.ip())?;
                let slot = Slot {
                    _permit: permit,
                    _share: share,
                };
                Some((stream, peer, slot))
            }
            Err(error) => {
                // Out of descriptors, most likely: without a pause this loop would spin.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }

    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        _slot: Slot,
        tls: Option<TlsAcceptor>,
        stop: watch::Receiver<bool>,
    ) {
        // Answers are small and complete: waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return self.talk(stream, peer, false, stop).await;
        };
        let handshake = tokio::time::timeout(self.limits.handshake, tls.accept(stream)).await;
        if let Ok(Ok(stream)) = handshake {
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            self.talk(stream, peer, h2, stop).await;
        }
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        h2: bool,
        stop: watch::Receiver<bool>,
    ) {
        let activity = Arc::new(Activity::new());
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(peer));
            let running = Running::begin(&activity);
            let answer = self.router.clone().oneshot(request.map(Body::new));
            async move {
                let answer = answer.await;
                drop(running);
                answer
            }
        });
        let builder = self.protocol(h2);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut stopped = pin!(async {
            stopped(stop).await;
            // A connection on which nothing was read yet would be closed under a request that is
            // already on its way.
            let _ = tokio::time::timeout(FIRST_REQUEST, activity.begun()).await;
        });
        let mut closing: Option<Instant> = None;
        loop {
            let look_again = tokio::time::sleep(self.idle_limit().min(Duration::from_secs(1)));
            tokio::select! {
                // How it ended matters to nobody: a client that hangs up is no event.
                _ = connection.as_mut() => return,
                () = &mut stopped, if closing.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    closing = Some(Instant::now() + self.limits.drain);
                }
                () = look_again => match closing {
                    Some(deadline) if Instant::now() >= deadline => return,
                    None if activity.idle_for().is_some_and(|idle| idle >= self.idle_limit()) => {
                        connection.as_mut().graceful_shutdown();
                        closing = Some(Instant::now() + self.limits.linger);
                    }
                    _ => {}
                },
            }
        }
    }

    fn idle_limit(&self) -> Duration {
        if self.slots.available_permits() * 5 < self.limits.connections {
            self.limits.idle_when_busy
        } else {
            self.limits.idle
        }
    }

    /// One protocol per connection, settled by TLS: guessing it from the first bytes would leave a
    /// phase without a time limit.
    fn protocol(&self, h2: bool) -> auto::Builder<TokioExecutor> {
        let builder = auto::Builder::new(TokioExecutor::new());
        let mut builder = if h2 {
            builder.http2_only()
        } else {
            builder.http1_only()
        };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.headers)
            .max_headers(limits::HEADERS)
            .max_buf_size(limits::HEADER_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(limits::HEADER_BYTES).unwrap_or(u32::MAX))
            .max_concurrent_streams(64)
            // Streams opened and reset at once cost us work and the client nothing
            // (CVE-2023-44487): beyond these the connection ends.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(64)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        builder
    }
}

/// Resolves when `stop` turns true, or nobody is left who could turn it.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A connection's place among all connections and among those of its network.
struct Slot {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

/// How many connections each network holds.
struct Networks {
    held: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
    exempt: TrustedProxies,
}

struct Share {
    networks: Arc<Networks>,
    network: IpAddr,
}

impl Networks {
    fn new(most: usize, exempt: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::default(),
            most,
            exempt,
        })
    }

    /// A share for a connection from `ip`, if its network has one left.
    fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Share> {
        let network = network_of(ip);
        let mut held = self.held.lock();
        let count = held.entry(network).or_default();
        if *count >= self.most && !self.exempt.contains(ip) {
            return None;
        }
        *count += 1;
        Some(Share {
            networks: Arc::clone(self),
            network,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.networks.held.lock();
        if let Some(count) = held.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.network);
            }
        }
    }
}

/// One person's network: an IPv4 address, or the /64 that an IPv6 host can choose freely within.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }
}

/// Whether a connection has requests running, and since when not.
struct Activity {
    state: Mutex<(usize, Instant)>,
    /// Holds a permit from the first request on.
    first: Notify,
}

impl Activity {
    fn new() -> Self {
        Self {
            state: Mutex::new((0, Instant::now())),
            first: Notify::new(),
        }
    }

    /// Resolves once there has been a request. One waiter only.
    async fn begun(&self) {
        self.first.notified().await;
    }

    fn idle_for(&self) -> Option<Duration> {
        let (running, since) = *self.state.lock();
        (running == 0).then(|| since.elapsed())
    }
}

struct Running(Arc<Activity>);

impl Running {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.state.lock().0 += 1;
        activity.first.notify_one();
        Self(Arc::clone(activity))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        *state = (state.0.saturating_sub(1), Instant::now());
    }
}
