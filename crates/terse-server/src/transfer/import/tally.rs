//! Counts what became of rows.

use terse_store::{Imported, Taken};

use crate::transfer::chunks::Chunk;
use crate::transfer::report::{FileReport, Skipped};

pub(super) mod reason;

/// The counts of a file under way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    report: FileReport,
    skipped: Vec<Skipped>,
}

impl Tally {
    /// A chunk begins.
    pub(super) fn begin<T>(&mut self, chunk: &Chunk<T>) {
        self.report.read += (chunk.rows.len() + chunk.bad.len()) as u64;
    }

    /// What became of a row of the chunk; `why` says what stood in its way.
    pub(super) fn add(
        &mut self,
        row: u64,
        outcome: Imported,
        is_reassigned: bool,
        why: impl FnOnce(Taken) -> String,
    ) {
        match outcome {
            Imported::Inserted => self.report.inserted += 1,
            Imported::AlreadyThere => self.report.already_there += 1,
            Imported::Taken(taken) => {
                let reason = why(taken);
                self.skipped.push(Skipped { row, reason });
                return;
            }
        }
        self.report.reassigned += u64::from(is_reassigned);
    }

    /// The chunk ends; `bad` are its rows that never came to the store.
    pub(super) fn end(&mut self, bad: Vec<Skipped>) {
        let mut skipped = std::mem::take(&mut self.skipped);
        skipped.extend(bad);
        self.report.skipped.extend(skipped);
    }

    /// The counts of the whole file.
    pub(super) fn report(self) -> FileReport {
        self.report
    }
}
