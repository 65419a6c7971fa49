//! FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): finds accidents, not forgeries. Bytes may come in pieces.

/// The sum of what was added so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fnv1a(u64);

impl Fnv1a {
    const PRIME: u64 = 0x0100_0000_01b3;

    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(Self::PRIME)
        });
    }

    pub(crate) fn sum(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_published_one_whole_or_in_pieces() {
        let mut sum = Fnv1a::new();
        sum.add(b"foo");
        sum.add(b"");
        sum.add(b"bar");
        assert_eq!(sum.sum(), 0x8594_4171_f739_67e8);
    }
}
