//! How old the oldest click is that waits: read from the journal itself, so that appending need not note it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use terse_core::Timestamp;

use crate::clicks::frame::{Found, Scan, Sealed};
use crate::clicks::header::HEADER_BYTES;
use crate::clicks::lane::Lane;
use crate::clicks::record;
use crate::clicks::segment::Segment;

/// When the first click of `lane` behind `passed_bytes` was answered. `None` too when it is shipped meanwhile.
pub(super) fn oldest_behind(lane: &Lane, passed_bytes: u64) -> Option<Timestamp> {
    let segments = lane.segments();
    segments
        .iter()
        .find_map(|segment| oldest_in(segment, passed_bytes))
}

fn oldest_in(segment: &Arc<Segment>, passed_bytes: u64) -> Option<Timestamp> {
    let bytes = segment.published();
    let passed = passed_bytes.saturating_sub(segment.base.load(Ordering::Relaxed));
    let start = HEADER_BYTES.saturating_add(usize::try_from(passed).ok()?);
    if start >= bytes.len() {
        return None;
    }
    let mut found = Scan::new(Sealed::new(bytes, segment.header.salt), start);
    found.find_map(|found| match found {
        Found::Record { payload, .. } => record::decode(payload).ok().map(|record| record.at),
        Found::Damage { .. } | Found::Unfinished { .. } => None,
    })
}
