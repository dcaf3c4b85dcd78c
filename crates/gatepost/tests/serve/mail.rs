//! A server with real mail engines, one mailbox and an app password for it.

use model::tag::Tags;
use model::time::{Clock as _, SystemClock};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gatepost::administration::devices::DeviceRequest;
use gatepost::administration::domains::{DomainChange, DomainRequest};
use gatepost::administration::mailboxes::{MailboxRequest, NewMailbox, SignIn};
use gatepost::administration::{Connection, Request};
use gatepost::config::Config;
use model::address::{Address, DomainName};
use model::ids::AppPasswordId;
use rustix::process::Pid;
use serde_json::Value;
use testkit::poll::until;
use testkit::ports::free_ports;
use testkit::process::Process;

use super::support::{Instance, soon};

/// Postfix takes its time on a busy machine; only a failing test waits this long.
const UP: Duration = Duration::from_secs(60);

/// Whose mailbox it is.
pub(crate) const ALICE: &str = "alice@example.org";

const LISTEN: [&str; 8] = [
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "sieve",
    "submission",
    "submissions",
    "smtp",
];

/// An instance whose Dovecot and Postfix listen on loopback.
pub(crate) struct MailInstance {
    pub(crate) instance: Instance,
    imaps: u16,
    submissions: u16,
    pub(crate) smtp: u16,
    ca: PathBuf,
}

/// An app password of Alice's.
pub(crate) struct Device {
    pub(crate) id: AppPasswordId,
    pub(crate) secret: String,
}

impl MailInstance {
    /// Nothing where the engines cannot run; the test then returns.
    pub(crate) fn new_or_skip() -> Option<Self> {
        let possible = testkit::skip::is_root()
            && testkit::skip::has_program("/usr/sbin/dovecot")
            && testkit::skip::has_program("/usr/sbin/postfix");
        possible.then(Self::new)
    }

    fn new() -> Self {
        let [imaps, submissions, smtp] = free_ports().unwrap();
        let port = |name| match name {
            "imaps" => format!("\"127.0.0.1:{imaps}\""),
            "submissions" => format!("\"127.0.0.1:{submissions}\""),
            "smtp" => format!("\"127.0.0.1:{smtp}\""),
            _ => "\"off\"".to_owned(),
        };
        let listen: String = LISTEN
            .map(|name| format!("{name} = {}\n", port(name)))
            .concat();
        let instance = Instance::with(&listen, "[mail]\nhostname = \"mail.example.org\"\n");
        let (cert, key) = (instance.dir.join("cert.pem"), instance.dir.join("key.pem"));
        let ca = instance.dir.join("ca.pem");
        let authority = testkit::tls::Authority::new().unwrap();
        let pair = authority.issue(&["localhost", "mail.example.org"]).unwrap();
        fs::write(&cert, pair.certificate_pem).unwrap();
        fs::write(&key, pair.key_pem).unwrap();
        fs::write(&ca, authority.pem()).unwrap();
        let config = instance.dir.join("gatepost.toml");
        let text = fs::read_to_string(&config).unwrap();
        let tls = format!("[tls]\nmode = \"proxy\"\ncert = {cert:?}\nkey = {key:?}\n");
        fs::write(
            &config,
            format!("trusted_proxies = [\"127.0.0.1\"]\n{text}{tls}"),
        )
        .unwrap();
        Self {
            instance,
            imaps,
            submissions,
            smtp,
            ca,
        }
    }

    /// Starts the server and waits until Dovecot greets.
    pub(crate) async fn serve(&self) -> Process {
        let keeper = self.instance.serve().await;
        let greets = || std::net::TcpStream::connect(("127.0.0.1", self.imaps)).is_ok();
        until("Dovecot", UP, async || greets().then_some(()))
            .await
            .unwrap_or_else(|error| panic!("{error}:\n{}", keeper.output()));
        keeper
    }

