//! Imports: thousands of rows in one transaction, with the ids they had elsewhere, and repeatable.
//!
//! A row is never an error: what could not be stored says what stands in its way, so that the caller can report it,
//! or give its links and events to the one who kept the name.

pub(crate) mod events;
pub(crate) mod links;
pub(crate) mod users;

use terse_core::{LinkId, UserId};

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It is stored.
    Inserted,
    /// It was imported before: its id belongs to the same name, code, or moment.
    AlreadyThere,
    /// It is not stored.
    Taken(Taken),
}

/// What stands in the way of a row, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Another user has the name.
    Username {
        /// That user.
        kept_by: UserId,
    },
    /// Another user has the e-mail address, in some case.
    Email {
        /// That user.
        kept_by: UserId,
    },
    /// The id belongs to a user with another name.
    UserId,
    /// Another link has the code.
    ShortCode {
        /// That link.
        kept_by: LinkId,
    },
    /// The id belongs to a link with another code.
    LinkId,
    /// The link's owner does not exist.
    NoSuchUser,
    /// The id belongs to another event.
    EventId,
}
