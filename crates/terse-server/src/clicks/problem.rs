//! What was found in the journal's folder that should not be there.

use std::fmt;
use std::io;

use super::header::BadHeader;
use super::record::Undecodable;

/// Something in the journal that could not be read as clicks. It was skipped; a file that it is in is kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name within the journal's folder, as it was when the problem was found.
    pub file: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// What can be wrong with a journal file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// It has no header, or a wrong one: nothing of it is read.
    Header(BadHeader),
    /// It is shorter or longer than it was made; the whole records in it are read all the same.
    Size {
        /// How long the header says.
        expected_bytes: u64,
        /// How long it is.
        actual_bytes: u64,
    },
    /// Bytes amid whole records are no record.
    Damage {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        bytes: u64,
    },
    /// The last record is not whole, as after a power cut.
    TornTail {
        /// Where it begins.
        offset: u64,
        /// How many bytes of it are there.
        bytes: u64,
    },
    /// A whole record that this program cannot decode.
    Record {
        /// Where it begins.
        offset: u64,
        /// Why.
        reason: Undecodable,
    },
    /// The record that begins here cannot be read, and others refer to it for what their visitors said. Those clicks are counted;
    /// of their referrers and user agents, the ones that stood there are lost.
    Text {
        /// Where it begins.
        offset: u64,
    },
    /// So many segments of its lane, just before it, are neither there nor shipped.
    Missing {
        /// How many.
        segments: u64,
    },
    /// The operating system could not read it. It stays where it is, for the next start, and with it the later
    /// segments of its lane.
    Unreadable(io::ErrorKind),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.kind)
    }
}

impl ProblemKind {
    /// Bytes that are no record; as a tail when nothing whole follows them.
    pub(super) fn of_damage(offset: usize, bytes: usize, is_tail: bool) -> Self {
        let (offset, bytes) = (offset as u64, bytes as u64);
        if is_tail {
            Self::TornTail { offset, bytes }
        } else {
            Self::Damage { offset, bytes }
        }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(reason) => reason.fmt(f),
            Self::Size {
                expected_bytes,
                actual_bytes,
            } => write!(f, "{actual_bytes} bytes long instead of {expected_bytes}"),
            Self::Damage { offset, bytes } => write!(f, "{bytes} damaged bytes at offset {offset}"),
            Self::TornTail { offset, bytes } => {
                write!(f, "a torn record of {bytes} bytes at offset {offset}")
            }
            Self::Record { offset, reason } => write!(f, "record at offset {offset}: {reason}"),
            Self::Text { offset } => write!(
                f,
                "clicks refer to the record at offset {offset}, which is damaged: what it told of their visitors is lost"
            ),
            Self::Missing { segments } => write!(
                f,
                "{segments} segments before it are gone and were not shipped to this database: their clicks are lost"
            ),
            Self::Unreadable(kind) => write!(f, "cannot be read: {kind}"),
        }
    }
}
