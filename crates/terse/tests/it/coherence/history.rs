//! What was changed and what was read, and whether a reading may have been: the judge of coherence. Pure.
//!
//! Changes of one code follow one another: each is sent after the one before has been answered. A reading is out of date if what
//! it shows was superseded by a change that had been acknowledged when the reading began, and is so for as long as that was ago. A
//! change that was not acknowledged may take effect at any later time, or never: what it made can be read at any time
//! from its sending on, and it supersedes nothing.

use std::collections::HashMap;
use std::time::Duration;

/// What a code leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// To this target, which is of one change alone.
    Leads(String),
    /// To a link that was taken down.
    Gone,
    /// To no link.
    Nothing,
}

/// A code that was given another state.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) sent_at: Duration,
    /// When that was answered; `None` if it was not, or the answer does not say whether it was done.
    pub(crate) acknowledged_at: Option<Duration>,
    pub(crate) state: State,
}

/// An answer that somebody got.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// Who read, for whoever counts.
    pub(crate) reader: usize,
    pub(crate) code: String,
    pub(crate) began_at: Duration,
    pub(crate) ended_at: Duration,
    pub(crate) state: State,
}

/// What is to be said of a reading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// When it began, what it shows had been superseded for so long; zero if it had not.
    OutOfDateFor(Duration),
    /// Nobody had made it so.
    Invented,
}

/// Changes and readings.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By code, in the order in which they were sent.
    pub(crate) changes: HashMap<String, Vec<Change>>,
    pub(crate) readings: Vec<Reading>,
}

impl History {
    /// Adds what another one has, of other codes.
    pub(crate) fn extend(&mut self, other: Self) {
        for (code, changes) in other.changes {
            let before = self.changes.insert(code, changes);
            assert!(before.is_none(), "each code has one who changes it");
        }
        self.readings.extend(other.readings);
    }

    pub(crate) fn judge(&self, reading: &Reading) -> Verdict {
        let changes = self.changes.get(&reading.code).map_or(&[][..], Vec::as_slice);
        // Before the first change there is nothing.
        let at_first = (reading.state == State::Nothing).then(|| superseded_at(changes));
        let made = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.state == reading.state && change.sent_at <= reading.ended_at);
        let ends = made.map(|(number, change)| {
            let is_done = change.acknowledged_at.is_some();
            is_done.then(|| superseded_at(&changes[number + 1..])).flatten()
        });
        let ages = ends
            .chain(at_first)
            .map(|end| end.map_or(Duration::ZERO, |end| reading.began_at.saturating_sub(end)));
        ages.min().map_or(Verdict::Invented, Verdict::OutOfDateFor)
    }

    /// A reading, and the changes around it.
    pub(crate) fn describe(&self, reading: &Reading) -> String {
        const AROUND: Duration = Duration::from_secs(3);
        let changes = self.changes.get(&reading.code).into_iter().flatten();
        let near: Vec<_> = changes
            .filter(|change| {
                change.sent_at <= reading.ended_at + AROUND && change.sent_at + AROUND >= reading.began_at
            })
            .collect();
        format!("{reading:?}, of {near:?}")
    }

    /// The reading that is most out of date of those that are chosen, and for how long it was.
    ///
    /// # Panics
    /// When one was invented.
    pub(crate) fn oldest(&self, is_chosen: impl Fn(&Reading) -> bool) -> Option<(Duration, &Reading)> {
        let chosen = self.readings.iter().filter(|reading| is_chosen(reading));
        let judged = chosen.map(|reading| match self.judge(reading) {
            Verdict::OutOfDateFor(age) => (age, reading),
            Verdict::Invented => panic!("nobody made it so: {reading:?}"),
        });
        judged.max_by_key(|(age, _)| *age)
    }
}

