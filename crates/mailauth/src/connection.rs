//! Moves bytes between one socket and one conversation, until the peer goes or the desk drains.

use crate::conversation::{Conversation, Hangup, Io, OUT_HIGH, Questions, work};
use crate::counts::{Counters, bump};
use crate::handover::{Connected, ConnectionState};
use crate::inbox::Inbox;
use crate::settings::{Door, Settings};
use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// With this much unread, nothing more is read until some of it was worked on.
const IN_HIGH: usize = 128 * 1024;

/// The desk's word to its connections: by when to have answered everything. `None` while it is open.
pub(crate) type Drain = watch::Receiver<Option<Instant>>;

/// One served connection.
pub(crate) struct Connection<C: Conversation> {
    pub(crate) stream: UnixStream,
    pub(crate) door: Door,
    pub(crate) conversation: C,
    pub(crate) inbox: Inbox,
    pub(crate) out: Vec<u8>,
}

/// Why serving ended.
enum End {
    /// Everything is answered; the next worker may go on.
    Drained,
    /// The peer closed, or its socket broke.
    Gone,
    /// The peer stopped in the middle of a request or does not read.
    Stalled,
    /// We hang up.
    Hangup(Hangup),
}

impl From<Hangup> for End {
    fn from(hangup: Hangup) -> Self {
        Self::Hangup(hangup)
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl<C: Conversation> Connection<C> {
    /// Serves until the end. What the next worker needs to go on is sent to `parked`.
    pub(crate) async fn serve(
        mut self,
        settings: &Settings,
        counters: &Counters,
        mut drain: Drain,
        parked: mpsc::UnboundedSender<Connected>,
    ) {
        let mut questions = Questions::new();
        let Err(end) = self.run(&mut questions, settings, &mut drain).await;
        match end {
            End::Drained => {
                if let Some(connected) = self.park() {
                    // Without a receiver nobody wants it: the drain is over.
                    let _ = parked.send(connected);
                }
                return;
            }
            End::Gone | End::Hangup(Hangup::Unavailable) => {}
            End::Stalled => {
                bump(&counters.stalled);
                tracing::warn!(door = self.door.name(), "an engine stopped in the middle");
            }
            End::Hangup(Hangup::Framing(error)) => {
                bump(&counters.framing_errors);
                tracing::warn!(door = self.door.name(), %error, "an engine could not be understood");
            }
        }
        // What is answered already goes out as far as the socket takes it, then the peer learns of
        // the end at once. What is being decided is decided all the same, so that it is counted.
        let _ = self.flush();
        drop((self, parked));
        while questions.next().await.is_some() {}
    }

    async fn run(
        &mut self,
        questions: &mut Questions<C::Report>,
        settings: &Settings,
        drain: &mut Drain,
    ) -> Result<Infallible, End> {
        let mut draining = None;
        let mut progress = Instant::now();
        loop {
            tokio::task::consume_budget().await;
            let mut more = false;
            if draining.is_none() {
                draining = *drain.borrow_and_update();
                let (inbox, out) = (&mut self.inbox, &mut self.out);
                match draining {
                    None => more = work(&mut self.conversation, inbox, out, questions)?,
                    Some(_) => self.conversation.release(&mut Io { out, questions }),
                }
            }
            self.flush()?;
            if more && self.out.len() < OUT_HIGH {
                continue;
            }
            if let Some(until) = draining {
                self.drain(until, questions)?;
            }
            let stuck =
                questions.is_empty() && !(self.out.is_empty() && self.inbox.unread().is_empty());
            let stalled = stuck.then(|| progress + settings.stall_within);
            let wake = [draining, stalled, self.conversation.deadline()]
                .into_iter()
                .flatten()
                .min();
            let interest = self.interest(draining.is_some());
            tokio::select! {
                biased;
                changed = drain.changed(), if draining.is_none() => {
                    // The desk was dropped without draining: the process is about to end.
                    changed.map_err(|_| End::Gone)?;
                }
                Some(report) = questions.next(), if !questions.is_empty() => {
                    progress = Instant::now();
                    self.report(report, questions)?;
                }
                ready = ready(&self.stream, interest), if interest.is_some() => {
                    if !ready? || self.receive()? {
                        progress = Instant::now();
                    }
                }
                () = sleep_until(wake), if wake.is_some() => {
                    let now = Instant::now();
                    if stalled.is_some_and(|at| at <= now) {
                        return Err(End::Stalled);
                    }
                    progress = now;
                    let mut io = Io { out: &mut self.out, questions };
                    self.conversation.tick(now, &mut io);
                }
            }
        }
    }

    /// Ends a draining connection once everything is answered, or at the latest at `until`.
    fn drain(&mut self, until: Instant, questions: &Questions<C::Report>) -> Result<(), End> {
        let late = Instant::now() >= until;
        if questions.is_empty() && (late || self.out.is_empty()) {
            return Err(End::Drained);
        }
        if late {
            let mut io = Io {
                out: &mut self.out,
                questions,
            };
            self.conversation.give_up(&mut io)?;
            self.flush()?;
            return Err(End::Drained);
        }
        Ok(())
    }

    fn report(
        &mut self,
        report: C::Report,
        questions: &Questions<C::Report>,
    ) -> Result<(), Hangup> {
        let mut io = Io {
            out: &mut self.out,
            questions,
        };
        self.conversation.report(report, &mut io)
    }

    /// Reads once; whether there was anything.
    fn receive(&mut self) -> Result<bool, End> {
        match self.inbox.read_from(&self.stream) {
            Ok(0) => Err(End::Gone),
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends what the socket takes now.
    fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.out.len() {
            match self.stream.try_write(&self.out[sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..sent);
        Ok(())
    }

    fn interest(&self, draining: bool) -> Option<Interest> {
        let read = !draining && self.out.len() < OUT_HIGH && self.inbox.unread().len() < IN_HIGH;
        match (read, !self.out.is_empty()) {
            (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
            (true, false) => Some(Interest::READABLE),
            (false, true) => Some(Interest::WRITABLE),
            (false, false) => None,
        }
    }

    fn park(self) -> Option<Connected> {
        let unread = self.inbox.unread().to_vec();
        let state = ConnectionState::new(self.door, self.conversation.park(), unread, self.out);
        match self.stream.into_std() {
            Ok(socket) => Some(Connected {
                socket: OwnedFd::from(socket),
                state,
            }),
            Err(error) => {
                tracing::error!(%error, "a connection could not be handed over");
                None
            }
        }
    }
}

/// Waits for the socket; whether it may be read.
async fn ready(stream: &UnixStream, interest: Option<Interest>) -> io::Result<bool> {
    match interest {
        Some(interest) => Ok(stream.ready(interest).await?.is_readable()),
        None => std::future::pending().await,
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
