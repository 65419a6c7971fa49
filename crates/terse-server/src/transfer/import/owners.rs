//! Who gets what belonged to rows that were skipped: links and events of users, events of links.

use std::collections::HashMap;

use super::id_set::IdSet;

/// To whom a row belongs that names a user or a link of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// To the one with the number in the file.
    AsWritten,
    /// To the one who kept the name.
    KeptBy(i64),
    /// To one that was skipped because the id belongs to somebody else: that one must not get it.
    Nobody,
}

/// What became of the ids of one file.
#[derive(Debug, Default)]
pub(super) struct Owners {
    stored: IdSet,
    skipped: HashMap<i64, Owner>,
}

impl Owners {
    /// Notes that a row with this id is stored, now or since an earlier import.
    pub(super) fn stored(&mut self, id: i64) {
        self.stored.insert(id);
    }

    /// Notes that a row with this id was skipped, and who kept its name, if that is why. Of several rows with one id the
    /// first is the one that others mean.
    pub(super) fn skipped(&mut self, id: i64, kept_by: Option<i64>) {
        if !self.stored.contains(id) {
            let owner = kept_by.map_or(Owner::Nobody, Owner::KeptBy);
            self.skipped.entry(id).or_insert(owner);
        }
    }

    /// To whom the rows that name `id` belong.
    pub(super) fn of(&self, id: i64) -> Owner {
        self.skipped.get(&id).copied().unwrap_or(Owner::AsWritten)
    }
}
