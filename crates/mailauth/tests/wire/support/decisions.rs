//! Decisions that a test chooses: by the secret, by the name, and by switches.

use mailauth::{
    Credential, Decisions, Granted, LoginAttempt, MapKey, Misfit, Origin, PolicyAnswer,
    PolicyRequest, Refusal, RefusalKind, TurnedAway, Unavailable, UserEntry, Verdict,
};
use model::address::{Address, DomainName};
use model::ids::{AppPasswordId, MailboxId};
use model::protocol::Protocol;
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Semaphore;

/// What a desk's decisions were asked, and how they answer.
pub struct Chosen {
    /// Attempts and misfits, as they came.
    pub seen: Mutex<Vec<Seen>>,
    /// Logins whose decision ran to its end.
    pub decided: AtomicU64,
    /// Delay of every refusal.
    pub delay: Mutex<Duration>,
    /// A login with the secret `slow` or `slow-wrong` waits for a permit, first come, first served.
    pub gate: Semaphore,
    /// Logins do not stand any more.
    pub revoked: AtomicBool,
    /// Whether logins still stand cannot be told.
    pub unsure: AtomicBool,
    /// Look-ups are unavailable.
    pub down: AtomicBool,
    /// Mailboxes in a listing.
    pub listed: AtomicU64,
}

/// One question about a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub protocol: Option<Protocol>,
    pub name: Option<String>,
    pub secret: Option<String>,
    pub misfit: Option<Misfit>,
    pub origin: Origin,
}

impl Default for Chosen {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            decided: AtomicU64::new(0),
            delay: Mutex::default(),
            gate: Semaphore::new(0),
            revoked: AtomicBool::new(false),
            unsure: AtomicBool::new(false),
            down: AtomicBool::new(false),
            listed: AtomicU64::new(3),
        }
    }
}

impl Chosen {
    pub fn last(&self) -> Seen {
        self.seen.lock().last().cloned().expect("nothing was asked")
    }

    pub fn misfit(&self) -> Option<Misfit> {
        self.last().misfit
    }

    fn refused(&self, kind: RefusalKind, text: &str) -> Refusal {
        Refusal {
            code: "MAIL-601",
            text: text.to_owned(),
            kind,
            delay: *self.delay.lock(),
        }
    }

    fn available(&self) -> Result<(), Unavailable> {
        if self.down.load(SeqCst) {
            Err(Unavailable)
        } else {
            Ok(())
        }
    }
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

impl Decisions for Chosen {
    async fn login(&self, attempt: LoginAttempt) -> Verdict<Granted> {
        let secret = attempt.secret.expose_secret().to_owned();
        self.seen.lock().push(Seen {
            protocol: Some(attempt.protocol),
            name: Some(attempt.name.clone()),
            secret: Some(secret.clone()),
            misfit: None,
            origin: attempt.origin,
        });
        if secret.starts_with("slow") {
            self.gate.acquire().await.unwrap().forget();
        }
        let verdict = match secret.as_str() {
            "right" | "slow" => match Address::parse(&attempt.name) {
                Ok(address) => Verdict::Ok(Granted {
                    address,
                    mailbox: MailboxId(1),
                    protocol: attempt.protocol,
                    credential: Credential::AppPassword(AppPasswordId(7)),
                }),
                Err(_) => Verdict::Refused(self.refused(RefusalKind::WrongCredentials, "no")),
            },
            "down" => Verdict::Unavailable,
            "never" => std::future::pending().await,
            "panic" => panic!("a decision that panics"),
            "expired" => Verdict::Refused(self.refused(RefusalKind::Expired, "it has ended")),
            "not-here" => Verdict::Refused(self.refused(RefusalKind::NotAllowed, "not by POP3")),
            "disabled" => Verdict::Refused(self.refused(RefusalKind::Disabled, "switched off")),
            "no-tls" => Verdict::Refused(self.refused(RefusalKind::NeedsTls, "encrypt first")),
            "silent" => Verdict::Refused(self.refused(RefusalKind::WrongCredentials, "")),
            _ => Verdict::Refused(self.refused(RefusalKind::WrongCredentials, "wrong")),
        };
        self.decided.fetch_add(1, SeqCst);
        verdict
    }

    async fn turn_away(&self, request: TurnedAway) -> Refusal {
        self.seen.lock().push(Seen {
            protocol: request.protocol,
            name: request.name,
            secret: None,
            misfit: Some(request.why),
            origin: request.origin,
        });
        self.refused(RefusalKind::WrongCredentials, "")
    }

    async fn recheck(&self, granted: &Granted) -> Verdict<()> {
        assert_eq!(
            granted.credential,
            Credential::AppPassword(AppPasswordId(7))
        );
        if self.revoked.load(SeqCst) {
            Verdict::Refused(self.refused(RefusalKind::Disabled, "revoked"))
        } else if self.unsure.load(SeqCst) {
            Verdict::Unavailable
        } else {
            Verdict::Ok(())
        }
    }

    async fn user(&self, address: &Address) -> Result<Option<UserEntry>, Unavailable> {
        self.available()?;
        let no_mailbox = ["nobody", "sales", "info"].contains(&address.local());
        Ok((!no_mailbox).then(|| UserEntry {
            address: address.clone(),
            uid: 5000,
            gid: 5001,
            home: "/srv/mail/ab/0197".to_owned(),
            mail: (address.local() == "special").then(|| "maildir:/x\ty".to_owned()),
            quota: (address.local() != "unlimited").then_some(104_857_600),
            settings: Vec::new(),
        }))
    }

    async fn users(&self, after: Option<&Address>) -> Result<Vec<Address>, Unavailable> {
        self.available()?;
        let total = self.listed.load(SeqCst);
        let start = after.map_or(0, |a| a.local()[1..].parse::<u64>().unwrap() + 1);
        let page = start..total.min(start + 1000);
        Ok(page
            .map(|n| address(&format!("u{n:07}@example.org")))
            .collect())
    }

    async fn domain(&self, domain: &DomainName) -> Result<bool, Unavailable> {
        self.available()?;
        Ok(domain.as_str() == "example.org")
    }

    async fn mailbox(&self, address: &Address) -> Result<bool, Unavailable> {
        self.available()?;
        Ok(address.local() == "alice")
    }

    async fn alias(&self, key: &MapKey) -> Result<Vec<Address>, Unavailable> {
        self.available()?;
        Ok(match key {
            MapKey::Address(a) if a.local() == "sales" => {
                vec![address("alice@example.org"), address("bob@example.org")]
            }
            MapKey::Address(a) if a.local() == "info" => vec![address("alice@example.org")],
            MapKey::Domain(d) if d.as_str() == "example.org" => vec![address("all@example.org")],
            _ => Vec::new(),
        })
    }

    async fn senders(&self, key: &MapKey) -> Result<Vec<Address>, Unavailable> {
        self.alias(key).await
    }

    async fn policy(&self, request: PolicyRequest, session: Option<Granted>) -> PolicyAnswer {
        if self.down.load(SeqCst) {
            PolicyAnswer::Unavailable
        } else if request.sasl_username.is_some() && session.is_none() {
            PolicyAnswer::Close {
                status: "4.7.0",
                text: "Sign in again".to_owned(),
            }
        } else if self.revoked.load(SeqCst) && request.sasl_username.is_some() {
            PolicyAnswer::Refuse {
                status: "5.7.1",
                text: "This mailbox is switched off".to_owned(),
            }
        } else {
            PolicyAnswer::Dunno
        }
    }
}
