//! Users, links and events from CSV files and back into them. Nothing here knows of HTTP or of the command line.
//!
//! A file is read as a stream: memory is bounded by named limits however long it is. A row that cannot be stored
//! never stops the others, and is never dropped silently: the report names it by its number and says why.

pub mod export;
pub mod import;
pub mod users;

mod chunks;
mod error;
mod report;
mod rows;
mod table;

pub use error::TransferError;
pub use report::{FileReport, SKIPPED_LISTED_MAX, Skipped, Skips};

#[cfg(test)]
mod tests;
