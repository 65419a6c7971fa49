//! Clicks, on their way through the journal into the store.

use std::hint::black_box;

use terse_core::LinkId;
use terse_server::bench::Batches;
use terse_server::clicks::{ClickRecord, Journal};
use terse_store::bench::{Clicks, Postings};

use crate::measured;
use crate::scene::{code, journal, now};

const LINKS: usize = 1_000;
const AGENTS: usize = 100;
const REFERRERS: usize = 20;

/// Into the journal.
pub(crate) fn append(clicks: usize) {
    let (journal, _scratch) = journal();
    let visits = Visits::new();
    // Begins the first segment.
    visits.append(&journal, 0);
    for number in 0..clicks {
        measured(|| visits.append(&journal, black_box(number)));
    }
}

/// Out of the journal, as one batch whose texts the shipper knows from the one before.
pub(crate) fn read_batch(clicks: usize) {
    let journal = journal_of(clicks);
    let mut batches = Batches::default();
    batches.read_first(&journal.0);
    let read = measured(|| batches.read_first(black_box(&journal.0)));
    assert_eq!(read, (clicks, AGENTS + REFERRERS));
}

/// Into blocks.
pub(crate) fn pack_blocks(clicks: usize) {
    let clicks = Clicks::new(clicks);
    let bytes = measured(|| black_box(&clicks).pack());
    assert!(bytes > 0, "blocks have bytes");
}

/// Into a run by which they are found.
pub(crate) fn pack_postings(clicks: usize) {
    let mut postings = Postings::new(clicks);
    let bytes = measured(|| black_box(&mut postings).pack());
    assert!(bytes > 0, "chunks have bytes");
}

fn journal_of(clicks: usize) -> (Journal, tempfile::TempDir) {
    let (journal, scratch) = journal();
    let visits = Visits::new();
    for number in 0..clicks {
        visits.append(&journal, number);
    }
    (journal, scratch)
}

/// What visits say, so that of many, most have said it before.
struct Visits {
    codes: Vec<String>,
    targets: Vec<String>,
    agents: Vec<String>,
    referrers: Vec<String>,
}

impl Visits {
    fn new() -> Self {
        let targets = |number| format!("https://example.com/a/page/that/has/a/name/{number}");
        let agents = |number| {
            format!("Mozilla/5.0 (X11; Linux x86_64; rv:{number}.0) Gecko/20100101 Firefox/{number}.0")
        };
        let referrers = |number| format!("https://news.example/page/{number}");
        Self {
            codes: (0..LINKS).map(code).collect(),
            targets: (0..LINKS).map(targets).collect(),
            agents: (0..AGENTS).map(agents).collect(),
            referrers: (0..REFERRERS).map(referrers).collect(),
        }
    }

    fn append(&self, journal: &Journal, number: usize) {
        let link = number % LINKS;
        let appended = journal.append(&ClickRecord {
            at: now(),
            link_id: i64::try_from(link + 1)
                .ok()
                .and_then(|id| LinkId::new(id).ok())
                .expect("positive"),
            version: 1,
            owner: None,
            short_code: self.codes[link].as_bytes(),
            original_url: self.targets[link].as_bytes(),
            referrer: Some(self.referrers[number % REFERRERS].as_bytes()),
            user_agent: Some(self.agents[number % AGENTS].as_bytes()),
            is_head: false,
            is_prefetch: false,
        });
        appended.expect("there is room");
    }
}
