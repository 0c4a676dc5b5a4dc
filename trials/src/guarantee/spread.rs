//! How long things took, in one line.

use std::time::Duration;

/// The median, the 99th percentile and the longest of some durations.
pub(super) fn spread(durations: &[Duration]) -> String {
    let mut sorted = durations.to_vec();
    sorted.sort();
    let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
    let ms = |duration: Option<&Duration>| duration.map_or(0.0, |duration| duration.as_secs_f64() * 1000.0);
    format!("p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", ms(at(50)), ms(at(99)), ms(sorted.last()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_all_durations() {
        let durations: Vec<_> = (0..200).rev().map(Duration::from_millis).collect();
        assert_eq!(spread(&durations), "p50 100.0 ms, p99 198.0 ms, longest 199.0 ms");
        assert_eq!(spread(&[Duration::from_millis(7)]), "p50 7.0 ms, p99 7.0 ms, longest 7.0 ms");
        assert_eq!(spread(&[]), "p50 0.0 ms, p99 0.0 ms, longest 0.0 ms");
    }
}
