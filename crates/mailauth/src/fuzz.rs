//! Fuzz targets: plain functions that assert what no bytes may ever break.
//!
//! Each drives one conversation as a connection does, with decisions that are there at once. The
//! tests below feed them the kept corpus and generated input; `cargo fuzz` links them with the
//! feature `fuzz`.

use crate::auth_client::AuthClient;
use crate::auth_master::AuthMaster;
use crate::conversation::{Conversation, Hangup, Questions, Shared, work};
use crate::decisions::{
    Credential, Decisions, Granted, LoginAttempt, MapKey, PolicyAnswer, Refusal, RefusalKind,
    TurnedAway, Unavailable, UserEntry, Verdict,
};
use crate::inbox::Inbox;
use crate::policy::Policy;
use crate::settings::{Door, QuotaField, Settings};
use crate::socketmap::Socketmap;
use crate::wire::policy::PolicyRequest;
use crate::wire::{fields, lines, netstring};
use model::address::{Address, DomainName};
use model::ids::MailboxId;
use model::random::Random;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;

/// Bytes from an engine that asks for logins, after its handshake: each `AUTH` and each `CONT` gets
/// exactly one reply, with its own id; nothing else gets any.
pub fn auth_client(data: &[u8]) {
    on_runtime(|| {
        for door in [Door::DovecotLogin, Door::PostfixAuth] {
            let mut greeting = Vec::new();
            let conversation = AuthClient::greet(shared(), door, 1, &mut greeting);
            assert_lines(&greeting);
            let mut wire = Wire::new(conversation);
            assert_eq!(wire.feed(b"VERSION\t1\t2\nCPID\t7\n"), Ok(Vec::new()));
            for line in data.split_inclusive(|b| *b == b'\n') {
                let Ok(out) = wire.feed(line) else { break };
                let replies = assert_lines(&out);
                if !line.ends_with(b"\n")
                    || !(line.starts_with(b"AUTH\t") || line.starts_with(b"CONT\t"))
                {
                    assert!(replies.is_empty(), "a reply to no request");
                    continue;
                }
                assert_eq!(replies.len(), 1, "one request in, one reply out");
                assert_eq!(number(&replies[0], 1), number(&split(line), 1));
            }
        }
        // Any cutting into reads: never more replies than requests, whole lines only.
        for cut in cuts(data) {
            let mut greeting = Vec::new();
            let conversation = AuthClient::greet(shared(), Door::DovecotLogin, 1, &mut greeting);
            let mut wire = Wire::new(conversation);
            let mut replies = 0;
            for chunk in data.chunks(cut) {
                let Ok(out) = wire.feed(chunk) else { break };
                replies += assert_lines(&out).len();
            }
            assert!(replies <= data.iter().filter(|b| **b == b'\n').count());
        }
    });
}

/// Bytes from a process that works with mailboxes, after its handshake: each request gets exactly
/// one reply with its own id, a listing any number of lines and one end.
pub fn auth_master(data: &[u8]) {
    on_runtime(|| {
        for door in [Door::DovecotMaster, Door::DovecotUserdb] {
            let mut greeting = Vec::new();
            let conversation = AuthMaster::greet(shared(), door, true, &mut greeting);
            assert_lines(&greeting);
            let mut wire = Wire::new(conversation);
            assert_eq!(wire.feed(b"VERSION\t1\t0\n"), Ok(Vec::new()));
            for line in data.split_inclusive(|b| *b == b'\n') {
                let Ok(out) = wire.feed(line) else { break };
                let mut replies = assert_lines(&out);
                let id = number(&split(line), 1);
                assert!(replies.iter().all(|reply| number(reply, 1) == id));
                replies.retain(|reply| reply[0] != b"LIST");
                let handshake = line.starts_with(b"CPID\t");
                let expected = usize::from(line.ends_with(b"\n") && !handshake);
                assert_eq!(replies.len(), expected, "one request in, one reply out");
            }
        }
    });
}

