//! Memory of `gatepost serve`, keeper and workers together, a page that they share counted once.

use std::thread;
use std::time::Duration;

use crate::finding::{Finding, Line};
use crate::measure::processes::pss_kib;
use crate::people::{Kind, Mix};
use crate::server::{Server, binary};
use crate::{Options, Outcome};

/// From the first decision to idle.
const SETTLE: Duration = Duration::from_secs(3);

pub(crate) fn run(options: &Options) -> anyhow::Result<Outcome> {
    let binary = match binary() {
        Ok(binary) => binary,
        Err(why) => return Ok(Outcome::skipped(why)),
    };
    let server = Server::new(
        binary,
        &options.dir,
        options.mailboxes,
        options.app_passwords,
    )?;
    let (mut idle, mut after) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let running = server.spawn()?;
        server.first_answer(Kind::Right)?;
        thread::sleep(SETTLE);
        idle.push(megabytes(pss_kib(&[running.pid()])?));
        server
            .load(options.operations, Mix::Usual)
            .run(&server.socket())?;
        thread::sleep(SETTLE);
        after.push(megabytes(pss_kib(&[running.pid()])?));
    }
    let later = format!("memory after {} decisions", options.operations);
    Ok(Outcome {
        findings: vec![
            Finding::new("memory, idle", &idle, "MB").wanted(Line::AtMost(40.0)),
            Finding::new(later, &after, "MB"),
        ],
        ..Outcome::default()
    })
}

fn megabytes(kib: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let kib = kib as f64;
    kib * 1024.0 / 1e6
}
