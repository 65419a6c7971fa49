//! Appending, syncing, opening.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::clicks::keeper;
use crate::clicks::lane::{Lane, lock};

#[tokio::test]
async fn a_synced_click_was_brought_to_disk_by_a_round_that_began_after_it() {
    let site = Site::new();
    let journal = site
        .open(JournalOptions {
            sync_interval: Duration::ZERO,
            ..site.options()
        })
        .expect("a journal");
    assert!(journal.syncs_before_answer());

    let rounds = lock(&journal.shared().rounds);
    let first = journal.append(&click(0)).expect("room");
    let second = journal.append(&click(1)).expect("room");
    let mut waiting = [pin!(journal.synced(first)), pin!(journal.synced(second))];
    for synced in &mut waiting {
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(
            synced.as_mut().poll(&mut context),
            Poll::Pending,
            "no round can be made yet"
        );
    }
    drop(rounds);
    for synced in waiting {
        assert_eq!(synced.await, Ok(()));
    }
    let segments = journal.lanes()[0].segments();
    let end = segments[0].published().len();
    assert_eq!(segments[0].is_synced(end), Ok(true));
}

#[tokio::test]
async fn sync_all_covers_every_lane() {
    let site = Site::new();
    let options = JournalOptions {
        lanes: 3,
        ..site.options()
    };
    let journal = site.open(options).expect("a journal");
    std::thread::scope(|scope| {
        for number in 0..3 {
            let journal = &journal;
            scope.spawn(move || append_all(journal, number..number + 1));
        }
    });
    journal.sync_all().await;
    let mut used_lanes = 0;
    for segment in journal.lanes().iter().flat_map(Lane::segments) {
        assert_eq!(segment.is_synced(segment.published().len()), Ok(true));
        used_lanes += 1;
    }
    assert_eq!(used_lanes, 3, "each thread has a lane of its own");
}

#[test]
fn a_full_segment_is_followed_by_the_next() {
    let site = Site::new();
    let journal = site.journal();
    append_all(&journal, 0..500);
    let sequences: Vec<_> = journal.lanes()[0]
        .segments()
        .iter()
        .map(|segment| segment.header.sequence)
        .collect();
    assert!(sequences.len() > 3, "500 clicks need several segments of 16 KiB");
    assert!(
        sequences.iter().copied().eq(1..=sequences.len() as u64),
        "{sequences:?}"
    );
    assert_eq!(journal.stats().appended, 500);
}

#[test]
fn appending_goes_on_while_a_slow_disk_makes_the_next_segment() {
    let site = Site::new();
    let journal = site.journal();
    let lane = &journal.lanes()[0];
    append_all(&journal, 0..1);
    keeper::round(journal.shared());
    let spares = lane.spares();
    assert!(spares > 1, "one is there while another is made");

    let slow_disk = lane.hold_making();
    let mut number = 1;
    while lane.spares() > 0 {
        append_all(&journal, number..number + 1);
        number += 1;
    }
    assert_eq!(lane.segments().len(), 1 + spares, "nobody has waited");
    drop(slow_disk);

    append_all(&journal, number..number + 500);
    let sequences = lane.segments();
    let sequences = sequences.iter().map(|segment| segment.header.sequence);
    assert!(sequences.eq(1..=lane.segments().len() as u64), "none is left out");
}

#[test]
fn closing_leaves_no_file_without_clicks() {
    let site = Site::new();
    drop(site.journal());
    assert_eq!(site.files(), Vec::<String>::new());

    let journal = site.journal();
    append_all(&journal, 0..1);
    drop(journal);
    assert_eq!(site.files().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let site = Site::new();
    let file = site.path().join("file");
    std::fs::write(&file, "in the way").expect("a file");
    let options = JournalOptions::new(file.join("journal"), 1);
    let error = site.open(options).err().expect("a file is no folder");
    assert!(matches!(&error, JournalError::Folder { path, .. } if path.starts_with(&file)));
    assert!(error.to_string().contains("file/journal"), "{error}");
}

#[test]
fn a_limit_below_one_segment_per_lane_is_refused() {
    let site = Site::new();
    let options = JournalOptions {
        max_bytes: 3 * u64::from(SEGMENT_BYTES_MIN) - 1,
        lanes: 3,
        ..site.options()
    };
    assert!(matches!(
        site.open(options),
        Err(JournalError::LimitTooSmall {
            min_bytes: 49_152,
            lanes: 3
        })
    ));
}

#[test]
fn segments_shrink_when_the_limit_leaves_a_lane_too_few() {
    let mut options = JournalOptions::new("unused".into(), 64);
    assert_eq!(options.segment_bytes_for(64).expect("fits"), 4 << 20);
    assert_eq!(options.segment_bytes_for(2).expect("fits"), SEGMENT_BYTES_DEFAULT);
    options.segment_bytes = 1;
    assert_eq!(options.segment_bytes_for(2).expect("fits"), SEGMENT_BYTES_MIN);
}

#[test]
fn the_longest_click_fits_the_smallest_segment() {
    let site = Site::new();
    let journal = site.journal();
    let long = "x".repeat(100_000);
    for _ in 0..3 {
        let longest = ClickRecord {
            short_code: long.as_bytes(),
            original_url: long.as_bytes(),
            referrer: Some(long.as_bytes()),
            user_agent: Some(long.as_bytes()),
            ..click(0)
        };
        assert!(journal.append(&longest).is_ok());
    }
}
