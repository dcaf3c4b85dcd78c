//! Set-up: where it answers, and the link to it.

use std::fs;
use std::io::Write as _;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::support::{Instance, soon};

/// A server with no certificate but its own.
struct Fresh {
    instance: Instance,
    jar: PathBuf,
}

impl Fresh {
    fn new(settings: &str) -> Self {
        let instance = Instance::new();
        let config = instance.dir.join("gatepost.toml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text
            .replace("http://127.0.0.1:", "https://mail.example.org:")
            .replace("web = \"127.0.0.1:", "web = \"0.0.0.0:");
        fs::write(&config, format!("{settings}{text}")).unwrap();
        let jar = instance.dir.join("jar");
        Self { instance, jar }
    }

    fn link_file(&self) -> PathBuf {
        self.instance.dir.join("data/store/setup-link")
    }

    /// Status and body of a request for `path` at `host`, whose name leads to `address`.
    fn ask(&self, host: &str, address: &str, path: &str, more: &[&str]) -> (String, String) {
        let port = self.instance.port;
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--insecure", "--write-out", "\n%{http_code}"])
            .args(["--resolve", &format!("{host}:{port}:{address}")])
            .arg("--cookie-jar")
            .arg(&self.jar)
            .arg("--cookie")
            .arg(&self.jar)
            .args(more)
            .arg(format!("https://{host}:{port}{path}"));
        let output = curl.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.to_owned(), body.to_owned())
    }

    fn tunnel(&self) -> String {
        let port = self.instance.port;
        format!("ssh -L {port}:127.0.0.1:{port} mail.example.org")
    }

    fn make_admin(&self) {
        let mut command = Command::new(&self.instance.program)
            .args([
                "admin",
                "create",
                "root",
                "--email",
                "root@example.net",
                "--password-stdin",
            ])
            .arg("--config")
            .arg(self.instance.dir.join("gatepost.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = command.stdin.take().unwrap();
        input.write_all(b"a gate needs two posts\n").unwrap();
        drop(input);
        let output = command.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// What a hidden field of a page holds.
fn hidden<'a>(page: &'a str, field: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!("name=\"{field}\" value=\""))
        .unwrap();
    rest.split_once('"').unwrap().0
}

#[tokio::test]
async fn without_a_certificate_set_up_answers_on_this_machine_only() {
    let fresh = Fresh::new("trusted_proxies = [\"127.0.0.1\"]\n");
    let keeper = fresh.instance.serve().await;
    let said = fresh.tunnel();
    soon("the tunnel", async || {
        keeper.output().contains(&said).then_some(())
    })
    .await;

    let name = "mail.example.org";
    let forwarded = ["--header", "X-Forwarded-For: 203.0.113.9"];
    let (status, page) = fresh.ask(name, "127.0.0.1", "/setup", &forwarded);
    assert_eq!(status, "403", "{page}");
    assert!(page.contains(&fresh.tunnel()), "{page}");
    assert!(!page.contains("action=\"/setup\""), "{page}");
    // Not by an address of this machine that others reach it by, either.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("203.0.113.9:9").is_ok() {
        let address = socket.local_addr().unwrap().ip().to_string();
        let (status, page) = fresh.ask(name, &address, "/setup", &[]);
        assert_eq!(status, "403", "{page}");
        assert!(page.contains(&fresh.tunnel()), "{page}");
    }

    let link = fs::read_to_string(fresh.link_file()).unwrap();
    let origin = format!("https://127.0.0.1:{}", fresh.instance.port);
    let code = link.trim().strip_prefix(&format!("{origin}/setup#"));
    let code = code.unwrap_or_else(|| panic!("{link}"));
    let mode = fs::metadata(fresh.link_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!keeper.output().contains(code), "in the log");

    // At the near end of the tunnel the server has another name; from elsewhere it has not.
    let near = |path: &str, more: &[&str]| fresh.ask("127.0.0.1", "127.0.0.1", path, more);
    assert_eq!(near("/setup", &forwarded).0, "421");
    let (status, page) = near("/setup", &[]);
    assert_eq!(status, "200", "{page}");
    let code = format!("code={code}");
    let form = |page: &str, origin: &str| {
        [
            format!("-HOrigin: {origin}"),
            format!("-dform_token={}", hidden(page, "form_token")),
            format!("-d{code}"),
            "-dname=root".to_owned(),
            "-demail=root%40example.net".to_owned(),
            "-dpassword=a+gate+needs+two+posts".to_owned(),
        ]
    };
    // Not even a form that was opened here is taken from elsewhere.
    let (_, opened) = fresh.ask(name, "127.0.0.1", "/setup", &[]);
    let far = form(&opened, &format!("https://{name}:{}", fresh.instance.port));
    let far: Vec<&str> = far.iter().map(String::as_str).chain(forwarded).collect();
    let (status, answer) = fresh.ask(name, "127.0.0.1", "/setup", &far);
    assert_eq!(status, "403", "{answer}");
    assert!(answer.contains(&fresh.tunnel()), "{answer}");
    assert!(fresh.link_file().exists());
    let form = form(&page, &origin);
    let form: Vec<&str> = form.iter().map(String::as_str).collect();
    let (status, page) = near("/setup", &form);
    assert_eq!(status, "303", "{page}");
    soon("the end of the link", async || {
        (!fresh.link_file().exists()).then_some(())
    })
    .await;
    assert_eq!(near("/admin", &[]).0, "200");
    let (status, page) = fresh.ask(name, "127.0.0.1", "/setup", &forwarded);
    assert_eq!(status, "200");
    assert!(page.contains("This server is set up"), "{page}");
}

#[tokio::test]
async fn a_proxy_that_nobody_named_does_not_make_its_visitors_local() {
    let fresh = Fresh::new("");
    let _keeper = fresh.instance.serve().await;
    for header in ["X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9"] {
        let more = ["--header", header];
        let (status, page) = fresh.ask("mail.example.org", "127.0.0.1", "/setup", &more);
        assert_eq!(status, "403", "{page}");
    }
    let (status, _) = fresh.ask("mail.example.org", "127.0.0.1", "/setup", &[]);
    assert_eq!(status, "200");
}

#[tokio::test]
async fn the_link_goes_with_the_first_administrator_however_it_is_made() {
    let fresh = Fresh::new("");
    let keeper = fresh.instance.serve().await;
    let there = async || fresh.link_file().exists().then_some(());
    soon("the link", there).await;
    fresh.make_admin();
    soon("the end of the link", async || {
        (!fresh.link_file().exists()).then_some(())
    })
    .await;
    drop(keeper);

    // By a command that works without a server.
    let fresh = Fresh::new("");
    let keeper = fresh.instance.serve().await;
    let there = async || fresh.link_file().exists().then_some(());
    soon("the link", there).await;
    drop(keeper);
    assert!(fresh.link_file().exists());
    fresh.make_admin();
    assert!(!fresh.link_file().exists());
}
