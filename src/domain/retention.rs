//! How long rows are kept that nobody needs for a verdict any more.

use super::clock::Timestamp;

const DAY: i64 = 86_400;

/// The most days that a retention period may have: a century.
pub const MOST_DAYS: u32 = 36_500;

/// A number of days; 0 = for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(pub u32);

impl Days {
    /// The moment before which a row is old enough to be removed at `now`; `None` = no row ever is.
    #[must_use]
    pub fn cutoff(self, now: Timestamp) -> Option<Timestamp> {
        (self.0 > 0).then(|| now.plus_seconds(-i64::from(self.0) * DAY))
    }
}

/// How long each kind of row is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Counts of use by day, and single refusals.
    pub usage: Days,
    /// The audit trail.
    pub audit: Days,
    /// Tokens, from when they were revoked or expired.
    pub tokens: Days,
    /// Invitations, from when they were accepted, withdrawn or expired.
    pub invitations: Days,
}

impl Default for Retention {
    fn default() -> Self {
        Self { usage: Days(90), audit: Days(400), tokens: Days(365), invitations: Days(30) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_days_are_for_ever() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        assert_eq!(Days(0).cutoff(now), None);
        assert_eq!(Days(28).cutoff(now), Some("2026-10-31T10:00:00Z".parse().unwrap()));
    }
}
