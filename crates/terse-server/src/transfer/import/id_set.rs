//! Ids that were seen, in little memory: files have them in rising order, with few gaps.

use std::collections::BTreeMap;

/// A set of ids, kept as ranges from the first to the last of neighbours.
#[derive(Debug, Default)]
pub(super) struct IdSet(BTreeMap<i64, i64>);

impl IdSet {
    pub(super) fn insert(&mut self, id: i64) {
        if self.contains(id) {
            return;
        }
        let last = self.0.remove(&id.saturating_add(1)).unwrap_or(id);
        match self.0.range_mut(..id).next_back() {
            Some((_, end)) if *end == id - 1 => *end = last,
            _ => {
                self.0.insert(id, last);
            }
        }
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        self.0.range(..=id).next_back().is_some_and(|(_, end)| *end >= id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        let mut ids = IdSet::default();
        for id in [1, 2, 3, 10, 9, 5, 4, 8, 7, 6, 3] {
            ids.insert(id);
        }
        assert_eq!(ids.0.into_iter().collect::<Vec<_>>(), [(1, 10)]);
    }

    proptest! {
        #[test]
        fn it_holds_what_was_inserted(ids in proptest::collection::vec(0_i64..60, 0..80)) {
            let (mut set, mut expected) = (IdSet::default(), HashSet::new());
            for id in ids {
                set.insert(id);
                expected.insert(id);
                for candidate in -1..61 {
                    prop_assert_eq!(set.contains(candidate), expected.contains(&candidate));
                }
            }
        }
    }
}
