//! What the shipper remembers from pass to pass: segments of former runs, and how far the store has come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use terse_store::{Position, Store};

use super::interner::Interner;
use crate::clicks::header::{JournalId, LaneKey};
use crate::clicks::leftovers::{Found, Leftover};
use crate::clicks::succession::Succession;

/// The shipper's memory.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Segments of former runs, in the order in which they are shipped.
    pub(super) leftovers: VecDeque<Arc<Leftover>>,
    /// How many segments of former runs stay for the next start, because one of their lane could not be read.
    pub(super) blocked_segments: usize,
    /// The segments of former runs that were begun with.
    pub(super) succession: Succession,
    /// The texts of clicks, as far as they are known.
    pub(super) interner: Interner,
    positions: HashMap<LaneKey, Position>,
    asked: HashSet<JournalId>,
}

impl Backlog {
    /// A backlog of what was found, with nothing known of the store.
    pub(super) fn new(found: Found) -> Self {
        let unread_segments = found.blocked.len();
        let blocked: HashSet<_> = found.blocked.into_iter().collect();
        let (stay, leftovers): (Vec<_>, Vec<_>) = found
            .leftovers
            .into_iter()
            .partition(|leftover| blocked.contains(&leftover.header.lane_key()));
        Self {
            leftovers: leftovers.into_iter().map(Arc::new).collect(),
            blocked_segments: unread_segments + stay.len(),
            interner: Interner::default(),
            positions: HashMap::new(),
            succession: Succession::default(),
            asked: HashSet::new(),
        }
    }

    /// Leaves the first leftover, which could not be read, and the others of its lane to the next start.
    pub(super) fn block_first(&mut self) {
        let Some(first) = self.leftovers.front() else {
            return;
        };
        let lane = first.header.lane_key();
        let before = self.leftovers.len();
        self.leftovers
            .retain(|leftover| leftover.header.lane_key() != lane);
        self.blocked_segments += before - self.leftovers.len();
    }

    /// How far the store has come in a lane of a former run; asks it once per journal.
    pub(super) async fn load_position(
        &mut self,
        store: &Store,
        journal_id: JournalId,
        lane: u32,
    ) -> Result<Position, terse_store::Error> {
        if !self.asked.contains(&journal_id) {
            for (lane, position) in store.load_positions(&journal_id.to_string()).await? {
                self.positions.insert((journal_id, lane), position);
            }
            self.asked.insert(journal_id);
        }
        Ok(self.position(journal_id, lane))
    }

    /// How far the store is known to have come; nothing of a journal that was begun just now.
    pub(super) fn position(&self, journal_id: JournalId, lane: u32) -> Position {
        let position = self.positions.get(&(journal_id, lane));
        position.copied().unwrap_or(Position::START)
    }

    /// Notes how far the store has come.
    pub(super) fn set_position(&mut self, journal_id: JournalId, lane: u32, position: Position) {
        self.positions.insert((journal_id, lane), position);
    }
}
