//! How a journal is kept, and whether it can be kept so.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::frame::FRAME_BYTES_MAX;
use super::header::{HEADER_BYTES, SEGMENT_BYTES_MAX};
use super::leftovers;
use super::segment::UNFINISHED_SUFFIX;

/// What a segment has unless the operator or the size limit says otherwise.
pub const SEGMENT_BYTES_DEFAULT: u32 = 8 << 20;
/// The smallest segment; holds any record.
pub const SEGMENT_BYTES_MIN: u32 = 16 << 10;
/// The default of `--journal-max-mib`.
pub const JOURNAL_BYTES_DEFAULT: u64 = 1 << 30;
/// The default of `--journal-sync-ms`: what a power cut can cost.
pub const SYNC_INTERVAL_DEFAULT: Duration = Duration::from_secs(1);
/// The most lanes of a journal; more threads than that share them.
pub const LANES_MAX: usize = 256;

/// A lane should have room for several segments: one is written while others wait for the shipper.
const SEGMENTS_PER_LANE: u64 = 4;
const PAGE_BYTES: u32 = 4096;
const _: () = assert!(HEADER_BYTES + FRAME_BYTES_MAX <= SEGMENT_BYTES_MIN as usize);

/// How a journal is kept.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// The folder; made if it is not there.
    pub dir: PathBuf,
    /// As many as threads append: no thread then waits for another.
    pub lanes: usize,
    /// How long a segment is, from [`SEGMENT_BYTES_MIN`]; less when the limit leaves a lane fewer than four.
    pub segment_bytes: u32,
    /// How many bytes all segments may have; clicks beyond that are shed.
    pub max_bytes: u64,
    /// How often what was appended is brought to disk; zero means before each answer.
    pub sync_interval: Duration,
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder cannot be made, listed or written.
    #[error("cannot use the click journal's folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The size limit leaves less than the smallest segment for a lane.
    #[error("the click journal needs at least {min_bytes} bytes for {lanes} lanes")]
    LimitTooSmall {
        /// The smallest limit that would do.
        min_bytes: u64,
        /// How many lanes there are.
        lanes: usize,
    },
    /// The background thread could not be started.
    #[error("cannot start the click journal's thread")]
    Thread(#[source] io::Error),
}

impl JournalOptions {
    /// A journal in `dir` for `lanes` threads, everything else by default.
    pub fn new(dir: PathBuf, lanes: usize) -> Self {
        Self {
            dir,
            lanes,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            max_bytes: JOURNAL_BYTES_DEFAULT,
            sync_interval: SYNC_INTERVAL_DEFAULT,
        }
    }

    /// How long segments are with so many lanes: as wished, but several per lane must fit the limit.
    pub(super) fn segment_bytes_for(&self, lanes: usize) -> Result<u32, JournalError> {
        let lane_count = lanes as u64;
        let min_bytes = lane_count * u64::from(SEGMENT_BYTES_MIN);
        if self.max_bytes < min_bytes {
            return Err(JournalError::LimitTooSmall { min_bytes, lanes });
        }
        let share = self.max_bytes / (lane_count * SEGMENTS_PER_LANE);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let wished = self.segment_bytes.min(share).min(SEGMENT_BYTES_MAX);
        Ok((wished / PAGE_BYTES * PAGE_BYTES).max(SEGMENT_BYTES_MIN))
    }

    /// Makes the folder, checks that it can be written, and looks at what is in it.
    pub(super) fn prepare_folder(&self) -> Result<leftovers::Found, JournalError> {
        let prepare = || {
            std::fs::create_dir_all(&self.dir)?;
            if let Some(parent) = self.dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                File::open(parent)?.sync_all()?;
            }
            match File::create(self.dir.join(format!("probe{UNFINISHED_SUFFIX}"))) {
                // A full disk sheds clicks; it does not stop redirects.
                Err(error) if error.kind() != io::ErrorKind::StorageFull => return Err(error),
                _ => {}
            }
            leftovers::find(&self.dir)
        };
        prepare().map_err(|source| JournalError::Folder {
            path: self.dir.clone(),
            source,
        })
    }
}
