//! With real mail engines.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use rustix::process::{Signal, kill_process};
use testkit::ports::free_ports;

use super::support::{Instance, NO_MAIL, SOON, pid_of, soon};

/// A server with IMAP and SMTP.
struct Mail {
    instance: Instance,
    imap: u16,
    smtp: u16,
}

impl Mail {
    fn new() -> Self {
        let [imap, smtp] = free_ports().unwrap();
        let listen = NO_MAIL
            .replace("imap = \"off\"", &format!("imap = \"127.0.0.1:{imap}\""))
            .replace("smtp = \"off\"", &format!("smtp = \"127.0.0.1:{smtp}\""));
        let instance = Instance::with(&listen, "[mail]\nhostname = \"mail.example.org\"\n");
        Self {
            instance,
            imap,
            smtp,
        }
    }

    /// A failed login: the answer comes from the auth worker, through Dovecot.
    fn login(&self) -> io::Result<String> {
        let mut imap = Line::connect(self.imap)?;
        imap.read()?;
        imap.say("a LOGIN nobody@example.org wrong")?;
        loop {
            let line = imap.read()?;
            if line.starts_with("a ") {
                return Ok(line);
            }
        }
    }

    /// A recipient that nobody serves: the answer comes from the auth worker, through Postfix.
    fn recipient(&self) -> io::Result<String> {
        let mut smtp = Line::connect(self.smtp)?;
        let greeting = smtp.read()?;
        assert!(greeting.starts_with("220 mail.example.org"), "{greeting}");
        smtp.ask("HELO client.example.net")?;
        smtp.ask("MAIL FROM:<someone@example.net>")?;
        smtp.ask("RCPT TO:<nobody@example.org>")
    }
}

struct Line(BufReader<TcpStream>);

impl Line {
    fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(SOON))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn read(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes())
    }

    fn ask(&mut self, line: &str) -> io::Result<String> {
        self.say(line)?;
        self.read()
    }
}

#[tokio::test]
async fn both_engines_reach_the_auth_worker_and_stop_with_the_server() {
    if !testkit::skip::is_root() {
        return;
    }
    let mail = Mail::new();
    let mut keeper = mail.instance.serve().await;
    let login = mail.login().unwrap();
    assert!(login.starts_with("a NO "), "{login}");
    let recipient = mail.recipient().unwrap();
    assert!(recipient.starts_with(['4', '5']), "{recipient}");
    let names: Vec<_> = mail
        .instance
        .masters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["dovecot", "master"], "{}", keeper.output());
    keeper_stops(&mut keeper).await;
    assert!(mail.instance.masters().is_empty());
    assert!(TcpStream::connect(("127.0.0.1", mail.imap)).is_err());
}

#[tokio::test]
async fn engines_of_a_killed_keeper_serve_on_and_the_next_one_replaces_them() {
    if !testkit::skip::is_root() {
        return;
    }
    let mail = Mail::new();
    let mut keeper = mail.instance.serve().await;
    let old = mail.instance.masters();
    kill_process(pid_of(&keeper), Signal::KILL).unwrap();
    soon("the keeper's end", async || keeper.ended().unwrap()).await;
    mail.login().unwrap();
    mail.recipient().unwrap();

    let mut next = mail.instance.serve().await;
    let new = mail.instance.masters();
    assert_eq!(new.len(), 2);
    assert!(
        new.iter().all(|master| !old.contains(master)),
        "{old:?} {new:?}"
    );
    mail.login().unwrap();
    mail.recipient().unwrap();
    keeper_stops(&mut next).await;
    assert!(mail.instance.masters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_go_on_while_workers_are_replaced_and_killed() {
    if !testkit::skip::is_root() {
        return;
    }
    let mail = Mail::new();
    let mut keeper = mail.instance.serve().await;
    let before = mail.recipient().unwrap();
    kill_process(pid_of(&keeper), Signal::HUP).unwrap();
    soon("the end of the planned restart", async || {
        assert_eq!(mail.recipient().unwrap(), before, "{}", keeper.output());
        keeper
            .output()
            .contains("the planned restart is done")
            .then_some(())
    })
    .await;
    let masters = mail.instance.masters();
    kill_process(mail.instance.worker("auth").unwrap(), Signal::KILL).unwrap();
    let login = mail.login().unwrap();
    assert!(login.starts_with("a NO "), "{login}");
    assert_eq!(mail.recipient().unwrap(), before);
    assert_eq!(
        mail.instance.masters(),
        masters,
        "the engines were not touched"
    );
    keeper_stops(&mut keeper).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_the_engines_would_refuse_replaces_nothing() {
    if !testkit::skip::is_root() {
        return;
    }
    let mail = Mail::new();
    let mut keeper = mail.instance.serve().await;
    let workers = mail.instance.workers();
    let file = mail.instance.dir.join("gatepost.toml");
    let mut config = std::fs::read_to_string(&file).unwrap();
    config.push_str(
        "\n[mail.relay]\nhost = \"relay.example\"\nuser = \"u\"\npassword_file = \"/nowhere/p\"\n",
    );
    std::fs::write(&file, config).unwrap();
    kill_process(pid_of(&keeper), Signal::HUP).unwrap();
    soon("the end of the planned restart", async || {
        let refused = "the planned restart failed, what ran before goes on";
        keeper.output().contains(refused).then_some(())
    })
    .await;
    assert!(
        keeper.output().contains("/nowhere/p"),
        "{}",
        keeper.output()
    );
    assert_eq!(mail.instance.workers(), workers);
    mail.recipient().unwrap();
    keeper_stops(&mut keeper).await;
}

#[test]
fn a_taken_mail_port_is_named_with_its_key() {
    if !testkit::skip::is_root() {
        return;
    }
    let mail = Mail::new();
    let _holder = TcpListener::bind(("127.0.0.1", mail.imap)).unwrap();
    let (code, words) = mail.instance.refuses();
    assert_eq!(code, 5, "{words}");
    let expected = format!("port {} (listen.imap) is taken by ", mail.imap);
    assert!(words.contains(&expected), "{words}");
    assert!(mail.instance.masters().is_empty() && mail.instance.workers().is_empty());
}

#[test]
fn a_mail_directory_of_somebody_else_is_refused_and_left_as_it_is() {
    use std::os::unix::fs::MetadataExt as _;
    if !testkit::skip::is_root() {
        return;
    }
    let mail = Mail::new();
    let home = mail.instance.dir.join("home");
    std::fs::create_dir_all(home.join("carol")).unwrap();
    let config = mail.instance.dir.join("gatepost.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // [mail] is the last section.
    std::fs::write(&config, format!("{text}dir = {home:?}\n")).unwrap();
    let before = std::fs::metadata(&home).unwrap();
    let (_, words) = mail.instance.refuses();
    let said = format!("{} belongs to user 0 and is not empty", home.display());
    assert!(words.contains(&said), "{words}");
    let after = std::fs::metadata(&home).unwrap();
    assert_eq!((after.uid(), after.mode()), (before.uid(), before.mode()));
    assert!(mail.instance.masters().is_empty() && mail.instance.workers().is_empty());
}

/// Engines take longer to stop than a dropped process is given.
pub(crate) async fn keeper_stops(keeper: &mut testkit::process::Process) {
    keeper.signal(Signal::TERM).unwrap();
    let status = soon("the end of the server", async || keeper.ended().unwrap()).await;
    assert!(status.success(), "{status}: {}", keeper.output());
}