/// Bytes from Postfix's look-ups: each netstring gets exactly one netstring, the same however the
/// bytes are cut into reads.
pub fn socketmap(data: &[u8]) {
    on_runtime(|| {
        let mut requests = 0;
        let mut rest = data;
        while let Ok(Some((_, used))) = netstring::take(rest) {
            requests += 1;
            rest = &rest[used..];
        }
        let out = same_for_any_cut(data, || Socketmap::new(shared()));
        let mut rest = &out[..];
        let mut replies = 0;
        while let Ok(Some((reply, used))) = netstring::take(rest) {
            let known: [&[u8]; 3] = [b"OK ", b"NOTFOUND ", b"TEMP "];
            assert!(known.iter().any(|word| reply.starts_with(word)));
            assert!(reply.iter().all(|b| (b' '..=b'~').contains(b)));
            replies += 1;
            rest = &rest[used..];
        }
        assert!(rest.is_empty(), "something that is no netstring went out");
        assert_eq!(replies, requests, "one request in, one reply out");
    });
}

/// Bytes from an smtpd: each request gets exactly one action, the same however the bytes are cut.
pub fn policy(data: &[u8]) {
    on_runtime(|| {
        let mut requests = 0;
        let mut rest = data;
        while let Ok(Some((_, used))) = crate::wire::policy::take(rest) {
            requests += 1;
            rest = &rest[used..];
        }
        let out = same_for_any_cut(data, || Policy::new(shared()));
        let text = std::str::from_utf8(&out).unwrap_or_default();
        assert_eq!(text.len(), out.len(), "an action that is not text");
        let actions: Vec<&str> = text.split_terminator("\n\n").collect();
        assert!(
            actions
                .iter()
                .all(|action| action.starts_with("action=") && !action.contains('\n'))
        );
        assert_eq!(actions.len(), requests, "one request in, one reply out");
    });
}

/// One conversation with its buffers, as a connection has it.
pub(crate) struct Wire<C: Conversation> {
    conversation: C,
    inbox: Inbox,
    questions: Questions<C::Report>,
}

impl<C: Conversation> Wire<C> {
    pub(crate) fn new(conversation: C) -> Self {
        Self {
            conversation,
            inbox: Inbox::default(),
            questions: Questions::new(),
        }
    }

    #[cfg(test)]
    pub(crate) const fn conversation(&self) -> &C {
        &self.conversation
    }

    /// What goes out when `data` comes in.
    pub(crate) fn feed(&mut self, data: &[u8]) -> Result<Vec<u8>, Hangup> {
        let mut out = Vec::new();
        self.feed_into(data, &mut out).map(|()| out)
    }

    fn feed_into(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Hangup> {
        let mut arrived = self.inbox.unread().to_vec();
        arrived.extend_from_slice(data);
        self.inbox = Inbox::with(&arrived);
        loop {
            // The peer reads at once, so that nothing waits for it.
            let mut sent = Vec::new();
            let worked = work(
                &mut self.conversation,
                &mut self.inbox,
                &mut sent,
                &mut self.questions,
            );
            out.append(&mut sent);
            if !worked? {
                return Ok(());
            }
        }
    }
}

fn same_for_any_cut<C: Conversation>(data: &[u8], fresh: impl Fn() -> C) -> Vec<u8> {
    let mut outs = cuts(data).map(|cut| {
        let (mut wire, mut out) = (Wire::new(fresh()), Vec::new());
        for chunk in data.chunks(cut) {
            if wire.feed_into(chunk, &mut out).is_err() {
                break;
            }
        }
        out
    });
    let first = outs.next().unwrap_or_default();
    assert!(outs.all(|out| out == first), "the cut changed the replies");
    first
}

/// Sizes of reads to try. Long inputs are not fed byte by byte, which would take seconds.
fn cuts(data: &[u8]) -> impl Iterator<Item = usize> {
    let smallest = data.len() / 500;
    [data.len(), 1, 2, 7, 1000]
        .into_iter()
        .map(move |cut| cut.max(smallest).max(1))
}

/// The replies in `out`, split into fields; asserts that all of it is whole, well-escaped lines.
fn assert_lines(out: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut replies = Vec::new();
    let mut rest = out;
    while let Ok(Some((line, used))) = lines::take(rest) {
        let fields = fields::split(line).unwrap_or_default();
        assert!(!fields.is_empty());
        assert!(fields.iter().all(|field| fields::unescape(field).is_ok()));
        replies.push(fields.into_iter().map(<[u8]>::to_vec).collect());
        rest = &rest[used..];
    }
    assert!(rest.is_empty(), "half a line went out");
    replies
}

fn split(line: &[u8]) -> Vec<Vec<u8>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.split(|b| *b == b'\t').map(<[u8]>::to_vec).collect()
}

