//! The load client: plain HTTP/1.1 over connections that stay open, all of them in one thread, which
//! sleeps as little as `wrk` does: waking another thread for every answer would cost the server more
//! than the answer. Its own CPU is not counted.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::measure::latency::Latencies;

/// Longer than anything takes here: a server that hangs ends the run.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Status line and headers.
    head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }
}

/// An open connection.
pub(super) struct Connection {
    stream: TcpStream,
    /// What was read and not used yet.
    read: Vec<u8>,
}

impl Connection {
    /// To `authority`, an address with a port.
    pub(super) async fn open(authority: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(authority)
            .await
            .context("no connection")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::with_capacity(8192),
        })
    }

    /// So many of them.
    pub(super) async fn open_all(authority: &str, count: usize) -> anyhow::Result<Vec<Self>> {
        try_join_all((0..count).map(|_| Self::open(authority))).await
    }

    /// Sends a whole request and reads the whole answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect())?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut answer = Answer {
            status: status.with_context(|| format!("no status: {head}"))?,
            head,
            body: String::new(),
        };
        if answer.status == 304 || answer.status == 204 {
            return Ok(answer);
        }
        let Some(length) = answer.header("content-length") else {
            bail!("an answer without a length: {}", answer.head);
        };
        let length: usize = length.parse()?;
        while self.read.len() < length {
            self.read_more().await?;
        }
        answer.body = String::from_utf8(self.read.drain(..length).collect())?;
        Ok(answer)
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.read).await?;
        ensure!(read > 0, "the connection was closed");
        Ok(())
    }
}

/// Does this work in a thread of its own, so that it may be asked for wherever.
pub(super) fn drive<T: Send>(
    work: impl AsyncFnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let work = runtime.block_on(async { tokio::time::timeout(PATIENCE, work()).await });
        work.context("no answer for minutes")?
    };
    let done = thread::scope(|scope| scope.spawn(run).join());
    done.map_err(|_| anyhow!("the load client panicked"))?
}

/// What many requests brought.
pub(super) struct Brought<T> {
    /// In the order of the requests.
    pub(super) results: Vec<T>,
    pub(super) latencies: Latencies,
    pub(super) wall: Duration,
}

/// Sends `operations` of these requests (again from the first, when they are fewer) over so many
/// connections, each waiting for its answer, and has every answer read.
pub(super) fn load<T: Send>(
    authority: &str,
    connections: usize,
    requests: &[Vec<u8>],
    operations: usize,
    read: impl Fn(&Answer) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Brought<T>> {
    drive(async || {
        let open = Connection::open_all(authority, connections).await?;
        let (next, read) = (Cell::new(0), &read);
        let start = Instant::now();
        let done = try_join_all(open.into_iter().map(|mut connection| {
            let next = &next;
            async move {
                let (mut results, mut latencies) = (Vec::new(), Latencies::default());
                loop {
                    let at = next.get();
                    if at >= operations {
                        return anyhow::Ok((results, latencies));
                    }
                    next.set(at + 1);
                    let since = Instant::now();
                    let answer = connection.ask(&requests[at % requests.len()]).await?;
                    latencies.record(since.elapsed());
                    results.push((at, read(&answer)?));
                }
            }
        }));
        let done = done.await?;
        let wall = start.elapsed();
        let (mut results, mut latencies) = (Vec::with_capacity(operations), Latencies::default());
        for (these, waited) in done {
            results.extend(these);
            latencies.merge(waited);
        }
        results.sort_by_key(|(at, _)| *at);
        Ok(Brought {
            results: results.into_iter().map(|(_, result)| result).collect(),
            latencies,
            wall,
        })
    })
}
