//! Sign-in decisions at the auth socket, beside Dovecot's own sqlite passdb.
//!
//! The load client and the data are the same for all sides; the server's CPU is that of every
//! process that has a part in the answer.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::auth_client::Load;
use crate::dovecot::{Dovecot, Scheme};
use crate::finding::{Figure, Finding, Line};
use crate::installation::Installation;
use crate::mail_server::MailServer;
use crate::measure::processes::{cpu, pss_kib};
use crate::measure::rounds::{Sample, Series, Side, interleave};
use crate::people::Mix;
use crate::report::Table;
use crate::{Options, Outcome};

/// Clients and outstanding requests: one person at a time, and a busy morning.
const SHAPES: [(&str, u32, u32); 2] = [("single-shot", 1, 1), ("pipelined", 8, 16)];

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let hashed = Dovecot::start(options.mailboxes, 1, Scheme::Ssha256).context("Dovecot")?;
    let clear = Dovecot::start(options.mailboxes, options.app_passwords, Scheme::ClearInSql)
        .context("Dovecot")?;
    let installation = Installation::new(&options.dir, options.mailboxes, options.app_passwords)?;
    let gatepost = MailServer::start(&installation)?;
    let mut outcome = Outcome::default();
    for (shape, connections, window) in SHAPES {
        let load = |secrets_each| Load {
            connections,
            window,
            operations: options.operations,
            people: options.mailboxes,
            secrets_each,
            mix: Mix::Usual,
            seed: 1,
        };
        let one = load(1);
        let each = load(options.app_passwords);
        let sides = vec![
            side(
                "Dovecot sqlite, 1 SSHA256 hash",
                one,
                hashed.socket(),
                hashed.pid(),
            ),
            side(
                "Dovecot sqlite, clear, matched in SQL",
                each,
                clear.socket(),
                clear.pid(),
            ),
            side("Gatepost", each, gatepost.socket(), gatepost.pid()),
        ];
        let conditions = format!(
            "{} mailboxes × {} secrets (the SSHA256 side: 1); {} operations × {} rounds; \
             {connections} clients, {window} requests outstanding each; 90 % right, 5 % wrong \
             secret, 5 % unknown name; no cache; waits of the right ones only.",
            options.mailboxes, options.app_passwords, options.operations, options.rounds
        );
        let series = interleave(options.rounds, sides)?;
        let title = format!("Sign-in decisions, {shape}");
        outcome
            .tables
            .push(Table::new(&title, &conditions, &series));
        outcome.findings.extend(findings(shape, window, &series));
    }
    Ok(outcome)
}

fn side<'a>(name: &str, mut load: Load, socket: PathBuf, pid: u32) -> Side<'a> {
    Side {
        name: name.to_owned(),
        run: Box::new(move || {
            // Other people in every round, so that no page of the database is warm by repetition.
            load.seed += 1;
            let before = cpu(&[pid])?;
            let answers = load.run(&socket)?;
            Ok(Sample {
                operations: answers.operations,
                wall: answers.wall,
                cpu: cpu(&[pid])?.saturating_sub(before),
                latencies: answers.latencies,
                pss_kib: pss_kib(&[pid])?,
            })
        }),
    }
}

/// The last series is Gatepost's.
fn findings(shape: &str, window: u32, series: &[Series]) -> Vec<Finding> {
    let Some((own, anchors)) = series.split_last() else {
        return Vec::new();
    };
    let micros = own.cpu_micros();
    let mut findings: Vec<Finding> = anchors
        .iter()
        .map(|anchor| {
            let theirs = anchor.cpu_micros();
            let ratio = Figure::ratio(&theirs, &micros);
            Finding::new(format!("decision, {shape}: CPU"), &micros, "µs")
                .wanted(Line::AtMost(50.0))
                .beside(&anchor.name, &theirs, ratio, Some(Line::AtLeast(3.0)))
        })
        .collect();
    // One request at a time measures waiting, not how much a server can do.
    if window > 1 {
        let rates = own.rates();
        findings.extend(anchors.iter().map(|anchor| {
            let theirs = anchor.rates();
            let ratio = Figure::ratio(&rates, &theirs);
            Finding::new(format!("decisions, {shape}: rate"), &rates, "/s")
                .wanted(Line::AtLeast(10_000.0))
                .beside(&anchor.name, &theirs, ratio, None)
        }));
    }
    findings
}
