//! What can go wrong, by what the caller can do about it. Absence is no error: it is `Ok(None)`.

use std::error::Error as StdError;
use std::sync::Arc;

/// What every function of this crate gives in place of its result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Something else has that name already: choose another one.
    #[error("{0} is taken")]
    Conflict(Conflict),
    /// Nothing was written; it may work later. Disk full, database locked or away, too many callers waiting.
    ///
    /// After a power cut in that very moment the write may be found done all the same, and so it may when the connection to a
    /// server broke, or its answer did not come in time, while it committed.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// This program cannot work with that database until an operator does something.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
    /// A bug, or rows that this program cannot have written. Nothing was written.
    #[error("the store failed")]
    Internal(#[source] Cause),
}

/// What a unique constraint protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The code of a link.
    #[error("the short code")]
    ShortCode,
    /// The name of a user.
    #[error("the username")]
    Username,
    /// The e-mail address of a user, in any case.
    #[error("the email")]
    Email,
    /// A link's id that an import brought along.
    #[error("the link's id")]
    LinkId,
    /// A user's id that an import brought along.
    #[error("the user's id")]
    UserId,
    /// An event's id that an import brought along.
    #[error("the event's id")]
    EventId,
}

/// The engine's own error; shared, for one failed commit fails every write that it held.
pub type Cause = Arc<dyn StdError + Send + Sync>;

/// The result of every function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Troubles that are ours and not the engine's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("too many requests wait for the database")]
    QueueFull,
    #[error("the store is closed")]
    Closed,
    #[error("the database did not answer in time")]
    NoAnswer,
    #[error("other writes took too long")]
    NoTurn,
    #[error("the database did not say whether it has committed, it may have been done all the same: {0}")]
    Undecided(String),
    #[error("a statement before it had failed: {0}")]
    Failed(String),
    #[error("the task that writes has ended in the middle: it may have been done all the same")]
    Abandoned,
    #[error("a transaction panicked: {0}")]
    Panic(String),
    #[error("another database is being copied into this one")]
    BeingReplaced,
    #[error("the database undid the transaction by itself")]
    Undone,
    #[error("column {column} of {statement} holds {found}")]
    Column {
        statement: &'static str,
        column: usize,
        found: String,
    },
    #[error("{0} gave no row")]
    NoRow(&'static str),
    #[error("{0} does not fit a column")]
    OutOfRange(&'static str),
    #[error("{0} is damaged")]
    Damaged(&'static str),
}

impl Error {
    pub(crate) fn unavailable(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    /// What is behind it, down to what the engine said: for logs.
    pub(crate) fn causes(&self) -> String {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes.join(": ")
    }

    pub(crate) fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(cause))
    }
}

/// What a constraint protects, by its name: SQLite names the column, PostgreSQL the constraint.
pub(crate) fn conflict_of_constraint(name: &str) -> Option<Conflict> {
    Some(match name {
        "links.short_code" | "links_short_code_key" => Conflict::ShortCode,
        "users.username" | "users_username_key" => Conflict::Username,
        "users.email_key" | "users_email_key_key" => Conflict::Email,
        "links.id" | "links_pkey" => Conflict::LinkId,
        "users.id" | "users_pkey" => Conflict::UserId,
        "events.id" | "events_pkey" => Conflict::EventId,
        _ => return None,
    })
}
