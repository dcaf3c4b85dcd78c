//! A load client that speaks Dovecot's auth-client protocol to any socket that answers it.
//!
//! Protocol: "Dovecot Authentication Protocol", version 1.2, the client's side.
//! Dovecot's own `doveadm auth test` would count its CPU
//! together with the server's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::measure::latency::Latencies;
use crate::people::{Kind, Mix, Numbers, address, secret};

/// No answer may take longer; a server that hangs ends the bench instead of stopping it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How hard, with what, and how often to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Clients at once, each with a connection and a thread.
    pub(crate) connections: u32,
    /// Requests of a client that are on their way at once: 1 is single-shot, more is pipelined.
    /// Attempts that must be refused do not count: every serious server holds a refusal back on
    /// purpose (Dovecot for up to 0.5 s even with its failure delay at 0), and that wait says
    /// nothing about its work.
    pub(crate) window: u32,
    /// Requests of all clients together.
    pub(crate) operations: u64,
    pub(crate) people: u32,
    pub(crate) secrets_each: u32,
    pub(crate) mix: Mix,
    pub(crate) seed: u64,
}

/// What a load brought back.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) operations: u64,
    /// From the first request to the last answer that nobody held back.
    pub(crate) wall: Duration,
    /// Of the attempts that were let in.
    pub(crate) latencies: Latencies,
}

impl Load {
    /// Asks as configured. An answer that is not the right one for its attempt is an error: a
    /// server that refuses everybody quickly has not been measured.
    pub(crate) fn run(&self, socket: &Path) -> anyhow::Result<Answers> {
        let mut answers = Answers::default();
        let each = self.operations / u64::from(self.connections.max(1));
        let parts: Vec<anyhow::Result<Answers>> = thread::scope(|scope| {
            let clients: Vec<_> = (0..self.connections)
                .map(|client| scope.spawn(move || self.client(socket, client, each)))
                .collect();
            clients
                .into_iter()
                .map(|client| client.join().unwrap_or_else(|_| bail!("a client panicked")))
                .collect()
        });
        for part in parts {
            let part = part?;
            answers.operations += part.operations;
            answers.wall = answers.wall.max(part.wall);
            answers.latencies.merge(part.latencies);
        }
        Ok(answers)
    }

    fn client(&self, socket: &Path, client: u32, operations: u64) -> anyhow::Result<Answers> {
        let mut numbers = Numbers::new(self.seed ^ (u64::from(client) << 48));
        let mut connection = Connection::open(socket, client)?;
        let mut asked: Vec<Option<(Kind, Instant)>> = Vec::new();
        let mut answers = Answers::default();
        let mut in_window = 0;
        let start = Instant::now();
        while answers.operations < operations {
            while in_window < self.window && (asked.len() as u64) < operations {
                let kind = self.mix.next(&mut numbers);
                connection.ask(asked.len() + 1, &self.attempt(kind, &mut numbers));
                asked.push(Some((kind, Instant::now())));
                in_window += u32::from(kind == Kind::Right);
            }
            connection.flush()?;
            loop {
                let (id, good) = connection.answer()?;
                let request = id
                    .checked_sub(1)
                    .and_then(|index| asked.get_mut(index)?.take());
                let (kind, since) =
                    request.with_context(|| format!("an answer to request {id}"))?;
                ensure!(
                    good == (kind == Kind::Right),
                    "{kind:?} was answered with ok={good}"
                );
                if good {
                    answers.latencies.record(since.elapsed());
                    answers.wall = start.elapsed();
                    in_window -= 1;
                }
                answers.operations += 1;
                if !connection.has_more() {
                    break;
                }
            }
        }
        Ok(answers)
    }

    fn attempt(&self, kind: Kind, numbers: &mut Numbers) -> Attempt {
        let person = numbers.below(self.people);
        let which = numbers.below(self.secrets_each);
        let network = numbers.below(1 << 24);
        let (name, secret) = match kind {
            Kind::Right => (address(person), secret(person, which)),
            // A secret of the right shape that nobody has.
            Kind::WrongSecret => (address(person), secret(person, u32::MAX - which)),
            // Nor has anybody this one: a right secret under another name would be found first.
            Kind::UnknownName => {
                let nobody = self.people + person;
                (address(nobody), secret(nobody, which))
            }
        };
        Attempt {
            name,
            secret,
            network,
        }
    }
}

struct Attempt {
    name: String,
    secret: String,
    /// Last 24 bits of the address that the person comes from: everybody from somewhere else, so
    /// that no budget of one network is what is measured.
    network: u32,
}

struct Connection {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    pending: Vec<u8>,
    line: Vec<u8>,
}

