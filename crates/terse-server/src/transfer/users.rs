//! A file of users that a client uploads: small, and with ids only as a wish.
//!
//! It is read three times, so that no more of it than a part is in memory beside its bytes: for what is wrong with it as a
//! whole, for the rows that get the ids that they ask for, and for those that get the next.

use std::collections::HashSet;

use terse_core::{NewUser, Timestamp, UserId};
use terse_store::{Imported, Store, Taken};

use super::chunks::{Chunk, next_chunk};
use super::error::TransferError;
use super::report::Skips;
use super::rows::{UPLOAD_COLUMNS, UploadedUser, uploaded_user};
use super::table::Table;

pub use super::report::Skipped;

/// Users with other ids than they asked for that a report lists; the others are counted.
pub const RENUMBERED_LISTED_MAX: usize = 1_000;

/// What errors call the file.
const FILE: &str = "The file";

/// What became of an uploaded file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadReport {
    /// Users that were created.
    pub inserted: u64,
    /// Rows that created none. Past [`super::SKIPPED_LISTED_MAX`] of them one more entry says how many follow.
    pub skipped: Vec<Skipped>,
    /// Users who got another id than their row has, the first [`RENUMBERED_LISTED_MAX`] of them by row.
    pub renumbered: Vec<Renumbered>,
    /// How many they are.
    pub renumbered_total: u64,
}

/// A user who got another id than the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renumbered {
    /// The row's number in the file; the header is row 1, empty lines are none.
    pub row: u64,
    /// The id in the file: another user's, or too large for one.
    pub wished_id: i64,
    /// The user's id.
    pub id: UserId,
}

/// Creates a user for each row of `csv`, with the row's id if it is free, and with the next one otherwise. Rows that are
/// malformed, or repeat a user name or an e-mail address, are skipped. Rows without an id come after those with one: the
/// next id might be one that another row asks for.
///
/// # Errors
/// [`TransferError`] for a file that is no CSV in UTF-8 with the columns `username` and `email`, and for the store's
/// failures.
pub async fn import_uploaded(
    store: &Store,
    csv: &[u8],
    now: Timestamp,
) -> Result<UploadReport, TransferError> {
    if std::str::from_utf8(csv).is_err() {
        return Err(TransferError::NotUtf8 {
            file: FILE.to_owned(),
        });
    }
    // All of it before the first is stored: a file that cannot be read to its end is refused whole.
    let mut table = open(csv)?;
    while table.next_row()?.is_some() {}
    let mut upload = Upload {
        store,
        now,
        report: UploadReport::default(),
        last_skipped: 0,
    };
    let (mut skips, left) = upload.with_their_ids(csv).await?;
    if !left.is_empty() {
        skips = skips.merged(upload.with_next_ids(csv, &left).await?);
    }
    upload.report.skipped = listed(skips, upload.last_skipped);
    Ok(upload.report)
}

fn open(csv: &[u8]) -> Result<Table<&[u8]>, TransferError> {
    Table::open(FILE.to_owned(), csv, UPLOAD_COLUMNS)
}

struct Upload<'a> {
    store: &'a Store,
    now: Timestamp,
    report: UploadReport,
    last_skipped: u64,
}

impl Upload<'_> {
    /// Stores the rows with ids that are free. The rows that were skipped, and those that are left for the next ids.
    async fn with_their_ids(&mut self, csv: &[u8]) -> Result<(Skips, HashSet<u64>), TransferError> {
        let (mut table, mut skips, mut left) = (open(csv)?, Skips::default(), HashSet::new());
        while let Some(chunk) = self.next(&mut table)? {
            let mut skipped = chunk.bad;
            let (with_id, without): (Vec<_>, Vec<_>) = chunk
                .rows
                .into_iter()
                .map(|(row, found)| (row, found.user))
                .partition(|(_, user)| user.id.is_some());
            left.extend(without.into_iter().map(|(row, _)| row));
            let (rows, users): (Vec<u64>, Vec<NewUser>) = with_id.into_iter().unzip();
            let outcomes = self.store.import_users(users).await?;
            for (row, outcome) in rows.into_iter().zip(outcomes) {
                match outcome {
                    Imported::Inserted => self.report.inserted += 1,
                    Imported::Taken(Taken::UserId) => {
                        left.insert(row);
                    }
                    Imported::AlreadyThere => skipped.push(repeats(row, USERNAME)),
                    Imported::Taken(other) => skipped.push(refused(row, other)),
                }
            }
            self.note(&mut skips, skipped);
        }
        Ok((skips, left))
    }

    /// Stores the rows that are `left`. Those that were skipped.
    async fn with_next_ids(&mut self, csv: &[u8], left: &HashSet<u64>) -> Result<Skips, TransferError> {
        let (mut table, mut skips) = (open(csv)?, Skips::default());
        while let Some(chunk) = self.next(&mut table)? {
            let mut skipped = Vec::new();
            let (rows, users): (Vec<_>, Vec<_>) = chunk
                .rows
                .into_iter()
                .filter(|(row, _)| left.contains(row))
                .map(|(row, found)| ((row, found.wished_id), found.user))
                .unzip();
            if users.is_empty() {
                // Where nothing is waited for, others wait.
                tokio::task::yield_now().await;
                continue;
            }
            let outcomes = self.store.import_users_renumbered(users).await?;
            for ((row, wished_id), outcome) in rows.into_iter().zip(outcomes) {
                match outcome {
                    Ok(id) => self.inserted(row, wished_id, id),
                    Err(taken) => skipped.push(refused(row, taken)),
                }
            }
            self.note(&mut skips, skipped);
        }
        Ok(skips)
    }

    fn next(&self, table: &mut Table<&[u8]>) -> Result<Option<Chunk<UploadedUser>>, TransferError> {
        next_chunk(table, &|row| uploaded_user(row, self.now))
    }

    fn inserted(&mut self, row: u64, wished_id: Option<i64>, id: UserId) {
        self.report.inserted += 1;
        let Some(wished_id) = wished_id else { return };
        self.report.renumbered_total += 1;
        if self.report.renumbered.len() < RENUMBERED_LISTED_MAX {
            self.report.renumbered.push(Renumbered { row, wished_id, id });
        }
    }

    fn note(&mut self, skips: &mut Skips, skipped: Vec<Skipped>) {
        let last = skipped.iter().map(|skipped| skipped.row).max();
        self.last_skipped = self.last_skipped.max(last.unwrap_or(0));
        skips.extend(skipped);
    }
}

const USERNAME: &str = "username";

fn refused(row: u64, taken: Taken) -> Skipped {
    match taken {
        Taken::Email { .. } => repeats(row, "email"),
        _ => repeats(row, USERNAME),
    }
}

fn repeats(row: u64, what: &str) -> Skipped {
    Skipped {
        row,
        reason: format!("{what} already exists"),
    }
}

fn listed(skips: Skips, last_row: u64) -> Vec<Skipped> {
    let unlisted = skips.unlisted();
    let mut listed = skips.listed;
    if unlisted > 0 {
        listed.push(Skipped {
            row: last_row,
            reason: format!("{unlisted} more rows up to this one were skipped and are not listed"),
        });
    }
    listed
}
