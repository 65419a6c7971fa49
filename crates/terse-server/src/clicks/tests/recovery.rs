//! What former runs left.

use super::*;
use crate::clicks::frame::{Found, Scan, Sealed};
use crate::clicks::header::{HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_SUFFIX, SegmentHeader};
use crate::clicks::leftovers;

async fn recover(site: &Site, store: &Store) -> (Recovered, Vec<ProblemKind>) {
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    let recovered = shipper.recover().await.expect("the store is there");
    let problems = journal
        .problems()
        .into_iter()
        .map(|problem| problem.kind)
        .collect();
    (recovered, problems)
}

/// The only segment of a run that recorded these.
fn left_segment(site: &Site, range: std::ops::Range<i64>) -> PathBuf {
    append_all(&site.journal(), range);
    let names = site.files();
    let mut segments = names.iter().filter(|name| name.ends_with(SEGMENT_SUFFIX));
    let path = site.journal_path().join(segments.next().expect("a segment"));
    assert_eq!(segments.next(), None);
    path
}

/// Where the next record of this segment would begin.
fn end_of_records(bytes: &[u8]) -> usize {
    let header = SegmentHeader::decode(bytes).expect("a header");
    let found = Scan::new(Sealed::new(bytes, header.salt), HEADER_BYTES);
    let ends = found.map(|found| match found {
        Found::Record { end, .. } => end,
        other => panic!("undamaged, but for {other:?}"),
    });
    ends.last().expect("clicks")
}

#[tokio::test]
async fn what_is_left_is_shipped_once_and_the_next_start_finds_nothing() {
    let site = Site::new();
    let store = site.store().await;
    append_all(&site.journal(), 0..500);
    append_all(&site.journal(), 500..600);

    let (recovered, problems) = recover(&site, &store).await;
    assert_eq!((recovered.clicks, recovered.problems), (600, 0));
    assert_eq!(problems, []);
    assert_eq!(stored(&store).await, numbers(0..600));
    assert_eq!(site.files(), Vec::<String>::new());

    assert_eq!(recover(&site, &store).await.0, Recovered::default());
    assert_eq!(stored(&store).await, numbers(0..600));
}

#[tokio::test]
async fn a_run_that_had_shipped_a_part_leaves_the_rest() {
    let site = Site::new();
    let store = site.store().await;
    let journal = site.journal();
    append_all(&journal, 0..70);
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.ship_all().await.expect("the store is there");
    append_all(&journal, 70..100);
    drop((journal, shipper));

    assert_eq!(recover(&site, &store).await.0.clicks, 30);
    assert_eq!(stored(&store).await, numbers(0..100));
}

#[tokio::test]
async fn a_segment_that_was_shipped_and_not_removed_is_not_shipped_again() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..50);
    let copy = std::fs::read(&segment).expect("the segment");
    recover(&site, &store).await;
    std::fs::write(&segment, copy).expect("the segment is back");

    assert_eq!(recover(&site, &store).await.0.clicks, 0);
    assert_eq!(stored(&store).await, numbers(0..50));
    assert_eq!(site.files(), Vec::<String>::new());
}

#[tokio::test]
async fn an_old_copy_of_the_folder_takes_nothing_from_new_clicks() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..10);
    let copy = std::fs::read(&segment).expect("the segment");
    recover(&site, &store).await;
    append_all(&site.journal(), 10..80);
    recover(&site, &store).await;

    // The folder as it was before all that; what is recorded from here on is new all the same.
    std::fs::write(&segment, copy).expect("the segment is back");
    append_all(&site.journal(), 80..90);
    recover(&site, &store).await;
    assert_eq!(stored(&store).await, numbers(0..90));
}

#[tokio::test]
async fn a_store_that_is_away_at_the_start_gets_everything_later() {
    let site = Site::new();
    append_all(&site.journal(), 0..50);
    let away = site.store().await;
    away.close().await;
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), away);
    assert!(shipper.recover().await.is_err());
    assert_eq!(shipper.stats().leftover_segments, 1);
    drop((journal, shipper));

    let store = site.store().await;
    assert_eq!(recover(&site, &store).await.0.clicks, 50);
    assert_eq!(stored(&store).await, numbers(0..50));
}

#[tokio::test]
async fn a_torn_tail_is_reported_and_kept_aside() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..20);
    let mut bytes = std::fs::read(&segment).expect("the segment");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("clicks") + 1;
    bytes[used - 3..].fill(0);
    std::fs::write(&segment, bytes).expect("the torn segment");

    let (recovered, problems) = recover(&site, &store).await;
    assert_eq!((recovered.clicks, recovered.problems), (19, 1));
    assert!(
        matches!(problems[..], [ProblemKind::TornTail { .. }]),
        "{problems:?}"
    );
    assert_eq!(stored(&store).await, numbers(0..19));
    assert!(site.files()[0].ends_with(".seg.bad"), "{:?}", site.files());
    assert_eq!(
        recover(&site, &store).await,
        (Recovered::default(), vec![]),
        "told once"
    );
}