impl Connection {
    fn open(socket: &Path, client: u32) -> anyhow::Result<Self> {
        let writer =
            UnixStream::connect(socket).with_context(|| format!("{}", socket.display()))?;
        writer.set_read_timeout(Some(PATIENCE))?;
        writer.set_write_timeout(Some(PATIENCE))?;
        let reader = BufReader::new(writer.try_clone()?);
        let mut connection = Self {
            reader,
            writer,
            pending: Vec::new(),
            line: Vec::new(),
        };
        // The server tells clients apart by their process id, so each has one of its own.
        let pid = std::process::id().wrapping_mul(64).wrapping_add(client) & 0x3fff_ffff;
        connection
            .pending
            .extend_from_slice(format!("VERSION\t1\t2\nCPID\t{pid}\n").as_bytes());
        connection.flush()?;
        while connection.next_line()? != "DONE" {}
        Ok(connection)
    }

    fn ask(&mut self, id: usize, attempt: &Attempt) {
        let Attempt {
            name,
            secret,
            network,
        } = attempt;
        let [_, a, b, c] = network.to_be_bytes();
        let response = STANDARD.encode(format!("\0{name}\0{secret}"));
        let line = format!(
            "AUTH\t{id}\tPLAIN\tservice=imap\tsecured\tno-penalty\tlip=127.0.0.1\trip=10.{a}.{b}.{c}\
             \tlport=993\trport=50000\tresp={response}\n"
        );
        self.pending.extend_from_slice(line.as_bytes());
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.writer.write_all(&self.pending).context("sending")?;
        self.pending.clear();
        Ok(())
    }

    /// The id of the next answer, and whether it is `OK`.
    fn answer(&mut self) -> anyhow::Result<(usize, bool)> {
        let line = self.next_line()?;
        let mut fields = line.split('\t');
        let (verb, id) = (fields.next(), fields.next().and_then(|id| id.parse().ok()));
        match (verb, id) {
            (Some("OK"), Some(id)) => Ok((id, true)),
            (Some("FAIL"), Some(id)) => {
                ensure!(
                    !fields.any(|field| field == "temp"),
                    "a temporary failure: {line}"
                );
                Ok((id, false))
            }
            _ => bail!("unexpected answer {line:?}"),
        }
    }

    /// Whether another whole answer is here already.
    fn has_more(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    fn next_line(&mut self) -> anyhow::Result<String> {
        self.line.clear();
        let read = self
            .reader
            .read_until(b'\n', &mut self.line)
            .context("waiting for an answer")?;
        ensure!(read > 0, "the server closed the connection");
        Ok(String::from_utf8_lossy(&self.line)
            .trim_end_matches('\n')
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    const LOAD: Load = Load {
        connections: 2,
        window: 8,
        operations: 400,
        people: 50,
        secrets_each: 3,
        mix: Mix::Usual,
        seed: 1,
    };

    /// Answers each `AUTH` by `verdict(name, secret)` until the clients have gone.
    fn server(listener: &UnixListener, verdict: fn(&str, &str) -> &'static str) {
        for _ in 0..LOAD.connections {
            let (stream, _) = listener.accept().unwrap();
            thread::spawn(move || {
                let mut out = stream.try_clone().unwrap();
                out.write_all(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nDONE\n")
                    .unwrap();
                for line in BufReader::new(stream).lines() {
                    let Ok(line) = line else { return };
                    let fields: Vec<&str> = line.split('\t').collect();
                    let ["AUTH", id, .., last] = fields.as_slice() else {
                        continue;
                    };
                    let plain = STANDARD.decode(last.trim_start_matches("resp=")).unwrap();
                    let plain = String::from_utf8(plain).unwrap();
                    let parts: Vec<&str> = plain.split('\0').collect();
                    let answer = verdict(parts[1], parts[2]);
                    if out
                        .write_all(format!("{answer}\t{id}\n").as_bytes())
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
    }

    fn ask(verdict: fn(&str, &str) -> &'static str) -> anyhow::Result<Answers> {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| server(&listener, verdict));
            LOAD.run(&socket)
        })
    }

    fn knows(name: &str, given: &str) -> &'static str {
        let person = (0..LOAD.people).find(|person| address(*person) == name);
        let right = person.is_some_and(|person| (0..3).any(|which| secret(person, which) == given));
        if right { "OK" } else { "FAIL" }
    }

    #[test]
    fn counts_every_request_of_every_client() {
        let mut answers = ask(knows).unwrap();
        assert_eq!(answers.operations, 400);
        assert!(answers.latencies.percentile(0.5).is_some());
    }

    #[test]
    fn a_server_that_refuses_everybody_is_an_error() {
        let error = ask(|_, _| "FAIL").map(|_| ()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("Right was answered with ok=false"),
            "{error}"
        );
    }

    #[test]
    fn a_server_that_believes_everybody_is_an_error() {
        let error = ask(|_, _| "OK").map(|_| ()).unwrap_err();
        assert!(
            error.to_string().contains("was answered with ok=true"),
            "{error}"
        );
    }
}
