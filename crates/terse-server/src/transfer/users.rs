//! A file of users that a client uploads: small, and with ids only as a wish.

use terse_core::{NewUser, Timestamp};
use terse_store::{Imported, Store, Taken};

use super::chunks::next_chunk;
use super::error::TransferError;
use super::report::Skips;
use super::rows::{UPLOAD_COLUMNS, uploaded_user};
use super::table::Table;

pub use super::report::Skipped;

/// What errors call the file.
const FILE: &str = "The file";

/// What became of an uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadReport {
    /// Users that were created.
    pub inserted: u64,
    /// Rows that created none. Past [`super::SKIPPED_LISTED_MAX`] of them one more entry says how many follow.
    pub skipped: Vec<Skipped>,
}

/// Creates a user for each row of `csv`, with the row's id if it is free, and with the next one otherwise. Rows that are
/// malformed, or repeat a user name or an e-mail address, are skipped.
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
    let mut table = Table::open(FILE.to_owned(), csv, UPLOAD_COLUMNS)?;
    let mut chunks = Vec::new();
    while let Some(chunk) = next_chunk(&mut table, &|row| uploaded_user(row, now))? {
        chunks.push(chunk);
    }
    let (mut inserted, mut skips, mut last_row) = (0, Skips::default(), 0);
    for chunk in chunks {
        let mut skipped = chunk.bad;
        let rows = chunk.rows.len() as u64;
        let refused = insert(store, chunk.rows).await?;
        inserted += rows - refused.len() as u64;
        skipped.extend(refused);
        last_row = skipped
            .iter()
            .map(|skipped| skipped.row)
            .max()
            .unwrap_or(last_row);
        skips.extend(skipped);
    }
    Ok(UploadReport {
        inserted,
        skipped: listed(skips, last_row),
    })
}

/// Stores `rows`; those that were not, and why.
async fn insert(store: &Store, rows: Vec<(u64, NewUser)>) -> Result<Vec<Skipped>, TransferError> {
    let (mut refused, mut without_id) = (Vec::new(), Vec::new());
    for (row, user, outcome) in import(store, rows).await? {
        match outcome {
            Imported::Taken(Taken::UserId) => without_id.push((row, NewUser { id: None, ..user })),
            outcome => refused.extend(refusal(row, outcome)),
        }
    }
    // After the others of the chunk: fresh ids must not take one that another row asks for.
    for (row, _, outcome) in import(store, without_id).await? {
        refused.extend(refusal(row, outcome));
    }
    Ok(refused)
}

async fn import(
    store: &Store,
    rows: Vec<(u64, NewUser)>,
) -> Result<impl Iterator<Item = (u64, NewUser, Imported)>, TransferError> {
    let users = rows.iter().map(|(_, user)| user.clone()).collect();
    let outcomes = store.import_users(users).await?;
    Ok(rows
        .into_iter()
        .zip(outcomes)
        .map(|((row, user), outcome)| (row, user, outcome)))
}

fn refusal(row: u64, outcome: Imported) -> Option<Skipped> {
    let reason = match outcome {
        Imported::Inserted => return None,
        Imported::Taken(Taken::Email { .. }) => "email already exists",
        Imported::AlreadyThere | Imported::Taken(_) => "username already exists",
    };
    Some(Skipped {
        row,
        reason: reason.to_owned(),
    })
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
