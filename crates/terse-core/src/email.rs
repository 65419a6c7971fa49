//! E-mail addresses, as far as a form can tell.

use std::str::FromStr;

/// The most bytes an address may have: RFC 5321, 4.5.3.1.3, less the angle brackets.
pub const EMAIL_BYTES_MAX: usize = 254;

const LOCAL_BYTES_MAX: usize = 64; // RFC 5321, 4.5.3.1.1
const LABEL_CHARS_MAX: usize = 63;

/// An address of the form `local@domain.tld`, trimmed. Two that differ only in case are the same address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);

/// Why a text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Nothing there but white space.
    #[error("Email cannot be empty")]
    Empty,
    /// Anything that is not `local@domain.tld`.
    #[error("Invalid email format")]
    Format,
}

impl Email {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared.
    pub fn to_key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// The HTML standard's rule for `<input type=email>`, widened to international letters and narrowed to domains
/// with a dot: <https://html.spec.whatwg.org/#valid-e-mail-address>.
impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(given: &str) -> Result<Self, InvalidEmail> {
        let text = given.trim();
        if text.is_empty() {
            return Err(InvalidEmail::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail::Format)?;
        let valid = text.len() <= EMAIL_BYTES_MAX && is_local_part(local) && is_domain(domain);
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(InvalidEmail::Format)
        }
    }
}

fn is_local_part(local: &str) -> bool {
    let dots_separate = local.split('.').all(|atom| !atom.is_empty());
    let letters_fit = local
        .chars()
        .all(|c| c == '.' || c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c));
    dots_separate && letters_fit && local.len() <= LOCAL_BYTES_MAX
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let edges_fit = !label.starts_with('-') && !label.ends_with('-');
    let letters_fit = label.chars().all(|c| c == '-' || c.is_alphanumeric());
    edges_fit && letters_fit && (1..=LABEL_CHARS_MAX).contains(&label.chars().count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_trimmed_and_compared_without_case() {
        let email: Email = "  Ann.O'Neil+x@Example.COM ".parse().expect("valid");
        assert_eq!(email.as_str(), "Ann.O'Neil+x@Example.COM");
        assert_eq!(email.to_key(), "ann.o'neil+x@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.com", "b.".repeat(130));
        for given in [
            "plain",
            "@example.com",
            "a@",
            "a@b",
            "a@@example.com",
            "a b@example.com",
            "a@exam ple.com",
            "a@-b.com",
            "a@b-.com",
            "a@b..com",
            "a@.com",
            "a@b.com.",
            ".a@b.com",
            "a.@b.com",
            "a..b@c.com",
            "a@b_c.com",
            "a\0@b.com",
            "<a@b.com>",
            "a@b.com\nBcc: c@d.com",
            &long_local,
            &long,
        ] {
            assert_eq!(given.parse::<Email>(), Err(InvalidEmail::Format), "{given:?}");
        }
        assert_eq!(" \t".parse::<Email>(), Err(InvalidEmail::Empty));
    }

    proptest! {
        #[test]
        fn an_address_that_parses_parses_again_to_itself(given in "\\PC{0,40}@\\PC{0,20}\\.[a-z]{2,5}") {
            if let Ok(email) = given.parse::<Email>() {
                prop_assert_eq!(email.as_str().parse::<Email>(), Ok(email));
            }
        }

        #[test]
        fn ordinary_addresses_are_accepted(given in "[a-z0-9]{1,20}(\\.[a-z0-9]{1,9}){0,2}@([a-z0-9]{1,12}\\.){1,3}[a-z]{2,6}") {
            prop_assert!(given.parse::<Email>().is_ok());
        }
    }
}
