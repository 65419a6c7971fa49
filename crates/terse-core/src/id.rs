//! Ids: positive 64-bit integers, a type for each thing that has one.

/// Not the id of anything: zero, negative, or no integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a positive integer")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The id with this number.
            ///
            /// # Errors
            /// [`InvalidId`] when it is not positive.
            pub const fn new(number: i64) -> Result<Self, InvalidId> {
                if number > 0 { Ok(Self(number)) } else { Err(InvalidId) }
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // One id, one spelling: neither `+1` nor `01`.
                let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| plain).ok_or(InvalidId).and_then(Self::new)
            }
        }
    };
}

id!(
    /// Names a link for as long as the store exists; never given to another one.
    LinkId
);
id!(
    /// Names a user; never given to another one.
    UserId
);
id!(
    /// Names an event; grows in the order in which events were recorded.
    EventId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        assert_eq!("42".parse().map(LinkId::get), Ok(42));
        assert_eq!("9223372036854775807".parse().map(UserId::get), Ok(i64::MAX));
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "01",
            "1.0",
            " 1",
            "1e3",
            "9223372036854775808",
            "one",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(InvalidId), "{text:?}");
        }
        assert_eq!(
            (LinkId::new(0), UserId::new(-5)),
            (Err(InvalidId), Err(InvalidId))
        );
    }
}
