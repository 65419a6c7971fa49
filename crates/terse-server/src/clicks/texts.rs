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
    referrers: Box<[Slot; SLOTS]>,
    user_agents: Box<[Slot; SLOTS]>,
    hasher: RandomState,
}

/// A text of the segment; none if it has no length.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    record: u32,
    text: u32,
    bytes: u32,
}

/// What is known of a text that is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sought {
    /// Not worth it, or none.
    Short,
    /// The record at this offset has it.
    In(u32),
    /// To be remembered, by [`Recent::note`], in this place.
    New(usize),
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            referrers: Box::new([Slot::default(); SLOTS]),
            user_agents: Box::new([Slot::default(); SLOTS]),
            hasher: RandomState::default(),
        }
    }
}

impl Recent {
    /// Looks for `text` in `segment`, which is what the writer has written so far.
    pub(super) fn seek(&self, role: Role, text: &[u8], segment: &[u8]) -> Sought {
        if text.len() <= SHORT_BYTES_MAX {
            return Sought::Short;
        }
        let hash = usize::try_from(self.hasher.hash_one(text)).unwrap_or(usize::MAX);
        let place = hash % SLOTS;
        let slot = self.slots(role)[place];
        let (begin, bytes) = (slot.text as usize, slot.bytes as usize);
        if bytes == text.len() && segment.get(begin..begin + bytes) == Some(text) {
            Sought::In(slot.record)
        } else {
            Sought::New(place)
        }
    }

    /// Remembers the text that `payload` has in `role`, in a place that [`Self::seek`] gave. The payload is that of the record at
    /// `record` in the segment, and begins at `begin`.
    pub(super) fn note(
        &mut self,
        place: usize,
        role: Role,
        payload: &Payload<'_>,
        record: usize,
        begin: usize,
    ) {
        let within = |offset: usize| u32::try_from(offset).expect("a segment has at most 64 MiB");
        let text = payload.offset_of(role);
        let slot = Slot {
            record: within(record),
            text: within(begin + text),
            bytes: within(payload.text(role).len()),
        };
        let slots = match role {
            Role::Referrer => &mut self.referrers,
            Role::UserAgent => &mut self.user_agents,
        };
        slots[place] = slot;
    }

    fn slots(&self, role: Role) -> &[Slot; SLOTS] {
        match role {
            Role::Referrer => &self.referrers,
            Role::UserAgent => &self.user_agents,
        }
    }
}

/// What stands in `role` in the record at `offset`. `None` if no whole record is there, or it has no such text itself: then that
/// record is damaged.
pub(super) fn text_in(segment: Sealed<'_>, role: Role, offset: u32) -> Option<&[u8]> {
    let (payload, _) = segment.record_at(usize::try_from(offset).ok()?)?;
    let record = record::decode(payload).ok()?;
    let text = match role {
        Role::Referrer => record.referrer,
        Role::UserAgent => record.user_agent,
    };
    match text? {
        Text::Here(text) => Some(text),
        Text::In(_) => None,
    }
}

/// The offsets of damaged records that `click`, which is in `segment`, refers to for what its visitor said.
pub(super) fn lost(segment: Sealed<'_>, click: &ClickRecord<'_, Text<'_>>) -> impl Iterator<Item = u64> {
    let texts = [
        (Role::Referrer, click.referrer),
        (Role::UserAgent, click.user_agent),
    ];
    texts.into_iter().filter_map(move |(role, text)| match text {
        Some(Text::In(offset)) if text_in(segment, role, offset).is_none() => Some(u64::from(offset)),
        _ => None,
    })
}