#[tokio::test]
async fn a_record_that_a_killed_run_never_finished_is_no_problem() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..20);
    let mut bytes = std::fs::read(&segment).expect("the segment");
    let next = end_of_records(&bytes);
    bytes[next..next + 20].copy_from_slice(b"\x40\0\0\0\0\0\0\0half a click");
    std::fs::write(&segment, bytes).expect("the segment");
    let inspection = inspect(&site.journal_path(), &store, Writer::Gone).await;
    let inspection = inspection.expect("the folder can be listed");
    assert_eq!((inspection.unfinished.len(), inspection.problems), (1, vec![]));
    let served = inspect(&site.journal_path(), &store, Writer::Serving).await;
    assert_eq!(served.expect("the folder can be listed").unfinished, [""; 0]);

    let (recovered, problems) = recover(&site, &store).await;
    assert_eq!((recovered.clicks, recovered.problems, problems), (20, 0, vec![]));
    assert_eq!(stored(&store).await, numbers(0..20));
    assert_eq!(
        site.files().iter().filter(|name| name.contains(".bad")).count(),
        0
    );
}

#[tokio::test]
async fn a_flipped_bit_costs_one_click_and_not_its_followers() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..20);
    let mut bytes = std::fs::read(&segment).expect("the segment");
    bytes[100] ^= 1;
    std::fs::write(&segment, bytes).expect("the damaged segment");

    let (recovered, problems) = recover(&site, &store).await;
    assert_eq!(recovered.clicks, 19);
    assert!(
        matches!(
            problems[..],
            [
                ProblemKind::Damage { offset: 64, .. },
                ProblemKind::Text { offset: 64 }
            ]
        ),
        "{problems:?}"
    );
    assert_eq!(stored(&store).await, numbers(1..20));
}

#[tokio::test]
async fn a_truncated_segment_gives_its_whole_records_and_is_kept_aside() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..20);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .expect("the segment");
    file.set_len(1_000).expect("shorter");

    let (recovered, problems) = recover(&site, &store).await;
    let truncated = ProblemKind::Size {
        expected_bytes: 16_384,
        actual_bytes: 1_000,
    };
    assert_eq!(problems[0], truncated);
    assert!(recovered.clicks > 0 && recovered.clicks < 20);
    let whole = i64::try_from(recovered.clicks).expect("few");
    assert_eq!(stored(&store).await, numbers(0..whole));
    assert!(site.files()[0].ends_with(".seg.bad"), "{:?}", site.files());
}

#[tokio::test]
async fn a_file_longer_than_any_segment_is_not_read_whole() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..20);
    let file_bytes = u64::from(SEGMENT_BYTES_MAX) + 1;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&segment)
        .expect("the segment");
    file.set_len(file_bytes).expect("longer");
    let bytes = leftovers::read(&segment).await.expect("it can be read");
    assert_eq!(bytes.len() as u64, file_bytes - 1);

    let (recovered, problems) = recover(&site, &store).await;
    let too_long = ProblemKind::Size {
        expected_bytes: 16_384,
        actual_bytes: file_bytes,
    };
    assert_eq!((recovered.clicks, problems), (20, vec![too_long]));
    assert!(site.files()[0].ends_with(".seg.bad"), "{:?}", site.files());
}

#[tokio::test]
async fn files_that_are_no_segments_are_kept_aside_and_do_not_stop_the_start() {
    let site = Site::new();
    let store = site.store().await;
    let segment = left_segment(&site, 0..20);
    let folder = site.journal_path();
    let good = std::fs::read(&segment).expect("the segment");
    let mut other_version = good.clone();
    other_version[8] = 2;
    let checked = crc32fast::hash(&other_version[..60]);
    other_version[60..64].copy_from_slice(&checked.to_le_bytes());
    for (name, content) in [
        ("empty.seg", &[][..]),
        (
            "foreign.seg",
            b"this is a letter to my landlord, and it is long enough for a header".as_slice(),
        ),
        ("zeros.seg", &[0; 4096]),
        ("renamed.seg", &good),
        ("newer.seg", &other_version),
        ("unfinished.seg.tmp", b"never mind"),
        ("notes.txt", b"not ours"),
    ] {
        std::fs::write(folder.join(name), content).expect("a file");
    }

    let (recovered, problems) = recover(&site, &store).await;
    assert_eq!(recovered.clicks, 20);
    let reasons: Vec<_> = problems
        .into_iter()
        .map(|kind| match kind {
            ProblemKind::Header(reason) => reason,
            other => panic!("{other:?}"),
        })
        .collect();
    for reason in [
        BadHeader::Short,
        BadHeader::Magic,
        BadHeader::Name,
        BadHeader::Version(2),
    ] {
        assert!(reasons.contains(&reason), "{reason:?} in {reasons:?}");
    }
    assert_eq!(
        site.files(),
        [
            "empty.seg.bad",
            "foreign.seg.bad",
            "newer.seg",
            "notes.txt",
            "renamed.seg.bad",
            "zeros.seg.bad"
        ]
    );
}

#[tokio::test]
async fn a_file_cut_within_its_header_is_kept_aside_wherever_it_is_cut() {
    let site = Site::new();
    for cut in [0, 1, 8, 63] {
        let segment = left_segment(&site, 0..1);
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(&segment)
            .expect("the segment");
        file.set_len(cut).expect("shorter");
        let journal = site.journal();
        assert_eq!(journal.problems().len(), 1, "cut at {cut}");
        assert!(!segment.exists(), "cut at {cut}");
        append_all(&journal, 0..1);
        drop(journal);
        for name in site.files() {
            std::fs::remove_file(site.journal_path().join(name)).expect("a clean folder");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_taken_aside_does_not_overwrite_the_first() {
    let site = Site::new();
    for content in ["first", "second"] {
        std::fs::create_dir_all(site.journal_path()).expect("the folder");
        std::fs::write(site.journal_path().join("x.seg"), content).expect("a file");
        drop(site.journal());
    }
    assert_eq!(site.files(), ["x.seg.bad", "x.seg.bad.1"]);
}
