//! The auth-master conversation: session processes claim logins, lmtp and doveadm look up mailboxes.

use crate::conversation::{Conversation, Hangup, Io, Shared};
use crate::counts::bump;
use crate::decisions::{Decisions, Granted, MapKey, Unavailable, UserEntry, Verdict};
use crate::handover::{Listing, Talk};
use crate::inbox::Inbox;
use crate::pending::Key;
use crate::settings::Door;
use crate::wire::auth_master::{self as wire, MasterLine};
use crate::wire::{FramingError, lines};
use model::address::Address;
use std::collections::HashSet;
use std::sync::Arc;

/// One connection of an engine process that works with mailboxes.
pub(crate) struct AuthMaster<D> {
    shared: Arc<Shared<D>>,
    door: Door,
    /// Only root may list all mailboxes.
    may_list: bool,
    greeted: bool,
    open: HashSet<u32>,
    listing: Option<Listing>,
    /// A page of the listing is being fetched.
    paging: bool,
}

/// An answered question.
pub(crate) enum Report {
    /// To `USER`.
    User(u32, Result<Option<UserEntry>, Unavailable>),
    /// To `REQUEST`: the mailbox and whether the session wants a token; `None` if the login does not
    /// stand or cannot be judged now.
    Session(u32, Option<UserEntry>, bool),
    /// To `LIST`: a page.
    Page(Result<Vec<Address>, Unavailable>),
}

impl<D: Decisions> AuthMaster<D> {
    /// A fresh connection: writes our side of the handshake.
    pub(crate) fn greet(
        shared: Arc<Shared<D>>,
        door: Door,
        may_list: bool,
        out: &mut Vec<u8>,
    ) -> Self {
        wire::greet(out, shared.settings.server_pid);
        Self::resume(shared, door, may_list, false, None)
    }

    /// A connection taken over from another worker, which has greeted it.
    pub(crate) fn resume(
        shared: Arc<Shared<D>>,
        door: Door,
        may_list: bool,
        greeted: bool,
        listing: Option<Listing>,
    ) -> Self {
        Self {
            shared,
            door,
            may_list,
            greeted,
            open: listing.iter().map(|listing| listing.id).collect(),
            listing,
            paging: false,
        }
    }

    fn line(&mut self, line: &[u8], io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        if line.len() > lines::SOFT_LIMIT {
            return Err(FramingError::TooLong.into());
        }
        let line = wire::parse(line)?;
        let Some(id) = line.id() else {
            return self.greeting(&line);
        };
        if !self.greeted {
            return Err(FramingError::Order.into());
        }
        if self.open.contains(&id) {
            return Err(FramingError::IdInUse.into());
        }
        if self.open.len() >= self.shared.settings.open_requests {
            wire::fail(io.out, id);
            return Ok(());
        }
        match line {
            MasterLine::Request {
                client_pid,
                auth_id,
                cookie,
                wants_token,
                ..
            } => {
                let key = Key {
                    client_pid,
                    auth_id,
                    cookie,
                };
                self.request(id, key, wants_token, io);
            }
            MasterLine::User {
                name, for_quota, ..
            } => self.user(id, &name, for_quota, io),
            // There is no passdb: every login is judged on the auth-client doors.
            MasterLine::Pass(_) => wire::not_found(io.out, id),
            MasterLine::List(_) => self.list(id, io),
            MasterLine::CacheFlush(_) => wire::flushed(io.out, id),
            MasterLine::Version(_) | MasterLine::Cpid => {}
        }
        Ok(())
    }

    fn greeting(&mut self, line: &MasterLine<'_>) -> Result<(), Hangup> {
        match line {
            MasterLine::Version(1) if !self.greeted => self.greeted = true,
            MasterLine::Version(1) => return Err(FramingError::Order.into()),
            MasterLine::Version(_) => return Err(FramingError::Version.into()),
            _ if self.greeted => {}
            _ => return Err(FramingError::Order.into()),
        }
        Ok(())
    }

    fn request(&mut self, id: u32, key: Key, wants_token: bool, io: &mut Io<'_, Report>) {
        let granted = match self.door {
            Door::DovecotMaster => self.shared.pending.take(&key),
            _ => None,
        };
        let Some(granted) = granted else {
            tracing::info!(
                client.pid = key.client_pid,
                "a session asked for a login that is not remembered"
            );
            bump(&self.shared.counters.requests_failed);
            return wire::fail(io.out, id);
        };
        self.open.insert(id);
        let decisions = Arc::clone(&self.shared.decisions);
        io.questions.ask(
            &self.shared.settings,
            async move { session(&*decisions, &granted).await },
            move |user| Report::Session(id, user.flatten(), wants_token),
        );
    }

    fn user(&mut self, id: u32, name: &[u8], for_quota: bool, io: &mut Io<'_, Report>) {
        let address = std::str::from_utf8(name)
            .ok()
            .and_then(|name| Address::parse(name).ok());
        // Outside the grammar of addresses there surely is no mailbox.
        let Some(address) = address else {
            bump(&self.shared.counters.lookups);
            return wire::not_found(io.out, id);
        };
        self.open.insert(id);
        let decisions = Arc::clone(&self.shared.decisions);
        io.questions.ask(
            &self.shared.settings,
            async move {
                match decisions.user(&address).await {
                    Ok(None) if for_quota => behind_alias(&*decisions, address).await,
                    user => user,
                }
            },
            move |user| Report::User(id, user.unwrap_or(Err(Unavailable))),
        );
    }

