//! Every way to tear or damage a small segment that was really written.

use terse_core::{LinkId, ManualClock, Random, Seeded, Timestamp};

use super::*;
use crate::clicks::header::{HEADER_BYTES, JournalId, SegmentHeader};
use crate::clicks::record::{ClickRecord, Payload};
use crate::clicks::segment::SegmentWriter;

const SEGMENT_BYTES: u32 = 1024;

/// A segment file as it lies on disk, and where its records are.
struct Image {
    bytes: Vec<u8>,
    seal: Seal,
    header: SegmentHeader,
    /// Where each record's payload ends, and what it is.
    records: Vec<(usize, Vec<u8>)>,
}

impl Image {
    /// With a record for each of these user agents; the seed decides the salt.
    fn of(seed: u64, user_agents: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let random = Seeded::new(seed);
        let clock = ManualClock::at(Timestamp::from_millis(1_700_000_000_000));
        let mut salt = [0; 8];
        random.fill(&mut salt);
        let header = SegmentHeader {
            journal_id: JournalId::generate(&clock, &random),
            lane: 0,
            sequence: 1,
            salt: u64::from_le_bytes(salt),
            segment_bytes: SEGMENT_BYTES,
        };
        let mut writer = SegmentWriter::create(folder.path(), header.clone()).expect("a segment");
        let mut records = Vec::new();
        let mut offset = HEADER_BYTES;
        for user_agent in user_agents {
            let record = click(user_agent);
            let payload = Payload::of(&record);
            let mut bytes = vec![0; payload.bytes()];
            payload.write_to(&mut bytes);
            records.push((offset + FRAME_HEAD_BYTES + bytes.len(), bytes));
            offset = writer.append(payload);
        }
        Self {
            bytes: std::fs::read(&writer.segment.path).expect("the segment's file"),
            seal: Seal::new(header.salt),
            header,
            records,
        }
    }

    fn sealed<'a>(&self, bytes: &'a [u8]) -> Sealed<'a> {
        let seal = self.seal;
        Sealed { bytes, seal }
    }

    fn scan<'a>(&self, bytes: &'a [u8]) -> (Vec<&'a [u8]>, Vec<Found<'a>>) {
        let mut records = Vec::new();
        let mut damages = Vec::new();
        for found in Scan::new(self.sealed(bytes), HEADER_BYTES) {
            match found {
                Found::Record { payload, .. } => records.push(payload),
                other => damages.push(other),
            }
        }
        (records, damages)
    }

    /// Looks at `bytes`, of which everything from `cut` on was lost.
    fn expect_whole_records_before(&self, cut: usize, bytes: &[u8]) {
        let (records, damages) = self.scan(bytes);
        let is_whole = |(end, payload): &&(usize, Vec<u8>)| {
            let frame = end - payload.len() - FRAME_HEAD_BYTES..*end;
            bytes.get(frame.clone()) == self.bytes.get(frame)
        };
        let whole: Vec<_> = self.records.iter().filter(is_whole).collect();
        assert_eq!(
            records,
            whole.iter().map(|(_, payload)| &**payload).collect::<Vec<_>>(),
            "cut at {cut}"
        );
        let rest = whole
            .last()
            .map_or(HEADER_BYTES, |(end, _)| end.next_multiple_of(8));
        let is_rest_clean = bytes.iter().skip(rest).all(|byte| *byte == 0);
        match damages.as_slice() {
            [] => assert!(is_rest_clean, "cut at {cut}: the rest must be reported"),
            [
                Found::Damage {
                    offset,
                    is_tail: true,
                    ..
                }
                | Found::Unfinished { offset, .. },
            ] => {
                assert!(!is_rest_clean, "cut at {cut}: zeros are no damage");
                assert_eq!(*offset, rest, "cut at {cut}");
            }
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}

fn click(user_agent: &[u8]) -> ClickRecord<'_> {
    ClickRecord {
        at: Timestamp::from_millis(1_700_000_000_000),
        link_id: LinkId::new(1).expect("positive"),
        version: 1,
        owner: None,
        short_code: b"a",
        original_url: b"http://a.example",
        referrer: None,
        user_agent: Some(user_agent),
        bot: None,
    }
}

fn small_image() -> Image {
    Image::of(
        1,
        &[
            b"",
            b"one",
            b"a longer one than that",
            b"\0\0\0\0\0\0\0\0\0",
            b"last",
        ],
    )
}

#[test]
fn an_undamaged_segment_gives_its_records_and_no_complaint() {
    let image = small_image();
    let (records, damages) = image.scan(&image.bytes);
    assert_eq!(records.len(), image.records.len());
    assert_eq!(damages, []);
    assert_eq!(SegmentHeader::decode(&image.bytes), Ok(image.header));
}

