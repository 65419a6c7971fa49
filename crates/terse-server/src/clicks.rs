//! Clicks: a journal that a redirect writes before it is answered, and a shipper that moves what was written into
//! the store.
//!
//! The promise: a click that was answered is counted exactly once, through `kill -9`, restarts, retries and hours
//! without the store. The journal keeps a click as soon as [`Journal::append`] returns; the store takes a batch of
//! clicks and the position behind it in one transaction, so that nothing is counted twice; a segment is removed
//! only after that. The one exception is named and counted: a journal that cannot grow, because of its size limit or its
//! disk, sheds.
//!
//! `docs/journal-format.md` describes the files. Nothing here knows of HTTP.

mod bots;
mod folder;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod header;
mod inspection;
mod journal;
mod keeper;
mod lane;
mod leftovers;
mod options;
mod problem;
mod record;
mod segment;
mod shipper;
mod succession;
mod texts;

#[cfg(feature = "bench-internals")]
pub(crate) use shipper::bench;

pub(crate) use bots::classify_sent;
pub use header::{BadHeader, JournalId};
pub use inspection::{Inspection, InspectionError, Writer, inspect};
pub use journal::{Ends, Journal, JournalStats, Shed};
pub use lane::{Appended, NoRoom};
pub use options::{
    JOURNAL_BYTES_DEFAULT, JournalError, JournalOptions, LANES_MAX, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MIN,
    SYNC_INTERVAL_DEFAULT,
};
pub use problem::{Problem, ProblemKind};
pub use record::{ClickRecord, Undecodable};
pub use segment::NotSynced;
pub use shipper::{Recovered, SHIP_BATCH_MAX, Shipper, ShipperStats};

#[cfg(test)]
mod tests;
