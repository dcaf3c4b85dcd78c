//! From starting `gatepost serve` to its first right decision, keeper, migration check and both
//! workers included, mail engines not.

use std::time::Instant;

use crate::finding::{Finding, Line};
use crate::people::Kind;
use crate::server::{Server, binary};
use crate::{Options, Outcome};

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
    let mut millis = Vec::new();
    for round in 0..=options.rounds {
        let start = Instant::now();
        let running = server.spawn()?;
        server.first_answer(Kind::Right)?;
        // The first start warms the files up.
        if round > 0 {
            millis.push(start.elapsed().as_secs_f64() * 1e3);
        }
        drop(running);
    }
    Ok(Outcome {
        findings: vec![
            Finding::new("start to first decision", &millis, "ms").wanted(Line::AtMost(300.0)),
        ],
        ..Outcome::default()
    })
}
