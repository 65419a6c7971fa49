//! A batch: the next clicks of a segment, as many as the store takes at once.

use std::cmp::Ordering;

use terse_core::Click;
use terse_store::Position;

use crate::clicks::frame::{Found, Scan, Seal};
use crate::clicks::header::{HEADER_BYTES, SegmentHeader};
use crate::clicks::problem::ProblemKind;
use crate::clicks::record;

/// The most clicks that are given to the store at once.
pub const SHIP_BATCH_MAX: usize = 10_000;
/// The most journal bytes that become one batch: bounds memory when every target is 8 KiB long.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Clicks of one segment, and where the next batch begins.
#[derive(Debug)]
pub(super) struct Batch {
    /// The clicks, in the order in which they were appended.
    pub(super) clicks: Vec<Click>,
    /// What was found between them.
    pub(super) problems: Vec<ProblemKind>,
    /// Where the next batch begins.
    pub(super) end: usize,
}

/// Where in the segment with this sequence the first click behind `position` is; `None` when the whole segment is
/// before it.
pub(super) fn start_in(sequence: u64, position: Position) -> Option<usize> {
    match position.segment.cmp(&sequence) {
        Ordering::Less => Some(HEADER_BYTES),
        // An offset that no memory can have is behind the end of every segment.
        Ordering::Equal => Some(
            usize::try_from(position.offset)
                .unwrap_or(usize::MAX)
                .max(HEADER_BYTES),
        ),
        Ordering::Greater => None,
    }
}

impl Batch {
    /// Reads from `start` on in `bytes`, the segment from its beginning.
    pub(super) fn read(header: &SegmentHeader, bytes: &[u8], start: usize) -> Self {
        let mut batch = Self {
            clicks: Vec::new(),
            problems: Vec::new(),
            end: start,
        };
        for found in Scan::new(bytes, start, Seal::new(header.salt)) {
            batch.take(&found);
            if batch.clicks.len() == SHIP_BATCH_MAX || batch.end - start >= BATCH_BYTES_MAX {
                break;
            }
        }
        batch
    }

    fn take(&mut self, found: &Found<'_>) {
        let begin = self.end as u64;
        match *found {
            Found::Record { payload, end } => {
                match record::decode(payload) {
                    Ok(click) => self.clicks.push(click),
                    Err(reason) => self.problems.push(ProblemKind::Record {
                        offset: begin,
                        reason,
                    }),
                }
                self.end = end;
            }
            Found::Damage {
                offset,
                bytes,
                is_tail,
                end,
            } => {
                self.problems.push(ProblemKind::of_damage(offset, bytes, is_tail));
                self.end = end;
            }
        }
    }
}
