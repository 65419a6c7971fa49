//! Users: who links may belong to.

use crate::{Email, Timestamp, UserId, Username};

/// A user as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names the user.
    pub id: UserId,
    /// Unique, case-sensitive.
    pub username: String,
    /// Unique without regard to case.
    pub email: String,
    /// When the user was created.
    pub created_at: Timestamp,
}

/// A user to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The id that an import brings along; without one the store gives the next.
    pub id: Option<UserId>,
    /// Unique, case-sensitive.
    pub username: Username,
    /// Unique without regard to case.
    pub email: Email,
    /// When the user was created.
    pub created_at: Timestamp,
}

/// What is to be changed of a user; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The new name.
    pub username: Option<Username>,
    /// The new address.
    pub email: Option<Email>,
}
