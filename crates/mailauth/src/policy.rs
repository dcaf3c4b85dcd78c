//! The policy conversation: Postfix asks about each recipient.

use crate::conversation::{Conversation, Hangup, Io, Shared};
use crate::counts::bump;
use crate::decisions::{Decisions, PolicyAnswer};
use crate::handover::Talk;
use crate::inbox::Inbox;
use crate::signed_in::process_of;
use crate::wire::policy as wire;
use std::sync::Arc;

/// One connection of an smtpd. Answers carry no id, so requests are answered one by one.
pub(crate) struct Policy<D> {
    shared: Arc<Shared<D>>,
    busy: bool,
}

impl<D: Decisions> Policy<D> {
    pub(crate) const fn new(shared: Arc<Shared<D>>) -> Self {
        Self {
            shared,
            busy: false,
        }
    }

    fn answer(&mut self, answer: &PolicyAnswer, out: &mut Vec<u8>) {
        self.busy = false;
        if *answer == PolicyAnswer::Unavailable {
            bump(&self.shared.counters.lookups_unavailable);
        }
        wire::put(out, answer);
    }
}

impl<D: Decisions> Conversation for Policy<D> {
    type Report = PolicyAnswer;

    fn read(&mut self, inbox: &mut Inbox, io: &mut Io<'_, PolicyAnswer>) -> Result<(), Hangup> {
        if self.busy {
            return Ok(());
        }
        let Some((request, used)) = wire::take(inbox.unread())? else {
            return Ok(());
        };
        inbox.consume(used);
        bump(&self.shared.counters.lookups);
        self.busy = true;
        let decisions = Arc::clone(&self.shared.decisions);
        let session = request.sasl_username.as_deref().and_then(|login| {
            let process = process_of(&request.instance)?;
            self.shared.signed_in.find(process, login)
        });
        io.questions.ask(
            &self.shared.settings,
            async move { decisions.policy(request, session).await },
            |answer| answer.unwrap_or(PolicyAnswer::Unavailable),
        );
        Ok(())
    }

    fn report(
        &mut self,
        report: PolicyAnswer,
        io: &mut Io<'_, PolicyAnswer>,
    ) -> Result<(), Hangup> {
        self.answer(&report, io.out);
        Ok(())
    }

    fn give_up(&mut self, io: &mut Io<'_, PolicyAnswer>) -> Result<(), Hangup> {
        if self.busy {
            self.answer(&PolicyAnswer::Unavailable, io.out);
        }
        Ok(())
    }

    fn park(self) -> Talk {
        Talk::Policy
    }
}
