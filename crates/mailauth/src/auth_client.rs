//! The auth-client conversation: Dovecot's login processes and Postfix's smtpd ask for logins.

use crate::conversation::{Conversation, Hangup, Io, Shared};
use crate::counts::bump;
use crate::decisions::{
    Decisions, Granted, LoginAttempt, Misfit, Origin, Refusal, TurnedAway, Verdict,
};
use crate::handover::{Handshake, OpenExchange, Talk};
use crate::inbox::Inbox;
use crate::pending::Key;
use crate::sasl::{Claim, Mechanism, Step};
use crate::settings::Door;
use crate::signed_in::Seat;
use crate::wire::auth_client::{self as wire, Auth, ClientLine, Cookie};
use crate::wire::{FramingError, lines};
use model::protocol::Protocol;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// Which of the two engines is on the other end, and with it how a fault of ours is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Dovecot,
    Postfix,
}

/// One connection of an engine that asks for logins.
pub(crate) struct AuthClient<D> {
    shared: Arc<Shared<D>>,
    door: Door,
    engine: Engine,
    cookie: Cookie,
    handshake: Handshake,
    /// By request id.
    open: HashMap<u32, Open>,
    /// By when they are due; the number keeps equal instants apart.
    due: BTreeMap<(Instant, u64), u32>,
    serial: u64,
    draining: bool,
    /// The last OK, if this is an smtpd.
    seat: Option<Seat>,
}

/// A request that has not been answered.
enum Open {
    /// The mail program has the word.
    Exchange {
        exchange: OpenExchange,
        due: (Instant, u64),
    },
    /// We have the word.
    Deciding(Asked),
    /// Decided; the refusal waits for its time.
    Held {
        name: Option<String>,
        refusal: Refusal,
        due: (Instant, u64),
        _permit: OwnedSemaphorePermit,
    },
}

/// What is needed again once the verdict is there.
struct Asked {
    /// Tells this request from an earlier one of the same id that was cancelled while it was decided.
    serial: u64,
    since: Instant,
    name: Option<String>,
    no_login: bool,
    no_penalty: bool,
}

/// An answered question.
pub(crate) struct Report {
    id: u32,
    serial: u64,
    verdict: Verdict<Granted>,
}

impl<D: Decisions> AuthClient<D> {
    /// A fresh connection: writes our side of the handshake.
    pub(crate) fn greet(
        shared: Arc<Shared<D>>,
        door: Door,
        connection: u32,
        out: &mut Vec<u8>,
    ) -> Self {
        let cookie = model::random::bytes(&*shared.random);
        let names = Mechanism::ALL.map(Mechanism::name);
        wire::greet(out, names, shared.settings.server_pid, connection, &cookie);
        Self::new(shared, door, cookie, Handshake::Fresh)
    }

    /// A connection taken over from another worker, which has greeted it.
    pub(crate) fn resume(
        shared: Arc<Shared<D>>,
        door: Door,
        cookie: Cookie,
        handshake: Handshake,
        exchanges: BTreeMap<u32, OpenExchange>,
        signed_in: Option<Granted>,
    ) -> Self {
        let mut this = Self::new(shared, door, cookie, handshake);
        if let Some(granted) = signed_in {
            this.sit(granted);
        }
        for (id, exchange) in exchanges {
            this.wait(id, exchange);
        }
        this
    }

    fn new(shared: Arc<Shared<D>>, door: Door, cookie: Cookie, handshake: Handshake) -> Self {
        Self {
            shared,
            door,
            engine: match door {
                Door::PostfixAuth => Engine::Postfix,
                _ => Engine::Dovecot,
            },
            cookie,
            handshake,
            open: HashMap::new(),
            due: BTreeMap::new(),
            serial: 0,
            draining: false,
            seat: None,
        }
    }

    fn line(&mut self, line: &[u8], io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        if !matches!(self.handshake, Handshake::Done { .. }) {
            return self.greeting(line);
        }
        if line.len() > lines::SOFT_LIMIT {
            return self.too_long(line, io);
        }
        match wire::parse(line)? {
            ClientLine::Auth(auth) => self.auth(auth, io),
            ClientLine::Cont { id, response } => self.cont(id, response, io),
            ClientLine::Cancel(id) => {
                self.forget(id);
                Ok(())
            }
            ClientLine::Version(_) | ClientLine::Cpid(_) => Err(FramingError::Order.into()),
        }
    }

