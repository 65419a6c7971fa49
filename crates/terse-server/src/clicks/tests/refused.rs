//! A store that refuses batches for minutes, because another process has made the database so.

use super::*;
use crate::clicks::shipper::rest::{BACKOFF_MAX, Rest, Rhythm};

/// The table of clicks refuses new ones until the refusal is lifted.
struct Refusal(rusqlite::Connection);

impl Refusal {
    fn impose(site: &Site) -> Self {
        let database = rusqlite::Connection::open(site.path().join("terse.db")).expect("a database");
        database
            .execute_batch(
                "CREATE TRIGGER refusal BEFORE INSERT ON click_blocks BEGIN SELECT RAISE(ABORT, 'refused'); END",
            )
            .expect("the store has made its tables");
        Self(database)
    }

    fn lift(self) {
        self.0.execute_batch("DROP TRIGGER refusal").expect("it is there");
    }
}

#[tokio::test]
async fn a_store_that_refuses_for_minutes_gets_each_click_once_as_soon_as_it_takes_them() {
    const MINUTES: Duration = Duration::from_mins(5);
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    append_all(&journal, 0..10);
    shipper.ship_all().await.expect("the store is there");

    let refusal = Refusal::impose(&site);
    let (mut rhythm, mut waited, mut number) = (Rhythm::default(), Duration::ZERO, 10);
    let mut last = Duration::ZERO;
    while waited < MINUTES {
        append_all(&journal, number..number + 10);
        number += 10;
        let Rest::Whole(rest) = shipper.turn(&mut rhythm).await else {
            panic!("the store has taken clicks that it refuses");
        };
        assert!(rest >= last && rest <= BACKOFF_MAX, "{rest:?} after {last:?}");
        last = rest;
        waited += rest;
    }
    assert_eq!(last, BACKOFF_MAX);
    let stats = shipper.stats();
    assert!(stats.is_store_away);
    assert_eq!(
        stats.unshipped_clicks,
        u64::try_from(number - 10).expect("positive")
    );
    assert_eq!(stored(&store).await, numbers(0..10), "what is there can be read");

    refusal.lift();
    let rest = shipper.turn(&mut rhythm).await;
    assert!(matches!(rest, Rest::UntilNudged(_)), "{rest:?}");
    assert_eq!(stored(&store).await, numbers(0..number));
    assert!(shipper.caught_up(Duration::ZERO).await);
    assert_eq!(shipper.stats().unshipped_clicks, 0);

    // The next refusal begins with a short rest again.
    let refusal = Refusal::impose(&site);
    append_all(&journal, number..number + 1);
    let rest = shipper.turn(&mut rhythm).await;
    assert!(
        matches!(rest, Rest::Whole(rest) if rest < BACKOFF_MAX),
        "{rest:?}"
    );
    refusal.lift();
}

#[tokio::test(start_paused = true)]
#[expect(
    clippy::disallowed_methods,
    reason = "the time of this test's runtime stands still until everybody waits"
)]
async fn a_reader_waits_no_longer_than_he_said() {
    const LIMIT: Duration = Duration::from_secs(1);
    let site = Site::new();
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), site.store().await);
    append_all(&journal, 0..10);
    let _refusal = Refusal::impose(&site);
    shipper.ship_all().await.expect_err("the store refuses");
    let begun = tokio::time::Instant::now();
    assert!(!shipper.caught_up(LIMIT).await);
    assert_eq!(begun.elapsed(), LIMIT);
}
