//! What became of the rows of a file.

/// Skipped rows that a report lists; the others are counted. Bounds what a file of nothing but bad rows costs.
pub const SKIPPED_LISTED_MAX: usize = 1_000;

/// A row that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its number in the file; the header is row 1, empty lines are none.
    pub row: u64,
    /// Why, for a person.
    pub reason: String,
}

/// The rows that were not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skips {
    /// The first of them, at most [`SKIPPED_LISTED_MAX`], by row.
    pub listed: Vec<Skipped>,
    /// How many they are.
    pub total: u64,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Rows after the header.
    pub read: u64,
    /// Rows that were stored.
    pub inserted: u64,
    /// Rows that had been stored before.
    pub already_there: u64,
    /// Rows, stored now or before, of a skipped user, which went to the user who kept the name.
    pub reassigned: u64,
    /// Rows that were not stored.
    pub skipped: Skips,
}

impl Skips {
    /// How many are not listed.
    pub fn unlisted(&self) -> u64 {
        self.total - self.listed.len() as u64
    }

    /// Notes rows that were skipped, in any order; all of them come before those of a later call.
    pub(super) fn extend(&mut self, mut skipped: Vec<Skipped>) {
        self.total += skipped.len() as u64;
        skipped.sort_by_key(|skipped| skipped.row);
        let room = SKIPPED_LISTED_MAX - self.listed.len();
        self.listed.extend(skipped.into_iter().take(room));
    }

    /// These and those of another way through the same file.
    pub(super) fn merged(mut self, others: Self) -> Self {
        self.total += others.total;
        self.listed.extend(others.listed);
        self.listed.sort_by_key(|skipped| skipped.row);
        self.listed.truncate(SKIPPED_LISTED_MAX);
        self
    }
}
