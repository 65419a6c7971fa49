use std::os::unix::fs::PermissionsExt;

use terse_core::{LinkId, ManualClock, Seeded, Timestamp};

use super::*;
use crate::clicks::ClickRecord;
use crate::clicks::frame::{Found, Scan, Sealed};
use crate::clicks::header::JournalId;

fn segment(folder: &Path) -> SegmentWriter {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    let header = SegmentHeader {
        journal_id: JournalId::generate(&clock, &Seeded::new(1)),
        lane: 3,
        sequence: 9,
        salt: 5,
        segment_bytes: 4096,
    };
    SegmentWriter::create(folder, header).expect("a segment in a scratch folder")
}

fn append(writer: &mut SegmentWriter) -> usize {
    let payload = Payload::of(&ClickRecord {
        at: Timestamp::from_millis(0),
        link_id: LinkId::new(1).expect("positive"),
        version: 1,
        owner: None,
        short_code: b"a",
        original_url: b"http://a.example",
        referrer: None,
        user_agent: None,
        bot: None,
    });
    assert!(writer.takes(payload.bytes()));
    writer.append(payload)
}

#[test]
fn a_new_segment_has_its_whole_length_and_its_header_and_one_reader() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let writer = segment(folder.path());
    let path = &writer.segment.path;
    let bytes = std::fs::read(path).expect("its file");
    assert_eq!(bytes.len(), 4096);
    assert_eq!(SegmentHeader::decode(&bytes).as_ref(), Ok(&writer.segment.header));
    assert!(bytes[HEADER_BYTES..].iter().all(|byte| *byte == 0));
    assert!(path.to_string_lossy().ends_with("-003-0000000009.seg"));
    let mode = std::fs::metadata(path).expect("its file").permissions().mode();
    assert_eq!(mode & 0o777, OWNER_ONLY);
}

#[test]
fn a_writer_that_is_cut_off_amid_a_record_leaves_an_unfinished_one() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut writer = segment(folder.path());
    let offset = append(&mut writer);
    // A panic ends it amid the copy, as a kill does.
    let cut_off = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        writer.map.append(64, 50, |body| {
            body[..20].fill(7);
            panic!("planted");
        });
    }));
    assert!(cut_off.is_err());
    let bytes = std::fs::read(&writer.segment.path).expect("its file");
    let sealed = Sealed::new(&bytes, writer.segment.header.salt);
    let found = Scan::new(sealed, offset).collect::<Vec<_>>();
    assert_eq!(found, [Found::Unfinished { offset, end: 4096 }]);
    assert_eq!(writer.segment.published().len(), offset);
}

#[test]
fn a_record_is_synced_when_a_sync_has_covered_it() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut writer = segment(folder.path());
    let first = append(&mut writer);
    assert_eq!(writer.segment.is_synced(first), Ok(false));
    writer.segment.sync().expect("a working disk");
    let second = append(&mut writer);
    assert_eq!(writer.segment.is_synced(first), Ok(true));
    assert_eq!(writer.segment.is_synced(second), Ok(false));
}

#[test]
fn a_segment_that_failed_to_reach_the_disk_takes_no_more_and_never_counts_as_synced() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut writer = segment(folder.path());
    let offset = append(&mut writer);
    writer.segment.sync_failed.store(true, Ordering::Release);
    writer.segment.sync().expect("nothing is tried");
    assert_eq!(writer.segment.is_synced(offset), Err(NotSynced));
    assert!(!writer.takes(1));
}