    fn list(&mut self, id: u32, io: &mut Io<'_, Report>) {
        if !self.may_list || self.listing.is_some() {
            return wire::list_done(io.out, id, false);
        }
        self.open.insert(id);
        self.listing = Some(Listing { id, after: None });
        self.next_page(io);
    }

    fn next_page(&mut self, io: &Io<'_, Report>) {
        let Some(listing) = &self.listing else {
            return;
        };
        self.paging = true;
        let after = listing.after.clone();
        let decisions = Arc::clone(&self.shared.decisions);
        io.questions.ask(
            &self.shared.settings,
            async move { decisions.users(after.as_ref()).await },
            |page| Report::Page(page.unwrap_or(Err(Unavailable))),
        );
    }

    fn page(&mut self, page: Result<Vec<Address>, Unavailable>, io: &mut Io<'_, Report>) {
        self.paging = false;
        let Some(listing) = &mut self.listing else {
            return;
        };
        match page {
            Ok(names) if !names.is_empty() => {
                for name in &names {
                    wire::listed(io.out, listing.id, name.as_str());
                }
                listing.after = names.into_iter().next_back();
            }
            end => {
                bump(&self.shared.counters.lookups);
                wire::list_done(io.out, listing.id, end.is_ok());
                self.open.remove(&listing.id);
                self.listing = None;
            }
        }
    }

    fn session(
        &self,
        id: u32,
        user: Option<&UserEntry>,
        wants_token: bool,
        io: &mut Io<'_, Report>,
    ) {
        let Some(user) = user else {
            bump(&self.shared.counters.requests_failed);
            return wire::fail(io.out, id);
        };
        bump(&self.shared.counters.requests_ok);
        // Dovecot's own token mechanism is not offered, so the token opens nothing; imap only
        // insists on having one.
        let token =
            wants_token.then(|| hex::encode(model::random::bytes::<20>(&*self.shared.random)));
        let quota = self.shared.settings.quota_field;
        wire::user(io.out, id, user, quota, token.as_deref());
    }

    fn found(
        &self,
        id: u32,
        user: Result<Option<UserEntry>, Unavailable>,
        io: &mut Io<'_, Report>,
    ) {
        bump(&self.shared.counters.lookups);
        match user {
            Ok(Some(user)) => {
                wire::user(io.out, id, &user, self.shared.settings.quota_field, None);
            }
            Ok(None) => wire::not_found(io.out, id),
            Err(Unavailable) => {
                bump(&self.shared.counters.lookups_unavailable);
                wire::fail(io.out, id);
            }
        }
    }
}

/// The mailbox whose room decides for an alias: its only target. What goes to several is taken if one
/// of them has room, and Postfix keeps the rest, so no single one is asked about
/// (docs/decisions/0009).
async fn behind_alias<D: Decisions>(
    decisions: &D,
    alias: Address,
) -> Result<Option<UserEntry>, Unavailable> {
    let targets = decisions.alias(&MapKey::Address(alias)).await?;
    match targets.as_slice() {
        [only] => decisions.user(only).await,
        _ => Ok(None),
    }
}

/// The second decision point of a login: does it still stand, and where is the mail?
async fn session<D: Decisions>(decisions: &D, granted: &Granted) -> Option<UserEntry> {
    match decisions.recheck(granted).await {
        Verdict::Ok(()) => {}
        Verdict::Refused(refusal) => {
            tracing::info!(
                mailbox.id = granted.mailbox.0,
                outcome.code = refusal.code,
                "a login was withdrawn before its session started"
            );
            return None;
        }
        Verdict::Unavailable => return None,
    }
    decisions.user(&granted.address).await.ok().flatten()
}

impl<D: Decisions> Conversation for AuthMaster<D> {
    type Report = Report;

    fn read(&mut self, inbox: &mut Inbox, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        // Called again whenever the peer has read what we wrote: one page follows the other then.
        if self.listing.is_some() && !self.paging {
            self.next_page(io);
        }
        while let Some((line, used)) = lines::take(inbox.unread())? {
            self.line(line, io)?;
            inbox.consume(used);
        }
        Ok(())
    }

    fn report(&mut self, report: Report, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        match report {
            Report::User(id, user) => {
                self.open.remove(&id);
                self.found(id, user, io);
            }
            Report::Session(id, user, wants_token) => {
                self.open.remove(&id);
                self.session(id, user.as_ref(), wants_token, io);
            }
            Report::Page(page) => self.page(page, io),
        }
        Ok(())
    }

    fn give_up(&mut self, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        // A listing goes on in the next worker where this one stopped.
        let listing = self.listing.as_ref().map(|listing| listing.id);
        for id in self.open.drain().filter(|id| Some(*id) != listing) {
            wire::fail(io.out, id);
        }
        self.open.extend(listing);
        self.paging = false;
        Ok(())
    }

    fn park(self) -> Talk {
        Talk::AuthMaster {
            greeted: self.greeted,
            listing: self.listing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Wire, on_runtime, shared};

    #[test]
    fn only_root_may_list() {
        let listed = |may_list| {
            let mut out = Vec::new();
            on_runtime(|| {
                let door = Door::DovecotUserdb;
                let conversation = AuthMaster::greet(shared(), door, may_list, &mut Vec::new());
                out = Wire::new(conversation)
                    .feed(b"VERSION\t1\t0\nLIST\t1\n")
                    .unwrap();
            });
            String::from_utf8(out).unwrap()
        };
        assert_eq!(listed(false), "DONE\t1\tfail\n");
        assert!(listed(true).ends_with("\nDONE\t1\n"));
    }
}