    fn greeting(&mut self, line: &[u8]) -> Result<(), Hangup> {
        self.handshake = match (self.handshake, wire::parse(line)?) {
            (Handshake::Fresh, ClientLine::Version(1)) => Handshake::Versioned,
            (Handshake::Fresh, ClientLine::Version(_)) => return Err(FramingError::Version.into()),
            (Handshake::Versioned, ClientLine::Cpid(client_pid)) => Handshake::Done { client_pid },
            _ => return Err(FramingError::Order.into()),
        };
        Ok(())
    }

    /// A line that is framed but longer than anything we work on gets its one reply.
    fn too_long(&mut self, line: &[u8], io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        let (id, continued) = wire::parse_id(line)?;
        let (origin, no_login) = match self.open.remove(&id) {
            None => (Origin::default(), true),
            Some(Open::Exchange { exchange, due }) if continued => {
                self.due.remove(&due);
                (exchange.origin, exchange.no_login)
            }
            Some(_) => return Err(FramingError::IdInUse.into()),
        };
        self.turn_away(id, Misfit::TooLong, None, origin, no_login, io);
        Ok(())
    }

    fn auth(&mut self, auth: Auth<'_>, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        let Auth {
            id,
            origin,
            no_login,
            response,
        } = auth;
        if self.open.contains_key(&id) {
            return Err(FramingError::IdInUse.into());
        }
        // Cancelled requests are still being decided: they count too.
        let limit = self.shared.settings.open_requests;
        if self.open.len() >= limit || io.questions.len() >= limit {
            return self.unavailable(id, io);
        }
        if protocol(self.engine, &origin.service).is_none() {
            self.turn_away(id, Misfit::Service, None, origin, no_login, io);
            return Ok(());
        }
        let step = Mechanism::named(&origin.mechanism)
            .map_or(Step::Misfit(Misfit::Mechanism), |m| m.start(response));
        self.step(id, step, origin, no_login, io);
        Ok(())
    }

    fn cont(&mut self, id: u32, response: &[u8], io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        match self.open.remove(&id) {
            Some(Open::Exchange { exchange, due }) => {
                self.due.remove(&due);
                let step = exchange.exchange.next(response);
                self.step(id, step, exchange.origin, exchange.no_login, io);
                Ok(())
            }
            // We have the word: a second reply to this id would be one too many.
            Some(Open::Deciding { .. } | Open::Held { .. }) => Err(FramingError::Order.into()),
            None => {
                self.turn_away(id, Misfit::NoExchange, None, Origin::default(), true, io);
                Ok(())
            }
        }
    }

    fn step(
        &mut self,
        id: u32,
        step: Step,
        origin: Origin,
        no_login: bool,
        io: &mut Io<'_, Report>,
    ) {
        match step {
            Step::Challenge { base64, then } => {
                wire::challenge(io.out, id, &base64);
                let exchange = OpenExchange {
                    origin,
                    no_login,
                    exchange: then,
                };
                self.wait(id, exchange);
            }
            Step::Misfit(why) => self.turn_away(id, why, None, origin, no_login, io),
            Step::Claim(claim) => match claim.misfit() {
                Some(why) => self.turn_away(id, why, Some(claim.name), origin, no_login, io),
                None => self.login(id, claim, origin, no_login, io),
            },
        }
    }

    fn login(
        &mut self,
        id: u32,
        claim: Claim,
        origin: Origin,
        no_login: bool,
        io: &mut Io<'_, Report>,
    ) {
        let Some(protocol) = protocol(self.engine, &origin.service) else {
            return self.turn_away(id, Misfit::Service, None, origin, no_login, io);
        };
        let serial = self.decide(id, Some(claim.name.clone()), no_login, origin.no_penalty);
        let attempt = LoginAttempt {
            protocol,
            name: claim.name,
            secret: claim.secret,
            origin,
        };
        let decisions = Arc::clone(&self.shared.decisions);
        io.questions.ask(
            &self.shared.settings,
            async move { decisions.login(attempt).await },
            move |verdict| Report {
                id,
                serial,
                verdict: verdict.unwrap_or(Verdict::Unavailable),
            },
        );
    }

    fn turn_away(
        &mut self,
        id: u32,
        why: Misfit,
        name: Option<String>,
        origin: Origin,
        no_login: bool,
        io: &mut Io<'_, Report>,
    ) {
        let serial = self.decide(id, name.clone(), no_login, origin.no_penalty);
        let request = TurnedAway {
            why,
            protocol: protocol(self.engine, &origin.service),
            name,
            origin,
        };
        let decisions = Arc::clone(&self.shared.decisions);
        io.questions.ask(
            &self.shared.settings,
            async move { decisions.turn_away(request).await },
            move |refusal| Report {
                id,
                serial,
                verdict: refusal.map_or(Verdict::Unavailable, Verdict::Refused),
            },
        );
    }

    /// Gives the word to the mail program.
    fn wait(&mut self, id: u32, exchange: OpenExchange) {
        let due = self.due_in(id, self.shared.settings.exchange_within);
        self.open.insert(id, Open::Exchange { exchange, due });
    }

    /// Takes the word ourselves.
    fn decide(&mut self, id: u32, name: Option<String>, no_login: bool, no_penalty: bool) -> u64 {
        self.serial += 1;
        let asked = Asked {
            serial: self.serial,
            since: Instant::now(),
            name,
            no_login,
            no_penalty,
        };
        self.open.insert(id, Open::Deciding(asked));
        self.serial
    }

    fn due_in(&mut self, id: u32, time: Duration) -> (Instant, u64) {
        self.serial += 1;
        let due = (Instant::now() + time, self.serial);
        self.due.insert(due, id);
        due
    }

    /// The mail program hung up: no reply is wanted any more.
    fn forget(&mut self, id: u32) {
        if let Some(Open::Exchange { due, .. } | Open::Held { due, .. }) = self.open.remove(&id) {
            self.due.remove(&due);
        }
    }

    fn granted(&mut self, id: u32, asked: &Asked, granted: Granted, io: &mut Io<'_, Report>) {
        bump(&self.shared.counters.logins_ok);
        wire::success(io.out, id, granted.address.as_str());
        if self.engine == Engine::Postfix {
            // It never asks again: among Dovecot's OKs this one would only push out others.
            self.sit(granted);
        } else if let (false, Handshake::Done { client_pid }) = (asked.no_login, self.handshake) {
            let key = Key {
                client_pid,
                auth_id: id,
                cookie: self.cookie,
            };
            let forgotten = self.shared.pending.remember(key, granted);
            self.shared
                .counters
                .forgotten
                .fetch_add(forgotten, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Remembers what the SMTP session on the other end was granted, in place of the one before it.
    fn sit(&mut self, granted: Granted) {
        if let Handshake::Done { client_pid } = self.handshake {
            // The earlier seat is given up first: its end would take the new one along.
            self.seat = None;
            let table = Arc::clone(&self.shared.signed_in);
            self.seat = Some(Seat::take(table, client_pid, self.cookie, granted));
        }
    }

    fn refused(
        &mut self,
        id: u32,
        asked: Asked,
        refusal: Refusal,
        io: &mut Io<'_, Report>,
    ) -> Result<(), Hangup> {
        // The engine's patience began with its question, not with our verdict.
        let patience = self.door.longest_delay();
        let delay = refusal
            .delay
            .min(patience.saturating_sub(asked.since.elapsed()));
        if delay.is_zero() || asked.no_penalty || self.draining {
            bump(&self.shared.counters.logins_refused);
            wire::refusal(io.out, id, asked.name.as_deref(), &refusal);
            return Ok(());
        }
        // With too many refusals waiting we are over budget: an immediate "wrong password" would
        // tell a guesser that guessing just became faster.
        let Ok(permit) = Arc::clone(&self.shared.held).try_acquire_owned() else {
            bump(&self.shared.counters.held_overflow);
            return self.unavailable(id, io);
        };
        bump(&self.shared.counters.logins_refused);
        let held = Open::Held {
            name: asked.name,
            refusal,
            due: self.due_in(id, delay),
            _permit: permit,
        };
        self.open.insert(id, held);
        Ok(())
    }

    fn unavailable(&self, id: u32, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        bump(&self.shared.counters.logins_unavailable);
        match self.engine {
            Engine::Dovecot => {
                wire::unavailable(io.out, id);
                Ok(())
            }
            Engine::Postfix => Err(Hangup::Unavailable),
        }
    }

    /// Says now what was held back, or ends an exchange that nobody continued.
    fn say(&mut self, id: u32, io: &mut Io<'_, Report>) {
        match self.open.remove(&id) {
            Some(Open::Held { name, refusal, .. }) => {
                wire::refusal(io.out, id, name.as_deref(), &refusal);
            }
            Some(Open::Exchange { .. }) => wire::timed_out(io.out, id),
            Some(deciding @ Open::Deciding(_)) => {
                self.open.insert(id, deciding);
            }
            None => {}
        }
    }
}

impl<D: Decisions> Conversation for AuthClient<D> {
    type Report = Report;

    fn read(&mut self, inbox: &mut Inbox, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        while let Some((line, used)) = lines::take(inbox.unread())? {
            self.line(line, io)?;
            inbox.consume(used);
        }
        Ok(())
    }

    fn report(&mut self, report: Report, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        let Report {
            id,
            serial,
            verdict,
        } = report;
        let asked = match self.open.remove(&id) {
            Some(Open::Deciding(asked)) if asked.serial == serial => asked,
            // Cancelled while it was decided, and the id perhaps used again since.
            Some(other) => {
                self.open.insert(id, other);
                return Ok(());
            }
            None => return Ok(()),
        };
        match verdict {
            Verdict::Ok(granted) => {
                self.granted(id, &asked, granted, io);
                Ok(())
            }
            Verdict::Refused(refusal) => self.refused(id, asked, refusal, io),
            Verdict::Unavailable => self.unavailable(id, io),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    fn tick(&mut self, now: Instant, io: &mut Io<'_, Report>) {
        while let Some(first) = self.due.first_entry() {
            if first.key().0 > now {
                break;
            }
            let id = first.remove();
            self.say(id, io);
        }
    }

    fn release(&mut self, io: &mut Io<'_, Report>) {
        self.draining = true;
        let held = |(due, id): (&(Instant, u64), &u32)| {
            matches!(self.open.get(id), Some(Open::Held { .. })).then_some((*due, *id))
        };
        for (due, id) in self.due.iter().filter_map(held).collect::<Vec<_>>() {
            self.due.remove(&due);
            self.say(id, io);
        }
    }

    fn give_up(&mut self, io: &mut Io<'_, Report>) -> Result<(), Hangup> {
        let deciding = |(id, open): (&u32, &Open)| matches!(open, Open::Deciding(_)).then_some(*id);
        for id in self.open.iter().filter_map(deciding).collect::<Vec<_>>() {
            self.open.remove(&id);
            self.unavailable(id, io)?;
        }
        Ok(())
    }

    fn park(self) -> Talk {
        let exchange = |(id, open)| match open {
            Open::Exchange { exchange, .. } => Some((id, exchange)),
            Open::Deciding(_) | Open::Held { .. } => None,
        };
        Talk::AuthClient {
            cookie: self.cookie,
            handshake: self.handshake,
            exchanges: self.open.into_iter().filter_map(exchange).collect(),
            signed_in: self.seat.as_ref().map(Seat::granted),
        }
    }
}

/// The protocol that a service name stands for. Dovecot's submission proxy is not among them: it
/// lets people send as anybody, so submission goes through Postfix alone.
fn protocol(engine: Engine, service: &str) -> Option<Protocol> {
    match (engine, service) {
        (Engine::Dovecot, "imap") => Some(Protocol::Imap),
        (Engine::Dovecot, "pop3") => Some(Protocol::Pop3),
        (Engine::Dovecot, "sieve") => Some(Protocol::Sieve),
        (Engine::Postfix, "smtp" | "submission" | "submissions") => Some(Protocol::Smtp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Wire, on_runtime, shared_with};

    #[test]
    fn a_refusal_is_never_held_longer_than_the_engine_waits() {
        for (door, service, longest) in [
            (Door::PostfixAuth, "smtp", 8),
            (Door::DovecotLogin, "imap", 15),
        ] {
            on_runtime(|| {
                let shared = shared_with(Duration::from_secs(3600));
                let conversation = AuthClient::greet(shared, door, 1, &mut Vec::new());
                let mut wire = Wire::new(conversation);
                let started = Instant::now();
                let line = format!("AUTH\t1\tPLAIN\tservice={service}\tresp=AGEAMQ==\n");
                let out = wire.feed(format!("VERSION\t1\t2\nCPID\t7\n{line}").as_bytes());
                assert_eq!(out, Ok(Vec::new()));
                let held = wire.conversation().deadline().unwrap() - started;
                assert_eq!(held.as_secs(), longest, "{door:?}");
            });
        }
    }
}
