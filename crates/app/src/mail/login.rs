//! One login of a mail program: name and secret in, one of three outcomes out.
//!
//! Every refusal of a wrong name or secret is answered a fixed time after the attempt arrived, so
//! that the answer's time does not tell an unknown name from a known one, nor a mailbox that takes
//! app passwords only from one that was hashed for.

use super::{MailApp, unavailable};
use crate::passwords::{Charge, Delay};
use crate::ports::{Account, PasswordVerdict, Unavailable};
use model::address::Address;
use model::app_password::{self, LastUse, Shape};
use model::ids::{AppPasswordId, MailboxId};
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use model::rules::access::{self, AppPasswordFacts};
use model::rules::confirmation;
use model::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use std::time::Duration;
use store::mail_lookup::LoginRow;

/// A name and a secret, as a mail program sent them.
#[derive(Debug)]
pub struct Login<'a> {
    /// What it wants to do.
    pub protocol: Protocol,
    /// The name as sent.
    pub name: &'a str,
    /// The secret as sent.
    pub secret: &'a SecretString,
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Whether the connection is encrypted.
    pub secured: bool,
}

/// A login with its name read once: every canonical form costs more than the look-up itself.
struct Named<'a> {
    login: Login<'a>,
    /// The canonical address, if the name is one.
    address: Option<Address>,
    /// The address, or the name in lower case.
    account: Account,
}

/// What opened the mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An app password.
    AppPassword(AppPasswordId),
    /// The local password.
    Password {
        /// The generation of the mailbox's credentials that it was right for.
        generation: i64,
    },
}

/// A login that was allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The mailbox's address.
    pub address: Address,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// For which protocol.
    pub protocol: Protocol,
    /// With what.
    pub credential: Credential,
}

/// A refusal and how long to hold it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// Code and words.
    pub refusal: Refusal,
    /// From now on.
    pub delay: Duration,
}

/// The three outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginAnswer {
    /// In.
    Ok(Grant),
    /// Refused.
    Refused(Turned),
    /// A fault of ours.
    Unavailable,
}

/// Answers to right secrets that may not in are not held back: there is nothing to guess.
const AT_ONCE: Duration = Duration::ZERO;

impl MailApp {
    /// Judges a login.
    pub async fn login(&self, login: Login<'_>) -> LoginAnswer {
        let arrived = self.clock.now();
        let address = Address::parse(login.name).ok();
        let account = account_of(login.name, address.as_ref());
        let login = Named {
            login,
            address,
            account,
        };
        match self.judge(&login, arrived).await {
            Ok(grant) => LoginAnswer::Ok(grant),
            Err(Stop::Unavailable) => LoginAnswer::Unavailable,
            Err(Stop::Refused(refusal, delay)) => {
                let Login { protocol, ip, .. } = login.login;
                self.record_failure(protocol, login.account.into_name(), ip, &refusal);
                let spent = self.clock.now().since(arrived);
                LoginAnswer::Refused(Turned {
                    refusal,
                    delay: delay.saturating_sub(spent),
                })
            }
        }
    }

    /// Counts and records a request that carried nothing to judge.
    pub fn turn_away(
        &self,
        protocol: Option<Protocol>,
        name: Option<&str>,
        ip: Option<IpAddr>,
    ) -> Turned {
        let account = name.map_or_else(
            || Account::Mailbox(String::new()),
            |name| account_of(name, Address::parse(name).ok().as_ref()),
        );
        let Delay(delay) = self.desk.budgets().failed(&account, ip);
        let refusal = self.wrong("the request carried no usable credentials");
        if let Some(protocol) = protocol {
            self.record_failure(protocol, account.into_name(), ip, &refusal);
        }
        Turned { refusal, delay }
    }

    /// Whether what was granted still stands: the app password or exactly that local password,
    /// mailbox and domain, and the protocol.
    ///
    /// # Errors
    /// [`LoginAnswer`] other than `Ok`.
    pub async fn recheck(&self, grant: &Grant) -> Result<(), LoginAnswer> {
        let verdict = match grant.credential {
            Credential::AppPassword(id) => self.recheck_app_password(id, grant).await,
            Credential::Password { generation } => self.recheck_password(grant, generation).await,
        };
        verdict.map_err(|stop| match stop {
            Stop::Unavailable => LoginAnswer::Unavailable,
            Stop::Refused(refusal, delay) => LoginAnswer::Refused(Turned { refusal, delay }),
        })
    }

