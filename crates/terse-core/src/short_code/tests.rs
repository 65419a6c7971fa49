use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::Seeded;

#[test]
fn codes_that_people_choose_are_kept_as_they_are() {
    let longest = "x".repeat(CODE_CHARS_MAX);
    for text in [
        "a",
        "7",
        "Promo-2026",
        "a_b",
        "LsFb0m",
        "apis",
        "health-check",
        &longest,
    ] {
        assert_eq!(
            text.parse::<ShortCode>().map(|code| code.to_string()).as_deref(),
            Ok(text)
        );
    }
}

#[test]
fn what_is_no_code_is_refused_with_its_reason() {
    use InvalidShortCode::{Character, Empty, Reserved, Start, TooLong};
    let too_long = "x".repeat(CODE_CHARS_MAX + 1);
    for (text, reason) in [
        ("", Empty),
        (&*too_long, TooLong),
        ("a b", Character),
        ("a/b", Character),
        ("a.b", Character),
        ("ä", Character),
        ("a\0", Character),
        ("a\n", Character),
        (".well-known", Character),
        ("-a", Start),
        ("_a", Start),
        ("api", Reserved),
        ("API", Reserved),
        ("Shorten", Reserved),
        ("robots.txt", Reserved),
        ("Favicon.ICO", Reserved),
    ] {
        assert_eq!(text.parse::<ShortCode>(), Err(reason), "{text:?}");
    }
}

#[test]
fn every_reserved_segment_is_refused_in_every_case() {
    for reserved in RESERVED_SEGMENTS {
        for text in [reserved.to_owned(), reserved.to_uppercase()] {
            assert_eq!(
                text.parse::<ShortCode>(),
                Err(InvalidShortCode::Reserved),
                "{text}"
            );
        }
    }
}

#[test]
fn generated_codes_use_every_letter_equally() {
    const CODES: usize = 20_000;
    let random = Seeded::new(1);
    let mut counts: HashMap<char, usize> = HashMap::new();
    for _ in 0..CODES {
        for letter in ShortCode::generate(6, &random).as_str().chars() {
            *counts.entry(letter).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), 62);
    let expected = f64::from(u32::try_from(CODES * 6).expect("small")) / 62.0;
    let chi_square: f64 = counts
        .values()
        .map(|count| (f64::from(u32::try_from(*count).expect("small")) - expected).powi(2) / expected)
        .sum();
    // 61 degrees of freedom: 100.9 is exceeded by chance once in a thousand seeds, and the seed is fixed.
    assert!(chi_square < 100.9, "chi-square {chi_square}");
}

#[test]
fn generated_codes_never_repeat_by_habit() {
    let random = Seeded::new(2);
    let mut codes: Vec<_> = (0..100_000).map(|_| ShortCode::generate(8, &random)).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), 100_000);
}

proptest! {
    #[test]
    fn a_generated_code_has_its_length_and_parses(length in 1_usize..=64, seed: u64) {
        let code = ShortCode::generate(length, &Seeded::new(seed));
        prop_assert_eq!(code.as_str().len(), length);
        prop_assert_eq!(code.as_str().parse(), Ok(code.clone()));
    }
}
