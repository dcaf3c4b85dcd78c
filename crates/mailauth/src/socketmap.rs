//! The socketmap conversation: Postfix looks up domains, mailboxes, aliases and senders.

use crate::conversation::{Conversation, Hangup, Io, Shared};
use crate::counts::bump;
use crate::decisions::{Decisions, Unavailable};
use crate::handover::Talk;
use crate::inbox::Inbox;
use crate::wire::netstring;
use crate::wire::socketmap::{self as wire, Query};
use model::address::Address;
use std::sync::Arc;

/// One connection of a Postfix process. Replies carry no id, so requests are answered one by one.
pub(crate) struct Socketmap<D> {
    shared: Arc<Shared<D>>,
    busy: bool,
}

/// An answered question.
pub(crate) enum Report {
    /// Yes or no; the text is Postfix's value for "yes".
    Found(String, Result<bool, Unavailable>),
    /// A list.
    Addresses(Result<Vec<Address>, Unavailable>),
}

impl<D: Decisions> Socketmap<D> {
    pub(crate) const fn new(shared: Arc<Shared<D>>) -> Self {
        Self {
            shared,
            busy: false,
        }
    }

    fn query(&mut self, query: Query, io: &mut Io<'_, Report>) {
        bump(&self.shared.counters.lookups);
        let decisions = Arc::clone(&self.shared.decisions);
        let (settings, questions) = (&self.shared.settings, io.questions);
        self.busy = true;
        match query {
            Query::Domain(domain) => {
                let value = domain.to_string();
                questions.ask(
                    settings,
                    async move { decisions.domain(&domain).await },
                    |found| Report::Found(value, found.unwrap_or(Err(Unavailable))),
                );
            }
            Query::Mailbox(address) => {
                let value = address.to_string();
                questions.ask(
                    settings,
                    async move { decisions.mailbox(&address).await },
                    |found| Report::Found(value, found.unwrap_or(Err(Unavailable))),
                );
            }
            Query::Alias(key) => questions.ask(
                settings,
                async move { decisions.alias(&key).await },
                |list| Report::Addresses(list.unwrap_or(Err(Unavailable))),
            ),
            Query::Senders(key) => questions.ask(
                settings,
                async move { decisions.senders(&key).await },
                |list| Report::Addresses(list.unwrap_or(Err(Unavailable))),
            ),
            Query::Nothing => {
                self.busy = false;
                wire::not_found(io.out);
            }
            Query::UnknownMap => {
                self.busy = false;
                tracing::warn!("postfix asked for a map that does not exist");
                wire::temporary(io.out, "unknown map");
            }
        }
    }
}

impl<D: Decisions> Conversation for Socketmap<D> {
    type Report = Report;

    fn read(&mut self, inbox: &mut Inbox, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        while !self.busy {
            let Some((request, used)) = netstring::take(inbox.unread())? else {
                break;
            };
            self.query(wire::parse(request), io);
            inbox.consume(used);
        }
        Ok(())
    }

    fn report(&mut self, report: Report, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        self.busy = false;
        let available = match report {
            Report::Found(value, found) => {
                wire::found(io.out, &value, found);
                found.is_ok()
            }
            Report::Addresses(list) => {
                let available = list.is_ok();
                wire::addresses(io.out, list);
                available
            }
        };
        if !available {
            bump(&self.shared.counters.lookups_unavailable);
        }
        Ok(())
    }

    fn give_up(&mut self, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        if std::mem::take(&mut self.busy) {
            bump(&self.shared.counters.lookups_unavailable);
            wire::temporary(io.out, "temporarily unavailable");
        }
        Ok(())
    }

    fn park(self) -> Talk {
        Talk::Socketmap
    }
}
