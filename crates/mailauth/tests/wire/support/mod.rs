//! A desk on temporary sockets, with decisions that the test chooses, and clients that speak the wire.

pub mod decisions;
pub mod load;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::Chosen;
use mailauth::{
    Connected, ConnectionState, Desk, DeskState, Door, Handover, Listener, QuotaField, Settings,
};
use model::random::Random;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream as StdStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use testkit::random::CountedRandom;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// No reply of a test takes longer.
pub const SOON: Duration = Duration::from_secs(5);

/// The process id that every desk of a test announces.
pub const SERVER_PID: u32 = 4242;

/// The keeper of a test: owns the listening sockets, lends them to one desk after the other.
pub struct Rig {
    dir: tempfile::TempDir,
    listeners: Vec<(Door, UnixListener)>,
    allowed: Vec<u32>,
    random: Arc<CountedRandom>,
    pub settings: Settings,
    pub chosen: Arc<Chosen>,
    desk: Option<Desk<Chosen>>,
}

impl Rig {
    pub fn open() -> Self {
        Self::with(|_| {}, vec![rustix::process::geteuid().as_raw()])
    }

    pub fn with(adjust: impl FnOnce(&mut Settings), allowed: Vec<u32>) -> Self {
        let dir = tempfile::Builder::new().prefix("ma").tempdir().unwrap();
        let mut settings = Settings::new(SERVER_PID, QuotaField::Rule);
        adjust(&mut settings);
        let listeners = Door::ALL
            .map(|door| {
                (
                    door,
                    UnixListener::bind(dir.path().join(door.name())).unwrap(),
                )
            })
            .into();
        let mut rig = Self {
            dir,
            listeners,
            allowed,
            random: Arc::default(),
            settings,
            chosen: Arc::default(),
            desk: None,
        };
        rig.start(None);
        rig
    }

    pub fn desk(&self) -> &Desk<Chosen> {
        self.desk.as_ref().unwrap()
    }

    /// A worker starts.
    pub fn start(&mut self, inherited: Option<Handover>) {
        let lend = |(door, socket): &(Door, UnixListener)| Listener {
            door: *door,
            socket: socket.try_clone().unwrap(),
            allowed: self.allowed.clone(),
        };
        let desk = Desk::open(
            Arc::clone(&self.chosen),
            Arc::clone(&self.random) as Arc<dyn Random>,
            self.settings.clone(),
            self.listeners.iter().map(lend).collect(),
            inherited,
        );
        self.desk = Some(desk.unwrap());
    }

    /// A worker dies: nothing is handed over.
    pub fn kill(&mut self) {
        self.desk = None;
    }

    /// A worker drains. What it held crosses a socket pair as the keeper would pass it.
    pub async fn drain(&mut self, within: Duration) -> Handover {
        let handover = self.desk.take().unwrap().drain(within).await;
        tokio::task::spawn_blocking(|| pass_on(handover))
            .await
            .unwrap()
    }

    /// A planned restart: returns how many connections moved.
    pub async fn restart(&mut self) -> usize {
        let handover = self.drain(Duration::from_secs(2)).await;
        let moved = handover.connections.len();
        self.start(Some(handover));
        moved
    }

    pub fn path(&self, door: Door) -> PathBuf {
        self.dir.path().join(door.name())
    }

    /// Round trips on another connection, after which the desk has seen everything sent before.
    pub async fn settled(&self) {
        let mut probe = self.session_process(Door::DovecotUserdb).await;
        for _ in 0..3 {
            probe.send("CACHE-FLUSH\t1\n").await;
            probe.line().await;
        }
    }

    pub async fn connect(&self, door: Door) -> Client {
        Client::new(UnixStream::connect(self.path(door)).await.unwrap())
    }

    /// Connected, with both sides of the handshake done.
    pub async fn login_process(&self, door: Door, pid: u32) -> Client {
        let mut client = self.connect(door).await;
        client.send(&format!("VERSION\t1\t2\nCPID\t{pid}\n")).await;
        client.read_greeting().await;
        client
    }

