//! Durations as people write them: a number and its unit.

use std::time::Duration;

use super::{ConfigError, value_error};

/// Parses `90s`, `30m`, `24h` or `7d`.
///
/// # Errors
/// For anything else, or what is not within `min` and `max`.
pub(super) fn duration(
    setting: &'static str,
    text: Option<String>,
    default: Duration,
    (min, max): (Duration, Duration),
) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(default) };
    parse(&text)
        .filter(|duration| (min..=max).contains(duration))
        .ok_or_else(|| {
            let problem = format!(
                "is no time from {} s to {} days, such as 90s, 30m, 24h or 7d",
                min.as_secs(),
                max.as_secs() / 86_400
            );
            value_error(setting, &text, problem)
        })
}

fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit_is_a_duration() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "24", "-1h", "1.5h", "1 h", "99999999999999999999d", "1w"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