#[test]
fn a_tail_of_zeros_from_any_byte_on_costs_only_what_it_covers() {
    let image = small_image();
    for cut in HEADER_BYTES..image.bytes.len() {
        let mut bytes = image.bytes.clone();
        bytes[cut..].fill(0);
        image.expect_whole_records_before(cut, &bytes);
    }
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_records() {
    let image = small_image();
    for cut in HEADER_BYTES..image.bytes.len() {
        image.expect_whole_records_before(cut, &image.bytes[..cut]);
    }
}

#[test]
fn what_a_killed_writer_was_copying_is_unfinished_and_no_damage() {
    let image = small_image();
    let (end, payload) = image.records.last().expect("records");
    let (begin, body) = (end - payload.len() - FRAME_HEAD_BYTES, end - payload.len());
    let mut head_only = image.bytes.clone();
    head_only[begin + 4..].fill(0);
    let unfinished = Found::Unfinished {
        offset: begin,
        end: image.bytes.len(),
    };
    for cut in body..=*end {
        // A copy may go either way.
        for copied in [body..cut, cut..*end] {
            let mut bytes = head_only.clone();
            bytes[copied.clone()].copy_from_slice(&image.bytes[copied.clone()]);
            let (records, found) = image.scan(&bytes);
            assert_eq!(records.len(), image.records.len() - 1, "{copied:?}");
            assert_eq!(found, std::slice::from_ref(&unfinished), "{copied:?}");
        }
    }
}

#[test]
fn what_no_killed_writer_leaves_is_damage() {
    let image = small_image();
    let (end, payload) = image.records.last().expect("records");
    let begin = end - payload.len() - FRAME_HEAD_BYTES;
    let damaged = |damage: &dyn Fn(&mut [u8])| {
        let mut bytes = image.bytes.clone();
        damage(&mut bytes);
        let (_, found) = image.scan(&bytes);
        assert!(matches!(found[..], [Found::Damage { .. }]), "{found:?}");
    };
    damaged(&|bytes| bytes[begin..begin + 4].fill(0));
    damaged(&|bytes| bytes[begin..begin + 8].fill(0));
    damaged(&|bytes| bytes[begin + 4..begin + 7].fill(0));
    damaged(&|bytes| {
        bytes[begin + 4..begin + 8].fill(0);
        bytes[end.next_multiple_of(ALIGNMENT_BYTES)] = 1;
    });
    let (first_end, first) = &image.records[0];
    let first_begin = first_end - first.len() - FRAME_HEAD_BYTES;
    damaged(&|bytes| bytes[first_begin + 4..first_begin + 8].fill(0));
}

#[test]
fn a_header_cut_or_flipped_anywhere_is_none() {
    let image = small_image();
    for cut in 0..HEADER_BYTES {
        assert!(
            SegmentHeader::decode(&image.bytes[..cut]).is_err(),
            "cut at {cut}"
        );
        let mut bytes = image.bytes.clone();
        bytes[cut..].fill(0);
        assert!(SegmentHeader::decode(&bytes).is_err(), "zeros from {cut}");
    }
    for bit in 0..HEADER_BYTES * 8 {
        let mut bytes = image.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(SegmentHeader::decode(&bytes).is_err(), "bit {bit}");
    }
}

#[test]
fn one_flipped_bit_costs_at_most_its_own_record_and_invents_none() {
    let image = small_image();
    for bit in HEADER_BYTES * 8..image.bytes.len() * 8 {
        let mut bytes = image.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (records, damages) = image.scan(&bytes);
        let begins = |(end, payload): &(usize, Vec<u8>)| end - payload.len() - FRAME_HEAD_BYTES;
        let untouched = image
            .records
            .iter()
            .filter(|record| !(begins(record)..record.0).contains(&(bit / 8)));
        let untouched: Vec<_> = untouched.map(|(_, payload)| &**payload).collect();
        assert_eq!(records, untouched, "bit {bit}");
        let lost = image.records.len() - records.len();
        assert!(lost <= 1 && damages.len() >= lost, "bit {bit}: {damages:?}");
    }
}

#[test]
fn a_record_within_a_user_agent_is_never_taken_for_one() {
    let inner = Image::of(1, &[b"inner"]);
    let embedded = &inner.bytes[HEADER_BYTES..inner.records[0].0];
    for shift in 0..ALIGNMENT_BYTES {
        let agent = [&vec![b'x'; shift], embedded].concat();
        let mut outer = Image::of(2, &[&agent, b"follower"]);
        // The record around it is destroyed, so that the scan walks through the user agent.
        outer.bytes[HEADER_BYTES + FRAME_HEAD_BYTES] ^= 1;
        let (records, damages) = outer.scan(&outer.bytes);
        assert_eq!(records, [&*outer.records[1].1], "shifted by {shift}");
        assert_eq!(damages.len(), 1, "shifted by {shift}");
    }
    // It is the salt that does it: who knew it could forge a record.
    let forgeable = (0..ALIGNMENT_BYTES).filter(|shift| {
        let agent = [&vec![b'x'; *shift], embedded].concat();
        let mut outer = Image::of(1, &[&agent]);
        outer.bytes[HEADER_BYTES + FRAME_HEAD_BYTES] ^= 1;
        outer.scan(&outer.bytes).0.len() == 1
    });
    assert_eq!(
        forgeable.count(),
        1,
        "one shift in eight puts it at a place where records begin"
    );
}
