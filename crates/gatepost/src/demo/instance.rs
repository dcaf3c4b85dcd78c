//! The server of the demo: a temporary place, a configuration, and `gatepost serve` as a child.

use anyhow::{Context as _, bail, ensure};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// The mail domain of the sample company.
pub(super) const DOMAIN: &str = "example.org";
/// The name on the demo's certificate, which clients verify.
const HOST: &str = "localhost";

/// Ids for the workers and the mail files that need no accounts.
const IDS: [(&str, u32); 3] = [("web", 61_184), ("auth", 61_185), ("mail", 61_186)];

/// Says in time what is missing on this machine.
pub(super) fn check_machine() -> anyhow::Result<()> {
    let missing: Vec<_> = [
        (
            "dovecot",
            "/usr/sbin/dovecot",
            "dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-managesieved dovecot-sieve",
        ),
        ("Postfix", "/usr/sbin/postfix", "postfix"),
        ("Python 3", "/usr/bin/python3", "python3"),
        ("curl", "/usr/bin/curl", "curl"),
        ("swaks", "/usr/bin/swaks", "swaks"),
    ]
    .into_iter()
    .filter(|(_, program, _)| !Path::new(program).exists())
    .collect();
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(name, ..)| *name).collect();
        let packages: Vec<_> = missing.iter().map(|(.., packages)| *packages).collect();
        bail!(
            "not installed: {}. Run `make demo`, which installs them, or: apt-get install {}",
            names.join(", "),
            packages.join(" ")
        );
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "Postfix starts as root only: run the demo as root (`sudo gatepost demo`). It listens on \
         loopback and touches nothing outside its temporary directory."
    );
    Ok(())
}

/// Where the demo keeps everything.
pub(super) struct Place {
    pub(super) dir: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Place {
    pub(super) fn make(dir: Option<&Path>) -> anyhow::Result<Self> {
        let (dir, temporary) = if let Some(dir) = dir {
            // What is there already is not the demo's to open to others.
            ensure!(
                !dir.exists(),
                "{} exists already; name a directory that the demo can make",
                dir.display()
            );
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make {}", dir.display()))?;
            (std::path::absolute(dir)?, None)
        } else {
            // A short path, since unix sockets below it hold 107 bytes.
            let made = tempfile::Builder::new().prefix("gp-").tempdir_in("/tmp")?;
            (made.path().to_owned(), Some(made))
        };
        // The engines' own accounts walk through it to their sockets.
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self { dir, temporary })
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    #[expect(clippy::unused_self, reason = "the address belongs to the place")]
    pub(super) fn public_url(&self, port: u16) -> String {
        format!("http://{HOST}:{port}")
    }

    pub(super) fn remove(self) -> anyhow::Result<()> {
        match self.temporary {
            Some(dir) => dir.close().context("cannot remove the temporary directory"),
            None => Ok(()),
        }
    }
}

/// The demo's ports, all on loopback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) web: u16,
    pub(super) imap: u16,
    pub(super) imaps: u16,
    pub(super) pop3: u16,
    pub(super) pop3s: u16,
    pub(super) sieve: u16,
    pub(super) submission: u16,
    pub(super) submissions: u16,
    pub(super) smtp: u16,
}

impl Ports {
    fn choose(web: Option<u16>) -> anyhow::Result<Self> {
        // All are held open until all are known, so that none is given out twice.
        let held: Vec<TcpListener> = (0..9)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<Result<_, _>>()?;
        let free: Vec<u16> = held
            .iter()
            .map(|l| l.local_addr().map(|a| a.port()))
            .collect::<Result<_, _>>()?;
        let [
            any,
            imap,
            imaps,
            pop3,
            pop3s,
            sieve,
            submission,
            submissions,
            smtp,
        ] = free[..]
        else {
            bail!("no free ports")
        };
        let web = web.unwrap_or(any);
        Ok(Self {
            web,
            imap,
            imaps,
            pop3,
            pop3s,
            sieve,
            submission,
            submissions,
            smtp,
        })
    }
}

