//! Time: a moment kept to the microsecond, and the clock that everything else is handed.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A moment in UTC, kept to the microsecond (what both databases keep). Written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The moment of `time`, cut to whole microseconds.
    #[must_use]
    pub fn new(time: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time))
    }

    /// The moment that a database's column without a zone means.
    #[must_use]
    pub fn from_naive(time: NaiveDateTime) -> Self {
        Self::new(time.and_utc())
    }

    /// The same moment as the databases keep it: UTC, without a zone.
    #[must_use]
    pub fn naive(self) -> NaiveDateTime {
        self.0.naive_utc()
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// Whole seconds since 1970, rounded up: the first one that is not before this moment.
    #[must_use]
    pub fn unix_seconds_rounded_up(self) -> i64 {
        self.0.timestamp() + i64::from(self.0.timestamp_subsec_nanos() > 0)
    }

    /// Whole milliseconds since 1970, rounded down.
    #[must_use]
    pub fn unix_millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The moment so many microseconds after 1970; `None` if the calendar does not reach so far.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).map(Self)
    }

    /// The next moment there is, a microsecond later: what is before it is not after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(self.0))
    }

    /// This moment moved by `seconds` (may be negative); stops at the end of the calendar instead of overflowing.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// The same by `millis` milliseconds.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        let limit = if millis < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        let moved = TimeDelta::try_milliseconds(millis).and_then(|delta| self.0.checked_add_signed(delta));
        Self(moved.unwrap_or(limit))
    }

    /// The calendar day (UTC), as `YYYY-MM-DD`.
    #[must_use]
    pub fn day(self) -> String {
        self.0.format("%F").to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|time| Self::new(time.to_utc()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom("not an RFC 3339 time"))
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Where the time comes from. A test moves its own.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since the machine started, suspension included; never goes back. `std::time::Instant` will not do: it
    /// stands still while the machine sleeps, and memory would still be trusted on waking.
    fn since_boot(&self) -> Duration;

    /// The moment that counts in place of the database's clock. Only a test has one.
    fn instead_of_database(&self) -> Option<Timestamp> {
        None
    }

    /// What time it is by the database, which has just said `said`; a file has no clock, and the machine's counts.
    fn of_database(&self, said: Option<Timestamp>) -> Timestamp {
        self.instead_of_database().or(said).unwrap_or_else(|| self.now())
    }
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::new(Utc::now())
    }

    fn since_boot(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_microseconds_and_read_back() {
        let time: Timestamp = "2026-11-21T10:00:00.123456789+02:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-21T08:00:00.123456Z");
        assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn seconds_are_rounded_as_the_name_says() {
        for (time, down, up) in [
            ("1970-01-01T00:00:07Z", 7, 7),
            ("1970-01-01T00:00:07.000001Z", 7, 8),
            ("1970-01-01T00:00:07.999999Z", 7, 8),
            ("1969-12-31T23:59:58.500000Z", -2, -1),
        ] {
            let time: Timestamp = time.parse().unwrap();
            assert_eq!((time.unix_seconds(), time.unix_seconds_rounded_up()), (down, up), "{time}");
            assert_eq!(time.next().unix_micros(), time.unix_micros() + 1);
        }
    }

    #[test]
    fn adding_never_overflows() {
        let time: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert!(time.plus_seconds(i64::MAX) > time);
        assert!(time.plus_seconds(i64::MIN) < time);
        assert_eq!(time.plus_seconds(1).unix_seconds(), time.unix_seconds() + 1);
    }

    #[test]
    fn the_boot_clock_moves_forward() {
        let first = SystemClock.since_boot();
        assert!(first > Duration::ZERO);
        assert!(SystemClock.since_boot() >= first);
    }
}
