//! The faults.

mod database;
mod processes;
mod redis;
mod ways;

use super::stage::Stage;

pub(super) use database::FULL_DISK;

/// A name, and what happens.
pub(super) type Fault = (&'static str, fn(&mut Stage<'_>));

/// All of them, in their order: after the last, another PostgreSQL is the primary.
pub(super) const ALL: [&[Fault]; 4] = [&processes::ALL, &redis::ALL, &ways::ALL, &database::ALL];
