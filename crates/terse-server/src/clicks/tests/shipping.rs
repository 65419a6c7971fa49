//! The shipper at work: each click exactly once, whatever the store does.

use tokio_util::sync::CancellationToken;

use super::*;
use terse_store::{ClickBatch, Position, Shipped};

#[tokio::test(flavor = "multi_thread")]
async fn clicks_of_many_threads_are_stored_once_each_while_they_come() {
    const THREADS: i64 = 4;
    const CLICKS_EACH: i64 = 1_500;
    let site = Site::new();
    // Fewer lanes than threads: some are shared.
    let options = JournalOptions {
        lanes: 3,
        ..site.options()
    };
    let journal = site.open(options).expect("a journal");
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let stop = CancellationToken::new();

    let (done, all_done) = tokio::sync::oneshot::channel();
    let appending = Arc::clone(&journal);
    let threads = std::thread::Builder::new().spawn(move || {
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let journal = &appending;
                let first = thread * CLICKS_EACH;
                scope.spawn(move || append_all(journal, first..first + CLICKS_EACH));
            }
        });
        done.send(()).expect("the test waits");
    });
    let appending = async {
        all_done.await.expect("the threads end");
        assert!(shipper.caught_up(PATIENCE).await);
        assert_eq!(stored(&store).await, numbers(0..THREADS * CLICKS_EACH));
        stop.cancel();
    };
    tokio::join!(shipper.run(stop.clone()), appending);
    threads.expect("a thread").join().expect("no thread panicked");
    assert_eq!(shipper.stats().unshipped_bytes, 0);
    assert_eq!(shipper.stats().shipped_clicks, 6_000);
    assert_eq!(journal.problems(), []);
}

#[tokio::test]
async fn a_reader_finds_his_click_after_waiting() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let stop = CancellationToken::new();
    let reading = async {
        for number in 0..20 {
            append_all(&journal, number..number + 1);
            assert!(shipper.caught_up(PATIENCE).await);
            assert_eq!(stored(&store).await, numbers(0..number + 1));
        }
        stop.cancel();
    };
    tokio::join!(shipper.run(stop.clone()), reading);
}

#[tokio::test]
async fn a_reader_with_nothing_to_wait_for_needs_no_shipper() {
    let site = Site::new();
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), site.store().await);
    assert!(shipper.caught_up(Duration::ZERO).await);
    append_all(&journal, 0..1);
    assert!(!shipper.caught_up(Duration::ZERO).await, "nobody ships");
    shipper.ship_all().await.expect("the store is there");
    assert!(shipper.caught_up(Duration::ZERO).await);
}

#[tokio::test]
async fn a_reader_waits_for_the_clicks_of_former_runs() {
    let site = Site::new();
    append_all(&site.journal(), 0..500);
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let left = shipper.stats().leftover_segments;
    assert!(left > 3, "500 clicks need several segments of 16 KiB");
    assert!(!shipper.caught_up(Duration::ZERO).await, "nobody ships");

    let stop = CancellationToken::new();
    let reading = async {
        assert!(shipper.caught_up(PATIENCE).await);
        assert_eq!(stored(&store).await, numbers(0..500));
        assert_eq!(shipper.stats().leftover_segments, 0);
        stop.cancel();
    };
    tokio::join!(shipper.run(stop.clone()), reading);
}

#[tokio::test]
async fn a_store_that_is_away_costs_no_click() {
    let site = Site::new();
    let journal = site.journal();
    append_all(&journal, 0..300);
    let away = site.store().await;
    away.close().await;
    let shipper = Shipper::new(Arc::clone(&journal), away);
    let stop = CancellationToken::new();
    let reading = async {
        assert!(!shipper.caught_up(Duration::from_millis(1)).await);
        append_all(&journal, 300..600);
        stop.cancel();
    };
    tokio::join!(shipper.run(stop.clone()), reading);
    assert!(shipper.stats().is_store_away);
    assert_eq!(shipper.stats().unshipped_clicks, 600);

    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.ship_all().await.expect("the store is back");
    assert_eq!(stored(&store).await, numbers(0..600));
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_not_stored_again() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    append_all(&journal, 0..1);
    let header = journal.lanes()[0].segments()[0].header.clone();
    let committed = Position {
        segment: header.sequence,
        offset: journal.lanes()[0].segments()[0].published().len() as u64,
    };
    let first = ClickRecord { ..click(0) };
    let unanswered = store.ship_clicks(ClickBatch {
        journal_id: header.journal_id.to_string(),
        lane: 0,
        from: Position::START,
        to: committed,
        clicks: vec![terse_core::Click {
            at: first.at,
            link_id: first.link_id,
            version: first.version,
            owner: None,
            referrer: None,
            user_agent: None,
            bot: None,
        }],
        texts: Vec::new(),
        visited: Vec::new(),
    });
    assert_eq!(unanswered.await.expect("the store is there"), Shipped::Done);

    append_all(&journal, 1..400);
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.ship_all().await.expect("the store is there");
    assert_eq!(stored(&store).await, numbers(0..400));
    assert!(shipper.caught_up(Duration::ZERO).await);
    append_all(&journal, 400..401);
    assert_eq!(shipper.stats().unshipped_clicks, 1);
}

#[tokio::test]
async fn shipped_segments_are_removed_and_the_one_being_written_stays() {
    let site = Site::new();
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), site.store().await);
    append_all(&journal, 0..500);
    shipper.ship_all().await.expect("the store is there");
    assert_eq!(journal.lanes()[0].segments().len(), 1);
    drop(shipper);
    drop(journal);
    assert_eq!(site.files().len(), 1, "{:?}", site.files());
}

#[tokio::test]
async fn clicks_are_indexed_beside_the_shipping_of_others() {
    let site = Site::new();
    let journal = site.journal();
    let mut options = StoreOptions::new(site.path().join("terse.db"));
    options.unindexed_blocks_max = 1;
    let store = Store::open(options).await.expect("a store in a scratch folder");
    let is_due = || async {
        let due = tokio::time::timeout(Duration::ZERO, store.until_fold_is_due());
        due.await.is_ok()
    };
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    append_all(&journal, 0..10);
    shipper.ship_all().await.expect("the store is there");
    assert!(shipper.caught_up(Duration::ZERO).await);
    assert!(is_due().await, "a pass leaves that to others");

    let stop = CancellationToken::new();
    let reading = async {
        append_all(&journal, 10..20);
        assert!(shipper.caught_up(PATIENCE).await);
        while is_due().await {
            tokio::task::yield_now().await;
        }
        assert_eq!(stored(&store).await, numbers(0..20));
        stop.cancel();
    };
    tokio::join!(shipper.run(stop.clone()), reading);
}

#[tokio::test]
async fn shutdown_ships_what_is_there() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    append_all(&journal, 0..50);
    let stop = CancellationToken::new();
    stop.cancel();
    Shipper::new(Arc::clone(&journal), store.clone()).run(stop).await;
    assert_eq!(stored(&store).await, numbers(0..50));
    let segments = journal.lanes()[0].segments();
    assert_eq!(segments[0].is_synced(segments[0].published().len()), Ok(true));
}

#[tokio::test]
async fn the_backlog_is_measured() {
    let site = Site::new();
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), site.store().await);
    append_all(&journal, 0..300);
    let stats = shipper.stats();
    assert_eq!(stats.unshipped_clicks, 300);
    assert!(stats.unshipped_bytes > 300 * 100);

    shipper.ship_all().await.expect("the store is there");
    append_all(&journal, 300..301);
    let stats = shipper.stats();
    assert_eq!((stats.unshipped_clicks, stats.shipped_clicks), (1, 300));
}