fn number(fields: &[Vec<u8>], at: usize) -> Option<u32> {
    fields.get(at).and_then(|field| fields::number(field).ok())
}

pub(crate) fn on_runtime(run: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    if let Ok(runtime) = runtime {
        let _inside = runtime.enter();
        run();
    }
}

pub(crate) fn shared() -> Arc<Shared<Scripted>> {
    shared_with(Duration::ZERO)
}

/// With refusals that are to be held back for `delay`.
pub(crate) fn shared_with(delay: Duration) -> Arc<Shared<Scripted>> {
    let settings = Settings::new(99, QuotaField::Rule);
    let scripted = Arc::new(Scripted { delay });
    Arc::new(Shared::new(scripted, Arc::new(Counting), settings))
}

/// Not random at all.
struct Counting;

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) {
        for (byte, n) in out.iter_mut().zip(0_u8..) {
            *byte = n;
        }
    }
}

/// Decisions that depend on the request alone: its last byte chooses the outcome, so that every
/// outcome is reached and hostile text comes back as far as it can.
pub(crate) struct Scripted {
    delay: Duration,
}

impl Scripted {
    fn refusal(&self, kind: RefusalKind, text: &str) -> Refusal {
        Refusal {
            code: "MAIL-601",
            text: text.to_owned(),
            kind,
            delay: self.delay,
        }
    }
}

impl Decisions for Scripted {
    async fn login(&self, attempt: LoginAttempt) -> Verdict<Granted> {
        match attempt.secret.expose_secret().as_bytes().last() {
            Some(b'0') => Verdict::Unavailable,
            Some(b'1') => Verdict::Refused(self.refusal(RefusalKind::Expired, &attempt.name)),
            Some(b'2') => Verdict::Refused(self.refusal(RefusalKind::Disabled, &attempt.name)),
            _ => match Address::parse(&attempt.name) {
                Ok(address) => Verdict::Ok(Granted {
                    address,
                    mailbox: MailboxId(1),
                    protocol: attempt.protocol,
                    credential: Credential::Password { generation: 3 },
                }),
                Err(_) => {
                    Verdict::Refused(self.refusal(RefusalKind::WrongCredentials, &attempt.name))
                }
            },
        }
    }

    async fn turn_away(&self, request: TurnedAway) -> Refusal {
        let text = request.origin.session.unwrap_or(request.origin.service);
        self.refusal(RefusalKind::NotAllowed, &text)
    }

    async fn recheck(&self, _: &Granted) -> Verdict<()> {
        Verdict::Ok(())
    }

    async fn user(&self, address: &Address) -> Result<Option<UserEntry>, Unavailable> {
        match address.local().as_bytes().last() {
            Some(b'0') => Err(Unavailable),
            Some(b'1') => Ok(None),
            _ => Ok(Some(UserEntry {
                address: address.clone(),
                uid: 5000,
                gid: 5000,
                home: "/srv/mail\t\n".to_owned(),
                mail: None,
                quota: Some(1 << 30),
                settings: vec![("note", "a\u{1}b".to_owned())],
            })),
        }
    }

    async fn users(&self, after: Option<&Address>) -> Result<Vec<Address>, Unavailable> {
        let names = ["a@example.org", "b@example.org"];
        let next = names.map(|name| Address::parse(name).map_err(|_| Unavailable));
        let [first, second] = next;
        match after {
            None => Ok(vec![first?, second?]),
            Some(_) => Ok(Vec::new()),
        }
    }

    async fn domain(&self, domain: &DomainName) -> Result<bool, Unavailable> {
        Ok(domain.as_str() == "example.org")
    }

    async fn mailbox(&self, address: &Address) -> Result<bool, Unavailable> {
        self.user(address).await.map(|user| user.is_some())
    }

