//! What Dovecot and Postfix look up: users, domains, recipients, aliases, senders.

use super::{MailApp, unavailable};
use crate::ports::Unavailable;
use model::address::{Address, DomainName};
use model::mailbox::directory_of;

/// What Dovecot needs to open a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailUser {
    /// Owner of its files.
    pub uid: u32,
    /// Group of its files.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Quota in bytes; `None` is unlimited.
    pub quota: Option<u64>,
    /// Whether it is switched on. One that is not still receives mail.
    pub active: bool,
}

impl MailApp {
    /// The attributes of a mailbox, whatever its sign-in method and state.
    ///
    /// # Errors
    /// Only for a fault of ours.
    pub async fn user(&self, address: &Address) -> Result<Option<MailUser>, Unavailable> {
        let mut read = self.store.read().map_err(unavailable)?;
        let row = store::mail_lookup::userdb(&mut read, address)
            .await
            .map_err(unavailable)?;
        Ok(row.map(|row| MailUser {
            uid: self.config.uid,
            gid: self.config.gid,
            home: format!("{}/{}", self.config.mail_root, directory_of(row.storage)),
            quota: u64::try_from(row.quota).ok().filter(|quota| *quota > 0),
            active: row.active,
        }))
    }

    /// A page of all addresses in order.
    ///
    /// # Errors
    /// Only for a fault of ours.
    pub async fn users(&self, after: Option<&Address>) -> Result<Vec<Address>, Unavailable> {
        let mut read = self.store.read().map_err(unavailable)?;
        store::mailboxes::addresses_after(&mut read, after.map(Address::as_str), 500)
            .await
            .map_err(unavailable)
    }

    /// Whether mail for a domain is delivered here.
    ///
    /// # Errors
    /// Only for a fault of ours.
    pub async fn serves(&self, domain: &DomainName) -> Result<bool, Unavailable> {
        let mut read = self.store.read().map_err(unavailable)?;
        let active = store::mail_lookup::domain_active(&mut read, domain)
            .await
            .map_err(unavailable)?;
        Ok(active == Some(true))
    }

    /// Whether an address is a mailbox that receives mail, with or without a `+` extension, which
    /// Postfix leaves to us; one that is switched off still does.
    ///
    /// # Errors
    /// Only for a fault of ours.
    pub async fn receives(&self, address: &Address) -> Result<bool, Unavailable> {
        let mut read = self.store.read().map_err(unavailable)?;
        for address in with_and_without_extension(address) {
            let row = store::mail_lookup::recipient(&mut read, &address)
                .await
                .map_err(unavailable)?;
            if row.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where mail for an alias goes, with or without a `+` extension; for postmaster and abuse
    /// without a mailbox or alias, where the domain says. The server's own name is no domain: its
    /// postmaster is that of the domain it lies in, or of the first one served here. Empty when
    /// there is no alias.
    ///
    /// # Errors
    /// Only for a fault of ours.
    pub async fn alias(&self, address: &Address) -> Result<Vec<Address>, Unavailable> {
        let mut read = self.store.read().map_err(unavailable)?;
        for address in with_and_without_extension(address) {
            let targets = store::aliases::targets_by_address(&mut read, &address)
                .await
                .map_err(unavailable)?;
            if !targets.is_empty() {
                return Ok(targets);
            }
            let mailbox = store::mail_lookup::recipient(&mut read, &address)
                .await
                .map_err(unavailable)?;
            if mailbox.is_some() {
                return Ok(Vec::new());
            }
        }
        let base = address.without_extension();
        if !matches!(base.local(), "postmaster" | "abuse") {
            return Ok(Vec::new());
        }
        let mut target = store::mail_lookup::role_target(&mut read, &base.domain())
            .await
            .map_err(unavailable)?;
        if target.is_none() && self.is_own_postmaster(&base) {
            target = own_postmaster(&mut read, &base.domain())
                .await
                .map_err(unavailable)?;
        }
        // A target that is itself this address would be a loop.
        Ok(target
            .filter(|target| *target != base)
            .into_iter()
            .collect())
    }

    fn is_own_postmaster(&self, address: &Address) -> bool {
        address.local() == "postmaster" && self.config.hostname.as_ref() == Some(&address.domain())
    }

    /// The logins that may use an address, with or without a `+` extension, as envelope sender.
    ///
    /// # Errors
    /// Only for a fault of ours.
    pub async fn senders(&self, address: &Address) -> Result<Vec<Address>, Unavailable> {
        let mut read = self.store.read().map_err(unavailable)?;
        for address in with_and_without_extension(address) {
            let owners = store::mail_lookup::senders(&mut read, &address)
                .await
                .map_err(unavailable)?;
            if !owners.is_empty() {
                return Ok(owners);
            }
        }
        Ok(Vec::new())
    }
}

/// Where mail for postmaster of a server that is no domain itself goes.
async fn own_postmaster(
    read: &mut store::Conn,
    hostname: &DomainName,
) -> Result<Option<Address>, store::StoreError> {
    let parents = hostname.as_str().match_indices('.');
    for (dot, _) in parents {
        let Ok(parent) = DomainName::parse(&hostname.as_str()[dot + 1..]) else {
            break;
        };
        let target = store::mail_lookup::role_target(read, &parent).await?;
        if target.is_some() {
            return Ok(target);
        }
    }
    store::mail_lookup::first_role_target(read).await
}

/// The address itself, then without its `+` extension if it has one.
fn with_and_without_extension(address: &Address) -> impl Iterator<Item = Address> {
    let base = address.without_extension();
    let base = (base != *address).then_some(base);
    [Some(address.clone()), base].into_iter().flatten()
}
