//! A shipper that panics goes on.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// A log that panics once, in the middle of whatever is logged first.
struct PanickingLog {
    has_panicked: Arc<AtomicBool>,
}

impl Subscriber for PanickingLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let is_ours = event.metadata().target().contains("clicks");
        assert!(
            !is_ours || self.has_panicked.swap(true, Ordering::Relaxed),
            "planted"
        );
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn clicks_are_shipped_after_a_panic() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    append_all(&journal, 0..10);
    // Makes the shipper log that the store has another position.
    let header = journal.lanes()[0].segments()[0].header.clone();
    let moved = terse_store::ClickBatch {
        journal_id: header.journal_id.to_string(),
        lane: header.lane,
        from: terse_store::Position::START,
        to: terse_store::Position {
            segment: 0,
            offset: 1,
        },
        clicks: Vec::new(),
        texts: Vec::new(),
        visited: Vec::new(),
    };
    store.ship_clicks(moved).await.expect("the store is there");

    let has_panicked = Arc::new(AtomicBool::new(false));
    let log = PanickingLog {
        has_panicked: Arc::clone(&has_panicked),
    };
    let _log = tracing::subscriber::set_default(log);
    let stop = CancellationToken::new();
    let reading = async {
        assert!(shipper.caught_up(PATIENCE).await);
        assert_eq!(stored(&store).await, numbers(0..10));
        assert!(has_panicked.load(Ordering::Relaxed));
        stop.cancel();
    };
    tokio::join!(shipper.run(stop.clone()), reading);
}
