//! Gatepost as provider: what apps ask of it by themselves, at `gatepost serve`, beside
//! `oidc-provider` from npm. The requests, the load client and how many wait side by side are the
//! same; the CPU is that of every process that serves.

mod anchor;
mod gatepost;
mod http;
mod party;
pub(crate) mod races;

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use model::oauth_app::IdTokenAlg;

use self::anchor::Anchor;
use self::gatepost::{Gatepost, SIGNED_IN};
use self::http::{Answer, load};
use self::party::{DISCOVERY, Party, tokens_of};
use crate::finding::{Figure, Finding, Line};
use crate::measure::processes::{cpu, pss_kib};
use crate::measure::rounds::{Sample, Series, Side, interleave};
use crate::report::Table;
use crate::server::binary;
use crate::{Options, Outcome};

/// Requests on their way at a time.
const BESIDE: usize = 32;
/// How many times fewer operations a side has, of those that a run asks for: a code is fetched for
/// each of the first, and the anchor takes its time.
const EXCHANGES: u64 = 5;
const AT_ANCHOR: u64 = 10;
/// What is noted beside an answer is written within half a second; it belongs to whom it was for.
const SETTLE: Duration = Duration::from_millis(700);
/// mailcow's, which nobody else has.
const PROFILE: &str = "/oauth/profile";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Code(IdTokenAlg),
    Refresh(IdTokenAlg),
    Userinfo,
    Profile,
    Introspection,
    Jwks,
    Discovery,
    /// Documents that the client has already, as far as there are such answers.
    JwksAgain,
    DiscoveryAgain,
}

/// In the order in which they are measured.
const ALL: [What; 11] = [
    What::Code(IdTokenAlg::Es256),
    What::Code(IdTokenAlg::Rs256),
    What::Refresh(IdTokenAlg::Es256),
    What::Refresh(IdTokenAlg::Rs256),
    What::Userinfo,
    What::Profile,
    What::Introspection,
    What::Jwks,
    What::JwksAgain,
    What::Discovery,
    What::DiscoveryAgain,
];

impl What {
    fn words(self) -> String {
        match self {
            Self::Code(alg) => format!("code to tokens, {}", alg.name()),
            Self::Refresh(alg) => format!("refresh token to tokens, {}", alg.name()),
            Self::Userinfo => "userinfo".to_owned(),
            Self::Profile => "profile (beside userinfo)".to_owned(),
            Self::Introspection => "introspection".to_owned(),
            Self::Jwks => "JWKS".to_owned(),
            Self::JwksAgain => "JWKS, 304 (beside 200)".to_owned(),
            Self::Discovery => "discovery".to_owned(),
            Self::DiscoveryAgain => "discovery, 304 (beside 200)".to_owned(),
        }
    }

    /// What an operation may cost, in microseconds, and how many times the anchor's has to be that.
    fn lines(self) -> (Option<Line>, Option<Line>) {
        match self {
            Self::Code(IdTokenAlg::Es256) => (Some(Line::AtMost(200.0)), Some(Line::AtLeast(8.0))),
            Self::Code(IdTokenAlg::Rs256) | Self::Refresh(_) => (None, None),
            Self::Userinfo | Self::Profile | Self::Introspection => {
                (Some(Line::AtMost(60.0)), Some(Line::AtLeast(10.0)))
            }
            Self::Jwks | Self::JwksAgain | Self::Discovery | Self::DiscoveryAgain => {
                (None, Some(Line::AtLeast(8.0)))
            }
        }
    }

