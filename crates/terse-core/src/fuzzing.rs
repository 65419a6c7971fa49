//! What must hold for any input of the parsers, as functions that panic when it does not.
//!
//! `fuzz/` looks for such an input with a fuzzer, the tests beside this file with generated and with kept ones: one
//! function for both. Not a part of the crate: it is there for tests and under the feature `fuzzing` only.

use crate::{CODE_CHARS_MAX, InvalidTarget, RESERVED_SEGMENTS, ShortCode, TARGET_BYTES_MAX, TargetUrl};

/// A target is an http or https URL, its location is one header value, and both read back as the same target.
///
/// # Panics
/// If that does not hold for `given`.
pub fn target_url(given: &str) {
    let Ok(target) = given.parse::<TargetUrl>() else {
        return;
    };
    let location = target.location();
    assert_eq!(target.original(), given.trim());
    assert!(
        ["http://", "https://"]
            .iter()
            .any(|scheme| location.starts_with(scheme)),
        "{location:?} has another scheme"
    );
    assert!(
        location.bytes().all(|byte| byte.is_ascii_graphic()),
        "{location:?} is no header value"
    );
    assert!(location.len() <= TARGET_BYTES_MAX && target.original().len() <= TARGET_BYTES_MAX);
    let url = url::Url::parse(location).expect("a location is a URL");
    assert!(["http", "https"].contains(&url.scheme()));
    assert!(
        url.username().is_empty() && url.password().is_none(),
        "{location:?} holds credentials"
    );
    assert_eq!(url.host_str(), Some(target.host()));
    assert_eq!(url.port_or_known_default(), Some(target.port()));
    assert_eq!(Ok(url), url::Url::parse(target.original()));
    let again = location.parse::<TargetUrl>();
    assert_eq!(
        again.as_ref().map(TargetUrl::location),
        Ok::<_, &InvalidTarget>(location),
        "what is sent is a target, and is sent unchanged"
    );
}

/// A text is a short code exactly if it follows the rules, and reads back as it was given.
///
/// # Panics
/// If that does not hold for `given`.
pub fn short_code(given: &str) {
    let follows_the_rules = !given.is_empty()
        && given.chars().count() <= CODE_CHARS_MAX
        && given
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && given.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !RESERVED_SEGMENTS.contains(&given.to_ascii_lowercase().as_str());
    let code = given.parse::<ShortCode>();
    assert_eq!(code.is_ok(), follows_the_rules, "{given:?}");
    if let Ok(code) = code {
        assert_eq!(code.as_str(), given);
    }
}

#[cfg(test)]
mod tests;
