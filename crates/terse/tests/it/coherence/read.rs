//! Those who read: follow links at one replica, again and again, and write down where they lead.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use terse_core::{Clock, SystemClock};

use super::change::Codes;
use super::door::{Door, Place};
use super::history::{Reading, State};
use super::{ANSWER_WITHIN, Stop};
use crate::torture::Dice;

const PAUSE: Duration = Duration::from_millis(8);

/// One who reads.
pub(super) struct Reader {
    pub(super) number: usize,
    pub(super) clock: Arc<SystemClock>,
    pub(super) dice: Dice,
    pub(super) codes: Codes,
    pub(super) place: Place,
    /// As a cache would that nobody tells of changes: takes what he has read for true that long. That is the planted fault.
    pub(super) believes_himself_for: Duration,
}

impl Reader {
    /// Reads until told to stop. What was read.
    pub(super) fn run(self, stop: &Stop) -> Vec<Reading> {
        let mut door = Door::to(&self.place, ANSWER_WITHIN);
        let mut remembered: HashMap<String, (Duration, State)> = HashMap::new();
        let (mut readings, mut asked) = (Vec::new(), 0);
        while !stop.is_told() {
            std::thread::sleep(PAUSE);
            let Some(code) = self.codes.pick(&self.dice) else {
                continue;
            };
            let began_at = self.clock.elapsed();
            let known = remembered.get(&code);
            let known = known.filter(|(at, _)| began_at < *at + self.believes_himself_for);
            let state = if let Some((_, state)) = known {
                Some(state.clone())
            } else {
                asked += 1;
                self.ask(&mut door, &code, asked)
            };
            let Some(state) = state else { continue };
            if known.is_none() {
                remembered.insert(code.clone(), (began_at, state.clone()));
            }
            readings.push(Reading {
                reader: self.number,
                code,
                began_at,
                ended_at: self.clock.elapsed(),
                state,
            });
        }
        readings
    }

    /// Where the code leads; `None` if the replica does not say.
    fn ask(&self, door: &mut Door, code: &str, number: u64) -> Option<State> {
        let agent = format!("reader{}n{number}", self.number);
        let answer = door.ask("GET", &format!("/{code}"), &agent, "")?;
        match answer.status {
            302 => Some(State::Leads(answer.location)),
            410 => Some(State::Gone),
            404 => Some(State::Nothing),
            503 => None,
            other => panic!("{code}: {other} {}", answer.body),
        }
    }
}
