//! What the engine's connections are doing, for people who watch.

/// How many of a pool are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Which connections.
    pub pool: Pool,
    /// What they do, or what is done about them.
    pub state: PoolState,
    /// How many.
    pub count: usize,
}

/// Connections that are used alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// Those that read.
    Read,
    /// Those that write.
    Write,
}

/// What there is to count of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolState {
    /// Callers that wait for a connection.
    Waiting,
    /// Open connections that nobody uses.
    Idle,
    /// Connections that somebody uses.
    Used,
}

impl Pool {
    /// The pool as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl PoolState {
    /// The state as a label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Idle => "idle",
            Self::Used => "used",
        }
    }
}
