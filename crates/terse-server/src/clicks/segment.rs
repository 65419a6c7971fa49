//! A segment that this run writes: its file, its map, and how much of it is on disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::frame::{FRAME_HEAD_BYTES, Seal, frame_bytes};
use super::header::{HEADER_BYTES, SegmentHeader};
use super::record::{Payload, Role};
use super::texts::{Recent, Sought};
use map::{Map, MapWriter};

mod map;

/// What the names of unfinished segment files end with; they hold no clicks.
pub(super) const UNFINISHED_SUFFIX: &str = ".seg.tmp";

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
/// Clicks are about persons: no other account of the machine needs to read them.
const OWNER_ONLY: u32 = 0o600;

/// A segment, for everybody but its writer.
#[derive(Debug)]
pub(super) struct Segment {
    /// What it says about itself.
    pub(super) header: SegmentHeader,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Bytes of records that the lane had before this segment; set when the lane begins it.
    pub(super) base: AtomicU64,
    /// Whether something in it could not be read; it is then kept aside instead of removed.
    pub(super) is_damaged: AtomicBool,
    file: File,
    map: Arc<Map>,
    synced: AtomicUsize,
    sync_failed: AtomicBool,
}

/// The one who appends to a segment.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    /// The segment.
    pub(super) segment: Arc<Segment>,
    seal: Seal,
    recent: Recent,
    map: MapWriter,
}

impl SegmentWriter {
    /// Makes the file in `folder`, preallocated, with its header, and all of it on disk. It gets its name last, so
    /// that a file with a segment's name always has a header.
    pub(super) fn create(folder: &Path, header: SegmentHeader) -> io::Result<Self> {
        let path = folder.join(header.file_name());
        let unfinished = path.with_extension("seg.tmp");
        let made = Self::make_file(&unfinished, &header).and_then(|(file, map)| {
            std::fs::rename(&unfinished, &path)?;
            File::open(folder)?.sync_all()?;
            Ok((file, map))
        });
        let (file, map) = made.inspect_err(|_| {
            // Frees what a failed preallocation took. A file that stays is removed by the next start.
            let _ = std::fs::remove_file(&unfinished);
        })?;
        let seal = Seal::new(header.salt);
        let segment = Arc::new(Segment {
            header,
            path,
            base: AtomicU64::new(0),
            is_damaged: AtomicBool::new(false),
            file,
            map: Arc::clone(map.map()),
            synced: AtomicUsize::new(HEADER_BYTES),
            sync_failed: AtomicBool::new(false),
        });
        Ok(Self {
            segment,
            seal,
            recent: Recent::default(),
            map,
        })
    }

    fn make_file(path: &Path, header: &SegmentHeader) -> io::Result<(File, MapWriter)> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY)
            .open(path)?;
        preallocate(&mut file, header.segment_bytes)?;
        file.write_all_at(&header.encode(), 0)?;
        file.sync_all()?;
        let bytes = usize::try_from(header.segment_bytes).map_err(io::Error::other)?;
        let map = Map::open(&file, bytes, HEADER_BYTES)?;
        Ok((file, map))
    }

    /// Whether a payload of this length still fits, and the segment has not failed to reach the disk.
    pub(super) fn takes(&self, payload_bytes: usize) -> bool {
        frame_bytes(payload_bytes) <= self.map.room() && !self.segment.sync_failed.load(Ordering::Relaxed)
    }

    /// Appends a record; [`Self::takes`] must have said yes. Gives the offset behind it.
    pub(super) fn append(&mut self, payload: Payload<'_>) -> usize {
        let written = self.map.map().published();
        let mut payload = payload;
        let sought = Role::ALL.map(|role| self.recent.seek(role, &payload, written));
        for (role, sought) in Role::ALL.into_iter().zip(sought) {
            if let Sought::In(record) = sought {
                payload.refer(role, record);
            }
        }
        let record = self.map.end();
        self.copy(&payload);
        for (role, sought) in Role::ALL.into_iter().zip(sought) {
            if let Sought::New(slot) = sought {
                let text = record + FRAME_HEAD_BYTES + payload.offset_of(role);
                self.recent.note(slot, record, text);
            }
        }
        self.map.end()
    }

    fn copy(&mut self, payload: &Payload<'_>) {
        let payload_bytes = payload.bytes();
        let length = u32::try_from(payload_bytes).expect("a payload has a limit far below 4 GiB");
        let seal = self.seal;
        self.map.append(frame_bytes(payload_bytes), length, |body| {
            payload.write_to(body);
            seal.of(length, &body[..payload_bytes])
        });
    }
}

impl Segment {
    /// The segment from its beginning up to the last whole record.
    pub(super) fn published(&self) -> &[u8] {
        self.map.published()
    }

    /// Whether the record that ends at `offset` is on disk; an error when it may never be.
    pub(super) fn is_synced(&self, offset: usize) -> Result<bool, NotSynced> {
        if self.synced.load(Ordering::Acquire) >= offset {
            Ok(true)
        } else if self.sync_failed.load(Ordering::Acquire) {
            Err(NotSynced)
        } else {
            Ok(false)
        }
    }

    /// Brings everything that is published to disk, if anything is not there yet.
    pub(super) fn sync(&self) -> io::Result<()> {
        let end = self.published().len();
        // After a failure the kernel takes the lost pages for clean, and a later success would mean nothing.
        if self.synced.load(Ordering::Acquire) >= end || self.sync_failed.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.file.sync_data().and_then(|()| self.has_its_name()) {
            Ok(()) => {
                self.synced.store(end, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                self.sync_failed.store(true, Ordering::Release);
                Err(error)
            }
        }
    }

    /// An error when somebody has taken the file out of the folder. A folder that cannot be asked just now proves nothing.
    pub(super) fn has_its_name(&self) -> io::Result<()> {
        match self.path.try_exists() {
            Ok(false) => Err(io::Error::new(io::ErrorKind::NotFound, Gone)),
            _ => Ok(()),
        }
    }
}

/// What was synced under a name that is gone would not be found by the next start.
#[derive(Debug, thiserror::Error)]
#[error("the segment's file was deleted or moved away: its clicks are only in memory")]
struct Gone;

/// The disk refused a click's record: it is in memory and will be shipped, but would not survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the click journal could not be written to disk")]
pub struct NotSynced;

/// Takes the disk space now: a full disk is then an error here, and never SIGBUS at a write into the map.
fn preallocate(file: &mut File, bytes: u32) -> io::Result<()> {
    let allocate = || rustix::fs::fallocate(&*file, FallocateFlags::empty(), 0, u64::from(bytes));
    match rustix::io::retry_on_intr(allocate) {
        // File systems without preallocation: writing zeros takes the space as well.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, u64::from(bytes)),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(()),
    }
}

fn write_zeros(file: &mut File, bytes: u64) -> io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        let chunk = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        file.write_all(&ZEROS[..chunk])?;
        left -= chunk as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
