//! Short codes: the path segments that name links.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use crate::Random;

/// The most characters a custom code may have.
pub const CODE_CHARS_MAX: usize = 64;

/// First path segments that the service keeps for itself; no code may equal one, in any case.
pub const RESERVED_SEGMENTS: [&str; 19] = [
    "api",
    "shorten",
    "urls",
    "users",
    "events",
    "links",
    "health",
    "livez",
    "readyz",
    "metrics",
    "docs",
    "dashboard",
    "login",
    "logout",
    "static",
    "assets",
    "robots.txt",
    "favicon.ico",
    "sitemap.xml",
];

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The name of a link in its short URL: 1–64 of `A-Z a-z 0-9 - _`, first a letter or digit, case-sensitive,
/// never a reserved segment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortCode(SmolStr);

/// Why a text is no short code. The messages are meant for the person who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShortCode {
    /// Nothing there.
    #[error("Short code cannot be empty")]
    Empty,
    /// Longer than [`CODE_CHARS_MAX`].
    #[error("Short code must be at most 64 characters")]
    TooLong,
    /// A character outside the alphabet.
    #[error("Short code may contain only letters, digits, '-' and '_'")]
    Character,
    /// `-` or `_` in front.
    #[error("Short code must start with a letter or digit")]
    Start,
    /// One of [`RESERVED_SEGMENTS`].
    #[error("Short code is reserved")]
    Reserved,
}

/// Whether the service keeps `segment` for itself: a reserved word in any case, or anything that starts with
/// `-`, `.` or `_` (so also `.well-known`).
pub fn is_reserved_segment(segment: &str) -> bool {
    segment.starts_with(['-', '.', '_'])
        || RESERVED_SEGMENTS
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(segment))
}

impl ShortCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A fresh code of `length` characters (at most [`CODE_CHARS_MAX`]), each of the 62 letters and digits
    /// equally likely, and not a reserved word.
    pub fn generate(length: usize, random: &dyn Random) -> Self {
        let length = length.clamp(1, CODE_CHARS_MAX);
        loop {
            if let Ok(code) = base62(length, random).parse() {
                return code;
            }
        }
    }
}

/// Bytes from 248 upwards are thrown away: keeping them would favour the first letters.
fn base62(length: usize, random: &dyn Random) -> String {
    const FAIR_BELOW: u8 = 248; // 4 × 62
    let mut text = String::with_capacity(length);
    let mut bytes = [0; CODE_CHARS_MAX];
    while text.len() < length {
        random.fill(&mut bytes);
        let fair = bytes.iter().filter(|byte| **byte < FAIR_BELOW);
        text.extend(
            fair.take(length - text.len())
                .map(|byte| char::from(BASE62[usize::from(byte % 62)])),
        );
    }
    text
}

impl FromStr for ShortCode {
    type Err = InvalidShortCode;

    fn from_str(text: &str) -> Result<Self, InvalidShortCode> {
        let first = *text.as_bytes().first().ok_or(InvalidShortCode::Empty)?;
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        {
            return Err(
                if is_reserved_segment(text) && !text.starts_with(['-', '.', '_']) {
                    InvalidShortCode::Reserved
                } else {
                    InvalidShortCode::Character
                },
            );
        }
        if text.len() > CODE_CHARS_MAX {
            return Err(InvalidShortCode::TooLong);
        }
        if !first.is_ascii_alphanumeric() {
            return Err(InvalidShortCode::Start);
        }
        if is_reserved_segment(text) {
            return Err(InvalidShortCode::Reserved);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Maps keyed by codes can be asked with the bytes of a request, without an allocation.
impl Borrow<str> for ShortCode {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