    pub async fn session_process(&self, door: Door) -> Client {
        let mut client = self.connect(door).await;
        client.send("VERSION\t1\t0\n").await;
        assert_eq!(client.line().await, "VERSION\t1\t1");
        assert_eq!(client.line().await, format!("SPID\t{SERVER_PID}"));
        client
    }
}

/// One connection of an engine.
pub struct Client {
    stream: BufReader<UnixStream>,
    pub cookie: String,
}

impl Client {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream: BufReader::new(stream),
            cookie: String::new(),
        }
    }

    pub async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// Sends what may no longer be wanted.
    pub async fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes).await;
    }

    /// The next line; `None` once the server has closed.
    pub async fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        match timeout(SOON, self.stream.read_line(&mut line))
            .await
            .unwrap()
        {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.strip_suffix('\n').unwrap().to_owned()),
        }
    }

    pub async fn line(&mut self) -> String {
        self.next_line().await.expect("the server closed")
    }

    pub async fn assert_closed(&mut self) {
        assert_eq!(self.next_line().await, None);
    }

    /// Exactly `count` bytes.
    pub async fn bytes(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        timeout(SOON, self.stream.read_exact(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The server's side of the auth-client handshake.
    pub async fn read_greeting(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if let Some(cookie) = line.strip_prefix("COOKIE\t") {
                cookie.clone_into(&mut self.cookie);
            }
            let done = line == "DONE";
            lines.push(line);
            if done {
                return lines;
            }
        }
    }

    pub async fn auth(&mut self, id: u32, params: &str, name: &str, secret: &str) {
        self.send(&plain(id, params, name, secret)).await;
    }

    /// An IMAP login over TLS; the reply.
    pub async fn imap(&mut self, id: u32, name: &str, secret: &str) -> String {
        self.auth(id, "service=imap\tsecured", name, secret).await;
        self.line().await
    }

    /// Claims a login for a session.
    pub async fn request(&mut self, id: u32, pid: u32, auth_id: u32, cookie: &str) -> String {
        self.send(&format!(
            "REQUEST\t{id}\t{pid}\t{auth_id}\t{cookie}\tsession_pid=9\n"
        ))
        .await;
        self.line().await
    }
}

/// An `AUTH` line for PLAIN.
pub fn plain(id: u32, params: &str, name: &str, secret: &str) -> String {
    let response = STANDARD.encode(format!("\0{name}\0{secret}"));
    format!("AUTH\t{id}\tPLAIN\t{params}\tresp={response}\n")
}

/// Sends a handover through a socket pair, descriptors and all, as it goes from one process to the
/// next.
fn pass_on(handover: Handover) -> Handover {
    let (mut left, mut right) = StdStream::pair().unwrap();
    let mut passed = Handover {
        desk: DeskState::decode(&handover.desk.encode().unwrap()).unwrap(),
        connections: Vec::new(),
    };
    for Connected { socket, state } in handover.connections {
        let bytes = state.encode().unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let rights = [socket.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&rights)));
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        sendmsg(
            &left,
            &[IoSlice::new(&length)],
            &mut control,
            SendFlags::empty(),
        )
        .unwrap();
        let writer = std::thread::spawn(move || {
            left.write_all(&bytes).unwrap();
            left
        });
        drop(socket);
        passed.connections.push(receive(&mut right));
        left = writer.join().unwrap();
    }
    passed
}

fn receive(from: &mut StdStream) -> Connected {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        &*from,
        &mut [IoSliceMut::new(&mut length)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    );
    assert_eq!(received.unwrap().bytes, 4);
    let socket: OwnedFd = control
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        })
        .unwrap();
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut bytes).unwrap();
    Connected {
        socket,
        state: ConnectionState::decode(&bytes).unwrap(),
    }
}
