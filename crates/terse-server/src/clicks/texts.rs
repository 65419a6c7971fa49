//! Texts of visitors, which stand in a segment once: most visitors have the browser of many others, and come from the same place.
//!
//! A record that would repeat what a recent one of its segment has, refers to that. So a segment can still be read without any
//! other file, and what it takes to write, check and ship a click is half as much. The writer only remembers where texts are; it
//! compares them with what stands there.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::frame::Sealed;
use super::record::{self, ClickRecord, Payload, Role, Text};

/// Texts of one role that a writer remembers. What is visited by more kinds of browsers at a time has some texts twice.
const SLOTS: usize = 512;
/// A text that is no longer than this is repeated: a reference is half of it.
const SHORT_BYTES_MAX: usize = 8;

/// Where a writer has put texts lately.
#[derive(Debug)]
pub(super) struct Recent {
    /// Those of one role after those of the other.
    slots: Box<[Slot; SLOTS * Role::ALL.len()]>,
    hasher: RandomState,
}

/// A text of the segment; none if it has no length.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    record: u32,
    text: u32,
    bytes: usize,
}

/// What is known of a text that is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sought {
    /// Not worth it, or none.
    Short,
    /// The record at this offset has it.
    In(u32),
    /// To be remembered, by [`Recent::note`].
    New(Place),
}

/// Where a text of this length is remembered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    slot: usize,
    bytes: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            slots: Box::new([Slot::default(); SLOTS * Role::ALL.len()]),
            hasher: RandomState::default(),
        }
    }
}

impl Recent {
    /// Looks for the text that `payload` has in `role` in `segment`, which is what the writer has written so far.
    pub(super) fn seek(&self, role: Role, payload: &Payload<'_>, segment: &[u8]) -> Sought {
        let text = match payload.text(role) {
            Text::Here(text) if text.len() > SHORT_BYTES_MAX => text,
            Text::Here(_) | Text::In(_) => return Sought::Short,
        };
        let hash = usize::try_from(self.hasher.hash_one(text)).unwrap_or(usize::MAX);
        let place = Place {
            slot: SLOTS * role as usize + hash % SLOTS,
            bytes: text.len(),
        };
        let slot = self.slots[place.slot];
        let begin = slot.text as usize;
        if slot.bytes == text.len() && segment.get(begin..begin + slot.bytes) == Some(text) {
            Sought::In(slot.record)
        } else {
            Sought::New(place)
        }
    }

    /// Remembers that the text for which [`Self::seek`] gave `place` stands at `text` in the segment, in the record at `record`.
    pub(super) fn note(&mut self, place: Place, record: usize, text: usize) {
        let within = |offset: usize| u32::try_from(offset).expect("a segment has at most 64 MiB");
        self.slots[place.slot] = Slot {
            record: within(record),
            text: within(text),
            bytes: place.bytes,
        };
    }
}

/// What stands in `role` in the record at `offset`. `None` if no whole record is there, or it has no such text itself: then that
/// record is damaged.
pub(super) fn text_in(segment: Sealed<'_>, role: Role, offset: u32) -> Option<&[u8]> {
    let (payload, _) = segment.record_at(usize::try_from(offset).ok()?)?;
    match record::decode(payload).ok()?.text(role)? {
        Text::Here(text) => Some(text),
        Text::In(_) => None,
    }
}

/// The offsets of damaged records that `click`, which is in `segment`, refers to for what its visitor said.
pub(super) fn lost(segment: Sealed<'_>, click: &ClickRecord<'_, Text<'_>>) -> impl Iterator<Item = u64> {
    let texts = Role::ALL.map(|role| (role, click.text(role)));
    texts.into_iter().filter_map(move |(role, text)| match text {
        Some(Text::In(offset)) if text_in(segment, role, offset).is_none() => Some(u64::from(offset)),
        _ => None,
    })
}
