//! The sample company: its provider, its people, and what an administrator sets up for it.

use super::cli::Cli;
use super::instance::DOMAIN;
use lab::{Handle, Options};
use serde_json::Value;
use tokio::net::TcpListener;

/// The provider's slug in Gatepost.
pub(super) const SLUG: &str = "example-sso";
/// The name on its button.
pub(super) const BUTTON: &str = "Example SSO";
/// The demo's administrator. The password opens nothing but the demo.
pub(super) const ADMIN: (&str, &str) = ("root", "gatepost demo password");

const CLIENT: &str = "gatepost";
const SECRET: &str = "a secret only the demo knows";

/// The sample company with its provider running.
pub(super) struct Company {
    handle: Handle,
}

impl Company {
    pub(super) async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let options = Options {
            quick_sign_in: true,
            ..Options::default()
        };
        let handle = lab::serve(listener, lab::sample::company(DOMAIN), options).await?;
        Ok(Self { handle })
    }

    pub(super) fn issuer(&self) -> &str {
        self.handle.issuer()
    }

    /// Makes Gatepost known at the provider.
    pub(super) async fn register(&self, base: &str) {
        let redirect = format!("{base}/sso/{SLUG}/callback");
        self.handle
            .company()
            .add_client(lab::Client::new(CLIENT, SECRET, &redirect));
    }

    /// Changes what the provider says of a person.
    pub(super) fn set_claim(&self, login: &str, claim: &str, value: &str) -> anyhow::Result<()> {
        Ok(self
            .handle
            .company()
            .set_claim(login, claim, Value::from(value))?)
    }

    /// Somebody new at the company, without a template claim.
    pub(super) fn hire(&self, login: &str, name: &str) {
        let email = format!("{login}@{DOMAIN}");
        let person = lab::Person::new(login, login, name, &email, lab::sample::PASSWORD);
        self.handle.company().add_person(person);
    }

    pub(super) async fn close(self) {
        self.handle.stop().await;
    }
}

/// What an administrator does on the first day.
pub(super) async fn seed(cli: &Cli, issuer: &str) -> anyhow::Result<()> {
    let (admin, password) = ADMIN;
    let email = format!("{admin}@{DOMAIN}");
    cli.with_input(
        &[
            "admin",
            "create",
            admin,
            "--email",
            &email,
            "--password-stdin",
        ],
        password,
    )
    .await?;
    cli.run(&[
        "domain",
        "add",
        DOMAIN,
        "--max-mailboxes",
        "4",
        "--default-quota",
        "1G",
        "--max-quota",
        "5G",
        "--domain-quota",
        "20G",
    ])
    .await?;
    cli.run(&["template", "add", "Staff", "--quota", "1G"])
        .await?;
    cli.run(&["template", "add", "Board", "--quota", "3G"])
        .await?;
    cli.with_input(
        &[
            "provider",
            "add",
            BUTTON,
            "--issuer",
            issuer,
            "--client-id",
            CLIENT,
            "--secret-stdin",
            "--domain",
            DOMAIN,
            "--allow-host",
            "127.0.0.1",
            // Nobody sits before the demo who could test it.
            "--active",
            "yes",
            "--untested",
        ],
        SECRET,
    )
    .await?;
    cli.run(&[
        "rule",
        "add",
        SLUG,
        "--value",
        "staff",
        "--template",
        "Staff",
    ])
    .await?;
    Ok(())
}
