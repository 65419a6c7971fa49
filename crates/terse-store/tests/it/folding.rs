//! When the tail is folded, and readers while it grows and is folded under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use terse_core::{EventFilter, PageRequest};
use terse_store::{Store, StoreOptions};
use tokio::task::JoinSet;

use crate::sample::{batch, click, click_count, create, new_link, ship};

/// How many blocks the tail has, and how many runs there are.
fn blocks_and_runs(folder: &tempfile::TempDir) -> (i64, i64) {
    let connection = rusqlite::Connection::open(folder.path().join("terse.sqlite")).expect("a database");
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
    let blocks = "SELECT count(*) FROM click_blocks, click_index WHERE first_id > indexed_through";
    let runs = "SELECT count(*) FROM click_runs";
    (count(blocks).expect("a number"), count(runs).expect("a number"))
}

#[tokio::test]
async fn shipping_does_not_wait_for_the_fold_that_it_makes_due() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = busy_store(&folder).await;
    let link = create(&store, new_link("abc")).await;
    for from in 0..2 {
        let shipped = store.ship_clicks(batch(from, from + 1, vec![click(&link)])).await;
        shipped.expect("a working store");
    }
    assert_eq!(blocks_and_runs(&folder), (2, 0));
    store.until_fold_is_due().await;
    store.fold_if_due().await;
    assert_eq!(blocks_and_runs(&folder), (0, 1));
    assert_eq!(click_count(&store, link.id).await, 2);
    store.close().await;
}

#[tokio::test]
async fn a_tail_that_nobody_folds_is_bounded_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = busy_store(&folder).await;
    let link = create(&store, new_link("abc")).await;
    for from in 0..20 {
        let shipped = store.ship_clicks(batch(from, from + 1, vec![click(&link)])).await;
        shipped.expect("a working store");
        let (blocks, _) = blocks_and_runs(&folder);
        assert!(blocks <= 4, "{blocks} blocks after batch {from}");
    }
    assert_eq!(click_count(&store, link.id).await, 20);
    store.close().await;
}

#[tokio::test]
async fn what_a_former_run_left_in_the_tail_is_folded() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(StoreOptions::new(folder.path().join("terse.sqlite"))).await;
    let store = store.expect("an empty folder");
    let link = create(&store, new_link("abc")).await;
    for from in 0..3 {
        ship(&store, batch(from, from + 1, vec![click(&link)])).await;
    }
    store.close().await;
    assert_eq!(blocks_and_runs(&folder), (3, 0));
    let store = busy_store(&folder).await;
    store.fold_if_due().await;
    assert_eq!(blocks_and_runs(&folder), (0, 1));
    store.close().await;
}

const BATCHES: i64 = 120;
const CLICKS: i64 = 25;

/// How many clicks were handed to the store, and how many it has acknowledged.
#[derive(Debug, Default)]
struct Progress {
    begun: AtomicI64,
    acknowledged: AtomicI64,
}

impl Progress {
    fn is_over(&self) -> bool {
        self.acknowledged.load(Ordering::SeqCst) == BATCHES * CLICKS
    }
}

/// With two threads that read, and a tail that is folded every other batch.
async fn busy_store(folder: &tempfile::TempDir) -> Store {
    let mut options = StoreOptions::new(folder.path().join("terse.sqlite"));
    options.unindexed_blocks_max = 2;
    options.readers = 3;
    Store::open(options).await.expect("an empty folder")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_every_acknowledged_click_once_while_the_tail_is_folded() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = busy_store(&folder).await;
    let link = create(&store, new_link("abc")).await;
    let progress = Arc::new(Progress::default());
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (store, progress) = (store.clone(), Arc::clone(&progress));
        tasks.spawn(async move {
            while !progress.is_over() {
                let at_least = progress.acknowledged.load(Ordering::SeqCst);
                let count = click_count(&store, link.id).await;
                let at_most = progress.begun.load(Ordering::SeqCst);
                assert!(
                    (at_least..=at_most).contains(&count),
                    "{at_least} {count} {at_most}"
                );
            }
        });
    }
    let (reader, seen) = (store.clone(), Arc::clone(&progress));
    tasks.spawn(async move {
        while !seen.is_over() {
            let at_least = seen.acknowledged.load(Ordering::SeqCst);
            let listed = count_listed(&reader, link.id.get()).await;
            let at_most = seen.begun.load(Ordering::SeqCst);
            assert!(
                (at_least..=at_most).contains(&listed),
                "{at_least} {listed} {at_most}"
            );
        }
    });
    for step in 0..BATCHES {
        progress.begun.fetch_add(CLICKS, Ordering::SeqCst);
        let clicks = (0..CLICKS).map(|_| click(&link)).collect();
        let from = step.cast_unsigned();
        ship(&store, batch(from, from + 1, clicks)).await;
        progress.acknowledged.fetch_add(CLICKS, Ordering::SeqCst);
    }
    tasks.join_all().await;
    assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
    store.close().await;
}

/// The clicks of a link, page by page, each page of its own state of the store.
async fn count_listed(store: &Store, link: i64) -> i64 {
    let of_link = EventFilter {
        link_id: Some(link),
        event_type: Some("click".parse().expect("a type")),
        ..EventFilter::default()
    };
    let (mut after, mut listed) = (0, 0);
    loop {
        let page = store
            .list_events(of_link.clone(), PageRequest::after(after, 700))
            .await
            .expect("a page");
        listed += i64::try_from(page.rows.len()).expect("few");
        match page.rows.last() {
            Some(last) if page.has_more => after = last.id.get(),
            _ => return listed,
        }
    }
}
