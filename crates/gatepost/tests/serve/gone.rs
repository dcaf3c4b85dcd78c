//! A person whom the provider no longer stands by, with real Dovecot and Postfix: warned in time,
//! shut out when it is over, and back after a sign-in.

use std::io;

use gatepost::administration::Request;
use gatepost::administration::domains::{DomainChange, DomainRequest};
use gatepost::administration::mailboxes::{MailboxRequest, NewMailbox, SignIn};
use gatepost::administration::providers::{ProviderChange, ProviderRequest};
use gatepost::config::Config;
use gatepost::wiring::WireSecret;
use lab::logout::Leaving;
use lab::{Handle, Options};
use model::address::DomainName;
use model::domain::ConfirmPolicy;
use model::tag::Tags;
use model::time::{Clock as _, DAY, SystemClock};
use rustix::process::Signal;
use secrecy::SecretString;
use serde_json::Value;
use store::Store;
use testkit::browser::Browser;
use testkit::process::Process;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::engines::keeper_stops;
use super::mail::{ALICE, MailInstance, alice};
use super::support::soon;

const SECRET: &str = "the client's secret";
const SLUG: &str = "example";

/// A server whose Alice signs in by the sample company.
struct Joined {
    server: MailInstance,
    keeper: Process,
    company: Handle,
}

impl Joined {
    async fn new_or_skip(means_gone: bool) -> Option<Self> {
        let server = MailInstance::new_or_skip()?;
        let keeper = server.serve().await;
        let people = lab::sample::company("example.org");
        let base = format!("http://127.0.0.1:{}", server.instance.port);
        let redirect = format!("{base}/sso/{SLUG}/callback");
        people.add_client(lab::Client::new("mail", SECRET, &redirect));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let company = lab::serve(listener, people, Options::default())
            .await
            .unwrap();
        let name = DomainName::parse("example.org").unwrap();
        let domain = DomainChange {
            role_target: Some("admin@example.net".parse().unwrap()),
            ..DomainChange::default()
        };
        let add = DomainRequest::Add {
            name: name.clone(),
            change: domain,
        };
        server.ask(Request::Domain(add)).await;
        let change = ProviderChange {
            name: Some("Example SSO".to_owned()),
            active: Some(true),
            untested: true,
            issuer: Some(company.issuer().to_owned()),
            client_id: Some("mail".to_owned()),
            domains: Some(vec![name]),
            private_hosts: Some(vec!["127.0.0.1".to_owned()]),
            logout_means_gone: Some(means_gone),
            ..ProviderChange::default()
        };
        let add = ProviderRequest::Add {
            slug: SLUG.to_owned(),
            change: Box::new(change),
            secret: Some(WireSecret::from(SecretString::from(SECRET))),
        };
        server.ask(Request::Provider(add)).await;
        let new = NewMailbox {
            address: alice(),
            name: "Alice".to_owned(),
            quota: None,
            protocols: None,
            template: None,
            tags: Tags::default(),
            sign_in: SignIn::Provider {
                provider: SLUG.to_owned(),
                subject: None,
            },
        };
        server.ask(Request::Mailbox(MailboxRequest::Add(new))).await;
        let joined = Self {
            server,
            keeper,
            company,
        };
        joined.sign_in().await;
        Some(joined)
    }

    /// Alice signs in by the company, in a browser.
    async fn sign_in(&self) {
        let port = self.server.instance.port;
        let mut tab = Browser::new().unwrap().tab();
        let start = format!("http://127.0.0.1:{port}/sso/{SLUG}/start");
        let page = tab.open(&start).await.unwrap();
        let form = page.form_with_button("Sign in").unwrap();
        let form = form.fill("username", "alice").unwrap();
        let form = form.fill("password", lab::sample::PASSWORD).unwrap();
        let page = tab.submit(form).await.unwrap();
        assert_eq!(page.url().path(), "/home", "{}", page.text());
    }

