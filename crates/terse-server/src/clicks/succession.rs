//! Whether the segments of a lane follow one another. Writers leave no number out, so one that is left out is lost.

use std::collections::HashMap;

use terse_store::Position;

use super::header::{LaneKey, SegmentHeader};

/// The last segment of each lane that was come by, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Succession(HashMap<LaneKey, u64>);

impl Succession {
    /// Comes by a segment with clicks, whose lane is shipped up to `position`. How many segments between the two, and behind
    /// the one before, are gone; said once.
    pub(super) fn missing_before(&mut self, header: &SegmentHeader, position: Position) -> u64 {
        let last = self.pass(header).unwrap_or(0);
        header.sequence.saturating_sub(position.segment.max(last) + 1)
    }

    /// Comes by one without clicks. Most of them were made ahead, and say nothing of those before them.
    pub(super) fn pass(&mut self, header: &SegmentHeader) -> Option<u64> {
        self.0.insert(header.lane_key(), header.sequence)
    }
}
