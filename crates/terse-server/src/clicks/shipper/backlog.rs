//! What the shipper remembers from pass to pass: segments of former runs, and how far the store has come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use terse_store::{Position, Store};

use crate::clicks::header::JournalId;
use crate::clicks::leftovers::Leftover;

/// The shipper's memory.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Segments of former runs, in the order in which they are shipped.
    pub(super) leftovers: VecDeque<Arc<Leftover>>,
    positions: HashMap<(JournalId, u32), Position>,
    asked: HashSet<JournalId>,
}

impl Backlog {
    /// A backlog of these, with nothing known of the store.
    pub(super) fn new(leftovers: Vec<Leftover>) -> Self {
        Self {
            leftovers: leftovers.into_iter().map(Arc::new).collect(),
            positions: HashMap::new(),
            asked: HashSet::new(),
        }
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