    /// Each operation uses something up.
    const fn is_exchange(self) -> bool {
        matches!(self, Self::Code(_) | Self::Refresh(_))
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let binary = match binary() {
        Ok(binary) => binary,
        Err(why) => return Ok(Outcome::skipped(why)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let anchor = match runtime.block_on(Anchor::start())? {
        Ok(anchor) => anchor,
        Err(why) => return Ok(Outcome::skipped(why)),
    };
    let gatepost = Gatepost::start(binary, &options.dir, options.mailboxes)?;
    let own = Counter::new(&gatepost.party)?;
    let beside = Counter::new(&anchor.party)?;
    let mut outcome = Outcome::default();
    for what in ALL {
        let operations = if what.is_exchange() {
            options.operations / EXCHANGES
        } else {
            options.operations
        };
        let fewer = (operations / AT_ANCHOR).max(1);
        let sides = vec![beside.side(what, fewer), own.side(what, operations)];
        let series = interleave(options.rounds, sides)?;
        let conditions = format!(
            "{} mailboxes, {} people of them signed in ({}: 1 person, everything in its memory); \
             {operations} operations × {} rounds ({}: {fewer}); {BESIDE} side by side; plain HTTP, \
             connections stay open.",
            options.mailboxes,
            SIGNED_IN.min(options.mailboxes),
            anchor.party.name,
            options.rounds,
            anchor.party.name,
        );
        outcome
            .tables
            .push(Table::new(&what.words(), &conditions, &series));
        outcome.findings.extend(findings(what, &series));
    }
    Ok(outcome)
}

/// The last series is Gatepost's.
fn findings(what: What, series: &[Series]) -> Vec<Finding> {
    let [anchor, own] = series else {
        return Vec::new();
    };
    let (limit, ratio_line) = what.lines();
    let (micros, theirs) = (own.cpu_micros(), anchor.cpu_micros());
    let ratio = Figure::ratio(&theirs, &micros);
    let mut spent = Finding::new(format!("{}: CPU", what.words()), &micros, "µs");
    if let Some(limit) = limit {
        spent = spent.wanted(limit);
    }
    let (rates, their_rates) = (own.rates(), anchor.rates());
    let ratio_of_rates = Figure::ratio(&rates, &their_rates);
    vec![
        spent.beside(&anchor.name, &theirs, ratio, ratio_line),
        // The load client has its share of the cores: these are lower bounds.
        Finding::new(format!("{}: rate", what.words()), &rates, "/s").beside(
            &anchor.name,
            &their_rates,
            ratio_of_rates,
            None,
        ),
    ]
}

/// One party with what the requests to it are made of.
struct Counter<'a> {
    party: &'a Party,
    /// Access tokens, of one person after the other.
    access: Vec<String>,
}

impl<'a> Counter<'a> {
    fn new(party: &'a Party) -> anyhow::Result<Self> {
        let people = SIGNED_IN as usize;
        let tokens = party.tokens(IdTokenAlg::Es256, people)?;
        Ok(Self {
            party,
            access: tokens.into_iter().map(|tokens| tokens.access).collect(),
        })
    }

    fn side<'s>(&'s self, what: What, operations: u64) -> Side<'s> {
        Side {
            name: self.party.name.to_owned(),
            run: Box::new(move || {
                let count = usize::try_from(operations)?;
                self.measure(&self.requests(what, count)?, count, what)
            }),
        }
    }

    /// The requests; what is used up is fetched anew for each.
    fn requests(&self, what: What, count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let party = self.party;
        let with = |request: &dyn Fn(&str) -> Vec<u8>| {
            self.access.iter().map(|token| request(token)).collect()
        };
        Ok(match what {
            What::Code(alg) => {
                let codes = party.codes(alg, count)?;
                codes.iter().map(|code| party.redeem(alg, code)).collect()
            }
            What::Refresh(alg) => {
                let tokens = party.tokens(alg, count)?;
                let refresh = tokens.iter().map(|tokens| &tokens.refresh);
                refresh.map(|token| party.refresh(alg, token)).collect()
            }
            What::Userinfo => with(&|token| party.bear(party.paths.userinfo, token)),
            What::Profile if party.paths.has_profile => with(&|token| party.bear(PROFILE, token)),
            What::Profile => with(&|token| party.bear(party.paths.userinfo, token)),
            What::Introspection => with(&|token| party.introspect(IdTokenAlg::Es256, token)),
            What::Jwks => vec![party.get(party.paths.jwks, &[])],
            What::Discovery => vec![party.get(DISCOVERY, &[])],
            What::JwksAgain => vec![self.again(party.paths.jwks)?],
            What::DiscoveryAgain => vec![self.again(DISCOVERY)?],
        })
    }

    /// The request of a client that kept the document; a server without tags answers it in full.
    fn again(&self, target: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self.party.ask(&self.party.get(target, &[]))?;
        Ok(match answer.header("etag") {
            Some(etag) => self.party.get(target, &[("If-None-Match", etag)]),
            None => self.party.get(target, &[]),
        })
    }

    fn measure(&self, requests: &[Vec<u8>], count: usize, what: What) -> anyhow::Result<Sample> {
        let (pid, authority) = ([self.party.pid], &self.party.authority);
        let tagged = self.party.paths.has_tags;
        thread::sleep(SETTLE);
        let before = cpu(&pid)?;
        let brought = load(authority, BESIDE, requests, count, |answer| {
            check(what, tagged, answer).with_context(|| what.words())
        })?;
        thread::sleep(SETTLE);
        Ok(Sample {
            operations: count as u64,
            cpu: cpu(&pid)?.saturating_sub(before),
            wall: brought.wall,
            latencies: brought.latencies,
            pss_kib: pss_kib(&pid)?,
        })
    }
}

/// Every answer is the right one.
fn check(what: What, tagged: bool, answer: &Answer) -> anyhow::Result<()> {
    let (status, body) = (answer.status, answer.body.as_str());
    let has = match what {
        What::Code(_) | What::Refresh(_) => return tokens_of(answer).map(drop),
        What::JwksAgain | What::DiscoveryAgain if tagged => {
            ensure!(status == 304, "{status}: {body}");
            return Ok(());
        }
        What::Userinfo => "\"email_verified\":true",
        What::Profile => "\"email\":\"person",
        What::Introspection => "\"active\":true",
        What::Jwks | What::JwksAgain => "\"keys\":[",
        What::Discovery | What::DiscoveryAgain => "\"token_endpoint\":",
    };
    ensure!(status == 200 && body.contains(has), "{status}: {body}");
    Ok(())
}
