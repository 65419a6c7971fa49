//! Sorting by subject in linear time: what is folded comes in the order of its ids already, and subjects are dense.
//!
//! Least significant digit first, as in Knuth, The Art of Computer Programming, volume 3, 5.2.5.

use super::postings::Posting;
use crate::pace::Pace;

const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;

/// Sorts by the first number; equal ones stay in their order.
pub(crate) fn sort_by_subject(postings: &mut Vec<Posting>, pace: &mut Pace) {
    let subjects = postings.iter().map(|posting| posting.0);
    let (Some(low), Some(high)) = (subjects.clone().min(), subjects.max()) else {
        return;
    };
    let above_low = |subject: i64| subject.wrapping_sub(low).cast_unsigned();
    let bits = u64::BITS - above_low(high).leading_zeros();
    let mut sorted = vec![(0, 0); postings.len()];
    for shift in (0..bits).step_by(DIGIT_BITS as usize) {
        let digit = |posting: &Posting| digit_of(above_low(posting.0) >> shift);
        let mut starts = [0_usize; DIGITS];
        for posting in &*postings {
            starts[digit(posting)] += 1;
        }
        let mut next = 0;
        for start in &mut starts {
            next += std::mem::replace(start, next);
        }
        for posting in &*postings {
            let start = &mut starts[digit(posting)];
            sorted[*start] = *posting;
            *start += 1;
            pace.step();
        }
        std::mem::swap(postings, &mut sorted);
    }
}

/// The lowest digit of `number`.
fn digit_of(number: u64) -> usize {
    usize::try_from(number % DIGITS as u64).expect("a digit is small")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn postings_are_sorted_as_by_the_library(wide: Vec<i64>, near in proptest::collection::vec(0..5_000_i64, 0..300)) {
            for subjects in [wide, near] {
                let mut postings: Vec<_> = subjects.into_iter().zip(1..).collect();
                let mut expected = postings.clone();
                expected.sort_unstable();
                sort_by_subject(&mut postings, &mut Pace::default());
                prop_assert_eq!(postings, expected);
            }
        }
    }
}
