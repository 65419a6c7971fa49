//! Three files with the ids that their rows had elsewhere: users, links, events, in this order.
//!
//! Running the same import again doubles nothing. Links and events of a user who repeats another one go to the one who
//! kept the name, events of a link whose code is taken to the link that kept the code.

mod id_set;
mod owners;
mod tally;

use std::path::PathBuf;

use terse_core::{LinkId, NewEvent, NewLink, NewUser, UserId};
use terse_store::{Imported, Store, Taken};
use tokio::sync::mpsc;

use super::chunks::{Chunk, Source};
use super::error::TransferError;
use super::report::FileReport;
use super::rows::{self, EVENT_COLUMNS, LINK_COLUMNS, USER_COLUMNS};
use owners::{Owner, Owners};
use tally::{Tally, reason};

/// The files to import; any of them may be left out.
#[derive(Debug, Clone, Default)]
pub struct ImportFiles {
    /// `users.csv`: id, username, email, `created_at`.
    pub users: Option<PathBuf>,
    /// `urls.csv`: id, `user_id`, `short_code`, `original_url`, title, `is_active`, `created_at`, `updated_at`.
    pub urls: Option<PathBuf>,
    /// `events.csv`: id, `url_id`, `user_id`, `event_type`, timestamp, details.
    pub events: Option<PathBuf>,
}

/// What became of the files; `None` for those that were left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Users.
    pub users: Option<FileReport>,
    /// Links.
    pub urls: Option<FileReport>,
    /// Events.
    pub events: Option<FileReport>,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows done, of all files so far.
    pub rows: u64,
    /// Bytes done, of all files so far.
    pub bytes_done: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
}

/// Imports `files`. All of them are opened and their headers checked before the first row is stored.
///
/// # Errors
/// [`TransferError`] for a file that cannot be read and for the store's failures; what was stored before stays, and
/// running the import again goes on from there.
pub async fn import(
    store: &Store,
    files: &ImportFiles,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, TransferError> {
    let open = |path: &Option<PathBuf>, columns| {
        path.as_deref()
            .map(|path| Source::open(path, columns))
            .transpose()
    };
    let users = open(&files.users, USER_COLUMNS)?;
    let urls = open(&files.urls, LINK_COLUMNS)?;
    let events = open(&files.events, EVENT_COLUMNS)?;
    let bytes_total = [&users, &urls, &events]
        .into_iter()
        .flatten()
        .map(Source::bytes_total)
        .sum();
    let mut run = Run {
        store,
        users: Owners::default(),
        links: Owners::default(),
        progress: Progress {
            rows: 0,
            bytes_done: 0,
            bytes_total,
        },
        on_progress,
    };
    let mut report = ImportReport::default();
    if let Some(source) = users {
        report.users = Some(run.users(source).await?);
    }
    if let Some(source) = urls {
        report.urls = Some(run.links(source).await?);
    }
    if let Some(source) = events {
        report.events = Some(run.events(source).await?);
    }
    Ok(report)
}

struct Run<'a> {
    store: &'a Store,
    users: Owners,
    links: Owners,
    progress: Progress,
    on_progress: &'a mut dyn FnMut(Progress),
}

type Chunks<T> = mpsc::Receiver<Result<Chunk<T>, TransferError>>;

