//! Small durable writes, 32 writers at once: a web session each, acknowledged once it is on the
//! disk. Beside it SQLite as it is usually used, one commit for each row at the same durability.
//!
//! CPU is that of the whole process, so the writers' own is in it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use model::ids::MailboxId;
use model::random::{self};
use model::session::Principal;
use model::time::{Clock as _, DAY, SystemClock};
use rusqlite::{Connection, params};
use store::sessions::NewSession;
use store::{Conn, OsRandom, Store, StoreError};

use crate::finding::{Figure, Finding, Line};
use crate::installation::{Installation, database};
use crate::measure::latency::Latencies;
use crate::measure::own::cpu;
use crate::measure::rounds::{Sample, Side, interleave};
use crate::report::Table;
use crate::{Options, Outcome};

const WRITERS: u64 = 32;
/// The anchor waits for the disk at every row: this many times fewer of them.
const FEWER: u64 = 20;
const PEOPLE: u32 = 1_000;

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let installation = Installation::new(&options.dir, PEOPLE, 0)?;
    // Another file: SQLite's locks belong to the process, so no second way into an open store.
    let plain = Installation::new(&options.dir, PEOPLE, 0)?;
    let directory = plain.close();
    let mut connection = open(&database(directory.path()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let sides = vec![
        Side {
            name: "SQLite, one commit per row".to_owned(),
            run: Box::new(|| one_by_one(&mut connection, options.operations / FEWER)),
        },
        Side {
            name: format!("Gatepost, {WRITERS} writers"),
            run: Box::new(|| {
                let each = options.operations / WRITERS;
                runtime.block_on(together(&installation.store, each))
            }),
        },
    ];
    let series = interleave(options.rounds, sides)?;
    let conditions = format!(
        "A session inserted, synchronous = FULL, write-ahead log; {} rows each round ({} beside \
         it), {} rounds; below {}.",
        options.operations,
        options.operations / FEWER,
        options.rounds,
        options.dir.display()
    );
    let table = Table::new("Durable small writes", &conditions, &series);
    let [anchor, own] = series.as_slice() else {
        return Ok(Outcome::default());
    };
    let cpu = (own.cpu_micros(), anchor.cpu_micros());
    let rate = (own.rates(), anchor.rates());
    Ok(Outcome {
        findings: vec![
            Finding::new("durable write, 32 writers: CPU", &cpu.0, "µs")
                .wanted(Line::AtMost(200.0))
                .beside(&anchor.name, &cpu.1, Figure::ratio(&cpu.1, &cpu.0), None),
            Finding::new("durable writes, 32 writers: rate", &rate.0, "/s")
                .wanted(Line::AtLeast(3_000.0))
                .beside(&anchor.name, &rate.1, Figure::ratio(&rate.0, &rate.1), None),
        ],
        tables: vec![table],
        skipped: None,
    })
}

fn open(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    Ok(connection)
}

fn one_by_one(connection: &mut Connection, operations: u64) -> anyhow::Result<Sample> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO sessions (token_tag, mailbox, created, last_used, ends, user_agent)
         VALUES ($1, $2, $3, $3, $4, 'bench')",
    )?;
    let (start, before) = (Instant::now(), cpu());
    let mut latencies = Latencies::default();
    for number in 0..operations {
        let since = Instant::now();
        let now = SystemClock.now();
        let tag = random::bytes::<32>(&OsRandom);
        let mailbox = mailbox(number).0;
        insert.execute(params![&tag[..], mailbox, now.0, now.plus(DAY).0])?;
        latencies.record(since.elapsed());
    }
    Ok(sample(operations, start, before, latencies))
}

async fn together(store: &Store, each: u64) -> anyhow::Result<Sample> {
    let (start, before) = (Instant::now(), cpu());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(store.clone(), writer * each, each)))
        .collect();
    let mut latencies = Latencies::default();
    for writer in writers {
        latencies.merge(writer.await.context("a writer panicked")??);
    }
    Ok(sample(each * WRITERS, start, before, latencies))
}

async fn write(store: Store, first: u64, operations: u64) -> Result<Latencies, StoreError> {
    let mut latencies = Latencies::default();
    let agent: Arc<str> = Arc::from("bench");
    for number in first..first + operations {
        let since = Instant::now();
        let now = SystemClock.now();
        let tag = random::bytes::<32>(&OsRandom);
        let owner = Principal::Person(mailbox(number));
        let agent = Arc::clone(&agent);
        store
            .write(async move |tx: &mut Conn| {
                let new = NewSession {
                    token_tag: &tag,
                    principal: owner,
                    at: None,
                    id_token: None,
                    now,
                    proved: now,
                    ends: now.plus(DAY),
                    ip: None,
                    user_agent: &agent,
                };
                store::sessions::insert(tx, &new).await
            })
            .await?;
        latencies.record(since.elapsed());
    }
    Ok(latencies)
}

/// The mailboxes of a new store are numbered from 1.
fn mailbox(number: u64) -> MailboxId {
    MailboxId(i64::try_from(number % u64::from(PEOPLE)).unwrap_or(0) + 1)
}

fn sample(operations: u64, start: Instant, before: Duration, latencies: Latencies) -> Sample {
    Sample {
        operations,
        cpu: cpu().saturating_sub(before),
        wall: start.elapsed(),
        latencies,
        pss_kib: 0,
    }
}
