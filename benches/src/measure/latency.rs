//! Percentiles of waiting times.

use std::time::Duration;

/// Waiting times of one round, in no order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn record(&mut self, waited: Duration) {
        self.0
            .push(u32::try_from(waited.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The waiting time in microseconds that `share` (0 to 1) of the operations did not exceed.
    pub(crate) fn percentile(&mut self, share: f64) -> Option<u32> {
        self.0.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "an index into a list of at most some million entries"
        )]
        let index = (self.0.len().saturating_sub(1) as f64 * share).round() as usize;
        self.0.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_hundred_and_one_values() {
        let mut latencies = Latencies::default();
        for micros in (0..=100).rev() {
            latencies.record(Duration::from_micros(micros));
        }
        assert_eq!(latencies.percentile(0.5), Some(50));
        assert_eq!(latencies.percentile(0.99), Some(99));
        assert_eq!(latencies.percentile(1.0), Some(100));
        assert_eq!(Latencies::default().percentile(0.5), None);
    }
}
