//! How long generated codes are: long enough that guessing one is hopeless.

/// Generated codes have at least this many characters.
pub const CODE_LENGTH_MIN: usize = 6;

/// A guess at a code hits a live link less than once in this many tries.
const GUESSES_PER_HIT: u128 = 1_000_000;

const ALPHABET_SIZE: u128 = 62;

/// The number of characters of a generated code when there are `live_links` links.
///
/// The shortest length, from [`CODE_LENGTH_MIN`], whose space of base-62 codes is a million times the links:
/// 7 from 57 thousand links, 8 from 3.5 million.
pub fn code_length_for(live_links: u64) -> usize {
    let needed = u128::from(live_links) * GUESSES_PER_HIT;
    let mut length = CODE_LENGTH_MIN;
    let mut space = (0..CODE_LENGTH_MIN).fold(1, |space, _| space * ALPHABET_SIZE);
    while space < needed {
        space *= ALPHABET_SIZE;
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_grow_with_the_number_of_links() {
        for (links, length) in [
            (0, 6),
            (56_800, 6),
            (56_801, 7),
            (3_521_614, 7),
            (3_521_615, 8),
            (1_000_000_000, 9),
            (u64::MAX, 15),
        ] {
            assert_eq!(code_length_for(links), length, "{links} links");
        }
    }
}
