//! The main job, step by step, with real clients. Each step checks what it prints.

mod app;

use super::cli::Cli;
use super::clients::Clients;
use super::company::{Company, SLUG};
use super::instance::{DOMAIN, Ports, Server};
use super::noticeboard::Noticeboard;
use super::story::{Teller, told};
use anyhow::Context as _;
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::process::Command;

const GIB: u64 = 1 << 30;

/// Everybody and everything in the story.
struct Story<'a> {
    teller: Teller,
    clients: Clients,
    cli: &'a Cli,
    company: &'a Company,
    app: Noticeboard,
    ports: Ports,
    scripts: std::path::PathBuf,
    visits: std::cell::Cell<u32>,
}

/// Who plays in the story besides Gatepost.
pub(super) struct Cast<'a> {
    pub(super) company: &'a Company,
    pub(super) clients: Clients,
    pub(super) app: Noticeboard,
}

/// Tells the story; ends at the first step that did not happen.
pub(super) async fn run(
    server: &Server,
    cast: Cast<'_>,
    cli: &Cli,
    began: Instant,
) -> anyhow::Result<()> {
    let mut story = Story {
        teller: Teller::new(began),
        clients: cast.clients,
        cli,
        company: cast.company,
        app: cast.app,
        ports: server.ports,
        scripts: server.dir.clone(),
        visits: std::cell::Cell::new(0),
    };
    story.arrives().await?;
    let (alice, bob) = story.app_passwords().await?;
    story.sends_and_reads(&alice, &bob).await?;
    story.filters(&alice, &bob).await?;
    story.moves_up(&alice).await?;
    story.unmapped().await?;
    story.made_ahead().await?;
    story.signs_in_to_an_app().await?;
    story.loses_the_app().await?;
    story.switches_back_and_forth().await?;
    story.lets_go(&alice).await?;
    story.full().await?;
    story.teller.end();
    Ok(())
}

