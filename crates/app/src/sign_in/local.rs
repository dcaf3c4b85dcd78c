//! Signing in by name and local password.

use super::record::Record;
use super::{Ended, ReturnTo, SignedIn};
use crate::ports::Account;
use crate::sessions::Who;
use crate::web_passwords::Judged;
use crate::{App, Client, Problem};
use model::address::Address;
use model::attempt::{Door, StepState};
use model::domain::MailDomain;
use model::mailbox::Mailbox;
use model::outcome::{Code, Refusal};
use model::rules::provision;
use model::session::Principal;
use secrecy::SecretString;
use store::Conn;

/// A mailbox with its domain, its password's hash and the generation that was read before it.
pub(super) type Known = (Mailbox, MailDomain, Option<String>, Option<i64>);

impl App {
    /// Signs in by name and local password: an address for a person, a plain name for an
    /// administrator. One text for every wrong name or password.
    pub async fn sign_in_local(
        &self,
        name: &str,
        password: SecretString,
        client: &Client,
    ) -> Ended {
        let mut record = Record::new(self, Door::Local, client);
        let name = name.trim();
        record.about(None, name);
        let ended = if name.contains('@') {
            self.person_by_password(name, password, client, &mut record)
                .await
        } else {
            self.admin_by_password(name, password, client, &mut record)
                .await
        };
        match ended {
            Ok(signed_in) => Ended::SignedIn(Box::new(signed_in)),
            Err(problem) => self.refuse_for(record, problem).await,
        }
    }

    async fn person_by_password(
        &self,
        name: &str,
        password: SecretString,
        client: &Client,
        record: &mut Record,
    ) -> Result<SignedIn, Problem> {
        let address = Address::parse(name).ok();
        let found = match &address {
            Some(address) => self.by_address(address).await?,
            None => None,
        };
        let account = Account::Mailbox(address.map_or_else(|| name.to_lowercase(), String::from));
        let hash = found.as_ref().and_then(|(_, _, hash, _)| hash.clone());
        let rehash = self
            .judge_password(&account, password, hash.clone(), client)
            .await?;
        let Some((mailbox, domain, _, generation)) = found else {
            return Err(wrong(&account));
        };
        record.about(Some(mailbox.id), &mailbox.address);
        provision::by_local_password(&mailbox, &domain).map_err(Problem::Refused)?;
        record
            .attempt
            .trace
            .push("outcome", StepState::Ok, "signed in by local password");
        let session = self.new_session(Principal::Person(mailbox.id), None, client);
        let (now, id, record, inside) = (
            self.clock.now(),
            mailbox.id,
            record.clone(),
            session.clone(),
        );
        self.store
            .write(async move |tx: &mut Conn| {
                // The password was reset, or the mailbox switched, while it was looked at.
                if store::mailboxes::generation(tx, id).await? != generation {
                    return Err(wrong(&account));
                }
                if let (Some(old), Some(new)) = (&hash, &rehash) {
                    store::mailboxes::rehash(tx, id, old, new).await?;
                }
                store::mailboxes::touch_sign_in(tx, id, now).await?;
                inside.insert(tx).await?;
                Ok(record.clone().insert(tx).await?)
            })
            .await?;
        Ok(SignedIn {
            token: session.token,
            who: Who::Person {
                mailbox: Box::new(mailbox),
                domain: Box::new(domain),
            },
            return_to: ReturnTo::Home,
            created: false,
            notice: None,
        })
    }

    async fn admin_by_password(
        &self,
        name: &str,
        password: SecretString,
        client: &Client,
        record: &mut Record,
    ) -> Result<SignedIn, Problem> {
        let (row, hash) = {
            let mut read = self.store.read()?;
            let row = store::admins::by_name(&mut read, name).await?;
            let hash = match &row {
                Some(row) => store::admins::password_hash(&mut read, row.id).await?,
                None => None,
            };
            (row, hash)
        };
        let account = Account::Admin(name.to_lowercase());
        self.judge_password(&account, password, hash.clone(), client)
            .await?;
        let admin = row.ok_or_else(|| wrong(&account))?;
        record
            .attempt
            .trace
            .push("outcome", StepState::Ok, "administrator signed in");
        let session = self.new_session(Principal::Admin(admin.id), None, client);
        let (id, record, inside) = (admin.id, record.clone(), session.clone());
        self.store
            .write(async move |tx: &mut Conn| {
                if store::admins::password_hash(tx, id).await? != hash {
                    return Err(wrong(&account));
                }
                inside.insert(tx).await?;
                Ok(record.clone().insert(tx).await?)
            })
            .await?;
        Ok(SignedIn {
            token: session.token,
            who: Who::Admin(admin.into()),
            return_to: ReturnTo::Home,
            created: false,
            notice: None,
        })
    }

    /// Right, with a better hash if there is one to store; everything else is a refusal.
    pub(super) async fn judge_password(
        &self,
        account: &Account,
        password: SecretString,
        hash: Option<String>,
        client: &Client,
    ) -> Result<Option<String>, Problem> {
        let judged = self.judge(account.clone(), password, hash, client).await?;
        match judged {
            Judged::Right { rehash } => Ok(rehash),
            Judged::Wrong => Err(wrong(account)),
        }
    }

    pub(super) async fn by_address(&self, address: &Address) -> Result<Option<Known>, Problem> {
        let mut read = self.store.read()?;
        let Some(mailbox) = store::mailboxes::by_address(&mut read, address).await? else {
            return Ok(None);
        };
        // Before the hash: if it is the same later, so is the password.
        let generation = store::mailboxes::generation(&mut read, mailbox.id).await?;
        let hash = store::mailboxes::password_hash(&mut read, mailbox.id).await?;
        let domain = store::domains::by_id(&mut read, mailbox.domain).await?;
        Ok(domain.map(|domain| (mailbox, domain, hash, generation)))
    }
}

fn wrong(account: &Account) -> Problem {
    Problem::Refused(
        Refusal::new(Code::WrongPassword)
            .with("address", account.name())
            .with("detail", "no such account, or a wrong password"),
    )
}
