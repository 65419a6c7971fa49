//! A wall clock that is set back.

use super::*;

const HOUR: Duration = Duration::from_hours(1);

impl Site {
    fn set_back(&self) {
        let hour_ms = i64::try_from(HOUR.as_millis()).expect("short");
        self.clock
            .set(Timestamp::from_millis(self.clock.now().as_millis() - hour_ms));
    }

    /// Records a click as of now.
    fn visit(&self, journal: &Journal, number: i64) {
        let visit = ClickRecord {
            at: self.clock.now(),
            ..click(number)
        };
        journal.append(&visit).expect("there is room");
    }
}

/// Number and time of all clicks, in the order of their events' ids.
async fn times(store: &Store) -> Vec<(i64, Timestamp)> {
    let page = PageRequest::after(0, 1000);
    let page = store
        .list_events(EventFilter::default(), page)
        .await
        .expect("a page");
    assert!(page.rows.is_sorted_by(|one, next| one.id < next.id));
    let time = |event: &terse_core::Event| (event.link_id - 1, event.at);
    page.rows.iter().map(time).collect()
}

#[tokio::test]
async fn clicks_keep_their_order_and_say_the_time_that_the_clock_said() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let before = site.clock.now();
    for number in 0..200 {
        if number == 100 {
            site.set_back();
        }
        site.visit(&journal, number);
        // Some batches end here, and one has clicks of both times.
        if number % 30 == 0 {
            shipper.ship_all().await.expect("the store is there");
        }
    }
    shipper.ship_all().await.expect("the store is there");
    let after = site.clock.now();
    let expected = (0..200).map(|number| (number, if number < 100 { before } else { after }));
    assert_eq!(times(&store).await, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_run_whose_journal_sorts_before_the_last_ones_loses_and_doubles_nothing() {
    let site = Site::new();
    let store = site.store().await;
    // Part of each run is shipped, part is left to the next, and each begins an hour before the last.
    for run in 0..4 {
        let journal = site.journal();
        let shipper = Shipper::new(Arc::clone(&journal), store.clone());
        for number in run * 100..run * 100 + 50 {
            site.visit(&journal, number);
        }
        if run % 2 == 1 {
            shipper.ship_all().await.expect("the store is there");
        }
        for number in run * 100 + 50..run * 100 + 100 {
            site.visit(&journal, number);
        }
        drop((shipper, journal));
        site.set_back();
    }
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.recover().await.expect("the store is there");
    assert_eq!(stored(&store).await, numbers(0..400));
    assert_eq!(journal.problems(), []);
    drop((shipper, journal));
    assert_eq!(site.files(), Vec::<String>::new());
}

#[tokio::test]
async fn journals_begun_at_the_same_moment_are_told_apart() {
    let site = Site::new();
    let store = site.store().await;
    for run in 0..3 {
        append_all(&site.journal(), run * 10..run * 10 + 10);
    }
    let journal = site.journal();
    Shipper::new(journal, store.clone())
        .recover()
        .await
        .expect("the store is there");
    assert_eq!(stored(&store).await, numbers(0..30));
}