/// The running server.
pub(super) struct Server {
    child: Child,
    log: PathBuf,
    pub(super) ports: Ports,
    pub(super) config_file: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) base: String,
}

impl Server {
    /// Writes the configuration and starts `gatepost serve`.
    pub(super) fn spawn(place: &Place, port: Option<u16>) -> anyhow::Result<Self> {
        let ports = Ports::choose(port)?;
        let certificate = place.join("cert.pem");
        let key = place.join("key.pem");
        make_certificate(&certificate, &key)?;
        let config_file = place.join("gatepost.toml");
        let base = place.public_url(ports.web);
        std::fs::write(&config_file, configuration(place, ports, &base))?;
        let log = place.join("server.log");
        let output = std::fs::File::create(&log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", "--config"])
            .arg(&config_file)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(false)
            .process_group(0)
            .spawn()
            .context("cannot start gatepost serve")?;
        Ok(Self {
            child,
            log,
            ports,
            config_file,
            certificate,
            dir: place.dir.clone(),
            base,
        })
    }

    /// Waits until every listener greets.
    pub(super) async fn wait(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        for port in [
            self.ports.web,
            self.ports.imaps,
            self.ports.submission,
            self.ports.smtp,
        ] {
            while tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_err()
            {
                if let Some(status) = self.child.try_wait()? {
                    bail!("gatepost serve ended at once: {status}");
                }
                ensure!(
                    Instant::now() < deadline,
                    "port {port} does not answer after 60 s"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Asks the server to stop and waits for it: Postfix and Dovecot end with it.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        if tokio::time::timeout(Duration::from_secs(30), self.child.wait())
            .await
            .is_err()
        {
            self.child.kill().await?;
            bail!("gatepost serve did not stop within 30 s");
        }
        Ok(())
    }

    /// The last lines of the server's log, for whoever has to find out what went wrong.
    pub(super) fn show_log(&self) {
        let Ok(file) = std::fs::File::open(&self.log) else {
            return;
        };
        let lines: Vec<String> = BufReader::new(file).lines().map_while(Result::ok).collect();
        let mut out = std::io::stderr().lock();
        let _ = writeln!(out, "\nThe end of the server's log:");
        for line in lines.iter().skip(lines.len().saturating_sub(40)) {
            let _ = writeln!(out, "  {line}");
        }
    }
}

fn configuration(place: &Place, ports: Ports, base: &str) -> String {
    let dir = place.dir.display();
    let [web, auth, mail] = IDS.map(|(name, id)| format!("{name} = \"{id}:{id}\""));
    let listen: String = [
        ("web", ports.web),
        ("imap", ports.imap),
        ("imaps", ports.imaps),
        ("pop3", ports.pop3),
        ("pop3s", ports.pop3s),
        ("sieve", ports.sieve),
        ("submission", ports.submission),
        ("submissions", ports.submissions),
        ("smtp", ports.smtp),
    ]
    .map(|(name, port)| format!("{name} = \"127.0.0.1:{port}\"\n"))
    .concat();
    format!(
        "# Made by `gatepost demo`.\n\
         public_url = \"{base}\"\n\n\
         [tls]\nmode = \"proxy\"\ncert = \"{dir}/cert.pem\"\nkey = \"{dir}/key.pem\"\n\n\
         [listen]\n{listen}\n\
         [data]\ndir = \"{dir}/data\"\n\n\
         [run]\ndir = \"{dir}/run\"\n\n\
         [mail]\nhostname = \"mail.{DOMAIN}\"\nclient_host = \"{HOST}\"\n\n\
         [users]\n{web}\n{auth}\n{mail}\n"
    )
}

/// A certificate for this one visit, which the demo's clients verify like any other.
fn make_certificate(certificate: &Path, key: &Path) -> anyhow::Result<()> {
    let names = vec![
        HOST.to_owned(),
        "127.0.0.1".to_owned(),
        format!("mail.{DOMAIN}"),
    ];
    let made = rcgen::generate_simple_self_signed(names)?;
    std::fs::write(certificate, made.cert.pem())?;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(key)?
        .write_all(made.signing_key.serialize_pem().as_bytes())?;
    Ok(())
}