    async fn judge(&self, login: &Named<'_>, now: Timestamp) -> Result<Grant, Stop> {
        if !login.login.secured {
            return Err(Stop::Refused(Refusal::new(Code::MailEncryption), AT_ONCE));
        }
        match app_password::shape(login.login.secret.expose_secret()) {
            Shape::AppPassword(secret) => match &login.address {
                Some(address) => self.by_app_password(login, address, &secret, now).await,
                None => Err(self.failed(login, "the name is not an address")),
            },
            Shape::Mistyped => Err(self.failed(login, "an app password with a typing error")),
            Shape::Other => self.by_password(login, now).await,
        }
    }

    async fn by_app_password(
        &self,
        login: &Named<'_>,
        address: &Address,
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<Grant, Stop> {
        let tag = self.key.tag(&[secret.expose_secret().as_bytes()]);
        let found = {
            let mut read = self.store.read().map_err(unavailable)?;
            store::app_passwords::by_tag(&mut read, &tag)
                .await
                .map_err(unavailable)?
        };
        let Some(row) = found.filter(|row| row.address == *address) else {
            return Err(self.failed(login, "no such app password for this name"));
        };
        access::app_password(&facts(&row), login.login.protocol, now).map_err(|refusal| {
            Stop::Refused(self.at_url(refusal).with("address", address), AT_ONCE)
        })?;
        let last = LastUse {
            at: now,
            protocol: login.login.protocol,
            ip: login.login.ip,
        };
        self.coalescer.app_password_used(row.id, last);
        Ok(Grant {
            address: row.address,
            mailbox: row.mailbox,
            protocol: login.login.protocol,
            credential: Credential::AppPassword(row.id),
        })
    }

    async fn by_password(&self, login: &Named<'_>, now: Timestamp) -> Result<Grant, Stop> {
        let Named { login: asked, .. } = login;
        let password = asked.secret.expose_secret();
        let mut charge = self
            .desk
            .admit(&login.account, asked.ip)
            .await
            .map_err(|verdict| self.stop(verdict))?;
        let found = match self.mailbox_of(login).await {
            Ok(found) => found,
            Err(unavailable) => {
                charge.withdraw();
                return Err(unavailable.into());
            }
        };
        let hash = found
            .as_ref()
            .filter(|row| row.password_opens_mail(now))
            .and_then(|row| row.password.as_deref());
        charge
            .against(hash, password)
            .map_err(|held| self.stop(held.into()))?;
        let Some(row) = &found else {
            return Err(self.wrong_after("no such mailbox", charge.failed()));
        };
        let Some(hash) = hash else {
            let detail = "this mailbox takes app passwords only";
            return Err(self.wrong_after(detail, charge.failed()));
        };
        self.check_password(charge, login, row, hash).await?;
        if !(row.active && row.domain_active) {
            return Err(Stop::Refused(
                Refusal::new(Code::MailInactive).with("address", &row.address),
                AT_ONCE,
            ));
        }
        confirmation::stands(&row.standing, now).map_err(|refusal| {
            let refusal = self.at_url(refusal).with("address", &row.address);
            Stop::Refused(refusal, AT_ONCE)
        })?;
        access::protocol_allowed(row.protocols, asked.protocol, "the mailbox")
            .map_err(|refusal| Stop::Refused(refusal, AT_ONCE))?;
        let last = LastUse {
            at: now,
            protocol: asked.protocol,
            ip: asked.ip,
        };
        self.coalescer.password_used(row.id, last);
        Ok(Grant {
            address: row.address.clone(),
            mailbox: row.id,
            protocol: asked.protocol,
            credential: Credential::Password {
                generation: row.generation,
            },
        })
    }

    async fn mailbox_of(&self, login: &Named<'_>) -> Result<Option<LoginRow>, Unavailable> {
        let Some(address) = &login.address else {
            return Ok(None);
        };
        let mut read = self.store.read().map_err(unavailable)?;
        store::mail_lookup::login(&mut read, address)
            .await
            .map_err(unavailable)
    }

    async fn check_password(
        &self,
        charge: Charge<'_>,
        login: &Named<'_>,
        row: &LoginRow,
        hash: &str,
    ) -> Result<(), Stop> {
        let password = login.login.secret.expose_secret();
        if self.verdicts.knows(row.id, row.generation, hash, password) {
            charge.succeeded();
            return Ok(());
        }
        let secret = login.login.secret.clone();
        match self.desk.judge(charge, secret, Some(hash)).await {
            PasswordVerdict::Right { rehash } => {
                self.verdicts
                    .remember(row.id, row.generation, hash, password);
                if let Some(new) = rehash {
                    self.coalescer.rehash(row.id, hash.to_owned(), new);
                }
                Ok(())
            }
            other => Err(self.stop(other)),
        }
    }

    /// What a verdict other than right means to a mail program.
    fn stop(&self, verdict: PasswordVerdict) -> Stop {
        let detail = match verdict {
            PasswordVerdict::Throttled(wait) => format!("{} s to wait", wait.0.as_secs()),
            PasswordVerdict::Stopped => {
                "too many wrong passwords in a row; a new password ends it".to_owned()
            }
            PasswordVerdict::Wrong { due } => {
                return self.wrong_after("wrong password", Delay(due));
            }
            PasswordVerdict::Right { .. } | PasswordVerdict::Unavailable => {
                return Stop::Unavailable;
            }
        };
        let refusal = Refusal::new(Code::MailThrottled).with("detail", detail);
        Stop::Refused(refusal, AT_ONCE)
    }

    fn wrong_after(&self, detail: &str, Delay(delay): Delay) -> Stop {
        Stop::Refused(self.wrong(detail), delay)
    }

    async fn recheck_app_password(&self, id: AppPasswordId, grant: &Grant) -> Result<(), Stop> {
        let now = self.clock.now();
        let mut read = self.store.read().map_err(unavailable)?;
        let row = store::app_passwords::by_id_for_recheck(&mut read, id)
            .await
            .map_err(unavailable)?;
        let Some(row) = row.filter(|row| row.mailbox == grant.mailbox) else {
            return Err(Stop::Refused(
                self.wrong("the app password is gone"),
                AT_ONCE,
            ));
        };
        access::app_password(&facts(&row), grant.protocol, now)
            .map_err(|refusal| Stop::Refused(self.at_url(refusal), AT_ONCE))
    }

    async fn recheck_password(&self, grant: &Grant, generation: i64) -> Result<(), Stop> {
        let now = self.clock.now();
        let mut read = self.store.read().map_err(unavailable)?;
        let row = store::mail_lookup::login(&mut read, &grant.address)
            .await
            .map_err(unavailable)?;
        let Some(row) = row.filter(|row| {
            row.id == grant.mailbox && row.generation == generation && row.password_opens_mail(now)
        }) else {
            return Err(Stop::Refused(
                self.wrong("the password no longer opens it"),
                AT_ONCE,
            ));
        };
        if !(row.active && row.domain_active) {
            return Err(Stop::Refused(Refusal::new(Code::MailInactive), AT_ONCE));
        }
        confirmation::stands(&row.standing, now)
            .map_err(|refusal| Stop::Refused(self.at_url(refusal), AT_ONCE))?;
        access::protocol_allowed(row.protocols, grant.protocol, "the mailbox")
            .map_err(|refusal| Stop::Refused(refusal, AT_ONCE))
    }

    /// Counts a failure of something that is no human password.
    fn failed(&self, login: &Named<'_>, detail: &str) -> Stop {
        let delay = self.desk.budgets().failed(&login.account, login.login.ip);
        self.wrong_after(detail, delay)
    }

    fn wrong(&self, detail: &str) -> Refusal {
        self.at_url(Refusal::new(Code::MailWrong).with("detail", detail))
    }

    fn at_url(&self, refusal: Refusal) -> Refusal {
        refusal.with("url", &self.config.devices_url)
    }

    fn record_failure(
        &self,
        protocol: Protocol,
        account: String,
        ip: Option<IpAddr>,
        refusal: &Refusal,
    ) {
        self.coalescer.failed(
            self.random.as_ref(),
            self.clock.now(),
            protocol,
            account,
            ip,
            refusal,
        );
    }
}

fn facts(row: &store::app_passwords::CredentialRow) -> AppPasswordFacts<'_> {
    AppPasswordFacts {
        device: &row.name,
        allowed: row.protocols,
        ends: row.ends,
        revoked: row.revoked,
        active: row.mailbox_active && row.domain_active,
        mailbox_allows: row.mailbox_protocols,
        standing: row.standing,
    }
}

/// The canonical address, or the name in lower case where it is none, cut so that it stays small.
fn account_of(name: &str, address: Option<&Address>) -> Account {
    Account::Mailbox(match address {
        Some(address) => address.as_str().to_owned(),
        None => name.chars().take(64).flat_map(char::to_lowercase).collect(),
    })
}

/// Why a login ended.
enum Stop {
    Refused(Refusal, Duration),
    Unavailable,
}

impl From<Unavailable> for Stop {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}
