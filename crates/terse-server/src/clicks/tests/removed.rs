//! Segments that somebody removes: what is still in memory is shipped, what is lost is reported.

use std::io;

use super::unreadable::{Hidden, left_segments};
use super::*;
use crate::clicks::keeper;
use crate::clicks::lane::lock;

/// `change` while the journal's thread neither makes nor removes files, nor looks for them.
fn between_rounds<T>(journal: &Journal, change: impl FnOnce() -> T) -> T {
    let _rounds = lock(&journal.shared().rounds);
    change()
}

/// Removes every file of the journal, segments that were made ahead included. Then `meanwhile`, before the journal's thread
/// can have noticed.
fn remove_all<T>(site: &Site, journal: &Journal, meanwhile: impl FnOnce() -> T) -> T {
    between_rounds(journal, || {
        for name in site.files() {
            std::fs::remove_file(site.journal_path().join(name)).expect("a file of the journal");
        }
        meanwhile()
    })
}

#[tokio::test]
async fn clicks_in_removed_segments_are_shipped_from_memory_and_the_next_segments_work() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    append_all(&journal, 0..500);
    assert!(
        journal.lanes()[0].segments().len() > 3,
        "full ones and the one that is written"
    );
    remove_all(&site, &journal, || append_all(&journal, 500..1_000));

    shipper.ship_all().await.expect("the store is there");
    keeper::round(journal.shared());
    assert_eq!(stored(&store).await, numbers(0..1_000));
    assert_eq!(
        (journal.stats().appended, journal.stats().shed),
        (1_000, 0),
        "nobody was refused"
    );
    assert_eq!(journal.problems(), [], "nothing was lost");
    drop((shipper, journal));
    assert_eq!(site.files().len(), 1, "{:?}", site.files());
}

#[tokio::test]
async fn a_segment_that_was_removed_gets_clicks_until_the_next_sync_only_and_its_loss_is_reported() {
    let site = Site::new();
    let store = site.store().await;
    let journal = site.journal();
    append_all(&journal, 0..10);
    keeper::round(journal.shared());
    assert!(journal.lanes()[0].spares() > 0, "they are removed too");
    let lost = remove_all(&site, &journal, || journal.append(&click(10))).expect("there is room");
    keeper::round(journal.shared());
    assert_eq!(
        journal.synced(lost).await,
        Err(NotSynced),
        "whoever waits for the disk is told"
    );
    append_all(&journal, 11..20);
    // As a kill would, closing leaves what is in files and no more.
    drop(journal);

    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let recovered = shipper.recover().await.expect("the store is there");
    assert_eq!(stored(&store).await, numbers(11..20));
    let problems: Vec<_> = journal
        .problems()
        .into_iter()
        .map(|problem| problem.kind)
        .collect();
    assert_eq!(
        problems,
        [ProblemKind::Missing { segments: 1 }],
        "those that were made ahead had no clicks"
    );
    assert_eq!(shipper.stats().missing_segments, 1);
    assert_eq!(recovered.problems, 1);
}

#[tokio::test]
async fn a_segment_of_a_former_run_that_is_gone_is_reported_and_counted_once_and_the_others_are_shipped() {
    let site = Site::new();
    let store = site.store().await;
    let left = left_segments(&site, 0..500);
    std::fs::remove_file(&left[1]).expect("a segment");

    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.recover().await.expect("the store is there");
    keeper::round(journal.shared());
    let problems = journal.problems();
    let [problem] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert_eq!(problem.kind, ProblemKind::Missing { segments: 1 });
    assert!(left[2].ends_with(&problem.file), "{problem}");
    assert_eq!(shipper.stats().missing_segments, 1);
    let recorded = stored(&store).await;
    let lost: Vec<_> = (0..500).filter(|number| !recorded.contains(number)).collect();
    let (begin, end) = (lost[0], lost[lost.len() - 1] + 1);
    assert_eq!(lost, numbers(begin..end), "those of one segment");
    assert!(begin > 0 && end < 500 && lost.len() < 200, "{begin} to {end}");
    drop((shipper, journal));

    let journal = site.journal();
    Shipper::new(Arc::clone(&journal), store.clone())
        .recover()
        .await
        .expect("the store is there");
    assert_eq!(journal.problems(), [], "said once");
}

#[tokio::test]
async fn a_segment_that_goes_between_the_start_and_its_shipping_holds_its_lane_up_until_the_next_start() {
    let site = Site::new();
    let store = site.store().await;
    let left = left_segments(&site, 0..500);

    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    std::fs::remove_file(&left[1]).expect("a segment");
    shipper.recover().await.expect("the store is there");
    let kinds: Vec<_> = journal
        .problems()
        .into_iter()
        .map(|problem| problem.kind)
        .collect();
    assert_eq!(kinds, [ProblemKind::Unreadable(io::ErrorKind::NotFound)]);
    // It may be only the folder that was away for a moment.
    assert_eq!(shipper.stats().blocked_segments, left.len() - 1);
    keeper::round(journal.shared());
    drop((shipper, journal));

    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.recover().await.expect("the store is there");
    assert_eq!(shipper.stats().missing_segments, 1);
    assert_eq!(stored(&store).await.last(), Some(&499), "the others are shipped");
}

#[tokio::test]
async fn a_shipped_segment_that_cannot_be_removed_takes_room_until_it_can() {
    let site = Site::new();
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), site.store().await);
    append_all(&journal, 0..500);
    let first = journal.lanes()[0].segments()[0].path.clone();
    let hidden = between_rounds(&journal, || Hidden::hide(first.clone()));
    shipper.ship_all().await.expect("the store is there");
    let bytes_of_segments = || {
        between_rounds(&journal, || {
            let folder_in_its_place = first.is_dir();
            let segments = site.files().len() - usize::from(folder_in_its_place);
            (
                journal.stats().disk_bytes,
                segments as u64 * u64::from(SEGMENT_BYTES_MIN),
            )
        })
    };
    keeper::round(journal.shared());
    let (counted, there) = bytes_of_segments();
    assert_eq!(counted, there);

    between_rounds(&journal, || hidden.show());
    keeper::round(journal.shared());
    assert!(!first.exists(), "it is tried again");
    let (counted, there) = bytes_of_segments();
    assert_eq!(counted, there);
}

#[tokio::test]
async fn a_folder_that_is_away_sheds_clicks_until_it_is_back() {
    let site = Site::new();
    let journal = site.journal();
    let store = site.store().await;
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let away = site.path().join("away");
    std::fs::rename(site.journal_path(), &away).expect("the folder");
    let is_shed = |number: &i64| journal.append(&click(*number)) == Err(Shed);
    let recorded = (0..100_000).find(is_shed).expect("no segment can be made");
    assert!(recorded > 0, "those that were made are still written");
    keeper::round(journal.shared());
    assert_eq!(journal.append(&click(0)), Err(Shed));
    assert_eq!(journal.stats().shed, 2);

    std::fs::rename(&away, site.journal_path()).expect("the folder");
    keeper::round(journal.shared());
    append_all(&journal, recorded..recorded + 10);
    shipper.ship_all().await.expect("the store is there");
    keeper::round(journal.shared());
    assert_eq!(stored(&store).await, numbers(0..recorded + 10));
}
