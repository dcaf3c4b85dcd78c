//! Sign-in decisions at the auth socket, beside Dovecot's own sqlite passdb.
//!
//! The load client and the data are the same for all sides; the server's CPU is that of every
//! process that has a part in the answer.

use std::path::Path;

use anyhow::Context as _;

use crate::Options;
use crate::auth_client::Load;
use crate::dovecot::{Dovecot, Scheme};
use crate::measure::processes::{cpu, pss_kib};
use crate::measure::rounds::{Sample, Side, interleave};
use crate::report::Table;

/// Clients and outstanding requests: one person at a time, and a busy morning.
const SHAPES: [(&str, u32, u32); 2] = [("single-shot", 1, 1), ("pipelined", 8, 16)];

pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Table>> {
    let hashed = Dovecot::start(options.mailboxes, 1, Scheme::Ssha256).context("Dovecot")?;
    let clear = Dovecot::start(options.mailboxes, options.app_passwords, Scheme::ClearInSql)
        .context("Dovecot")?;
    let mut tables = Vec::new();
    for (shape, connections, window) in SHAPES {
        let load = |secrets_each| Load {
            connections,
            window,
            operations: options.operations,
            people: options.mailboxes,
            secrets_each,
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
        ];
        let conditions = format!(
            "{} mailboxes × {} secrets (the SSHA256 side: 1); {} operations × {} rounds; \
             {connections} clients, {window} requests outstanding each; 90 % right, 5 % wrong \
             secret, 5 % unknown name; no cache; waits of the right ones only.",
            options.mailboxes, options.app_passwords, options.operations, options.rounds
        );
        let title = format!("Sign-in decisions, {shape}");
        tables.push(Table::new(
            &title,
            &conditions,
            &interleave(options.rounds, sides)?,
        ));
    }
    Ok(tables)
}

fn side<'a>(name: &str, mut load: Load, socket: impl AsRef<Path> + 'a, pid: u32) -> Side<'a> {
    Side {
        name: name.to_owned(),
        run: Box::new(move || {
            // Other people in every round, so that no page of the database is warm by repetition.
            load.seed += 1;
            let before = cpu(&[pid])?;
            let answers = load.run(socket.as_ref())?;
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