impl Run<'_> {
    async fn users(&mut self, source: Source) -> Result<FileReport, TransferError> {
        let (mut tally, bytes_before) = (Tally::default(), self.progress.bytes_done);
        let mut chunks: Chunks<NewUser> = source.parse(rows::user)?;
        while let Some(chunk) = chunks.recv().await.transpose()? {
            self.advance(&chunk, bytes_before);
            tally.begin(&chunk);
            let rows = chunk.rows;
            let users = rows.iter().map(|(_, user)| user.clone()).collect();
            let outcomes = self.store.import_users(users).await?;
            for ((row, user), outcome) in rows.iter().zip(outcomes) {
                note(&mut self.users, user.id.map(UserId::get), outcome);
                tally.add(*row, outcome, false, |taken| reason::user(user, taken));
            }
            tally.end(chunk.bad);
        }
        Ok(tally.report())
    }

    async fn links(&mut self, source: Source) -> Result<FileReport, TransferError> {
        let (mut tally, bytes_before) = (Tally::default(), self.progress.bytes_done);
        let mut chunks: Chunks<NewLink> = source.parse(rows::link)?;
        while let Some(chunk) = chunks.recv().await.transpose()? {
            self.advance(&chunk, bytes_before);
            tally.begin(&chunk);
            let (mut kept, mut links, mut bad) = (Vec::new(), Vec::new(), chunk.bad);
            for (row, mut link) in chunk.rows {
                let claimed = link.owner;
                match claimed.map(|user| self.users.of(user.get())) {
                    Some(Owner::Nobody) => {
                        bad.push(reason::of_skipped(row, "user", claimed.map(UserId::get)));
                        continue;
                    }
                    Some(Owner::KeptBy(user)) => link.owner = UserId::new(user).ok(),
                    Some(Owner::AsWritten) | None => {}
                }
                kept.push((row, link.owner != claimed, reason::LinkName::of(&link)));
                links.push(link);
            }
            let outcomes = self.store.import_links(links).await?;
            for ((row, is_reassigned, name), outcome) in kept.into_iter().zip(outcomes) {
                note(&mut self.links, name.id().map(LinkId::get), outcome);
                tally.add(row, outcome, is_reassigned, |taken| name.reason(taken));
            }
            tally.end(bad);
        }
        Ok(tally.report())
    }

    async fn events(&mut self, source: Source) -> Result<FileReport, TransferError> {
        let (mut tally, bytes_before) = (Tally::default(), self.progress.bytes_done);
        let mut chunks: Chunks<NewEvent> = source.parse(rows::event)?;
        while let Some(chunk) = chunks.recv().await.transpose()? {
            self.advance(&chunk, bytes_before);
            tally.begin(&chunk);
            let (mut kept, mut events, mut bad) = (Vec::new(), Vec::new(), chunk.bad);
            for (row, mut event) in chunk.rows {
                let claimed = (event.link_id, event.user_id);
                // Unlike links, events may name users, and links, that do not exist.
                match claimed.1.map(|user| self.users.of(user)) {
                    Some(Owner::Nobody) => {
                        bad.push(reason::of_skipped(row, "user", claimed.1));
                        continue;
                    }
                    Some(Owner::KeptBy(user)) => event.user_id = Some(user),
                    Some(Owner::AsWritten) | None => {}
                }
                match self.links.of(event.link_id) {
                    Owner::Nobody => {
                        bad.push(reason::of_skipped(row, "link", Some(event.link_id)));
                        continue;
                    }
                    Owner::KeptBy(link) => event.link_id = link,
                    Owner::AsWritten => {}
                }
                kept.push((row, (event.link_id, event.user_id) != claimed, event.id));
                events.push(event);
            }
            let outcomes = self.store.import_events(events).await?;
            for ((row, is_reassigned, id), outcome) in kept.into_iter().zip(outcomes) {
                tally.add(row, outcome, is_reassigned, |taken| reason::event(id, taken));
            }
            tally.end(bad);
        }
        Ok(tally.report())
    }

    fn advance<T>(&mut self, chunk: &Chunk<T>, bytes_before: u64) {
        self.progress.rows += (chunk.rows.len() + chunk.bad.len()) as u64;
        self.progress.bytes_done = bytes_before + chunk.bytes_done;
        (self.on_progress)(self.progress);
    }
}

/// Remembers for later rows what became of the user or link `id` of a file.
fn note(owners: &mut Owners, id: Option<i64>, outcome: Imported) {
    let Some(id) = id else { return };
    match outcome {
        Imported::Inserted | Imported::AlreadyThere => owners.stored(id),
        Imported::Taken(Taken::Username { kept_by } | Taken::Email { kept_by }) => {
            owners.skipped(id, Some(kept_by.get()));
        }
        Imported::Taken(Taken::ShortCode { kept_by }) => owners.skipped(id, Some(kept_by.get())),
        Imported::Taken(_) => owners.skipped(id, None),
    }
}
