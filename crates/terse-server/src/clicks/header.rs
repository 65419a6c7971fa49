//! The first 64 bytes of a segment, and its file name: which journal, lane and place in the lane it is.

use std::fmt;

use bytes::{Buf, BufMut};
use terse_core::{Clock, Random};
use uuid::Uuid;

/// Where the first record of a segment begins.
pub(super) const HEADER_BYTES: usize = 64;
/// The largest segment that is read or made.
pub(super) const SEGMENT_BYTES_MAX: u32 = 64 << 20;
/// What the names of segment files end with.
pub(super) const SEGMENT_SUFFIX: &str = ".seg";

const MAGIC: [u8; 8] = *b"TERSEJNL";
const FORMAT_VERSION: u16 = 1;
const CHECKED_BYTES: usize = HEADER_BYTES - size_of::<u32>();

/// Names the journal that one run of the server writes. Made anew by every run: positions of two runs, of a
/// restored or of a cloned data directory can then never be taken for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalId(Uuid);

/// A lane of some run's journal.
pub(super) type LaneKey = (JournalId, u32);

/// What a segment says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// The journal it belongs to.
    pub(super) journal_id: JournalId,
    /// The lane it belongs to.
    pub(super) lane: u32,
    /// Its place in the lane, from 1.
    pub(super) sequence: u64,
    /// Goes into every checksum of the segment.
    pub(super) salt: u64,
    /// How long the file was made.
    pub(super) segment_bytes: u32,
}

/// Why the front of a file is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Fewer bytes than a header has.
    #[error("too short for a segment")]
    Short,
    /// Another kind of file.
    #[error("not a journal segment")]
    Magic,
    /// The header was damaged.
    #[error("the header's checksum is wrong")]
    Checksum,
    /// A whole header of a format that this program does not know.
    #[error("format version {0} is unknown")]
    Version(u16),
    /// A whole header with a size that no segment has.
    #[error("the header names an impossible size")]
    Size,
    /// The file's name says otherwise.
    #[error("the header does not belong to the file's name")]
    Name,
}

impl JournalId {
    /// A fresh one: sorts by time (UUID version 7).
    pub(super) fn generate(clock: &dyn Clock, random: &dyn Random) -> Self {
        let mut chance = [0; 10];
        random.fill(&mut chance);
        let millis = u64::try_from(clock.now().as_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid())
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SegmentHeader {
    /// The lane that it belongs to.
    pub(super) fn lane_key(&self) -> LaneKey {
        (self.journal_id, self.lane)
    }

    /// The name of the segment's file; names sort as segments do.
    pub(super) fn file_name(&self) -> String {
        let Self {
            journal_id,
            lane,
            sequence,
            ..
        } = self;
        format!(
            "{}-{lane:03}-{sequence:010}{SEGMENT_SUFFIX}",
            journal_id.0.simple()
        )
    }

    /// The lane of the segment whose file has this name; `None` when no segment's file can have it.
    pub(super) fn lane_key_in(file_name: &str) -> Option<LaneKey> {
        let mut parts = file_name.strip_suffix(SEGMENT_SUFFIX)?.splitn(3, '-');
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let lane = parts.next()?.parse().ok()?;
        parts.next()?.parse::<u64>().ok()?;
        Some((JournalId(id), lane))
    }

    /// The header as bytes.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        let mut out = header.as_mut_slice();
        out.put_slice(&MAGIC);
        out.put_u16_le(FORMAT_VERSION);
        out.put_u16_le(0);
        out.put_u32_le(self.lane);
        out.put_slice(self.journal_id.0.as_bytes());
        out.put_u64_le(self.sequence);
        out.put_u64_le(self.salt);
        out.put_u32_le(self.segment_bytes);
        let crc = crc32fast::hash(&header[..CHECKED_BYTES]);
        header[CHECKED_BYTES..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// Reads the header at the front of `bytes`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(BadHeader::Short)?;
        let (checked, mut crc) = header.split_at(CHECKED_BYTES);
        let mut fields = checked.strip_prefix(&MAGIC).ok_or(BadHeader::Magic)?;
        // Before the version: a flipped bit must not look like the work of a newer program.
        if crc.get_u32_le() != crc32fast::hash(checked) {
            return Err(BadHeader::Checksum);
        }
        let version = fields.get_u16_le();
        if version != FORMAT_VERSION {
            return Err(BadHeader::Version(version));
        }
        fields.advance(size_of::<u16>());
        let lane = fields.get_u32_le();
        let mut id = [0; 16];
        fields.copy_to_slice(&mut id);
        let header = Self {
            journal_id: JournalId(Uuid::from_bytes(id)),
            lane,
            sequence: fields.get_u64_le(),
            salt: fields.get_u64_le(),
            segment_bytes: fields.get_u32_le(),
        };
        if header.segment_bytes > SEGMENT_BYTES_MAX {
            return Err(BadHeader::Size);
        }
        Ok(header)
    }
}