fn address(login: &str) -> String {
    format!("{login}@{DOMAIN}")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A page's own title, without the name of the site.
fn title(seen: &Value) -> &str {
    text(seen, "title").trim_end_matches(" · Gatepost")
}

impl Story<'_> {
    async fn arrives(&mut self) -> anyhow::Result<()> {
        self.teller.step("Alice signs in at her company's provider");
        let seen = self.sign_in("alice").await?;
        told!(seen["home"] == true, "Alice did not reach her home: {seen}");
        self.teller
            .saw(format!("from the provider back to {}", text(&seen, "url")));

        self.teller
            .step("Her mailbox has appeared, from the template that her claim chose");
        let mailbox = self.mailbox("alice").await?;
        told!(
            text(&mailbox, "template") == "Staff",
            "not from the template: {mailbox}"
        );
        told!(
            quota(&mailbox) == Some(GIB),
            "not the template's quota: {mailbox}"
        );
        self.teller
            .saw("mailcow_template = staff  →  template Staff, quota 1 GiB");
        Ok(())
    }

    async fn app_passwords(&mut self) -> anyhow::Result<(String, String)> {
        self.teller
            .step("In the same session she makes a password for her phone");
        let alice = self.make_device("alice", "Alice's phone").await?;
        self.teller.saw(format!(
            "{}…, shown once: reading the page again does not show it",
            &alice[..9]
        ));
        told!(
            self.sign_in("bob").await?["home"] == true,
            "Bob did not reach his home"
        );
        let bob = self.make_device("bob", "Thunderbird").await?;

        self.teller
            .step("With it, a mail program opens the mailbox over IMAP");
        let to = address("alice");
        let folders = self
            .clients
            .mail("imap_folders.py", self.ports.imaps, &to, &alice, &[])
            .await?;
        told!(folders["ok"] == true, "IMAP said no: {folders}");
        for folder in ["Sent", "Drafts", "Junk", "Trash", "Archive"] {
            told!(
                folders.to_string().contains(folder),
                "no folder {folder}: {folders}"
            );
        }
        self.teller
            .saw("folders with their special use: Sent, Drafts, Junk, Trash, Archive");
        let sso = self
            .clients
            .mail(
                "imap_folders.py",
                self.ports.imaps,
                &to,
                lab::sample::PASSWORD,
                &[],
            )
            .await?;
        told!(sso["ok"] == false, "the SSO password opened a mail program");
        self.teller
            .saw(format!("her SSO password there: {}", text(&sso, "answer")));
        Ok((alice, bob))
    }

    async fn sends_and_reads(&mut self, alice: &str, bob: &str) -> anyhow::Result<()> {
        self.teller.step("Bob submits a message by SMTP");
        let (from, to) = (address("bob"), address("alice"));
        let sent = self.send(bob, &["--to", &to, "--subject", "Lunch"]).await?;
        told!(sent["ok"] == true, "not accepted: {sent}");
        self.teller.saw(format!("{from} → {to}: accepted"));
        let forged = self
            .send(
                bob,
                &[
                    "--to",
                    &to,
                    "--subject",
                    "Forged",
                    "--sender",
                    &address("alice"),
                ],
            )
            .await?;
        told!(forged["ok"] == false, "Bob could send as Alice: {forged}");
        self.teller
            .saw(format!("as Alice: {}", text(&forged, "answer")));

        self.teller.step("Alice reads it by IMAP and by POP3");
        for (script, port) in [
            ("imap_read.py", self.ports.imaps),
            ("pop3_read.py", self.ports.pop3s),
        ] {
            let options = ["--subject", "Lunch"];
            let read = self
                .clients
                .mail(script, port, &to, alice, &options)
                .await?;
            told!(read["ok"] == true, "{script} did not find it: {read}");
            self.teller.saw(format!(
                "{}: “{}” from {}",
                &script[..4],
                text(&read, "subject"),
                text(&read, "from")
            ));
        }
        Ok(())
    }

    async fn filters(&mut self, alice: &str, bob: &str) -> anyhow::Result<()> {
        self.teller
            .step("She uploads a filter by ManageSieve and sees it act");
        let to = address("alice");
        let script = self.scripts.join("orders.sieve");
        std::fs::write(
            &script,
            "require [\"fileinto\", \"mailbox\"];\nif header :contains \"subject\" \"order\" {\n  \
             fileinto :create \"Orders\";\n}\n",
        )?;
        let script = script.to_string_lossy();
        let put = self
            .clients
            .mail(
                "sieve_put.py",
                self.ports.sieve,
                &to,
                alice,
                &["--script", &script],
            )
            .await?;
        told!(put["ok"] == true, "the script was refused: {put}");
        let sent = self
            .send(bob, &["--to", &to, "--subject", "Your order 4711"])
            .await?;
        told!(sent["ok"] == true, "not accepted: {sent}");
        let options = ["--subject", "Your order 4711", "--folder", "Orders"];
        let read = self
            .clients
            .mail("imap_read.py", self.ports.imaps, &to, alice, &options)
            .await?;
        told!(read["ok"] == true, "the filter did not act: {read}");
        self.teller
            .saw("“Your order 4711” went to the folder Orders");
        Ok(())
    }

    async fn moves_up(&mut self, alice: &str) -> anyhow::Result<()> {
        self.teller
            .step("Alice joins the board: her claim changes, and with it her quota");
        let to = address("alice");
        let before = self.quota_seen(&to, alice).await?;
        self.cli
            .run(&[
                "rule",
                "add",
                SLUG,
                "--value",
                "board",
                "--template",
                "Board",
            ])
            .await?;
        self.company
            .set_claim("alice", lab::sample::TEMPLATE_CLAIM, "board")?;
        told!(
            self.sign_in("alice").await?["home"] == true,
            "Alice did not reach her home"
        );
        let after = self.quota_seen(&to, alice).await?;
        told!(
            before == GIB && after == 3 * GIB,
            "quota {before} → {after}"
        );
        self.teller
            .saw("IMAP QUOTA before the sign-in: 1 GiB, after it: 3 GiB");
        Ok(())
    }

    async fn made_ahead(&mut self) -> anyhow::Result<()> {
        self.teller
            .step("Mail reaches somebody made ahead, who has not signed in yet");
        let erin = address("erin");
        self.cli
            .run(&[
                "mailbox",
                "add",
                &erin,
                "--name",
                "Erin Eriksen",
                "--provider",
                SLUG,
            ])
            .await?;
        let out = Command::new("swaks")
            .args([
                "--server",
                "127.0.0.1",
                "--port",
                &self.ports.smtp.to_string(),
            ])
            .args(["--from", "hr@elsewhere.example", "--to", &erin])
            .args(["--header", "Subject: Welcome", "--silent", "2"])
            .output()
            .await
            .context("swaks")?;
        told!(
            out.status.success(),
            "port 25 said no: {}",
            String::from_utf8_lossy(&out.stdout)
        );
        self.teller.saw(format!(
            "hr@elsewhere.example → {erin}: accepted on port 25"
        ));
        self.company.hire("erin", "Erin Eriksen");
        told!(
            self.sign_in("erin").await?["home"] == true,
            "Erin did not reach her home"
        );
        let password = self.make_device("erin", "Laptop").await?;
        let options = ["--subject", "Welcome"];
        let read = self
            .clients
            .mail("imap_read.py", self.ports.imaps, &erin, &password, &options)
            .await?;
        told!(read["ok"] == true, "the mail was not there: {read}");
        self.teller
            .saw("Erin signs in, takes the mailbox over, and the mail is there");
        Ok(())
    }

    async fn switches_back_and_forth(&mut self) -> anyhow::Result<()> {
        const PASSWORD: &str = "frank's own password";
        self.teller
            .step("A local mailbox goes to the provider and back; the old password lives");
        let frank = address("frank");
        self.cli
            .with_input(&["mailbox", "add", &frank, "--password-stdin"], PASSWORD)
            .await?;
        told!(
            self.local("frank", PASSWORD).await?["home"] == true,
            "Frank's password did not work"
        );
        self.teller.saw("local: his password signs him in");
        self.cli
            .run(&["mailbox", "method", &frank, "provider", SLUG])
            .await?;
        let dormant = self.local("frank", PASSWORD).await?;
        told!(dormant["home"] == false, "the dormant password worked");
        self.teller.saw(format!(
            "provider: the password lies dormant ({})",
            title(&dormant)
        ));
        self.cli
            .run(&["mailbox", "method", &frank, "local"])
            .await?;
        told!(
            self.local("frank", PASSWORD).await?["home"] == true,
            "the password did not revive"
        );
        self.teller
            .saw("local again: the same password signs him in");
        Ok(())
    }

    async fn lets_go(&mut self, alice: &str) -> anyhow::Result<()> {
        self.teller
            .step("Alice loses her phone and revokes it: the live session ends");
        let to = address("alice");
        let session = self.clients.idle(self.ports.imaps, &to, alice).await?;
        self.teller.saw("the phone waits in IMAP IDLE");
        let began = Instant::now();
        let revoked = self
            .clients
            .web("alice", "revoke-device", "", &["--device", "Alice's phone"])
            .await?;
        told!(revoked["ok"] == true, "not revoked: {revoked}");
        let ended = tokio::time::timeout(Duration::from_secs(10), session.ended()).await??;
        let took = began.elapsed();
        told!(ended["ok"] == true, "the session did not end: {ended}");
        self.teller.saw(format!(
            "revoked; session ended after {} ms: {}",
            took.as_millis(),
            text(&ended, "ended")
        ));
        told!(
            took < Duration::from_secs(3),
            "that took too long: {} ms",
            took.as_millis()
        );
        let again = self
            .clients
            .mail("imap_folders.py", self.ports.imaps, &to, alice, &[])
            .await?;
        told!(again["ok"] == false, "the revoked password still works");
        self.teller
            .saw(format!("a new login: {}", text(&again, "answer")));
        Ok(())
    }

    async fn unmapped(&mut self) -> anyhow::Result<()> {
        self.teller
            .step("Carol has no mapping: she is refused, and the helpdesk is told why");
        self.refused("carol", "SSO-405").await
    }

    async fn full(&mut self) -> anyhow::Result<()> {
        self.teller
            .step("The domain is full: Dave is refused, and the helpdesk is told why");
        self.refused("dave", "SSO-403").await
    }

    async fn refused(&mut self, login: &str, code: &str) -> anyhow::Result<()> {
        let seen = self.sign_in(login).await?;
        told!(seen["home"] == false, "{login} got in");
        let reference = text(&seen, "reference");
        told!(!reference.is_empty(), "no reference on the page: {seen}");
        self.teller.saw(format!(
            "{login} reads: {} (reference {reference})",
            title(&seen)
        ));
        let why = self.cli.say(&["why", &address(login)], "").await?;
        told!(
            why.text.contains(code),
            "why does not say {code}: {}",
            why.text
        );
        told!(
            why.text.contains(reference),
            "why does not know {reference}: {}",
            why.text
        );
        self.teller
            .saw(format!("$ gatepost why {}", address(login)));
        self.teller.saw(why.text.trim_end());
        Ok(())
    }

    async fn sign_in(&self, login: &str) -> anyhow::Result<Value> {
        let options = ["--provider", SLUG, "--user", login];
        self.clients
            .web(login, "sign-in", lab::sample::PASSWORD, &options)
            .await
    }

    async fn local(&self, login: &str, password: &str) -> anyhow::Result<Value> {
        // A browser of its own each time: what is asked is whether the password opens a session.
        let jar = format!("{login}-{}", self.visits.get());
        self.visits.set(self.visits.get() + 1);
        let user = address(login);
        self.clients
            .web(&jar, "sign-in-local", password, &["--user", &user])
            .await
    }

    async fn make_device(&self, person: &str, device: &str) -> anyhow::Result<String> {
        let made = self
            .clients
            .web(person, "make-device", "", &["--device", device])
            .await?;
        told!(made["ok"] == true, "no app password: {made}");
        told!(
            made["shown_again"] == false,
            "the app password was shown twice"
        );
        Ok(text(&made, "password").to_owned())
    }

    async fn send(&self, password: &str, options: &[&str]) -> anyhow::Result<Value> {
        let from = address("bob");
        self.clients
            .mail(
                "smtp_send.py",
                self.ports.submission,
                &from,
                password,
                options,
            )
            .await
    }

    async fn quota_seen(&self, user: &str, password: &str) -> anyhow::Result<u64> {
        let seen = self
            .clients
            .mail("imap_quota.py", self.ports.imaps, user, password, &[])
            .await?;
        seen["limit_bytes"]
            .as_u64()
            .with_context(|| format!("no quota: {seen}"))
    }

    async fn mailbox(&self, login: &str) -> anyhow::Result<Value> {
        self.cli.run(&["mailbox", "show", &address(login)]).await
    }
}

/// The quota of a mailbox as the command line's JSON has it.
fn quota(mailbox: &Value) -> Option<u64> {
    mailbox["quota"]
        .as_u64()
        .or_else(|| mailbox["mailbox"]["quota"].as_u64())
}
