//! How long the server may take for what.

use std::time::Duration;

/// What is done for thousands of rows.
const LONG: Duration = Duration::from_mins(2);

/// How long statements may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Somebody waits, or everybody: a few rows by key.
    Quick,
    /// Whole tables, or thousands of rows.
    Long,
}

/// What an operator has set for this server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    quick: Duration,
}

impl Limits {
    pub(super) const fn new(quick: Duration) -> Self {
        Self { quick }
    }

    /// How long a statement, a connection or a turn may take.
    pub(super) fn of(self, patience: Patience) -> Duration {
        match patience {
            Patience::Quick => self.quick,
            Patience::Long => self.quick.max(LONG),
        }
    }
}
