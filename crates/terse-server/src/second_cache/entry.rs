//! What a code leads to, as it stands in Redis: the moment of its reading, in digits that sort as text does, then numbers, then the target.

use terse_core::{LinkId, UserId};
use terse_store::{AsOf, RedirectRow};

/// Digits of the moment, with which an entry begins.
pub(super) const AS_OF_BYTES: usize = 19;
const NUMBERS_BYTES: usize = 8 + 8 + 8 + 1;

/// What stands in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The code leads to this link.
    Link(RedirectRow),
    /// The code leads nowhere.
    Nothing {
        /// As of this moment.
        as_of: AsOf,
    },
}

impl Entry {
    /// When it was read, in the database's history.
    pub fn as_of(&self) -> AsOf {
        match self {
            Self::Link(row) => row.as_of,
            Self::Nothing { as_of } => *as_of,
        }
    }
}

pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let moment = format!("{:019}", entry.as_of().max(0));
    let row = match entry {
        Entry::Nothing { .. } => return moment.into_bytes(),
        Entry::Link(row) => row,
    };
    let mut entry = Vec::with_capacity(AS_OF_BYTES + NUMBERS_BYTES + row.original_url.len());
    entry.extend_from_slice(moment.as_bytes());
    entry.extend_from_slice(&row.id.get().to_le_bytes());
    entry.extend_from_slice(&row.owner.map_or(0, UserId::get).to_le_bytes());
    entry.extend_from_slice(&row.version.to_le_bytes());
    entry.push(u8::from(row.is_active));
    entry.extend_from_slice(row.original_url.as_bytes());
    entry
}

/// `None` for what this program does not write.
pub(super) fn decode(entry: &[u8]) -> Option<Entry> {
    let (as_of, rest) = entry.split_at_checked(AS_OF_BYTES)?;
    let as_of = std::str::from_utf8(as_of).ok()?.parse().ok()?;
    if rest.is_empty() {
        return Some(Entry::Nothing { as_of });
    }
    let (id, rest) = number(rest)?;
    let (owner, rest) = number(rest)?;
    let (version, rest) = number(rest)?;
    let (is_active, original_url) = rest.split_first()?;
    Some(Entry::Link(RedirectRow {
        id: LinkId::new(id).ok()?,
        owner: match owner {
            0 => None,
            owner => Some(UserId::new(owner).ok()?),
        },
        original_url: std::str::from_utf8(original_url).ok()?.to_owned(),
        is_active: match is_active {
            0 => false,
            1 => true,
            _ => return None,
        },
        version,
        as_of,
    }))
}

fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((i64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = RedirectRow> {
        let numbers = (
            1..i64::MAX,
            prop::option::of(1..i64::MAX),
            any::<i64>(),
            0..i64::MAX,
        );
        (numbers, any::<bool>(), ".{0,40}").prop_map(
            |((id, owner, version, as_of), is_active, original_url)| RedirectRow {
                id: LinkId::new(id).expect("positive"),
                owner: owner.map(|owner| UserId::new(owner).expect("positive")),
                original_url,
                is_active,
                version,
                as_of,
            },
        )
    }

    proptest! {
        #[test]
        fn entries_read_back(row in row()) {
            let entry = Entry::Link(row);
            prop_assert_eq!(decode(&encode(&entry)), Some(entry));
        }

        #[test]
        fn what_is_gone_reads_back(as_of in 0..i64::MAX) {
            let entry = Entry::Nothing { as_of };
            prop_assert_eq!(decode(&encode(&entry)), Some(entry));
        }

        #[test]
        fn no_bytes_are_more_than_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn moments_sort_as_their_digits(one in row(), other in row()) {
            let digits = |row: &RedirectRow| encode(&Entry::Link(row.clone()))[..AS_OF_BYTES].to_vec();
            prop_assert_eq!(digits(&one).cmp(&digits(&other)), one.as_of.cmp(&other.as_of));
        }
    }
}
