//! A lane: a row of segments that, as a rule, one thread appends to.
//!
//! The hot path takes `writer`, which no other thread wants unless two threads share the lane, and touches the
//! other locks only when a segment is full.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use terse_core::Timestamp;

use super::folder::{Folder, NoSegment};
use super::frame::{Found, Scan, Seal};
use super::header::HEADER_BYTES;
use super::record::{self, Payload};
use super::segment::{Segment, SegmentWriter};

/// One lane. Aligned so that no two of them share a cache line, nor a pair that the processor fetches together.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Lane {
    number: u32,
    writer: Mutex<Writer>,
    /// Bytes of records appended by this run, in all segments.
    end: AtomicU64,
    /// Records appended by this run.
    records: AtomicU64,
    spare: Mutex<Spare>,
    segments: Mutex<Vec<Arc<Segment>>>,
}

/// Where a record was put: the place behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub(super) lane: u32,
    pub(super) sequence: u64,
    pub(super) offset: usize,
    pub(super) began_segment: bool,
}

#[derive(Debug, Default)]
struct Writer {
    active: Option<SegmentWriter>,
    /// No segment could be had. Until the keeper brings one, clicks are shed without a system call each.
    is_starved: bool,
}

#[derive(Debug)]
struct Spare {
    ready: Option<SegmentWriter>,
    next_sequence: u64,
}

impl Lane {
    /// A lane without segments.
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            writer: Mutex::default(),
            end: AtomicU64::new(0),
            records: AtomicU64::new(0),
            spare: Mutex::new(Spare {
                ready: None,
                next_sequence: 1,
            }),
            segments: Mutex::default(),
        }
    }

    /// Appends a record; without room in the segment at hand, behind the spare one's header, and without a spare
    /// in a segment made now. `None` when there is none to be had.
    pub(super) fn append(&self, payload: &Payload<'_>, folder: &Folder) -> Option<Appended> {
        let mut writer = lock(&self.writer);
        let fits = |active: &SegmentWriter| active.takes(payload.bytes());
        let began_segment = !writer.active.as_ref().is_some_and(fits);
        if began_segment {
            writer.active = Some(self.begin_segment(&mut writer, folder)?);
        }
        let active = writer.active.as_mut()?;
        let offset = active.append(payload);
        let base = active.segment.base.load(Ordering::Relaxed);
        self.end
            .store(base + (offset - HEADER_BYTES) as u64, Ordering::Release);
        // After `end`, so that whoever sees the count sees the bytes. No read-modify-write: the lock is held.
        let records = self.records.load(Ordering::Relaxed) + 1;
        self.records.store(records, Ordering::Release);
        Some(Appended {
            lane: self.number,
            sequence: active.segment.header.sequence,
            offset,
            began_segment,
        })
    }

    /// Makes the segment that the lane will want next, unless it is there. Gives whether one was made.
    pub(super) fn prepare_spare(&self, folder: &Folder) -> Result<bool, NoSegment> {
        let mut spare = lock(&self.spare);
        if spare.ready.is_some() {
            return Ok(false);
        }
        spare.ready = Some(self.make_segment(&mut spare, folder)?);
        Ok(true)
    }

    /// Gives the spare segment away, for good: the lane is going to be closed.
    pub(super) fn take_spare(&self) -> Option<SegmentWriter> {
        lock(&self.spare).ready.take()
    }

    /// Bytes of records appended by this run. Only grows; what was answered before this call is within it.
    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Records appended by this run.
    pub(super) fn records(&self) -> u64 {
        self.records.load(Ordering::Acquire)
    }

    /// The segments that are not shipped yet, oldest first; all but the last are complete.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        lock(&self.segments).clone()
    }

    /// Its number.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The place behind the last record, if there is one that is not shipped.
    pub(super) fn last(&self) -> Option<Appended> {
        lock(&self.segments).last().map(|segment| Appended {
            lane: self.number,
            sequence: segment.header.sequence,
            offset: segment.published().len(),
            began_segment: false,
        })
    }

    /// Takes a shipped segment out of the row.
    pub(super) fn forget(&self, sequence: u64) {
        lock(&self.segments).retain(|segment| segment.header.sequence != sequence);
    }

    /// When the first click behind the lane's first `shipped` bytes was answered.
    pub(super) fn oldest_after(&self, shipped: u64) -> Option<Timestamp> {
        self.segments().iter().find_map(|segment| {
            let base = segment.base.load(Ordering::Relaxed);
            let offset = HEADER_BYTES.saturating_add(usize::try_from(shipped.saturating_sub(base)).ok()?);
            let seal = Seal::new(segment.header.salt);
            Scan::new(segment.published(), offset, seal).find_map(|found| match found {
                Found::Record { payload, .. } => record::decode(payload).ok().map(|click| click.at),
                Found::Damage { .. } => None,
            })
        })
    }

    fn begin_segment(&self, writer: &mut Writer, folder: &Folder) -> Option<SegmentWriter> {
        // A starved lane does not wait for the keeper, who may be at the failing file system just now.
        let mut spare = if writer.is_starved {
            match self.spare.try_lock() {
                Ok(spare) => spare,
                Err(TryLockError::Poisoned(spare)) => spare.into_inner(),
                Err(TryLockError::WouldBlock) => return None,
            }
        } else {
            lock(&self.spare)
        };
        let next = match spare.ready.take() {
            Some(ready) => Some(ready),
            None if writer.is_starved => None,
            None => self
                .make_segment(&mut spare, folder)
                .inspect_err(|error| {
                    tracing::warn!(lane = self.number, %error, "the click journal cannot grow: clicks are shed");
                })
                .ok(),
        };
        writer.is_starved = next.is_none();
        let next = next?;
        next.segment
            .base
            .store(self.end.load(Ordering::Relaxed), Ordering::Relaxed);
        lock(&self.segments).push(Arc::clone(&next.segment));
        Some(next)
    }

    /// Under the lock of `spare`, so that a lane's segments are begun in the order of their sequence.
    fn make_segment(&self, spare: &mut Spare, folder: &Folder) -> Result<SegmentWriter, NoSegment> {
        let segment = folder.make_segment(self.number, spare.next_sequence)?;
        spare.next_sequence += 1;
        Ok(segment)
    }
}

/// A thread that panicked under one of the journal's locks leaves valid data behind: every change is one step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
