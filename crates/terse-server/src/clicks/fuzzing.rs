//! What must hold for any bytes in the place of a segment, and for any damage to a whole one.
//!
//! The segments here are put together, and checksums taken, as `docs/journal-format.md` says and not by the code that
//! is tested.

use std::hash::{DefaultHasher, Hasher};

use bytes::Buf;
use terse_core::{CODE_CHARS_MAX, REFERRER_BYTES_MAX, TARGET_BYTES_MAX, USER_AGENT_BYTES_MAX};

use super::frame::{Found, Scan, Sealed};
use super::header::{HEADER_BYTES, SegmentHeader};
use super::record::{self, Text};
use super::texts;

const ALIGNMENT_BYTES: usize = 8;
const RECORDS_MAX: u8 = 16;
const SEGMENT_BYTES: u16 = 4096;

/// Reads `bytes` in each way in which they can get to the journal's readers: as a payload, as a file, and as the
/// recipe of a whole segment and of the damage to it.
///
/// # Panics
/// If a reader panics, finds what is not there, or misses what is.
pub fn segment(bytes: &[u8]) {
    payload(bytes);
    file(bytes);
    damaged(bytes);
}

/// Whatever is decoded is kept within the limits of the store, which takes no U+0000.
fn payload(bytes: &[u8]) {
    let Ok(click) = record::decode(bytes) else {
        return;
    };
    let here = |text| match text {
        Some(Text::Here(text)) => text,
        Some(Text::In(_)) | None => &[],
    };
    for (text, bytes_max) in [
        (click.short_code, CODE_CHARS_MAX),
        (click.original_url, TARGET_BYTES_MAX),
        (here(click.referrer), REFERRER_BYTES_MAX),
        (here(click.user_agent), USER_AGENT_BYTES_MAX),
    ] {
        let kept = record::text(text, bytes_max);
        assert!(kept.len() <= bytes_max && !kept.contains('\0'), "{kept:?}");
    }
}

/// The scan starts behind the header whatever that says, so that it is tried also where the header is none.
fn file(bytes: &[u8]) {
    let salt = match SegmentHeader::decode(bytes) {
        Ok(header) => {
            assert_eq!(&header.encode()[..12], &bytes[..12], "magic and version");
            header.salt
        }
        Err(_) => bytes.get(40..48).map_or(0, |mut salt| salt.get_u64_le()),
    };
    let segment = Sealed::new(bytes, salt);
    for (_, found) in records_in(bytes, salt) {
        payload(found);
        if let Ok(click) = record::decode(found) {
            // References may lead anywhere; what is lost is said.
            let lost = texts::lost(segment, &click);
            assert!(lost.count() <= 2, "two texts at most");
        }
    }
}

/// Writes a segment, damages it, and expects the records that were not touched and no other.
fn damaged(recipe: &[u8]) {
    let mut recipe = recipe;
    // Whoever wants to forge a record has to know the salt; with every recipe it is another.
    let salt = hash(recipe);
    let (whole, records) = write(&mut recipe, salt);
    assert_eq!(records_in(&whole, salt), records, "nothing is damaged yet");
    let mut torn = whole.clone();
    while let Some((place, rest)) = recipe.split_first_chunk::<2>() {
        let [mask, rest @ ..] = rest else { break };
        let place = usize::from(u16::from_le_bytes(*place)) % torn.len();
        torn[place] ^= mask;
        recipe = rest;
    }
    expect_untouched(&whole, &torn, salt, &records);
    let cut = usize::try_from(salt % u64::from(SEGMENT_BYTES)).unwrap_or(HEADER_BYTES);
    expect_untouched(&whole, &torn[..cut.max(HEADER_BYTES)], salt, &records);
}

type Records<'a> = Vec<(usize, &'a [u8])>;

fn expect_untouched(whole: &[u8], torn: &[u8], salt: u64, records: &Records<'_>) {
    let is_untouched = |(offset, payload): &&(usize, &[u8])| {
        let frame = *offset..offset + FRAME_HEAD_BYTES + payload.len();
        torn.get(frame.clone()) == whole.get(frame)
    };
    let untouched: Records<'_> = records.iter().filter(is_untouched).copied().collect();
    assert_eq!(records_in(torn, salt), untouched);
}

const FRAME_HEAD_BYTES: usize = 8;

/// A segment with records of arbitrary payloads, and where they are.
fn write<'a>(recipe: &mut &'a [u8], salt: u64) -> (Vec<u8>, Records<'a>) {
    let mut segment = vec![0; HEADER_BYTES];
    let mut records = Vec::new();
    let wanted = recipe.try_get_u8().unwrap_or(0) % (RECORDS_MAX + 1);
    for _ in 0..wanted {
        let length = usize::from(recipe.try_get_u8().unwrap_or(0)) + 1;
        let Some(payload) = recipe.split_off(..length) else {
            break;
        };
        records.push((segment.len(), payload));
        segment.extend(u32::try_from(length).unwrap_or(0).to_le_bytes());
        segment.extend(checksum(salt, payload).to_le_bytes());
        segment.extend(payload);
        segment.resize(segment.len().next_multiple_of(ALIGNMENT_BYTES), 0);
    }
    segment.resize(segment.len().max(usize::from(SEGMENT_BYTES)), 0);
    (segment, records)
}

/// What the scan finds; each thing begins where the one before it ends, and has the right checksum.
fn records_in(bytes: &[u8], salt: u64) -> Records<'_> {
    let mut records = Vec::new();
    let mut begin = HEADER_BYTES;
    let mut was_tail = false;
    for found in Scan::new(Sealed::new(bytes, salt), HEADER_BYTES) {
        assert!(!was_tail, "something follows what should be the last");
        let end = match found {
            Found::Record { payload, end } => {
                let frame = &bytes[begin..end];
                let mut head = frame;
                assert_eq!(usize::try_from(head.get_u32_le()), Ok(payload.len()));
                assert_eq!(head.get_u32_le(), checksum(salt, payload));
                assert!(head.starts_with(payload) && head.len() - payload.len() < ALIGNMENT_BYTES);
                records.push((begin, payload));
                end
            }
            Found::Unfinished { offset, end } => {
                assert!(offset == begin && end == bytes.len());
                was_tail = true;
                end
            }
            Found::Damage {
                offset,
                bytes: length,
                is_tail,
                end,
            } => {
                assert!(length > 0 && offset == begin && offset + length <= end);
                was_tail = is_tail;
                end
            }
        };
        assert!(begin < end && end <= bytes.len());
        begin = end;
    }
    let rest = bytes.get(begin..).unwrap_or_default();
    assert!(
        rest.iter().all(|byte| *byte == 0),
        "a scan ends before zeros only"
    );
    records
}

fn checksum(salt: u64, payload: &[u8]) -> u32 {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let checked = [&salt.to_le_bytes()[..], &length.to_le_bytes(), payload].concat();
    crc32fast::hash(&checked)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
