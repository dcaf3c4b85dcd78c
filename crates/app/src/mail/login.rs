//! One login of a mail program: name and secret in, one of three outcomes out.
//!
//! Every refusal of a wrong name or secret is answered a fixed time after the attempt arrived, so
//! that the answer's time does not tell an unknown name from a known one, nor a mailbox that takes
//! app passwords only from one that was hashed for.

use super::{MailApp, unavailable};
use crate::passwords::Delay;
use crate::ports::{PasswordQuestion, PasswordVerdict, Unavailable};
use model::address::Address;
use model::app_password::{self, LastUse, Shape};
use model::ids::{AppPasswordId, MailboxId};
use model::outcome::{Code, Refusal};
use model::protocol::Protocol;
use model::rules::access::{self, AppPasswordFacts};
use model::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use std::time::Duration;

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
    /// The budget's key: the address, or the name in lower case.
    account: String,
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
                self.record_failure(protocol, login.account, ip, &refusal);
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
        let account = name.map_or_else(String::new, |name| {
            account_of(name, Address::parse(name).ok().as_ref())
        });
        let Delay(delay) = self.desk.budgets().failed(&account, ip);
        let refusal = self.wrong("the request carried no usable credentials");
        if let Some(protocol) = protocol {
            self.record_failure(protocol, account, ip, &refusal);
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
        let account = &login.account;
        if let Err(wait) = self.desk.budgets().permit(account, login.login.ip) {
            let detail = format!("{} s to wait", wait.0.as_secs());
            return Err(Stop::Refused(
                Refusal::new(Code::MailThrottled).with("detail", detail),
                AT_ONCE,
            ));
        }
        let found = match &login.address {
            Some(address) => {
                let mut read = self.store.read().map_err(unavailable)?;
                store::mail_lookup::login(&mut read, address)
                    .await
                    .map_err(unavailable)?
            }
            None => None,
        };
        let Some(row) = found else {
            return Err(self.failed(login, "no such mailbox"));
        };
        let Some(hash) = row
            .password
            .clone()
            .filter(|_| row.password_opens_mail(now))
        else {
            return Err(self.failed(login, "this mailbox takes app passwords only"));
        };
        self.check_password(login, row.id, &hash, row.generation)
            .await?;
        if !(row.active && row.domain_active) {
            return Err(Stop::Refused(
                Refusal::new(Code::MailInactive).with("address", account),
                AT_ONCE,
            ));
        }
        access::protocol_allowed(row.protocols, login.login.protocol, "the mailbox")
            .map_err(|refusal| Stop::Refused(refusal, AT_ONCE))?;
        let last = LastUse {
            at: now,
            protocol: login.login.protocol,
            ip: login.login.ip,
        };
        self.coalescer.password_used(row.id, last);
        Ok(Grant {
            address: row.address,
            mailbox: row.id,
            protocol: login.login.protocol,
            credential: Credential::Password {
                generation: row.generation,
            },
        })
    }

    async fn check_password(
        &self,
        login: &Named<'_>,
        mailbox: MailboxId,
        hash: &str,
        generation: i64,
    ) -> Result<(), Stop> {
        let password = login.login.secret.expose_secret();
        if self.verdicts.knows(mailbox, generation, hash, password) {
            return Ok(());
        }
        let question = PasswordQuestion {
            account: login.account.clone(),
            ip: login.login.ip,
            password: login.login.secret.clone(),
            hash: Some(hash.to_owned()),
        };
        match self.desk.check(question).await {
            (PasswordVerdict::Right { rehash }, _) => {
                self.verdicts.remember(mailbox, generation, hash, password);
                if let Some(new) = rehash {
                    self.coalescer.rehash(mailbox, hash.to_owned(), new);
                }
                Ok(())
            }
            (PasswordVerdict::Wrong, delay) => Err(Stop::Refused(
                self.wrong("wrong password"),
                delay.map_or(AT_ONCE, |Delay(delay)| delay),
            )),
            (PasswordVerdict::Throttled(wait), _) => {
                let detail = format!("{} s to wait", wait.0.as_secs());
                Err(Stop::Refused(
                    Refusal::new(Code::MailThrottled).with("detail", detail),
                    AT_ONCE,
                ))
            }
            (PasswordVerdict::Unavailable, _) => Err(Stop::Unavailable),
        }
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
        access::protocol_allowed(row.protocols, grant.protocol, "the mailbox")
            .map_err(|refusal| Stop::Refused(refusal, AT_ONCE))
    }

    /// Counts a failure that needed no hash.
    fn failed(&self, login: &Named<'_>, detail: &str) -> Stop {
        let Delay(delay) = self.desk.budgets().failed(&login.account, login.login.ip);
        Stop::Refused(self.wrong(detail), delay)
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
    }
}

/// The budget's key: the canonical address, or the name in lower case where it is none, cut so
/// that keys stay small.
fn account_of(name: &str, address: Option<&Address>) -> String {
    match address {
        Some(address) => address.as_str().to_owned(),
        None => name.chars().take(64).flat_map(char::to_lowercase).collect(),
    }
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
