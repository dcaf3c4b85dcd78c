//! A server of its own for each test, and what can be seen of it from outside.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use testkit::poll::until;
use testkit::ports::free_port;
use testkit::process::Process;
use testkit::tempdir::ShortDir;

/// For anything that should happen soon; only a failing test waits this long.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// All mail ports off.
pub(crate) const NO_MAIL: &str = "imap = \"off\"\nimaps = \"off\"\npop3 = \"off\"\npop3s = \"off\"\n\
     sieve = \"off\"\nsubmission = \"off\"\nsubmissions = \"off\"\nsmtp = \"off\"\n";

/// One instance's directories and configuration. Dropped, no process of it survives.
pub(crate) struct Instance {
    pub(crate) dir: ShortDir,
    pub(crate) port: u16,
    pub(crate) program: PathBuf,
}

impl Instance {
    /// Plain HTTP on loopback, no mail, numeric accounts where the test runs as root.
    pub(crate) fn new() -> Self {
        Self::with(NO_MAIL, "")
    }

    /// As [`Instance::new`], with other lines in `[listen]` and more sections at the end.
    pub(crate) fn with(listen: &str, sections: &str) -> Self {
        let dir = ShortDir::traversable().unwrap();
        let port = free_port().unwrap();
        let text = format!(
            "public_url = \"http://127.0.0.1:{port}\"\n[listen]\nweb = \"127.0.0.1:{port}\"\n\
             {listen}\n[data]\ndir = {:?}\n[run]\ndir = {:?}\n\
             [users]\nweb = 61001\nauth = 61002\nmail = 61003\n{sections}",
            dir.join("data"),
            dir.join("run"),
        );
        fs::write(dir.join("gatepost.toml"), text).unwrap();
        Self {
            dir,
            port,
            program: env!("CARGO_BIN_EXE_gatepost").into(),
        }
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--config"])
            .arg(self.dir.join("gatepost.toml"));
        command
    }

    /// Starts the server and waits until it is up.
    pub(crate) async fn serve(&self) -> Process {
        let mut keeper = Process::start(self.command()).unwrap();
        let up = until("the server to come up", SOON, async || {
            if let Some(status) = keeper.ended().unwrap() {
                panic!("serve ended with {status}:\n{}", keeper.output());
            }
            keeper.output().contains("gatepost is up").then_some(())
        });
        up.await
            .unwrap_or_else(|error| panic!("{error}:\n{}", keeper.output()));
        keeper
    }

    /// Runs a server that is expected to refuse: its exit code and its last words.
    pub(crate) fn refuses(&self) -> (i32, String) {
        let output = self.command().output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(SOON))?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200 ") {
            Ok(answer)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("answer {answer:?}"),
            ))
        }
    }

    /// The process of a worker, if it runs.
    pub(crate) fn worker(&self, role: &str) -> Option<Pid> {
        self.workers()
            .into_iter()
            .find(|(_, of)| of == role)
            .map(|(pid, _)| pid)
    }

    /// Every worker process of this instance with its role, found by its command line.
    pub(crate) fn workers(&self) -> Vec<(Pid, String)> {
        let run = self.run_dir();
        let pids = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
        pids.filter_map(|pid| {
            let line =
                fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
            let words: Vec<&str> = line.split('\0').collect();
            match words.as_slice() {
                [_, "worker", role, of, ..] if Path::new(of) == run => {
                    Some((pid, (*role).to_owned()))
                }
                _ => None,
            }
        })
        .collect()
    }

    /// The engines' masters: processes of their programs that name this instance.
    pub(crate) fn masters(&self) -> Vec<(String, Pid)> {
        let data = self.dir.join("data");
        let data = data.to_str().unwrap();
        let mut found: Vec<_> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| {
                let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
                let name = fs::read_to_string(entry.path().join("comm"))
                    .ok()?
                    .trim()
                    .to_owned();
                let told = match name.as_str() {
                    "dovecot" => "cmdline",
                    "master" => "environ",
                    _ => return None,
                };
                let told = fs::read(entry.path().join(told)).ok()?;
                String::from_utf8_lossy(&told)
                    .contains(data)
                    .then_some((name, pid))
            })
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    /// A connection to one of the engines' sockets, with the greeting's SPID.
    pub(crate) fn auth_client(&self) -> io::Result<AuthClient> {
        AuthClient::connect(&self.run_dir().join("dovecot-login/socket"))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for (pid, _) in self.workers() {
            // A worker that ended meanwhile is what we want.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Dovecot's login process, as far as the auth worker can tell.
pub(crate) struct AuthClient {
    reader: BufReader<UnixStream>,
    pub(crate) spid: u32,
}

impl AuthClient {
    fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(SOON))?;
        let mut client = Self {
            reader: BufReader::new(stream),
            spid: 0,
        };
        loop {
            let line = client.line()?;
            if let Some(spid) = line.strip_prefix("SPID\t") {
                client.spid = spid.parse().map_err(io::Error::other)?;
            }
            if line == "DONE" {
                break;
            }
        }
        client
            .reader
            .get_mut()
            .write_all(b"VERSION\t1\t2\nCPID\t4711\n")?;
        Ok(client)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// Asks whether nobody@example.org may sign in with a wrong password.
    pub(crate) fn ask(&mut self, id: u32) -> io::Result<String> {
        self.ask_by(id, "PLAIN")
    }

    /// The same by a mechanism.
    pub(crate) fn ask_by(&mut self, id: u32, mechanism: &str) -> io::Result<String> {
        let request = format!(
            "AUTH\t{id}\t{mechanism}\tservice=imap\tsecured\trip=192.0.2.1\tno-penalty\t\
             resp=AG5vYm9keUBleGFtcGxlLm9yZwB3cm9uZw==\n"
        );
        self.reader.get_mut().write_all(request.as_bytes())?;
        self.line()
    }
}

/// The sockets a process holds, as `/proc` names them.
pub(crate) fn sockets_of(pid: Pid) -> Vec<PathBuf> {
    fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))
        .unwrap()
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .collect()
}

/// The user a process runs under.
pub(crate) fn user_of(pid: Pid) -> u32 {
    fs::metadata(format!("/proc/{}", pid.as_raw_nonzero()))
        .unwrap()
        .uid()
}

pub(crate) fn pid_of(process: &Process) -> Pid {
    Pid::from_raw(process.id().try_into().unwrap()).unwrap()
}

/// Waits until `look` returns something.
pub(crate) async fn soon<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    until(what, SOON, look).await.unwrap()
}
