//! Interleaved rounds: A B A B …, so that what else the machine does meets both sides alike.

use std::time::Duration;

use super::latency::Latencies;

/// What one side did in one round.
pub(crate) struct Sample {
    pub(crate) operations: u64,
    /// CPU time of everything that served, not of the client.
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) latencies: Latencies,
    /// Proportional set size of everything that served, in KiB, after the round.
    pub(crate) pss_kib: u64,
}

/// One of the things compared.
pub(crate) struct Side<'a> {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut() -> anyhow::Result<Sample> + 'a>,
}

/// The rounds of one side.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
}

impl Series {
    /// Server CPU in microseconds for one operation, by round.
    pub(crate) fn cpu_micros(&self) -> Vec<f64> {
        self.per_sample(|sample, operations| sample.cpu.as_secs_f64() * 1e6 / operations)
    }

    /// Operations in a second of wall time, by round.
    pub(crate) fn rates(&self) -> Vec<f64> {
        self.per_sample(|sample, operations| operations / sample.wall.as_secs_f64())
    }

    /// The largest proportional set size of any round, in KiB.
    pub(crate) fn pss_kib(&self) -> Option<u64> {
        self.samples.iter().map(|sample| sample.pss_kib).max()
    }

    /// Waiting times of all rounds together.
    pub(crate) fn latencies(&self) -> Latencies {
        let mut all = Latencies::default();
        for sample in &self.samples {
            all.merge(sample.latencies.clone());
        }
        all
    }

    /// Waiting times in microseconds that `share` (0 to 1) of a round's operations did not exceed,
    /// by round.
    pub(crate) fn percentiles(&self, share: f64) -> Vec<f64> {
        self.samples
            .iter()
            .filter_map(|sample| sample.latencies.clone().percentile(share))
            .map(f64::from)
            .collect()
    }

    fn per_sample(&self, figure: impl Fn(&Sample, f64) -> f64) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let operations = |sample: &Sample| sample.operations as f64;
        self.samples
            .iter()
            .map(|sample| figure(sample, operations(sample)))
            .collect()
    }
}

/// Runs every side once to warm up, unrecorded, and then `rounds` times in turn.
pub(crate) fn interleave(rounds: usize, mut sides: Vec<Side<'_>>) -> anyhow::Result<Vec<Series>> {
    for side in &mut sides {
        (side.run)()?;
    }
    let mut series: Vec<Series> = sides
        .iter()
        .map(|side| Series {
            name: side.name.clone(),
            samples: Vec::new(),
        })
        .collect();
    for _ in 0..rounds {
        for (side, series) in sides.iter_mut().zip(&mut series) {
            series.samples.push((side.run)()?);
        }
    }
    Ok(series)
}

/// The middle of `values`; of an even number the lower middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn sides_take_turns_after_a_warm_up() {
        let order = RefCell::new(String::new());
        let side = |name: &'static str| Side {
            name: name.to_owned(),
            run: Box::new(|| {
                order.borrow_mut().push_str(name);
                Ok(Sample {
                    operations: 4,
                    cpu: Duration::from_micros(8),
                    wall: Duration::from_secs(2),
                    latencies: Latencies::default(),
                    pss_kib: 1,
                })
            }),
        };
        let series = interleave(2, vec![side("a"), side("b")]).unwrap();
        assert_eq!(*order.borrow(), "ababab");
        assert_eq!(series[1].cpu_micros(), [2.0, 2.0]);
        assert_eq!(series[0].rates(), [2.0, 2.0]);
    }

    #[test]
    fn median_is_a_value_that_was_measured() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
