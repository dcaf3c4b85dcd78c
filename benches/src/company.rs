//! A company's provider in a process of its own, so that its CPU is not counted.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use testkit::browser::Browser;

/// How Gatepost is known there.
pub(crate) const CLIENT: &str = "gatepost";
/// Its secret there.
pub(crate) const SECRET: &str = "a secret of the benches";
/// Where Gatepost is said to be. Nobody listens there: requests are handed to it directly.
pub(crate) const PUBLIC: &str = "http://127.0.0.1:9";
/// Its name in paths.
pub(crate) const SLUG: &str = "company";
/// Everybody's password.
const PASSWORD: &str = "correct horse";
/// Most people of one round.
pub(crate) const MOST: usize = 400;
/// A code waits until all have theirs.
const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// The running provider.
pub(crate) struct Company {
    process: Child,
    pub(crate) issuer: String,
}

impl Company {
    /// Starts it; each of its answers takes `latency`.
    pub(crate) fn start(latency: Duration) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--serve-company")
            .arg(latency.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = process.stdout.take().context("no output")?;
        let mut issuer = String::new();
        BufReader::new(out).read_line(&mut issuer)?;
        ensure!(!issuer.trim().is_empty(), "the company did not start");
        Ok(Self {
            process,
            issuer: issuer.trim().to_owned(),
        })
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        // The end of its standard input ends it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The login of a person.
pub(crate) fn login(number: usize) -> String {
    format!("person{number}")
}

/// Signs a person in there; the path and query with which they come back.
pub(crate) async fn come_back(
    browser: &Browser,
    departure: &str,
    number: usize,
) -> anyhow::Result<String> {
    let mut tab = browser.tab();
    tab.stop_before(PUBLIC);
    let mut page = tab.open(departure).await?;
    if page.location()?.is_none() {
        let form = page.form("#sign-in")?;
        let form = form.fill("username", &login(number))?;
        page = tab.submit(form.fill("password", PASSWORD)?).await?;
    }
    let back = page.location()?.context("no way back")?;
    let back = back.as_str().strip_prefix(PUBLIC).map(str::to_owned);
    back.context("another way back")
}

/// What the child does: serves until its standard input ends.
pub(crate) fn serve(latency: u64) -> anyhow::Result<()> {
    let company = lab::Company::new("Bench & Co");
    let redirect = format!("{PUBLIC}/sso/{SLUG}/callback");
    company.add_client(lab::Client::new(CLIENT, SECRET, &redirect));
    for number in 0..=MOST {
        let login = login(number);
        let (subject, address) = (format!("subject-{number}"), format!("{login}@example.org"));
        let person = lab::Person::new(&login, &subject, &login, &address, PASSWORD);
        company.add_person(person.with_claim("mailcow_template", "staff"));
    }
    let options = lab::Options {
        latency: Duration::from_millis(latency),
        code_lifetime: CODE_LIFETIME,
        quick_sign_in: false,
        ..lab::Options::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let handle = lab::serve(listener, company, options).await?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", handle.issuer())?;
        out.flush()?;
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        end.await??;
        Ok(())
    })
}
