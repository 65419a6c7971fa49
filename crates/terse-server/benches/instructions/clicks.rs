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
    let visitors = Visitors::new();
    // Begins the first segment.
    append_one(&journal, &visitors.click(0));
    for number in 0..clicks {
        let click = visitors.click(number);
        measured(|| append_one(&journal, black_box(&click)));
    }
}

/// Out of the journal, as one batch whose texts the shipper knows from the one before.
pub(crate) fn read_batch(clicks: usize) {
    let (journal, _scratch) = journal();
    let visitors = Visitors::new();
    for number in 0..clicks {
        append_one(&journal, &visitors.click(number));
    }
    let mut batches = Batches::default();
    batches.read_first(&journal);
    let read = measured(|| batches.read_first(black_box(&journal)));
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

fn append_one(journal: &Journal, click: &ClickRecord<'_>) {
    journal.append(click).expect("there is room");
}

/// What visitors say: of many, most say what another has said.
struct Visitors {
    codes: Vec<String>,
    targets: Vec<String>,
    agents: Vec<String>,
    referrers: Vec<String>,
}

impl Visitors {
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

    fn click(&self, number: usize) -> ClickRecord<'_> {
        let link = number % LINKS;
        let id = i64::try_from(link + 1).expect("there are few links");
        ClickRecord {
            at: now(),
            link_id: LinkId::new(id).expect("positive"),
            version: 1,
            owner: None,
            short_code: self.codes[link].as_bytes(),
            original_url: self.targets[link].as_bytes(),
            referrer: Some(self.referrers[number % REFERRERS].as_bytes()),
            user_agent: Some(self.agents[number % AGENTS].as_bytes()),
            bot: None,
        }
    }
}
