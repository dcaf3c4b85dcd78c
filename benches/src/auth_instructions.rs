//! Instructions of a sign-in decision, counted by callgrind: what twenty app passwords cost against
//! one, and a wrong guess against a right one. Counts repeat under load; seconds do not.
//!
//! The server answers a short and a long series; the difference leaves out its start and end. All
//! requests of a series are sent at once, so that every kind of attempt meets the same batching.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::auth_client::Load;
use crate::finding::{Figure, Finding, Line};
use crate::installation::Installation;
use crate::mail_server::MailServer;
use crate::people::{Kind, Mix};
use crate::{Options, Outcome};

/// A tenth of the other benches' mailboxes: the index is as deep, and valgrind's clock slower.
const FEWER: u32 = 10;
const MANY_SECRETS: u32 = 20;
/// Attempts of the two series. Refusals are held back, and a connection may have 2048 requests open.
const SHORT: u64 = 200;
const LONG: u64 = 1_200;
const ROUNDS: usize = 3;

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let valgrind = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !valgrind.is_ok_and(|status| status.success()) {
        let why = "valgrind is not installed: apt-get install valgrind";
        return Ok(Outcome::skipped(why.to_owned()));
    }
    let people = (options.mailboxes / FEWER).max(1);
    let few = Installation::new(&options.dir, people, 1)?;
    let many = Installation::new(&options.dir, people, MANY_SECRETS)?;
    let cases = [
        (&few, 1, Kind::Right),
        (&many, MANY_SECRETS, Kind::Right),
        (&many, MANY_SECRETS, Kind::WrongSecret),
        (&many, MANY_SECRETS, Kind::UnknownName),
    ];
    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut counts: [Vec<f64>; 4] = Default::default();
    for round in 0..rounds {
        for ((installation, secrets_each, kind), counts) in cases.iter().zip(&mut counts) {
            let load = Load {
                connections: 1,
                window: u32::MAX,
                operations: 0,
                people,
                secrets_each: *secrets_each,
                mix: Mix::Only(*kind),
                seed: round as u64 + 1,
            };
            let short = instructions(installation, load, SHORT)?;
            let long = instructions(installation, load, LONG)?;
            counts.push((long - short) / (LONG - SHORT) as f64);
        }
    }
    let [one, twenty, wrong, unknown] = &counts;
    let beside = |metric: &str, these: &[f64], name: &str, those: &[f64]| {
        Finding::new(metric, these, "instructions").beside(
            name,
            those,
            Figure::ratio(these, those),
            Some(Line::AtMost(1.1)),
        )
    };
    Ok(Outcome {
        findings: vec![
            beside("decision with 20 app passwords", twenty, "with 1", one),
            beside("wrong guess", wrong, "right one", twenty),
            beside("unknown name", unknown, "right one", twenty),
        ],
        ..Outcome::default()
    })
}

/// All instructions of a server that answers `operations` attempts, from its start to its end.
fn instructions(installation: &Installation, load: Load, operations: u64) -> anyhow::Result<f64> {
    let counts = installation.path().join("callgrind.out");
    let server = MailServer::start_counted(installation, &counts)?;
    Load { operations, ..load }.run(&server.socket())?;
    drop(server);
    sum(&counts)
}

/// The `totals:` line of a callgrind profile ("Callgrind Format Specification", 4.2).
fn sum(profile: &Path) -> anyhow::Result<f64> {
    let text = fs::read_to_string(profile).with_context(|| profile.display().to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"));
    line.and_then(|count| count.trim().parse().ok())
        .with_context(|| format!("{}: no totals", profile.display()))
}
