//! Stories of the journal and its shipper, with real files and a real store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use terse_core::{Clock, EventFilter, LinkId, ManualClock, PageRequest, Seeded, Timestamp};
use terse_store::{Store, StoreOptions};

use super::*;

mod clock;
mod crash;
mod full;
mod inspection;
mod journal;
mod oldest;
mod panic;
mod recovery;
mod refused;
mod removed;
mod shipping;
mod texts;
mod unreadable;

/// A data directory, and what outlives the runs in it.
struct Site {
    folder: TempDir,
    clock: Arc<ManualClock>,
    random: Arc<Seeded>,
}

impl Site {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a scratch folder"),
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000))),
            random: Arc::new(Seeded::new(7)),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn journal_path(&self) -> PathBuf {
        self.path().join("journal")
    }

    /// Small segments and one lane: most stories are about files.
    fn options(&self) -> JournalOptions {
        JournalOptions {
            segment_bytes: SEGMENT_BYTES_MIN,
            ..JournalOptions::new(self.journal_path(), 1)
        }
    }

    fn open(&self, options: JournalOptions) -> Result<Arc<Journal>, JournalError> {
        let random = Arc::clone(&self.random);
        Journal::open(options, Arc::clone(&self.clock) as _, random).map(Arc::new)
    }

    fn journal(&self) -> Arc<Journal> {
        self.open(self.options()).expect("a journal in a scratch folder")
    }

    async fn store(&self) -> Store {
        let options = StoreOptions::new(self.path().join("terse.db"));
        Store::open(options).await.expect("a store in a scratch folder")
    }

    /// Names of the journal's files, sorted.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.journal_path()).expect("the journal's folder");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

/// A click that can be told from every other by its link.
fn click(number: i64) -> ClickRecord<'static> {
    ClickRecord {
        at: Timestamp::from_millis(1_700_000_000_000 + number),
        link_id: LinkId::new(number + 1).expect("positive"),
        version: 1,
        owner: None,
        short_code: b"abc",
        original_url: b"https://example.com/a/page/that/has/a/name",
        referrer: Some(b"https://news.example/today"),
        user_agent: Some(b"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"),
        bot: None,
    }
}

fn append_all(journal: &Journal, numbers: std::ops::Range<i64>) {
    for number in numbers {
        journal.append(&click(number)).expect("there is room");
    }
}

/// The numbers of all clicks in the store, sorted; a click that was stored twice is there twice.
async fn stored(store: &Store) -> Vec<i64> {
    let mut numbers = Vec::new();
    let mut last = 0;
    loop {
        let page = PageRequest::after(last, 1000);
        let page = store
            .list_events(EventFilter::default(), page)
            .await
            .expect("a page");
        numbers.extend(page.rows.iter().map(|event| event.link_id - 1));
        last = page.rows.last().map_or(last, |event| event.id.get());
        if !page.has_more {
            numbers.sort_unstable();
            return numbers;
        }
    }
}

fn numbers(range: std::ops::Range<i64>) -> Vec<i64> {
    range.collect()
}

/// Long enough for the slowest machine; nothing waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);