    async fn alias(&self, key: &MapKey) -> Result<Vec<Address>, Unavailable> {
        match key {
            MapKey::Address(address) => Ok(vec![address.clone(), address.clone()]),
            MapKey::Domain(_) => Ok(Vec::new()),
        }
    }

    async fn senders(&self, _: &MapKey) -> Result<Vec<Address>, Unavailable> {
        Err(Unavailable)
    }

    async fn policy(&self, request: PolicyRequest, _: Option<Granted>) -> PolicyAnswer {
        match request.recipient.as_bytes().last() {
            Some(b'0') => PolicyAnswer::Unavailable,
            Some(b'1') => PolicyAnswer::Defer {
                status: "4.7.1",
                text: request.sender,
            },
            Some(b'2') => PolicyAnswer::Refuse {
                status: "5.7.1",
                text: request.recipient,
            },
            _ => PolicyAnswer::Dunno,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn corpus(target: &str, run: fn(&[u8])) {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(target);
        let files: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        assert!(!files.is_empty());
        for file in files {
            run(&std::fs::read(&file).unwrap());
        }
    }

    #[test]
    fn the_kept_corpus_holds() {
        corpus("auth_client", auth_client);
        corpus("auth_master", auth_master);
        corpus("socketmap", socketmap);
        corpus("policy", policy);
    }

    /// Pieces of a protocol and arbitrary bytes, put together at random.
    fn soup(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
        let word = prop::sample::select(words).prop_map(|w| w.as_bytes().to_vec());
        let noise = vec(any::<u8>(), 0..12);
        vec(prop_oneof![8 => word, 1 => noise], 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn auth_client_holds(data in soup(&[
            "AUTH\t1\tPLAIN\tservice=imap\tresp=AGFAZXhhbXBsZS5vcmcAeA==\n",
            "AUTH\t2\tLOGIN\tservice=smtp\tnologin\n", "AUTH\t3\tLOGIN\tprotocol=sieve\n",
            "CONT\t2\tYUBleGFtcGxlLm9yZw==\n", "CONT\t3\tMA==\n", "CONT\t9\tQQ==\n",
            "CANCEL\t2\n", "AUTH\t", "CONT\t", "1", "4294967295", "\t", "\n", "\x01", "\x01t",
            "PLAIN", "LOGIN", "resp=", "service=", "imap", "secured", "rip=", "::1", "=", "\0",
            "AGEAYg==", "YQ==",
        ])) {
            auth_client(&data);
        }

        #[test]
        fn auth_master_holds(data in soup(&[
            "REQUEST\t1\t7\t1\t000102030405060708090a0b0c0d0e0f\tsession_pid=9\n",
            "USER\t2\ta@example.org\tservice=lmtp\n", "USER\t3\tb0@example.org\n",
            "USER\t4\tc1@example.org\n", "PASS\t5\ta\n", "LIST\t6\n", "CACHE-FLUSH\t7\n",
            "CPID\t1\n", "USER\t", "LIST\t", "1", "\t", "\n", "\x01", "\x01t", "a@example.org",
        ])) {
            auth_master(&data);
        }

        #[test]
        fn socketmap_holds(data in soup(&[
            "19:domains example.org,", "23:mailboxes a@example.org,", "21:aliases a@example.org,",
            "20:aliases @example.org,", "21:senders a@example.org,", "0:,", "7:domains,",
            "13:nosuchmap abc,", "1", "0", ":", ",", " ", "mailboxes ", "-",
        ])) {
            socketmap(&data);
        }

        #[test]
        fn policy_holds(data in soup(&[
            "request=smtpd_access_policy\n", "protocol_state=RCPT\n", "recipient=a0\n",
            "recipient=a1\n", "recipient=a2\n", "sender=x\n", "\n", "\n\n", "=", "size=-1\n", "\0",
            "request=smtpd_access_policy\nrecipient=b@example.org\n\n",
        ])) {
            policy(&data);
        }

        #[test]
        fn arbitrary_bytes_hold(data in vec(any::<u8>(), 0..400)) {
            auth_client(&data);
            auth_master(&data);
            socketmap(&data);
            policy(&data);
        }
    }
}
