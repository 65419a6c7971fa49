//! Short free texts: titles, user names, search words.

use std::str::FromStr;

/// The most characters a title may have.
pub const TITLE_CHARS_MAX: usize = 500;
/// The most characters a user name may have.
pub const USERNAME_CHARS_MAX: usize = 255;
/// The most characters a search may have.
pub const SEARCH_CHARS_MAX: usize = 500;

/// Why a text cannot be stored. The message continues a sentence that names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing there but white space.
    #[error("cannot be empty")]
    Empty,
    /// More characters than the field has room for.
    #[error("must be at most {chars_max} characters")]
    TooLong {
        /// The field's limit.
        chars_max: usize,
    },
    /// NUL, or another control character where none belongs.
    #[error("must not contain control characters")]
    Control,
}

/// Trims `given` and holds it to the rules that all short texts share.
pub(crate) fn parse_text(given: &str, chars_max: usize) -> Result<Box<str>, InvalidText> {
    let text = given.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    if text.chars().count() > chars_max {
        return Err(InvalidText::TooLong { chars_max });
    }
    if text.contains(char::is_control) {
        return Err(InvalidText::Control);
    }
    Ok(text.into())
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $chars_max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;

            fn from_str(given: &str) -> Result<Self, InvalidText> {
                parse_text(given, $chars_max).map(Self)
            }
        }
    };
}

text!(
    /// What a person calls a link: 1–500 characters, trimmed, no control characters.
    Title,
    TITLE_CHARS_MAX
);
text!(
    /// What a user is called: 1–255 characters, trimmed, case-sensitive, no control characters.
    Username,
    USERNAME_CHARS_MAX
);
text!(
    /// A part of a target or title to look for, in any case: 1–500 characters.
    SearchText,
    SEARCH_CHARS_MAX
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_kept() {
        assert_eq!(
            "  Quarterly brief "
                .parse::<Title>()
                .map(|title| title.as_str().to_owned()),
            Ok("Quarterly brief".to_owned())
        );
        assert_eq!(
            "名前 Ünïcode 🙂"
                .parse::<Username>()
                .map(|name| name.as_str().to_owned()),
            Ok("名前 Ünïcode 🙂".to_owned())
        );
    }

    #[test]
    fn texts_that_cannot_be_stored_are_refused_with_their_reason() {
        for (given, reason) in [
            ("", InvalidText::Empty),
            (" \u{2003}\t", InvalidText::Empty),
            ("a\0b", InvalidText::Control),
            ("a\nb", InvalidText::Control),
            ("a\u{85}b", InvalidText::Control),
            (
                &"ä".repeat(USERNAME_CHARS_MAX + 1),
                InvalidText::TooLong {
                    chars_max: USERNAME_CHARS_MAX,
                },
            ),
        ] {
            assert_eq!(given.parse::<Username>(), Err(reason), "{given:?}");
        }
        assert!("ä".repeat(USERNAME_CHARS_MAX).parse::<Username>().is_ok());
    }
}
