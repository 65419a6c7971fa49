//! Looking at a journal without changing it.

use super::unreadable::left_segments;
use super::*;

async fn look(site: &Site, store: &Store, writer: Writer) -> Inspection {
    inspect(&site.journal_path(), store, writer)
        .await
        .expect("the folder can be listed")
}

/// The longest of the journal's files: the one with records.
fn segment(site: &Site) -> PathBuf {
    let names = site.files();
    let name = names.first().expect("a segment");
    site.journal_path().join(name)
}

#[tokio::test]
async fn a_folder_that_is_not_there_holds_nothing() {
    let site = Site::new();
    let store = site.store().await;
    assert_eq!(look(&site, &store, Writer::Gone).await, Inspection::default());
}

#[tokio::test]
async fn clicks_that_are_not_shipped_are_counted_and_the_others_are_not() {
    let site = Site::new();
    let store = site.store().await;
    let journal = site.journal();
    append_all(&journal, 0..20);
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.ship_all().await.expect("the store is there");
    append_all(&journal, 20..25);
    assert_eq!(look(&site, &store, Writer::Serving).await.unshipped_clicks, 5);
    drop((journal, shipper));

    let before = site.files();
    let inspection = look(&site, &store, Writer::Gone).await;
    assert_eq!(
        (inspection.unshipped_clicks, inspection.problems),
        (5, Vec::new())
    );
    assert_eq!(site.files(), before);
}

#[tokio::test]
async fn damage_is_named_and_a_torn_end_only_when_nobody_may_be_writing_it() {
    let site = Site::new();
    let store = site.store().await;
    append_all(&site.journal(), 0..3);
    let path = segment(&site);
    let whole = std::fs::read(&path).expect("a segment");
    let last = whole.iter().rposition(|byte| *byte != 0).expect("records");

    let mut torn = whole.clone();
    torn[last] ^= 1;
    std::fs::write(&path, &torn).expect("written");
    let stopped = look(&site, &store, Writer::Gone).await;
    assert!(matches!(stopped.problems[0].kind, ProblemKind::TornTail { .. }));
    assert_eq!((stopped.unshipped_clicks, stopped.problems.len()), (2, 1));
    let served = look(&site, &store, Writer::Serving).await;
    assert_eq!((served.unshipped_clicks, served.problems), (2, Vec::new()));

    let mut damaged = whole.clone();
    damaged[80] ^= 1;
    std::fs::write(&path, damaged).expect("written");
    let served = look(&site, &store, Writer::Serving).await;
    assert!(matches!(
        served.problems[0].kind,
        ProblemKind::Damage { offset: 64, .. }
    ));

    std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
    let cut = look(&site, &store, Writer::Gone).await;
    assert!(matches!(cut.problems[0].kind, ProblemKind::Size { .. }));
    assert_eq!(cut.unshipped_clicks, 3);
}

#[tokio::test]
async fn files_that_are_no_segments_are_named_and_left_alone() {
    let site = Site::new();
    let store = site.store().await;
    let folder = site.journal_path();
    std::fs::create_dir(&folder).expect("a scratch folder");
    std::fs::write(folder.join("a.seg"), "short").expect("written");
    std::fs::create_dir(folder.join("b.seg")).expect("made");
    std::fs::write(folder.join("c.seg.bad.1"), "").expect("written");
    std::fs::write(folder.join("notes.txt"), "").expect("written");
    let inspection = look(&site, &store, Writer::Gone).await;
    assert_eq!(inspection.problems[0].kind, ProblemKind::Header(BadHeader::Short));
    assert!(matches!(inspection.problems[1].kind, ProblemKind::Unreadable(_)));
    assert_eq!(inspection.set_aside, ["c.seg.bad.1"]);
    assert_eq!(site.files(), ["a.seg", "b.seg", "c.seg.bad.1", "notes.txt"]);
}

#[tokio::test]
async fn a_segment_that_is_gone_is_named_unless_a_server_may_have_shipped_it_just_now() {
    let site = Site::new();
    let store = site.store().await;
    let left = left_segments(&site, 0..500);
    assert_eq!(look(&site, &store, Writer::Gone).await.problems, []);
    std::fs::remove_file(&left[1]).expect("a segment");
    let kinds = look(&site, &store, Writer::Gone).await.problems;
    let kinds: Vec<_> = kinds.into_iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Missing { segments: 1 }]);
    assert_eq!(look(&site, &store, Writer::Serving).await.problems, []);
}