    /// Workers and engines' masters of this instance.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let workers = self.instance.workers().into_iter().map(|(pid, _)| pid);
        let masters = self.instance.masters().into_iter().map(|(_, pid)| pid);
        workers.chain(masters).collect()
    }

    /// How many lines about logins Dovecot's log holds that no keeper has given back yet.
    pub(crate) fn lines_of_dovecot(&self) -> usize {
        let log = fs::read(self.instance.run_dir().join("secret/dovecot.log")).unwrap();
        let lines = String::from_utf8_lossy(&log);
        lines.matches("Login: user=<alice@example.org>").count()
    }

    /// What a verb of the command line answers.
    pub(crate) async fn ask(&self, request: Request) -> Value {
        let config = Config::load(&self.instance.dir.join("gatepost.toml"), []).unwrap();
        let server = Connection::to_server(&config.layout()).await.unwrap();
        let answer = server.unwrap().ask(request, &mut drop).await;
        answer.unwrap()
    }

    /// One domain and Alice's mailbox.
    pub(crate) async fn populate(&self) {
        let name = DomainName::parse("example.org").unwrap();
        let change = DomainChange {
            role_target: Some(alice()),
            ..DomainChange::default()
        };
        self.ask(Request::Domain(DomainRequest::Add { name, change }))
            .await;
        self.mailbox(alice(), "Alice").await;
    }

    /// A mailbox of that domain.
    pub(crate) async fn mailbox(&self, address: Address, name: &str) {
        let new = NewMailbox {
            address,
            name: name.to_owned(),
            quota: None,
            protocols: None,
            template: None,
            tags: Tags::default(),
            sign_in: SignIn::None,
        };
        self.ask(Request::Mailbox(MailboxRequest::Add(new))).await;
    }

    /// A new app password of Alice's for everything.
    pub(crate) async fn device(&self, name: &str) -> Device {
        let add = DeviceRequest::Add {
            address: alice(),
            name: name.to_owned(),
            protocols: None,
            ends: None,
        };
        let made = self.ask(Request::Device(add)).await;
        Device {
            id: AppPasswordId(made["device"]["id"].as_i64().unwrap()),
            secret: made["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// `connections` mail programs that sign in again and again.
    pub(crate) fn log_in_loop(&self, device: &Device, connections: usize) -> LoginLoop {
        let mut command = python(&here().join("tests/serve/clients/login_loop.py"), device);
        command
            .args(["localhost", &self.imaps.to_string(), ALICE])
            .arg(&self.ca)
            .arg(connections.to_string());
        LoginLoop(Process::start(command).unwrap())
    }

    /// A mail program that stays signed in for sending.
    pub(crate) async fn submit(&self, device: &Device) -> Submission {
        let script = here().join("tests/serve/clients/submission.py");
        let mut command = python(&script, device);
        command
            .args(["localhost", &self.submissions.to_string(), ALICE])
            .arg(&self.ca);
        let process = Process::start(command).unwrap();
        process.says("in", UP).await.unwrap();
        Submission { process, sent: 0 }
    }

    /// A mail program that waits for mail, as phones do; returns once it is in IDLE.
    pub(crate) async fn idle(&self, device: &Device) -> Process {
        let mut command = python(&here().join("src/demo/clients/imap_idle.py"), device);
        command
            .args([
                "localhost",
                &self.imaps.to_string(),
                ALICE,
                "--max",
                "20",
                "--ca",
            ])
            .arg(&self.ca);
        let idle = Process::start(command).unwrap();
        idle.says("idle", UP).await.unwrap();
        idle
    }

    /// Signs in over IMAP once: `in`, or `refused: WORDS`.
    pub(crate) async fn tries(&self, device: &Device) -> String {
        let mut look = self.look(device, &[]);
        soon("the end of a look", async || look.ended().unwrap()).await;
        look.output().trim().to_owned()
    }

    /// Waits over IMAP for a message whose text holds `words`: it, as JSON.
    pub(crate) async fn finds(&self, device: &Device, words: &str) -> String {
        let look = self.look(device, &[words]);
        look.says("found: ", UP).await.unwrap()
    }

    fn look(&self, device: &Device, words: &[&str]) -> Process {
        let mut command = python(&here().join("tests/serve/clients/imap_look.py"), device);
        command
            .args(["localhost", &self.imaps.to_string(), ALICE])
            .arg(&self.ca)
            .args(words);
        Process::start(command).unwrap()
    }
}

pub(crate) fn alice() -> Address {
    Address::parse(ALICE).unwrap()
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn python(script: &Path, device: &Device) -> Command {
    let mut command = Command::new("python3");
    command
        .arg("-B")
        .arg(script)
        .env("GATEPOST_CLIENT_PASSWORD", &device.secret);
    command
}

/// An open submission session.
pub(crate) struct Submission {
    process: Process,
    sent: u32,
}

impl Submission {
    /// Sends a message: `sent`, or the refusal.
    pub(crate) async fn send(&mut self, to: &str) -> String {
        self.sent += 1;
        let number = format!("{} ", self.sent);
        self.process.say(to).unwrap();
        self.process.says(&number, UP).await.unwrap()
    }
}

/// Mail programs at work.
pub(crate) struct LoginLoop(Process);

/// One login as its client saw it; times in seconds since the epoch.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) ok: bool,
    pub(crate) begin: f64,
    pub(crate) end: f64,
    /// The whole line, for a failure's message.
    pub(crate) line: String,
}

impl LoginLoop {
    /// Everything so far, in the order of the ends.
    pub(crate) fn logins(&self) -> Vec<Login> {
        self.0.output().lines().filter_map(Login::parse).collect()
    }

    /// Waits for `more` further logins that succeed.
    pub(crate) async fn succeed(&self, more: usize) {
        let good = || self.logins().iter().filter(|login| login.ok).count();
        let wanted = good() + more;
        until("logins that succeed", UP, async || {
            (good() >= wanted).then_some(())
        })
        .await
        .unwrap_or_else(|error| panic!("{error}:\n{}", self.0.output()));
    }

    /// Lets every client finish and returns all logins.
    pub(crate) async fn finish(mut self) -> Vec<Login> {
        self.0.say("enough").unwrap();
        self.0.says("over", UP).await.unwrap();
        self.logins()
    }
}

impl Login {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let ok = match words.next()? {
            "ok" => true,
            "no" => false,
            _ => return None,
        };
        Some(Self {
            ok,
            begin: words.next()?.parse().ok()?,
            end: words.next()?.parse().ok()?,
            line: line.to_owned(),
        })
    }
}

/// Now, as the clients' clocks say it.
pub(crate) fn now() -> f64 {
    SystemClock.now().0 as f64 / 1e6
}
