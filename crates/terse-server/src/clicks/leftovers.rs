//! What former runs left in the journal's folder: segments to ship, files to keep aside.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tokio::io::AsyncReadExt;

use super::folder::set_aside;
use super::header::{BadHeader, HEADER_BYTES, LaneKey, SEGMENT_BYTES_MAX, SEGMENT_SUFFIX, SegmentHeader};
use super::problem::{Problem, ProblemKind};
use super::segment::UNFINISHED_SUFFIX;

/// A segment of a former run.
#[derive(Debug)]
pub(super) struct Leftover {
    /// What it says about itself.
    pub(super) header: SegmentHeader,
    /// Where it is.
    pub(super) path: PathBuf,
    /// How long the file is.
    pub(super) file_bytes: u64,
    /// Whether something in it could not be read.
    pub(super) is_damaged: AtomicBool,
}

/// What there is to do.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Segments to ship, in the order of journal, lane, sequence.
    pub(super) leftovers: Vec<Leftover>,
    /// The lane of each segment that could not be read this time. Shipping its later segments would move the lane's
    /// position past it, and the next start would take it for shipped.
    pub(super) blocked: Vec<LaneKey>,
    /// What was wrong with other files.
    pub(super) problems: Vec<Problem>,
}

/// Looks at every file in `folder`; only their headers are read. What claims to be a segment and is none gets
/// another name. Files that claim nothing are none of ours.
pub(super) fn find(folder: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type()?.is_file() {
            // Not opened: opening a pipe would wait for its writer.
            if SegmentHeader::lane_key_in(&name).is_some() {
                found.unreadable(name, io::ErrorKind::Unsupported);
            }
        } else if name.ends_with(UNFINISHED_SUFFIX) {
            // Never had its name, so never had a click. A failure shows when the name is needed again.
            let _ = std::fs::remove_file(entry.path());
        } else if name.ends_with(SEGMENT_SUFFIX) {
            look_at(&entry.path(), name, &mut found);
        }
    }
    found
        .leftovers
        .sort_by_key(|leftover| (leftover.header.lane_key(), leftover.header.sequence));
    Ok(found)
}

impl Found {
    fn unreadable(&mut self, file: String, reason: io::ErrorKind) {
        self.blocked.extend(SegmentHeader::lane_key_in(&file));
        let kind = ProblemKind::Unreadable(reason);
        self.problems.push(Problem { file, kind });
    }
}

fn look_at(path: &Path, name: String, found: &mut Found) {
    let (header, file_bytes) = match read_header(path) {
        Ok(read) => read,
        Err(error) => return found.unreadable(name, error.kind()),
    };
    match header.and_then(|header| of_that_name(header, &name)) {
        Ok(header) => {
            let expected_bytes = u64::from(header.segment_bytes);
            let is_damaged = file_bytes != expected_bytes;
            if is_damaged {
                let kind = ProblemKind::Size {
                    expected_bytes,
                    actual_bytes: file_bytes,
                };
                found.problems.push(Problem { file: name, kind });
            }
            found.leftovers.push(Leftover {
                header,
                path: path.to_owned(),
                file_bytes,
                is_damaged: AtomicBool::new(is_damaged),
            });
        }
        Err(reason) => {
            // A newer program's segment is left to that program; an older one must not take it out of its sight.
            if !matches!(reason, BadHeader::Version(_))
                && let Err(error) = set_aside(path)
            {
                tracing::warn!(path = %path.display(), %error, "a bad journal file could not be renamed");
            }
            let kind = ProblemKind::Header(reason);
            found.problems.push(Problem { file: name, kind });
        }
    }
}

/// What the front of a file says, and how long the file is.
pub(super) fn read_header(path: &Path) -> io::Result<(Result<SegmentHeader, BadHeader>, u64)> {
    let file = File::open(path)?;
    let file_bytes = file.metadata()?.len();
    let mut front = Vec::with_capacity(HEADER_BYTES);
    file.take(HEADER_BYTES as u64).read_to_end(&mut front)?;
    Ok((SegmentHeader::decode(&front), file_bytes))
}

/// A segment's bytes, of a file that is longer than any segment only the front: it was reported, and has no claim
/// to all of the memory.
pub(super) async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(u64::from(SEGMENT_BYTES_MAX))
        .read_to_end(&mut bytes)
        .await?;
    Ok(bytes)
}

/// Whether anything was ever written behind the header of the segment with these bytes.
pub(super) fn has_records(bytes: &[u8]) -> bool {
    bytes.iter().skip(HEADER_BYTES).any(|byte| *byte != 0)
}

/// The header, if it belongs to a file called `name`.
pub(super) fn of_that_name(header: SegmentHeader, name: &str) -> Result<SegmentHeader, BadHeader> {
    if header.file_name() == name {
        Ok(header)
    } else {
        Err(BadHeader::Name)
    }
}