/// When what was before `changes` was surely no more.
fn superseded_at(changes: &[Change]) -> Option<Duration> {
    changes.iter().find_map(|change| change.acknowledged_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn leads(target: &str) -> State {
        State::Leads(target.to_owned())
    }

    fn change(sent: u64, acknowledged: Option<u64>, state: State) -> Change {
        Change {
            sent_at: ms(sent),
            acknowledged_at: acknowledged.map(ms),
            state,
        }
    }

    fn verdict(changes: &[Change], began: u64, state: State) -> Verdict {
        let reading = Reading {
            reader: 0,
            code: "abc".to_owned(),
            began_at: ms(began),
            ended_at: ms(began + 5),
            state,
        };
        let history = History {
            changes: HashMap::from([("abc".to_owned(), changes.to_vec())]),
            readings: Vec::new(),
        };
        history.judge(&reading)
    }

    fn out_of_date_for(millis: u64) -> Verdict {
        Verdict::OutOfDateFor(ms(millis))
    }

    #[test]
    fn what_is_in_force_is_not_out_of_date_however_old() {
        let changes = [change(10, Some(20), leads("a"))];
        assert_eq!(verdict(&changes, 900_000, leads("a")), out_of_date_for(0));
    }

    #[test]
    fn one_reading_of_what_was_superseded_is_caught_with_its_age() {
        let changes = [
            change(10, Some(20), leads("a")),
            change(30, Some(40), leads("b")),
            change(500, Some(600), State::Gone),
        ];
        assert_eq!(verdict(&changes, 3_040, leads("a")), out_of_date_for(3_000));
        assert_eq!(verdict(&changes, 3_600, leads("b")), out_of_date_for(3_000));
        assert_eq!(verdict(&changes, 3_600, State::Gone), out_of_date_for(0));
    }

    #[test]
    fn while_a_change_is_under_way_both_states_can_be_read() {
        let changes = [
            change(10, Some(20), leads("a")),
            change(100, Some(200), leads("b")),
        ];
        for state in ["a", "b"] {
            assert_eq!(verdict(&changes, 150, leads(state)), out_of_date_for(0));
        }
    }

    #[test]
    fn a_reading_that_began_before_the_acknowledgement_is_not_out_of_date() {
        let changes = [
            change(10, Some(20), leads("a")),
            change(100, Some(200), leads("b")),
        ];
        assert_eq!(verdict(&changes, 199, leads("a")), out_of_date_for(0));
    }

    #[test]
    fn a_change_without_an_acknowledgement_supersedes_nothing_and_may_be_seen_ever_after() {
        let changes = [
            change(10, Some(20), leads("a")),
            change(100, None, leads("b")),
            change(300, Some(400), leads("c")),
        ];
        assert_eq!(verdict(&changes, 300, leads("a")), out_of_date_for(0));
        assert_eq!(verdict(&changes, 2_400, leads("a")), out_of_date_for(2_000));
        assert_eq!(verdict(&changes, 2_400, leads("b")), out_of_date_for(0));
    }

    #[test]
    fn a_code_leads_nowhere_before_its_first_change_and_after_it_was_deleted() {
        let mut changes = vec![change(10, Some(20), leads("a"))];
        assert_eq!(verdict(&[], 5, State::Nothing), out_of_date_for(0));
        assert_eq!(verdict(&changes, 15, State::Nothing), out_of_date_for(0));
        assert_eq!(verdict(&changes, 2_020, State::Nothing), out_of_date_for(2_000));
        changes.push(change(3_000, Some(3_010), State::Nothing));
        assert_eq!(verdict(&changes, 9_000, State::Nothing), out_of_date_for(0));
    }

    #[test]
    fn what_nobody_has_made_or_not_yet_is_invented() {
        let changes = [
            change(10, Some(20), leads("a")),
            change(1_000, Some(1_001), State::Gone),
        ];
        assert_eq!(verdict(&changes, 30, leads("z")), Verdict::Invented);
        assert_eq!(verdict(&changes, 30, State::Gone), Verdict::Invented);
    }
}
