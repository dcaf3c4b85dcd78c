//! Measurements beside anchors.
//!
//! Anchor and Gatepost run in the same process of the same run, in turn (A B A B …), because a
//! figure from another hour or another machine cannot be compared. The primary unit is the CPU time
//! that all serving processes spend on one operation; rates are secondary. To add a bench: a file
//! here with a `run`, and a row in [`BENCHES`].

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Parser;
use serde::Serialize;

mod auth_client;
mod auth_instructions;
mod auth_socket;
mod company;
mod crowd;
mod dovecot;
mod durable_write;
mod finding;
mod installation;
mod list_page;
mod mail_server;
mod measure;
mod memory;
mod oauth;
mod office;
mod people;
mod report;
mod rules;
mod server;
mod sign_in;
mod start;

use finding::Finding;
use report::Table;

/// Measures Gatepost beside anchors; prints a table for each bench and one of all figures against
/// their acceptance lines.
#[derive(Parser)]
struct Options {
    /// Benches to run; all of them when none is named.
    names: Vec<String>,
    /// Times that each side runs.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Mailboxes in the data set.
    #[arg(long, default_value_t = 100_000)]
    mailboxes: u32,
    /// App passwords of each mailbox.
    #[arg(long, default_value_t = 5)]
    app_passwords: u32,
    /// Operations of each side in each round.
    #[arg(long, default_value_t = 20_000)]
    operations: u64,
    /// Little data and two rounds, to see whether it runs; the figures say nothing.
    #[arg(long)]
    quick: bool,
    /// Where data sets are made: on the disk that is to be measured, with a short path, since
    /// sockets stand there too.
    #[arg(long, default_value = "/tmp")]
    dir: PathBuf,
    /// Directory that gets one JSON file for each bench.
    #[arg(long)]
    json: Option<PathBuf>,
    /// What a child of the benches does: serve mail logins for this data directory.
    #[arg(long, hide = true)]
    serve_mail: Option<PathBuf>,
    /// What another child does: be a company's provider whose answers take so many milliseconds.
    #[arg(long, hide = true)]
    serve_company: Option<u64>,
}

impl Options {
    fn or_quick(mut self) -> Self {
        if self.quick {
            self.rounds = 2;
            self.mailboxes = 2_000;
            self.operations = 2_000;
        }
        self
    }
}

/// What a bench brings back.
#[derive(Default, Serialize)]
struct Outcome {
    tables: Vec<Table>,
    findings: Vec<Finding>,
    /// What was not measured, and why.
    skipped: Option<String>,
}

impl Outcome {
    fn skipped(why: String) -> Self {
        Self {
            skipped: Some(why),
            ..Self::default()
        }
    }
}

type Bench = fn(&Options) -> anyhow::Result<Outcome>;

const BENCHES: [(&str, Bench); 10] = [
    ("auth_socket", auth_socket::run),
    ("auth_instructions", auth_instructions::run),
    ("durable_write", durable_write::run),
    ("list_page", list_page::run),
    ("sign_in", sign_in::run),
    ("oauth", oauth::run),
    ("oauth_races", oauth::races::run),
    ("rules", rules::run),
    ("start", start::run),
    ("memory", memory::run),
];

fn main() -> anyhow::Result<()> {
    let options = Options::parse().or_quick();
    if let Some(directory) = &options.serve_mail {
        return mail_server::serve(directory);
    }
    if let Some(latency) = options.serve_company {
        return company::serve(latency);
    }
    for name in &options.names {
        if !BENCHES.iter().any(|(known, _)| known == name) {
            let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
            bail!(
                "no bench is called {name:?}; there are: {}",
                known.join(", ")
            );
        }
    }
    let before = load();
    let mut findings = Vec::new();
    for (name, bench) in BENCHES {
        if !options.names.is_empty() && !options.names.iter().any(|chosen| chosen == name) {
            continue;
        }
        let outcome = bench(&options).with_context(|| format!("bench {name}"))?;
        let mut out = std::io::stdout().lock();
        if let Some(why) = &outcome.skipped {
            writeln!(out, "### {name}: not measured\n\n{why}\n")?;
        }
        for table in &outcome.tables {
            writeln!(out, "{}", table.markdown())?;
        }
        if let Some(directory) = &options.json {
            std::fs::create_dir_all(directory)?;
            let path = directory.join(format!("{name}.json"));
            std::fs::write(&path, serde_json::to_vec_pretty(&outcome)?)
                .with_context(|| path.display().to_string())?;
        }
        findings.extend(outcome.findings);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "### Against the acceptance lines\n")?;
    writeln!(out, "{}", finding::markdown(&findings))?;
    let cores = std::thread::available_parallelism()?;
    writeln!(
        out,
        "{cores} cores; load average {before} before, {} after.",
        load()
    )?;
    Ok(())
}

/// The load average of the last minute (proc(5)): what else the machine did.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = text.split(' ').next();
    minute.unwrap_or("unknown").to_owned()
}
