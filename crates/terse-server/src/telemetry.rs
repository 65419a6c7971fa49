//! What is counted while the server runs, and the page that a scrape reads.
//!
//! [`names`] lists every metric and span, `docs/metrics.md` says what each means, and a test holds the two together. What
//! a part counts itself (the journal, the cache, the store) is read there when a scrape asks; what nobody else counts is
//! counted here: visits, requests, connections.
//!
//! Something new that counts gets its metrics in [`names`] and a function in the list of `scrape`. Nothing is exposed of what
//! is not there: of other replicas where the database is a file, of Redis where none is set.
//!
//! Labels come from enums and from the table of routes, never from a request.

mod connections;
mod durations;
pub mod names;
mod page;
mod process;
mod requests;
mod scrape;
pub(crate) mod traces;
mod visits;

use std::sync::Arc;

use terse_core::Timestamp;

pub use connections::{Connections, OpenConnection, Refusal};
pub use requests::{Requests, UNMATCHED};
pub use scrape::{CONTENT_TYPE, scrape};
pub use visits::{Outcome, ThreadVisits, Visits};

/// The counts that belong to no part of the server alone.
#[derive(Debug)]
pub struct Telemetry {
    /// Answers to visits.
    pub visits: Visits,
    /// Answers of the API.
    pub requests: Requests,
    /// Who came through the door.
    pub connections: Arc<Connections>,
    /// When counting began.
    pub(crate) started_at: Timestamp,
}

impl Telemetry {
    /// Counts that are all zero, at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            visits: Visits::default(),
            requests: Requests::default(),
            connections: Arc::default(),
            started_at: now,
        }
    }
}
