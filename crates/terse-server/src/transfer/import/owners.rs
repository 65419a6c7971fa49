//! Who gets the links and events of users who were skipped.

use std::collections::HashMap;

use terse_core::UserId;
use terse_store::Taken;

/// To whom a row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// To the user with the number in the file.
    AsWritten,
    /// To the user who kept the name or the address.
    KeptBy(UserId),
    /// To a user who was skipped because the id belongs to somebody else: that one must not get it.
    Nobody,
}

/// The users that this run skipped.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<i64, Owner>);

impl Owners {
    /// Notes that the user `id` of the file was skipped.
    pub(super) fn skipped(&mut self, id: UserId, taken: Taken) {
        let owner = match taken {
            Taken::Username { kept_by } | Taken::Email { kept_by } => Owner::KeptBy(kept_by),
            _ => Owner::Nobody,
        };
        // The first row with an id is the one that links mean.
        self.0.entry(id.get()).or_insert(owner);
    }

    /// To whom the rows of the user `id` of the file belong.
    pub(super) fn of(&self, id: i64) -> Owner {
        self.0.get(&id).copied().unwrap_or(Owner::AsWritten)
    }
}
