//! Columns: numbers packed so that each can be read on its own.
//!
//! Frame of reference with a fixed width: the smallest number, then each number's distance from it in as many bytes as
//! the largest distance needs. A column of equal numbers has a width of zero. Little-endian:
//! `base: i64, width: u8, distances: [width bytes; count]`.

const HEAD_BYTES: usize = 9;
const NUMBER_BYTES: usize = 8;

/// A column that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'a> {
    base: i64,
    width: usize,
    distances: &'a [u8],
    count: usize,
}

/// Appends the column of `numbers` to `out`.
pub(crate) fn write(out: &mut Vec<u8>, numbers: impl Iterator<Item = i64> + Clone) {
    let (mut base, mut top) = (i64::MAX, i64::MIN);
    for number in numbers.clone() {
        base = base.min(number);
        top = top.max(number);
    }
    let base = base.min(top); // of no numbers too
    let width = (64 - distance(top, base).leading_zeros()).div_ceil(8) as usize;
    out.extend_from_slice(&base.to_le_bytes());
    out.push(u8::try_from(width).expect("at most eight"));
    if width == 0 {
        return;
    }
    // Whole numbers are written, each over what the one before had too much.
    let mut end = out.len();
    for number in numbers {
        out.resize(end + NUMBER_BYTES, 0);
        out[end..].copy_from_slice(&distance(number, base).to_le_bytes());
        end += width;
    }
    out.truncate(end);
}

/// How far `number` is above `base`, which is at most it; exact over the whole range.
fn distance(number: i64, base: i64) -> u64 {
    number.wrapping_sub(base).cast_unsigned()
}

impl<'a> Column<'a> {
    /// Takes a column of `count` numbers off the front of `bytes`; `None` if there is none.
    pub(crate) fn take(bytes: &mut &'a [u8], count: usize) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (base, width) = head.split_first_chunk::<NUMBER_BYTES>()?;
        let width = usize::from(*width.first()?);
        if width > NUMBER_BYTES {
            return None;
        }
        let (distances, rest) = rest.split_at_checked(count.checked_mul(width)?)?;
        *bytes = rest;
        Some(Self {
            base: i64::from_le_bytes(*base),
            width,
            distances,
            count,
        })
    }

    /// The number at `index`, which must be below the count.
    pub(crate) fn get(&self, index: usize) -> i64 {
        let start = index * self.width;
        let mut number = [0; NUMBER_BYTES];
        match self.distances.get(start..start + NUMBER_BYTES) {
            // The usual case: read more than is wanted, and forget the rest.
            Some(wide) => {
                number.copy_from_slice(wide);
                number[self.width..].fill(0);
            }
            None => number[..self.width].copy_from_slice(&self.distances[start..start + self.width]),
        }
        self.base.wrapping_add(i64::from_le_bytes(number))
    }

    /// All numbers, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.count).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[i64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, numbers.iter().copied());
        bytes
    }

    #[test]
    fn equal_numbers_cost_nothing_each_and_near_ones_little() {
        assert_eq!(packed(&[7; 1000]).len(), HEAD_BYTES);
        assert_eq!(packed(&[]).len(), HEAD_BYTES);
        assert_eq!(packed(&[1_000_000, 1_000_255]).len(), HEAD_BYTES + 2);
        assert_eq!(packed(&[i64::MIN, i64::MAX]).len(), HEAD_BYTES + 16);
    }

    proptest! {
        #[test]
        fn any_numbers_read_back(numbers: Vec<i64>, near in proptest::collection::vec(-300..300_i64, 0..50)) {
            for numbers in [numbers, near] {
                let mut bytes = packed(&numbers);
                bytes.extend_from_slice(b"rest");
                let mut rest = bytes.as_slice();
                let column = Column::take(&mut rest, numbers.len()).expect("a column");
                prop_assert_eq!(rest, b"rest");
                prop_assert_eq!(column.iter().collect::<Vec<_>>(), numbers);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, count in 0..100_usize) {
            if let Some(column) = Column::take(&mut bytes.as_slice(), count) {
                prop_assert_eq!(column.iter().count(), count);
            }
        }
    }
}
