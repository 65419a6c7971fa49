//! Which runs a fold takes in, and that nobody who ships waits for one.

use std::sync::mpsc;

use terse_core::{Click, LinkId, Timestamp};

use super::*;
use crate::store::StoreOptions;
use crate::{ClickBatch, Position, Shipped};

fn runs(clicks: &[i64]) -> Vec<Run> {
    let mut first_id = 1;
    let runs = clicks.iter().map(|clicks| {
        let run = Run {
            first_id,
            last_id: first_id + clicks - 1,
            clicks: *clicks,
        };
        first_id += clicks;
        run
    });
    runs.collect()
}

#[test]
fn a_run_takes_in_smaller_ones_and_stays_within_its_limit() {
    for (present, clicks, taken) in [
        (&[][..], 10, vec![]),
        (&[100, 10], 10, vec![10]),
        (&[40, 20, 10], 10, vec![10, 20, 40]),
        (&[1_000, 5], 10, vec![5]),
        (&[RUN_CLICKS_MAX, 5], RUN_CLICKS_MAX - 5, vec![5]),
        (&[5, RUN_CLICKS_MAX], RUN_CLICKS_MAX, vec![]),
        (&[5, i64::MAX - 6], 10, vec![]),
    ] {
        let absorbed = absorbed(&runs(present), clicks);
        let absorbed: Vec<_> = absorbed.iter().map(|run| run.clicks).collect();
        assert_eq!(absorbed, taken, "{present:?} {clicks}");
    }
}

/// The next click of a lane.
fn batch(from: u64) -> ClickBatch {
    let position = |offset| Position { segment: 0, offset };
    ClickBatch {
        journal_id: "journal".to_owned(),
        lane: 0,
        from: position(from),
        to: position(from + 1),
        clicks: vec![Click {
            at: Timestamp::from_millis(3_000),
            link_id: LinkId::new(1).expect("positive"),
            version: 1,
            owner: None,
            referrer: None,
            user_agent: None,
            bot: None,
        }],
        texts: Vec::new(),
        visited: Vec::new(),
    }
}

#[tokio::test]
async fn clicks_are_shipped_while_a_fold_waits_for_its_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = StoreOptions::new(folder.path().join("terse.sqlite"));
    options.unindexed_blocks_max = 2;
    let store = Store::open(options).await.expect("an empty folder");
    // A scan that goes on until the test lets it end: the fold is behind it.
    let (release, released) = mpsc::channel::<()>();
    let scan = store.db.read(Read::Scan, move |_| {
        Box::pin(async move {
            // An error is the end of the test.
            let _ = released.recv();
            Ok(())
        })
    });
    let shipping = async {
        for from in 0..2 {
            assert_eq!(
                store.ship_clicks(batch(from)).await.expect("stored"),
                Shipped::Done
            );
        }
        store.until_fold_is_due().await;
        let mut folding = std::pin::pin!(store.fold_if_due());
        for from in 2..4 {
            let shipped = tokio::select! {
                biased;
                () = &mut folding => panic!("the scan is not over"),
                shipped = store.ship_clicks(batch(from)) => shipped,
            };
            assert_eq!(shipped.expect("stored"), Shipped::Done);
        }
        release.send(()).expect("the scan waits");
        folding.await;
    };
    let (scanned, ()) = tokio::join!(scan, shipping);
    scanned.expect("a scan");
    let indexed = store
        .db
        .read(Read::Point, |tx| Box::pin(blocks::indexed_through(tx)));
    assert_eq!(
        indexed.await.expect("an answer"),
        4,
        "all that was there when it had its turn"
    );
    store.close().await;
}
