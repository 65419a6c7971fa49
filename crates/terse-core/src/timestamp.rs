//! Points in time: Unix milliseconds inside, RFC 3339 UTC outside.

use std::fmt;
use std::str::FromStr;

/// A point in time, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// No point in time: neither RFC 3339 nor `YYYY-MM-DD HH:MM:SS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a time as 2026-01-31T12:00:00Z or 2026-01-31 12:00:00 (UTC)")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The point `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

/// RFC 3339 in UTC with `Z`; three decimals, none on the full second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) if self.0 % 1000 == 0 => write!(f, "{time:.0}"),
            Ok(time) => write!(f, "{time:.3}"),
            // Beyond year 9999, which RFC 3339 cannot write.
            Err(_) => write!(
                f,
                "{}",
                if self.0 < 0 {
                    jiff::Timestamp::MIN
                } else {
                    jiff::Timestamp::MAX
                }
            ),
        }
    }
}

/// RFC 3339 with any offset, or a date and time without one, which is taken as UTC.
impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(time.as_millisecond()));
        }
        text.parse::<jiff::civil::DateTime>()
            .and_then(|civil| jiff::tz::Offset::UTC.to_timestamp(civil))
            .map(|time| Self(time.as_millisecond()))
            .map_err(|_| InvalidTimestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back_as_they_were_written() {
        for (given, written) in [
            ("2025-02-07 03:48:16", "2025-02-07T03:48:16Z"),
            ("2025-02-07T03:48:16Z", "2025-02-07T03:48:16Z"),
            ("2025-02-07T03:48:16.250Z", "2025-02-07T03:48:16.250Z"),
            ("2025-02-07T03:48:16.2504Z", "2025-02-07T03:48:16.250Z"),
            ("2025-02-07T04:48:16+01:00", "2025-02-07T03:48:16Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500Z"),
        ] {
            let time: Timestamp = given.parse().expect(given);
            assert_eq!(time.to_string(), written, "{given}");
            assert_eq!(time.to_string().parse(), Ok(time), "{given}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for given in [
            "",
            "yesterday",
            "2025-02-30 00:00:00",
            "2025-02-07 25:00:00",
            "1738900000",
        ] {
            assert_eq!(given.parse::<Timestamp>(), Err(InvalidTimestamp), "{given}");
        }
    }

    #[test]
    fn times_that_no_calendar_holds_are_still_written() {
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9999-12-30T22:00:00.999999999Z"
        );
    }
}
