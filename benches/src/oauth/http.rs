//! The load client: plain HTTP/1.1 over connections that stay open, each with a thread that waits.
//! Its CPU is not counted; it is plain so that it leaves the machine to whoever answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::measure::latency::Latencies;

/// Longer than anything takes here: a server that hangs ends the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    }
}

/// An open connection.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// To `authority`, an address with a port.
    pub(super) fn open(authority: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(authority).context("no connection")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a whole request and reads the whole answer.
    pub(super) fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.0.get_mut().write_all(request)?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut answer = Answer {
            status: status.context("no status")?,
            headers: Vec::new(),
            body: String::new(),
        };
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                ensure!(line.is_empty(), "no header: {line}");
                break;
            };
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            answer.headers.push(header);
        }
        let has_body = answer.status != 304 && answer.status != 204;
        if let Some(length) = answer.header("content-length").filter(|_| has_body) {
            let mut body = vec![0; length.parse()?];
            self.0.read_exact(&mut body)?;
            answer.body = String::from_utf8(body)?;
        } else if has_body {
            bail!("an answer without a length: {:?}", answer.headers);
        }
        Ok(answer)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line)?;
        ensure!(read > 0, "the connection was closed");
        Ok(line.trim_end().to_owned())
    }
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
    let next = AtomicUsize::new(0);
    let open: anyhow::Result<Vec<Connection>> = (0..connections)
        .map(|_| Connection::open(authority))
        .collect();
    let start = Instant::now();
    let work = |mut connection: Connection| -> anyhow::Result<(Vec<(usize, T)>, Latencies)> {
        let (mut results, mut latencies) = (Vec::new(), Latencies::default());
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= operations {
                return Ok((results, latencies));
            }
            let since = Instant::now();
            let answer = connection.ask(&requests[at % requests.len()])?;
            latencies.record(since.elapsed());
            results.push((at, read(&answer)?));
        }
    };
    let (mut results, mut latencies) = (Vec::with_capacity(operations), Latencies::default());
    thread::scope(|scope| {
        let threads: Vec<_> = open?
            .into_iter()
            .map(|connection| scope.spawn(|| work(connection)))
            .collect();
        for thread in threads {
            let (done, waited) = thread.join().map_err(|_| anyhow::anyhow!("a panic"))??;
            results.extend(done);
            latencies.merge(waited);
        }
        anyhow::Ok(())
    })?;
    let wall = start.elapsed();
    results.sort_by_key(|(at, _)| *at);
    Ok(Brought {
        results: results.into_iter().map(|(_, result)| result).collect(),
        latencies,
        wall,
    })
}
