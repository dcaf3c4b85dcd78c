//! One code, or one refresh token, offered by many at once to `gatepost serve`: one of them gets
//! tokens. What the others get is counted.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use model::oauth_app::IdTokenAlg;

use super::gatepost::Gatepost;
use super::http::{Answer, Connection, drive};
use super::party::Party;
use crate::finding::{Finding, Line};
use crate::server::binary;
use crate::{Options, Outcome};

const AT_ONCE: usize = 64;
const TRIALS: usize = 1_000;
const QUICK_TRIALS: usize = 50;
/// Codes are good for a minute: so many are fetched at a time.
const BATCH: usize = 50;
const ALG: IdTokenAlg = IdTokenAlg::Es256;

/// Answers by status and error, as `400 invalid_grant`.
type Tally = BTreeMap<String, usize>;

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let binary = match binary() {
        Ok(binary) => binary,
        Err(why) => return Ok(Outcome::skipped(why)),
    };
    let gatepost = Gatepost::start(binary, &options.dir, options.mailboxes)?;
    let party = &gatepost.party;
    let codes = |count| {
        let codes = party.codes(ALG, count)?;
        Ok(codes.iter().map(|code| party.redeem(ALG, code)).collect())
    };
    let refresh_tokens = |count| {
        let tokens = party.tokens(ALG, count)?;
        let offers = tokens
            .iter()
            .map(|given| party.refresh(ALG, &given.refresh));
        Ok(offers.collect())
    };
    let trials = if options.quick { QUICK_TRIALS } else { TRIALS };
    Ok(Outcome {
        findings: vec![
            race(party, "code", trials, codes)?,
            race(party, "refresh token", trials, refresh_tokens)?,
        ],
        ..Outcome::default()
    })
}

/// How many of the trials had exactly one success.
fn race(
    party: &Party,
    what: &str,
    trials: usize,
    offers: impl Fn(usize) -> anyhow::Result<Vec<Vec<u8>>>,
) -> anyhow::Result<Finding> {
    let (mut once, mut all) = (0.0, Tally::new());
    let mut left = trials;
    while left > 0 {
        let batch = offers(BATCH.min(left))?;
        left -= batch.len();
        for answers in offer(party, &batch)? {
            let successes = answers.get("200").copied().unwrap_or_default();
            once += f64::from(u8::from(successes == 1));
            for (answer, count) in answers {
                *all.entry(answer).or_default() += count;
            }
        }
    }
    let said: Vec<String> = all
        .iter()
        .map(|(answer, count)| format!("{answer}: {count}"))
        .collect();
    let metric = format!(
        "one {what} offered by {AT_ONCE} at once, {trials} times: exactly one success \
         (all answers: {})",
        said.join(", ")
    );
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let wanted = trials as f64;
    Ok(Finding::new(metric, &[once], "").wanted(Line::AtLeast(wanted)))
}

/// Sends each of the requests over all connections at once; the answers of each.
fn offer(party: &Party, requests: &[Vec<u8>]) -> anyhow::Result<Vec<Tally>> {
    drive(async || {
        let mut connections = Connection::open_all(&party.authority, AT_ONCE).await?;
        let mut tallies = Vec::with_capacity(requests.len());
        for request in requests {
            let offers = connections.iter_mut().map(|open| open.ask(request));
            let mut tally = Tally::new();
            for answer in try_join_all(offers).await? {
                *tally.entry(name(&answer)?).or_default() += 1;
            }
            tallies.push(tally);
        }
        Ok(tallies)
    })
}

fn name(answer: &Answer) -> anyhow::Result<String> {
    if answer.status == 200 {
        ensure!(answer.body.contains("\"access_token\""), "no tokens");
        return Ok("200".to_owned());
    }
    let body: serde_json::Value =
        serde_json::from_str(&answer.body).with_context(|| answer.body.clone())?;
    let error = body["error"].as_str().unwrap_or_default();
    Ok(format!("{} {error}", answer.status))
}
