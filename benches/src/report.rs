//! Tables for people and JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::measure::rounds::{Series, median};

const HEAD: &str = "\
| | CPU µs/op [range] | op/s | p50 µs | p99 µs | PSS MB | CPU against last [range] |
|---|---|---|---|---|---|---|
";

/// One table of a bench.
#[derive(Serialize)]
pub(crate) struct Table {
    title: String,
    /// Data set, mix and settings, enough to run it again.
    conditions: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    side: String,
    cpu_us_per_operation: Option<f64>,
    cpu_us_range: [f64; 2],
    operations_per_second: Option<f64>,
    p50_us: Option<u32>,
    p99_us: Option<u32>,
    pss_mb: Option<f64>,
    /// How many times the CPU of the last row this one takes: the median of the rounds' ratios.
    cpu_against_last: Option<f64>,
    cpu_against_last_range: [f64; 2],
}

impl Table {
    /// The table of interleaved rounds. The last series is the one the others are compared with.
    pub(crate) fn new(title: &str, conditions: &str, series: &[Series]) -> Self {
        let last = series.last().map(Series::cpu_micros).unwrap_or_default();
        let rows = series
            .iter()
            .map(|series| Row::new(series, &last))
            .collect();
        Self {
            title: title.to_owned(),
            conditions: conditions.to_owned(),
            rows,
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{}\n\n", self.title, self.conditions);
        text.push_str(HEAD);
        for row in &self.rows {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                row.side,
                with_range(row.cpu_us_per_operation, row.cpu_us_range, 1),
                row.operations_per_second
                    .map_or_else(String::new, |rate| format!("{rate:.0}")),
                row.p50_us
                    .map_or_else(String::new, |micros| micros.to_string()),
                row.p99_us
                    .map_or_else(String::new, |micros| micros.to_string()),
                row.pss_mb.map_or_else(String::new, |mb| format!("{mb:.1}")),
                with_range(row.cpu_against_last, row.cpu_against_last_range, 2),
            );
        }
        text
    }
}

impl Row {
    fn new(series: &Series, last: &[f64]) -> Self {
        let cpu = series.cpu_micros();
        let ratios: Vec<f64> = cpu
            .iter()
            .zip(last)
            .map(|(this, last)| this / last)
            .collect();
        let mut latencies = series.latencies();
        Self {
            side: series.name.clone(),
            cpu_us_per_operation: median(&cpu),
            cpu_us_range: range(&cpu),
            operations_per_second: median(&series.rates()),
            p50_us: latencies.percentile(0.5),
            p99_us: latencies.percentile(0.99),
            pss_mb: series.pss_kib().map(megabytes),
            cpu_against_last: median(&ratios),
            cpu_against_last_range: range(&ratios),
        }
    }
}

fn range(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [
        sorted.first().copied().unwrap_or_default(),
        sorted.last().copied().unwrap_or_default(),
    ]
}

fn megabytes(kib: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let kib = kib as f64;
    kib * 1024.0 / 1e6
}

fn with_range(value: Option<f64>, [low, high]: [f64; 2], digits: usize) -> String {
    value.map_or_else(String::new, |value| {
        format!("{value:.digits$} [{low:.digits$}–{high:.digits$}]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{latency::Latencies, rounds::Sample};
    use std::time::Duration;

    fn series(name: &str, cpu_micros: [u64; 3]) -> Series {
        let sample = |micros| Sample {
            operations: 10,
            cpu: Duration::from_micros(micros * 10),
            wall: Duration::from_secs(1),
            latencies: Latencies::default(),
            pss_kib: 1_000,
        };
        Series {
            name: name.to_owned(),
            samples: cpu_micros.map(sample).into(),
        }
    }

    #[test]
    fn compares_round_by_round_with_the_last_row() {
        let table = Table::new(
            "T",
            "C",
            &[series("a", [20, 40, 90]), series("b", [10, 10, 30])],
        );
        let text = table.markdown();
        assert!(
            text.contains("| a | 40.0 [20.0–90.0] | 10 |  |  | 1.0 | 3.00 [2.00–4.00] |"),
            "{text}"
        );
        assert!(
            text.contains("| b | 10.0 [10.0–30.0] | 10 |  |  | 1.0 | 1.00 [1.00–1.00] |"),
            "{text}"
        );
        assert!(
            serde_json::to_string(&table)
                .unwrap()
                .contains("\"cpu_against_last\":3.0")
        );
    }
}
