//! Records in a segment: the frame around a payload, and how to find whole ones among torn or damaged bytes.
//!
//! A frame is `len: u32`, `crc: u32`, payload, zeros up to a multiple of eight; little-endian. The checksum covers
//! the segment's secret salt, so that nothing a visitor sends can be taken for a record. It is written last: what a process
//! was just copying when it was killed has a length and no checksum, and nothing behind it.

use super::record::PAYLOAD_BYTES_MAX;

/// What stands before a payload: its length and checksum.
pub(super) const FRAME_HEAD_BYTES: usize = 8;
/// Frames begin at multiples of this.
pub(super) const ALIGNMENT_BYTES: usize = 8;
/// The longest frame.
pub(super) const FRAME_BYTES_MAX: usize = frame_bytes(PAYLOAD_BYTES_MAX);

/// What a payload of this length takes in a segment.
pub(super) const fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEAD_BYTES + payload_bytes).next_multiple_of(ALIGNMENT_BYTES)
}

/// Makes the checksums of one segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seal {
    salted: u32,
}

impl Seal {
    /// The seal of the segment with this salt.
    pub(super) fn new(salt: u64) -> Self {
        Self {
            salted: crc32fast::hash(&salt.to_le_bytes()),
        }
    }

    /// The checksum over salt, length and payload.
    pub(super) fn of(self, payload_bytes: u32, payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.salted);
        hasher.update(&payload_bytes.to_le_bytes());
        hasher.update(payload);
        hasher.finalize()
    }
}

/// What stands at some place of a segment. Offsets count from the beginning of the segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole record.
    Record {
        /// What it holds.
        payload: &'a [u8],
        /// Where the next one begins.
        end: usize,
    },
    /// What the segment's writer was appending when it was killed: its click was not answered, or not on disk when the
    /// machine stopped.
    Unfinished {
        /// Where it begins.
        offset: usize,
        /// The end of the segment.
        end: usize,
    },
    /// Bytes that are no record, and not just zeros.
    Damage {
        /// Where they begin.
        offset: usize,
        /// How many they are.
        bytes: usize,
        /// Whether nothing whole follows, as after a crash amid an append; `end` is then the end of the segment.
        is_tail: bool,
        /// Where the next record begins.
        end: usize,
    },
}

/// A segment's bytes from its beginning, and the seal of its records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed<'a> {
    /// All of the segment, or its front.
    pub(super) bytes: &'a [u8],
    /// Its seal.
    pub(super) seal: Seal,
}

impl<'a> Sealed<'a> {
    /// `bytes` of a segment with this salt.
    pub(super) fn new(bytes: &'a [u8], salt: u64) -> Self {
        let seal = Seal::new(salt);
        Self { bytes, seal }
    }

    /// The payload of the whole record at `offset`, if one is there, and where the next one begins.
    pub(super) fn record_at(self, offset: usize) -> Option<(&'a [u8], usize)> {
        let (head, rest) = self
            .bytes
            .get(offset..)?
            .split_first_chunk::<FRAME_HEAD_BYTES>()?;
        let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let payload_bytes = usize::try_from(length).ok()?;
        if payload_bytes == 0 || payload_bytes > PAYLOAD_BYTES_MAX {
            return None;
        }
        let payload = rest.get(..payload_bytes)?;
        let crc = u32::from_le_bytes([c0, c1, c2, c3]);
        // A file cut inside the zeros that follow a payload still holds the whole record.
        let end = (offset + frame_bytes(payload_bytes)).min(self.bytes.len());
        (self.seal.of(length, payload) == crc).then_some((payload, end))
    }
}

/// Walks over the records of a segment, or of its front.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    segment: Sealed<'a>,
    offset: usize,
    /// Only zeros stand from here on; found once, because looking again after each damage would be quadratic.
    used: usize,
}

impl<'a> Scan<'a> {
    /// Looks for records in `segment` from `offset` on.
    pub(super) fn new(segment: Sealed<'a>, offset: usize) -> Self {
        let is_used = |byte: &u8| *byte != 0;
        let used = segment.bytes.iter().rposition(is_used).map_or(0, |last| last + 1);
        Self {
            segment,
            offset,
            used,
        }
    }

    /// Where the segment ends, if what stands at `offset` was never finished. Length and checksum are eight aligned bytes, so no
    /// disk loses one without the other, and a flipped bit does not clear a checksum.
    fn unfinished_at(&self, offset: usize) -> Option<usize> {
        let [l0, l1, l2, l3, 0, 0, 0, 0] = *self
            .segment
            .bytes
            .get(offset..)?
            .first_chunk::<FRAME_HEAD_BYTES>()?
        else {
            return None;
        };
        let payload_bytes = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
        let is_payload = (1..=PAYLOAD_BYTES_MAX).contains(&payload_bytes);
        let end = offset + frame_bytes(payload_bytes.min(PAYLOAD_BYTES_MAX));
        (is_payload && (self.used..=self.segment.bytes.len()).contains(&end))
            .then_some(self.segment.bytes.len())
    }

    fn damage_at(&self, offset: usize) -> Found<'a> {
        let next = (offset + ALIGNMENT_BYTES..self.used)
            .step_by(ALIGNMENT_BYTES)
            .find(|candidate| self.segment.record_at(*candidate).is_some());
        Found::Damage {
            offset,
            bytes: next.unwrap_or(self.used) - offset,
            is_tail: next.is_none(),
            end: next.unwrap_or(self.segment.bytes.len()),
        }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        if self.offset >= self.used {
            return None;
        }
        let found = match self.segment.record_at(self.offset) {
            Some((payload, end)) => Found::Record { payload, end },
            None => match self.unfinished_at(self.offset) {
                Some(end) => Found::Unfinished {
                    offset: self.offset,
                    end,
                },
                None => self.damage_at(self.offset),
            },
        };
        let (Found::Record { end, .. } | Found::Unfinished { end, .. } | Found::Damage { end, .. }) = &found;
        self.offset = *end;
        Some(found)
    }
}

#[cfg(test)]
mod tests;
