//! Arithmetic and how its results are written.

/// The middle one; of an even number, the mean of the two in the middle.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(upper) } else { f64::midpoint(at(upper.wrapping_sub(1)), at(upper)) }
}

/// The median of the rounds' own ratios: what slowed a round down slowed both its turns down.
pub(super) fn ratio(ours: &[f64], limit: &[f64]) -> f64 {
    median(ours.iter().zip(limit).map(|(ours, limit)| ours / limit).collect())
}

/// Whole, with commas.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits that count.
pub(super) fn short(number: f64) -> String {
    match number {
        n if n >= 99.95 => grouped(n),
        n if n >= 9.995 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

/// A ratio.
pub(super) fn times(ratio: f64) -> String {
    if ratio.is_finite() { format!("{ratio:.2} ×") } else { "–".to_owned() }
}

/// Bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "no memory has 2^52 bytes")]
pub(super) fn mebibytes(bytes: u64) -> String {
    short(bytes as f64 / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 100.0]) - 3.0).abs() < 1e-9);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_ratio_is_of_turns_in_the_same_round() {
        // Medians on their own would say 20 / 10; in each round it was 1.5.
        assert!((ratio(&[15.0, 30.0, 15.0], &[10.0, 20.0, 10.0]) - 1.5).abs() < 1e-9);
        assert!((ratio(&[30.0, 15.0], &[20.0, 10.0]) - 1.5).abs() < 1e-9);
        assert_eq!(times(1.5), "1.50 ×");
        assert_eq!(times(ratio(&[], &[])), "–");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(
            [grouped(0.0), grouped(999.0), grouped(1000.0), grouped(1_234_567.0)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([short(1.234), short(12.34), short(1234.5)], ["1.23", "12.3", "1,234"]);
        assert_eq!(short(99.97), "100");
        assert_eq!(mebibytes(1_572_864), "1.50");
    }
}
