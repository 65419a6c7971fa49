//! A lane: a row of segments that, as a rule, one thread appends to.
//!
//! The hot path takes `writer`, which no other thread wants unless two threads share the lane, and touches the
//! other locks only when a segment is full.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folder::{Folder, NoSegment};
use super::header::HEADER_BYTES;
use super::record::Payload;
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
    /// Segments that were made ahead, in the order of their sequence. Locked for moments only.
    spares: Mutex<VecDeque<SegmentWriter>>,
    /// Locked by the one who makes a segment, for as long as the file system takes: a lane's segments are made one
    /// after the other. Nobody wants it who finds a spare.
    next_sequence: Mutex<u64>,
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

/// Why there is no room for a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// The journal has the size that it may have: the database takes its clicks more slowly than they come, or not at all.
    Limit,
    /// The disk is full, or fails.
    Disk,
}

#[derive(Debug, Default)]
struct Writer {
    active: Option<SegmentWriter>,
    /// No segment could be had. Until the keeper brings one, clicks are shed without a system call each.
    starved: Option<NoRoom>,
}

impl NoRoom {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::Limit, Self::Disk];
}

impl From<&NoSegment> for NoRoom {
    fn from(error: &NoSegment) -> Self {
        match error {
            NoSegment::Limit => Self::Limit,
            NoSegment::Disk(_) => Self::Disk,
        }
    }
}

impl Lane {
    /// A lane without segments.
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            writer: Mutex::default(),
            end: AtomicU64::new(0),
            records: AtomicU64::new(0),
            spares: Mutex::default(),
            next_sequence: Mutex::new(1),
            segments: Mutex::default(),
        }
    }

    /// Appends a record; without room in the segment at hand, behind the spare one's header, and without a spare
    /// in a segment made now.
    ///
    /// # Errors
    /// When there is none to be had.
    pub(super) fn append(&self, payload: Payload<'_>, folder: &Folder) -> Result<Appended, NoRoom> {
        let mut writer = lock(&self.writer);
        let fits = |active: &SegmentWriter| active.takes(payload.bytes());
        let began_segment = !writer.active.as_ref().is_some_and(fits);
        if began_segment {
            writer.active = Some(self.begin_segment(&mut writer, folder)?);
        }
        let active = writer
            .active
            .as_mut()
            .expect("it was just made where there was none");
        let offset = active.append(payload);
        let base = active.segment.base.load(Ordering::Relaxed);
        self.end
            .store(base + (offset - HEADER_BYTES) as u64, Ordering::Release);
        // After `end`, so that whoever sees the count sees the bytes. No read-modify-write: the lock is held.
        let records = self.records.load(Ordering::Relaxed) + 1;
        self.records.store(records, Ordering::Release);
        Ok(Appended {
            lane: self.number,
            sequence: active.segment.header.sequence,
            offset,
            began_segment,
        })
    }

    /// Why the next click would be shed, if it would.
    pub(super) fn starved(&self) -> Option<NoRoom> {
        let starved = lock(&self.writer).starved;
        // The keeper has brought one since, which the next click takes.
        starved.filter(|_| self.spares() == 0)
    }

    /// Makes the segment that the lane will want next, unless `wanted` are there.
    pub(super) fn prepare_spare(&self, wanted: usize, folder: &Folder) -> Result<(), NoSegment> {
        if self.spares() >= wanted {
            return Ok(());
        }
        let mut next_sequence = lock(&self.next_sequence);
        let made = self.make_segment(&mut next_sequence, folder)?;
        // Under the lock still: the next one must not be there before this one.
        lock(&self.spares).push_back(made);
        Ok(())
    }

    /// Takes the segment that was made first, if one was made ahead.
    pub(super) fn take_spare(&self) -> Option<SegmentWriter> {
        lock(&self.spares).pop_front()
    }

    /// Gives up the segments made ahead whose files somebody has taken away. Those behind them go too, and the next one gets
    /// the first one's number: a number that is left out later says that clicks are lost.
    pub(super) fn give_up_gone_spares(&self, folder: &Folder) {
        let mut next_sequence = lock(&self.next_sequence);
        let given_up = {
            let mut spares = lock(&self.spares);
            let is_gone = |spare: &SegmentWriter| spare.segment.has_its_name().is_err();
            let first = spares.iter().position(is_gone);
            first.map(|first| spares.split_off(first)).unwrap_or_default()
        };
        if let Some(first) = given_up.front() {
            *next_sequence = first.segment.header.sequence;
        }
        for spare in given_up {
            folder.dispose_of_spare(&spare.segment);
        }
    }

    /// How many segments were made ahead.
    pub(super) fn spares(&self) -> usize {
        lock(&self.spares).len()
    }

    /// Keeps everybody from making segments, as a file system does that takes its time.
    #[cfg(test)]
    pub(super) fn hold_making(&self) -> MutexGuard<'_, u64> {
        lock(&self.next_sequence)
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

    /// How many files it has, those that were made ahead included.
    pub(super) fn files(&self) -> usize {
        lock(&self.segments).len() + self.spares()
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

    fn begin_segment(&self, writer: &mut Writer, folder: &Folder) -> Result<SegmentWriter, NoRoom> {
        let next = match (self.take_spare(), writer.starved) {
            (Some(spare), _) => Ok(spare),
            // A starved lane does not make one itself: the file system fails just now, or is slow at it.
            (None, Some(reason)) => Err(reason),
            (None, None) => self.make_now(folder),
        };
        writer.starved = next.as_ref().err().copied();
        let next = next?;
        next.segment
            .base
            .store(self.end.load(Ordering::Relaxed), Ordering::Relaxed);
        lock(&self.segments).push(Arc::clone(&next.segment));
        Ok(next)
    }

    /// A segment for somebody who has found no spare.
    fn make_now(&self, folder: &Folder) -> Result<SegmentWriter, NoRoom> {
        let mut next_sequence = lock(&self.next_sequence);
        // The keeper may have been making one meanwhile; what it made comes first.
        if let Some(spare) = self.take_spare() {
            return Ok(spare);
        }
        self.make_segment(&mut next_sequence, folder).map_err(|error| {
            tracing::warn!(lane = self.number, %error, "the click journal cannot grow: clicks are shed");
            NoRoom::from(&error)
        })
    }

    fn make_segment(&self, next_sequence: &mut u64, folder: &Folder) -> Result<SegmentWriter, NoSegment> {
        let segment = folder.make_segment(self.number, *next_sequence)?;
        *next_sequence += 1;
        Ok(segment)
    }
}

/// A thread that panicked under one of the journal's locks leaves valid data behind: every change is one step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