    /// As if so many days had passed since anybody was confirmed, and the policy is old. What a
    /// worker does first when it starts happens then too.
    async fn days_pass(&mut self, days: u32) {
        let file = self.server.instance.dir.join("gatepost.toml");
        let database = Config::load(&file, []).unwrap().layout().database();
        let store = Store::open(&database).unwrap();
        let confirmed = SystemClock.now().minus(DAY * days);
        let policy = ConfirmPolicy {
            within_days: 30,
            since: confirmed.minus(DAY),
        };
        let done = store.write(async move |tx: &mut store::Conn| {
            let domain = DomainName::parse("example.org").unwrap();
            let domain = store::domains::by_name(tx, &domain).await?.unwrap().id;
            let mailbox = store::mailboxes::by_address(tx, &alice())
                .await?
                .unwrap()
                .id;
            store::confirmation::confirm(tx, mailbox, confirmed, false).await?;
            store::confirmation::set_policy(tx, domain, Some(policy)).await
        });
        done.await.unwrap();
        drop(store);
        let done = "the planned restart is done";
        let before = self.keeper.output().matches(done).count();
        self.keeper.signal(Signal::HUP).unwrap();
        soon(done, async || {
            (self.keeper.output().matches(done).count() > before).then_some(())
        })
        .await;
    }

    /// Posts a logout token of the company about Alice: the status line.
    async fn signed_out_there(&self) -> io::Result<String> {
        let subject = self.company.company().person("alice").unwrap().subject;
        let leaving = Leaving {
            client: "mail",
            subject: Some(&subject),
            sid: None,
        };
        let token = self.company.logout_token(leaving).unwrap();
        let body = format!("logout_token={token}");
        let port = self.server.instance.port;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let head = format!(
            "POST /sso/{SLUG}/backchannel-logout HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.lines().next().unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn days_without_confirmation_warn_by_mail_then_shut_imap_until_the_next_sign_in() {
    let Some(mut joined) = Joined::new_or_skip(false).await else {
        return;
    };
    let phone = joined.server.device("Phone").await;

    joined.days_pass(24).await;
    let letter = joined.server.finds(&phone, "mail programs").await;
    let letter: Value = serde_json::from_str(&letter).unwrap();
    let said = |member: &str| letter[member].as_str().unwrap().to_owned();
    assert_eq!(said("to"), ALICE);
    assert!(said("from").contains("postmaster@example.org"), "{letter}");
    assert!(said("type").starts_with("text/plain"), "{letter}");
    assert_eq!(said("auto"), "auto-generated");
    let home = format!("http://127.0.0.1:{}/\n", joined.server.instance.port);
    assert!(
        said("text").replace("\r\n", "\n").contains(&home),
        "{letter}"
    );
    assert!(said("subject").contains(" UTC"), "{letter}");
    assert_eq!(letter["count"], 1, "one letter");
    let show = Request::Mailbox(MailboxRequest::Show(alice()));
    let shown = joined.server.ask(show).await;
    assert!(
        shown["warned"].is_string() && shown["mail_stops"].is_string(),
        "{shown}"
    );

    let idle = joined.server.idle(&phone).await;
    joined.days_pass(31).await;
    idle.says("ended", super::support::SOON).await.unwrap();
    let refused = joined.server.tries(&phone).await;
    let words = "Your sign-in was last confirmed on ";
    assert!(
        refused.starts_with("refused:") && refused.contains(words),
        "{refused}"
    );

    joined.sign_in().await;
    assert_eq!(
        joined.server.tries(&phone).await,
        "in",
        "the same app password"
    );
    let _again = joined.server.idle(&phone).await;
    drop(idle);
    keeper_stops(&mut joined.keeper).await;
}

#[tokio::test]
async fn a_logout_that_means_gone_ends_imap_within_seconds_until_the_next_sign_in() {
    let Some(mut joined) = Joined::new_or_skip(true).await else {
        return;
    };
    let phone = joined.server.device("Phone").await;
    let idle = joined.server.idle(&phone).await;
    let status = joined.signed_out_there().await.unwrap();
    assert!(status.starts_with("HTTP/1.1 200 "), "{status}");
    idle.says("ended", super::support::SOON).await.unwrap();
    let refused = joined.server.tries(&phone).await;
    assert!(
        refused.starts_with("refused:") && refused.contains("You were signed out by your company"),
        "{refused}"
    );

    joined.sign_in().await;
    assert_eq!(
        joined.server.tries(&phone).await,
        "in",
        "the same app password"
    );
    keeper_stops(&mut joined.keeper).await;
}
