//! The shipper without its store: what reading a batch alone costs.

use super::batch::{Batch, Links};
use super::interner::Interner;
use crate::clicks::Journal;
use crate::clicks::header::HEADER_BYTES;

/// Reads batches as the shipper does, which remembers texts from one to the next.
#[derive(Debug, Default)]
pub struct Batches(Interner);

impl Batches {
    /// Reads the first batch of `journal`'s first lane, whether or not it was read before. Gives how many clicks and
    /// how many texts it has.
    pub fn read_first(&mut self, journal: &Journal) -> (usize, usize) {
        let segments = journal.lanes()[0].segments();
        let Some(segment) = segments.first() else {
            return (0, 0);
        };
        let bytes = segment.published();
        let batch = Batch::read(&segment.header, bytes, HEADER_BYTES, Links::Known, &mut self.0);
        (batch.clicks.len(), self.0.finish().len())
    }
}
