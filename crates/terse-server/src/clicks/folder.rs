//! The journal's folder: makes, removes and sets aside segment files, within the limit of bytes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use terse_core::Random;

use super::header::{JournalId, SegmentHeader};
use super::segment::{Segment, SegmentWriter};

/// How many files of one name can be kept aside; the oldest is overwritten then.
const ASIDE_FILES_MAX: u32 = 100;

/// Where segments live.
pub(super) struct Folder {
    /// The folder itself.
    pub(super) path: PathBuf,
    /// The journal that this run writes.
    pub(super) journal_id: JournalId,
    /// How long its segments are.
    pub(super) segment_bytes: u32,
    /// How many bytes all segments may have, those of former runs included.
    pub(super) bytes_max: u64,
    used_bytes: AtomicU64,
    random: Arc<dyn Random>,
}

/// What is to become of a segment that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Everything in it is in the store.
    Remove,
    /// Something in it could not be read: a person may want to look.
    SetAside,
}

/// Why there is no new segment.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSegment {
    /// The segments together would have more bytes than they may.
    #[error("the journal's size limit is reached")]
    Limit,
    /// The file system has no room, or fails.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl Folder {
    /// The folder at `path`, in which segments of former runs take `used_bytes` already.
    pub(super) fn new(
        path: PathBuf,
        journal_id: JournalId,
        segment_bytes: u32,
        bytes_max: u64,
        used_bytes: u64,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            path,
            journal_id,
            segment_bytes,
            bytes_max,
            used_bytes: AtomicU64::new(used_bytes),
            random,
        }
    }

    /// Makes a new segment on disk.
    pub(super) fn make_segment(&self, lane: u32, sequence: u64) -> Result<SegmentWriter, NoSegment> {
        let bytes = u64::from(self.segment_bytes);
        let fits = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        self.used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|_| NoSegment::Limit)?;
        let mut salt = [0; 8];
        self.random.fill(&mut salt);
        let header = SegmentHeader {
            journal_id: self.journal_id,
            lane,
            sequence,
            salt: u64::from_le_bytes(salt),
            segment_bytes: self.segment_bytes,
        };
        SegmentWriter::create(&self.path, header).map_err(|error| {
            self.release(bytes);
            NoSegment::Disk(error)
        })
    }

    /// Bytes that all segments take together.
    pub(super) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Lets go of a segment of `bytes` bytes. After an error it still takes them.
    pub(super) fn dispose(&self, path: &Path, bytes: u64, fate: Fate) -> io::Result<()> {
        let done = match fate {
            Fate::Remove => std::fs::remove_file(path),
            Fate::SetAside => set_aside(path),
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), "somebody else has removed a file of the click journal");
            }
            done => done?,
        }
        self.release(bytes);
        Ok(())
    }

    /// Lets go of a segment that has no clicks. If its file stays, the next start removes it.
    pub(super) fn dispose_of_spare(&self, segment: &Segment) {
        let bytes = u64::from(segment.header.segment_bytes);
        if let Err(error) = self.dispose(&segment.path, bytes, Fate::Remove) {
            tracing::warn!(path = %segment.path.display(), %error, "an empty journal segment stays");
        }
    }

    fn release(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        // Never fails: the closure always gives a value.
        let _ = self
            .used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// Renames `path` so that no start looks at it again: `.bad` behind its name, and a number if that is taken.
pub(super) fn set_aside(path: &Path) -> io::Result<()> {
    let free = (0..ASIDE_FILES_MAX)
        .map(|number| aside_name(path, number))
        .find(|name| !name.exists());
    std::fs::rename(path, free.unwrap_or_else(|| aside_name(path, 0)))?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn aside_name(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bad");
    if number > 0 {
        name.push(format!(".{number}"));
    }
    PathBuf::from(name)
}
