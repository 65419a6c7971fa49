//! A batch: the next clicks of a segment, as many as the store takes at once.

use std::cmp::Ordering;
use std::collections::HashSet;

use terse_core::{CODE_CHARS_MAX, Click, TARGET_BYTES_MAX};
use terse_store::{Pace, Position, VisitedLink};

use super::interner::Interner;
use crate::clicks::frame::{Found, Scan, Sealed};
use crate::clicks::header::{HEADER_BYTES, SegmentHeader};
use crate::clicks::problem::ProblemKind;
use crate::clicks::record::{self, ClickRecord, Text};

/// The most clicks that are given to the store at once.
pub const SHIP_BATCH_MAX: usize = 10_000;
/// The most journal bytes that become one batch: bounds memory when every target is 8 KiB long.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Clicks of one segment, and where the next batch begins.
#[derive(Debug)]
pub(super) struct Batch {
    /// The clicks, in the order in which they were appended.
    pub(super) clicks: Vec<Click>,
    /// What the links were that they visited, if that was asked for.
    pub(super) visited: Vec<VisitedLink>,
    /// What was found between them.
    pub(super) problems: Vec<ProblemKind>,
    /// Where a record begins that was never finished, if one is the last thing.
    pub(super) unfinished: Option<usize>,
    /// Where the next batch begins.
    pub(super) end: usize,
}

/// Whether the store is known to have the links that the clicks are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// They were read from it by this run.
    Known,
    /// A former run read them, and the database may have been restored from a backup since.
    MayBeLost,
}

/// Where in the segment with this sequence the first click behind `position` is; `None` when the whole segment is
/// before it.
pub(super) fn start_in(sequence: u64, position: Position) -> Option<usize> {
    match position.segment.cmp(&sequence) {
        Ordering::Less => Some(HEADER_BYTES),
        // An offset that no memory can have is behind the end of every segment.
        Ordering::Equal => Some(
            usize::try_from(position.offset)
                .unwrap_or(usize::MAX)
                .max(HEADER_BYTES),
        ),
        Ordering::Greater => None,
    }
}

impl Batch {
    /// Reads from `start` on in `bytes`, the segment from its beginning. The batch's texts are then `interner`'s.
    pub(super) fn read(
        header: &SegmentHeader,
        bytes: &[u8],
        start: usize,
        links: Links,
        interner: &mut Interner,
    ) -> Self {
        let mut batch = Self {
            clicks: Vec::new(),
            visited: Vec::new(),
            problems: Vec::new(),
            unfinished: None,
            end: start,
        };
        let (mut visited, mut pace) = (HashSet::new(), Pace::default());
        let segment = Sealed::new(bytes, header.salt);
        interner.begin();
        for found in Scan::new(segment, start) {
            pace.step();
            if let Some(record) = batch.take(&found) {
                if links == Links::MayBeLost && visited.insert((record.link_id, record.version)) {
                    batch.visited.push(visited_link(&record));
                }
                batch.clicks.push(click(&record, segment, interner));
            }
            if batch.clicks.len() == SHIP_BATCH_MAX || batch.end - start >= BATCH_BYTES_MAX {
                break;
            }
        }
        let lost = interner.lost().map(|offset| ProblemKind::Text { offset });
        batch.problems.extend(lost);
        batch
    }

    /// Passes over what was found; the click, if it is one.
    fn take<'a>(&mut self, found: &Found<'a>) -> Option<ClickRecord<'a, Text<'a>>> {
        let offset = self.end as u64;
        match *found {
            Found::Record { payload, end } => {
                self.end = end;
                record::decode(payload)
                    .map_err(|reason| self.problems.push(ProblemKind::Record { offset, reason }))
                    .ok()
            }
            Found::Unfinished { offset, end } => {
                self.unfinished = Some(offset);
                self.end = end;
                None
            }
            Found::Damage {
                offset,
                bytes,
                is_tail,
                end,
            } => {
                self.problems.push(ProblemKind::of_damage(offset, bytes, is_tail));
                self.end = end;
                None
            }
        }
    }
}

fn click<'a>(record: &ClickRecord<'a, Text<'a>>, segment: Sealed<'a>, interner: &mut Interner) -> Click {
    let user_agent = record
        .user_agent
        .and_then(|text| interner.user_agent(text, segment));
    let (user_agent, named) = user_agent.unzip();
    Click {
        at: record.at,
        link_id: record.link_id,
        version: record.version,
        owner: record.owner,
        referrer: record.referrer.and_then(|text| interner.referrer(text, segment)),
        user_agent,
        // What the request said of itself is surer than what its sender is called.
        bot: record.bot.or(named.flatten()),
    }
}

fn visited_link(record: &ClickRecord<'_, Text<'_>>) -> VisitedLink {
    VisitedLink {
        link_id: record.link_id,
        version: record.version,
        short_code: record::text(record.short_code, CODE_CHARS_MAX).into(),
        original_url: record::text(record.original_url, TARGET_BYTES_MAX).into(),
    }
}
