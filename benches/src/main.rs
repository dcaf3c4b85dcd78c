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

mod auth_client;
mod auth_socket;
mod dovecot;
mod measure;
mod people;
mod report;

use report::Table;

/// Measures Gatepost beside anchors and prints a table for each bench.
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
    /// Directory that gets one JSON file for each bench.
    #[arg(long)]
    json: Option<PathBuf>,
}

type Bench = fn(&Options) -> anyhow::Result<Vec<Table>>;

const BENCHES: [(&str, Bench); 1] = [("auth_socket", auth_socket::run)];

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    for name in &options.names {
        if !BENCHES.iter().any(|(known, _)| known == name) {
            let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
            bail!(
                "no bench is called {name:?}; there are: {}",
                known.join(", ")
            );
        }
    }
    for (name, bench) in BENCHES {
        if !options.names.is_empty() && !options.names.iter().any(|chosen| chosen == name) {
            continue;
        }
        let tables = bench(&options).with_context(|| format!("bench {name}"))?;
        let mut out = std::io::stdout().lock();
        for table in &tables {
            writeln!(out, "{}", table.markdown())?;
        }
        if let Some(directory) = &options.json {
            std::fs::create_dir_all(directory)?;
            let path = directory.join(format!("{name}.json"));
            std::fs::write(&path, serde_json::to_vec_pretty(&tables)?)
                .with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
