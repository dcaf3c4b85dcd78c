//! Pages of the list of mailboxes: what the use case takes, without the web page around it. A page
//! is timed by its CPU, which waiting for a busy machine does not lengthen; all data is in memory.
//!
//! Nothing else lists a hundred thousand mailboxes beside it; the first page is what the others are
//! compared with, since a page's place must not matter.

use std::time::{Duration, Instant};

use anyhow::ensure;
use app::App;
use app::domains::{Listed, Page};
use app::mailboxes::MailboxFilter;
use model::mailbox::Mailbox;
use rustix::time::{ClockId, clock_gettime};
use store::MasterKey;
use tokio::runtime::Runtime;

use crate::finding::{Figure, Finding, Line};
use crate::installation::{Installation, database, key};
use crate::measure::latency::Latencies;
use crate::measure::rounds::{Sample, Side, interleave};
use crate::office::use_cases;
use crate::people::Numbers;
use crate::report::Table;
use crate::{Options, Outcome};

const ROWS: u32 = 50;
/// Pages of each kind in each round.
const PAGES: u32 = 500;
/// Server time that a page may take, in milliseconds.
const LIMIT: f64 = 10.0;

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let installation = Installation::new(&options.dir, options.mailboxes, 0)?;
    let lists = Lists {
        app: app(&installation)?,
        runtime: tokio::runtime::Builder::new_current_thread().build()?,
    };
    let cursors = lists.cursors(options.mailboxes)?;
    let last = options.mailboxes - 1;
    let mut numbers = Numbers::new(1);
    let anywhere = move || {
        let count = u32::try_from(cursors.len()).unwrap_or(1).max(1);
        let after = cursors.get(numbers.below(count) as usize).cloned();
        page(after, "")
    };
    let mut people = Numbers::new(2);
    let mailboxes = options.mailboxes;
    let by_address = move || page(None, &format!("person{}", people.below(mailboxes)));
    let mut people = Numbers::new(3);
    let by_word = move || page(None, &people.below(mailboxes).to_string());
    let sides = vec![
        lists.side("any page, by keyset", 1, anywhere),
        lists.side("search, start of an address", 1, by_address),
        lists.side("search, word of a name", 1, by_word),
        // Every name has the longer word, one of them the other: the most rows walked for one hit.
        lists.side("search, two words, all names walked", 0, move || {
            page(None, &format!("person {last}"))
        }),
        lists.side("first page", ROWS.min(mailboxes) as usize, || {
            page(None, "")
        }),
    ];
    let series = interleave(options.rounds, sides)?;
    let conditions = format!(
        "{} mailboxes in one domain; pages of {ROWS}; {PAGES} pages each round, {} rounds; one \
         thread; p50 and p99 are the CPU time of single pages. A page of a search may be short and \
         say where it goes on.",
        options.mailboxes, options.rounds
    );
    let table = Table::new("Pages of the list of mailboxes", &conditions, &series);
    let Some((first, others)) = series.split_last() else {
        return Ok(Outcome::default());
    };
    let p99 = |series: &crate::measure::rounds::Series| -> Vec<f64> {
        let micros = series.percentiles(0.99);
        micros.into_iter().map(|micros| micros / 1e3).collect()
    };
    let own = p99(first);
    let mut findings =
        vec![Finding::new("list, first page: p99 CPU", &own, "ms").wanted(Line::AtMost(LIMIT))];
    findings.extend(others.iter().map(|other| {
        let these = p99(other);
        let ratio = Figure::ratio(&these, &own);
        Finding::new(format!("list, {}: p99 CPU", other.name), &these, "ms")
            .wanted(Line::AtMost(LIMIT))
            .beside("first page", &own, ratio, None)
    }));
    Ok(Outcome {
        tables: vec![table],
        findings,
        skipped: None,
    })
}

fn page(after: Option<String>, search: &str) -> Page {
    Page {
        after,
        limit: ROWS,
        search: search.to_owned(),
    }
}

struct Lists {
    app: App,
    runtime: Runtime,
}

impl Lists {
    fn list(&self, page: Page) -> anyhow::Result<Listed<Mailbox>> {
        let listing = self.app.mailboxes(MailboxFilter::default(), page);
        Ok(self.runtime.block_on(listing)?)
    }

    /// The starts of all pages but the first, by walking them: all mailboxes are on them.
    fn cursors(&self, mailboxes: u32) -> anyhow::Result<Vec<String>> {
        let mut cursors = Vec::new();
        let mut seen = 0;
        loop {
            let listed = self.list(page(cursors.last().cloned(), ""))?;
            seen += listed.rows.len();
            match listed.next {
                Some(next) => cursors.push(next),
                None => break,
            }
        }
        ensure!(seen == mailboxes as usize, "{seen} mailboxes on all pages");
        Ok(cursors)
    }

    /// Pages as `next` asks for them, `least` rows on each.
    fn side<'a>(
        &'a self,
        name: &str,
        least: usize,
        mut next: impl FnMut() -> Page + 'a,
    ) -> Side<'a> {
        Side {
            name: name.to_owned(),
            run: Box::new(move || {
                let (start, before) = (Instant::now(), cpu());
                let mut latencies = Latencies::default();
                for _ in 0..PAGES {
                    let page = next();
                    let since = cpu();
                    let listed = self.list(page)?;
                    latencies.record(cpu().saturating_sub(since));
                    ensure!(listed.rows.len() >= least, "{} rows", listed.rows.len());
                }
                Ok(Sample {
                    operations: u64::from(PAGES),
                    cpu: cpu().saturating_sub(before),
                    wall: start.elapsed(),
                    latencies,
                    pss_kib: 0,
                })
            }),
        }
    }
}

/// What this thread has used.
fn cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

fn app(installation: &Installation) -> anyhow::Result<App> {
    let data = installation.path();
    let keys = MasterKey::load(&key(data), &database(data))?.purpose_keys()?;
    use_cases(installation.store.clone(), keys)
}
