use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

/// The longest latency that is told from longer ones, in microseconds.
const LONGEST: u64 = 60_000_000;

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many answers had which status; those of the warm-up too.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer: the connection broke, could not be made, or took too long.
    pub broken: u64,
    /// How long it took, without the warm-up.
    pub elapsed: Duration,
    /// In microseconds, without the warm-up.
    latencies: Histogram<u64>,
}

impl Default for Report {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "these bounds are within what it can")]
        let latencies = Histogram::new_with_bounds(1, LONGEST, 3).expect("good bounds");
        Self { statuses: BTreeMap::new(), broken: 0, elapsed: Duration::ZERO, latencies }
    }
}

impl Report {
    /// Notes an answer; `latency` if it counts.
    pub(super) fn note(&mut self, status: u16, latency: Option<Duration>) {
        *self.statuses.entry(status).or_default() += 1;
        if let Some(latency) = latency {
            self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// Adds what another connection saw.
    pub(super) fn add(&mut self, other: &Self) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.broken += other.broken;
        // Both have the same bounds.
        let _ = self.latencies.add(&other.latencies);
    }

    /// All answers, those of the warm-up too.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// The requests that were not answered with `status`.
    #[must_use]
    pub fn other_than(&self, status: u16) -> u64 {
        self.broken + self.answers() - self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// Answers a second, without the warm-up.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 here")]
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that the share `quantile` (0 to 1) of the answers does not exceed, in milliseconds. Without the
    /// warm-up; of an open pace from the moment at which the request should have been sent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_counts() {
        let mut report = Report { elapsed: Duration::from_secs(2), ..Report::default() };
        for micros in 1..=1000 {
            report.note(200, Some(Duration::from_micros(micros)));
        }
        report.note(503, None);
        report.broken = 1;
        assert_eq!((report.answers(), report.other_than(200)), (1001, 2));
        assert!((report.per_second() - 500.0).abs() < 1e-9, "{}", report.per_second());
        for (quantile, wanted) in [(0.5, 0.5), (0.99, 0.99), (0.999, 0.999)] {
            let found = report.quantile_ms(quantile);
            assert!((found - wanted).abs() <= 0.001, "{quantile}: {found}");
        }
    }

    #[test]
    fn parts_make_a_whole() {
        let mut whole = Report::default();
        for latency in [1, 3] {
            let mut part = Report::default();
            part.note(200, Some(Duration::from_millis(latency)));
            part.broken = 1;
            whole.add(&part);
        }
        assert_eq!((whole.answers(), whole.broken), (2, 2));
        assert!((whole.quantile_ms(1.0) - 3.0).abs() < 0.01 && (whole.quantile_ms(0.5) - 1.0).abs() < 0.01);
    }
}
