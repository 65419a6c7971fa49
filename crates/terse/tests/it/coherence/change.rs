//! Those who change links: one code after the other gets a new target, is taken down, deleted, made again, or given to a link
//! that had another one, by whichever replica.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use terse_core::{Clock, SystemClock};

use super::door::{Door, Place};
use super::history::{Change, State};
use super::{ANSWER_WITHIN, Stop};
use crate::torture::Dice;

/// Codes of one who changes them.
const CODES: usize = 6;
/// Codes that readers are told of, the latest of each who changes them: those that are changed no more are worth a look too.
const CODES_READ: usize = 12;
const PAUSE: Duration = Duration::from_millis(15);

/// Codes that are worth reading.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes(Arc<Mutex<Vec<String>>>);

impl Codes {
    fn add(&self, code: &str, by: &str) {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.push(code.to_owned());
        let is_ours = |code: &String| code.starts_with(by);
        if codes.iter().filter(|code| is_ours(code)).count() > CODES_READ {
            let oldest = codes.iter().position(is_ours).expect("counted just now");
            codes.remove(oldest);
        }
    }

    pub(super) fn pick(&self, dice: &Dice) -> Option<String> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sides = codes.len() as u64;
        (sides > 0).then(|| codes[usize::try_from(dice.roll(sides)).expect("an index")].clone())
    }
}

/// One who changes links. No other changes the same.
pub(super) struct Changer {
    pub(super) name: String,
    pub(super) clock: Arc<SystemClock>,
    pub(super) dice: Dice,
    pub(super) codes: Codes,
    doors: Vec<Door>,
    own: Vec<Own>,
    made: usize,
    changes: HashMap<String, Vec<Change>>,
}

/// A code, and the link that it leads to.
#[derive(Clone)]
struct Own {
    code: String,
    link: Option<u64>,
    is_active: bool,
}

/// A request, and what becomes of which codes.
struct Plan {
    method: &'static str,
    path: String,
    body: Value,
    becomes: Vec<(usize, State)>,
}

impl Changer {
    pub(super) fn new(
        name: String,
        clock: Arc<SystemClock>,
        dice: Dice,
        codes: Codes,
        places: &[Place],
    ) -> Self {
        let doors = places
            .iter()
            .map(|place| Door::to(place, ANSWER_WITHIN))
            .collect();
        let mut changer = Self {
            name,
            clock,
            dice,
            codes,
            doors,
            own: Vec::new(),
            made: 0,
            changes: HashMap::new(),
        };
        changer.own = (0..CODES).map(|_| changer.new_code()).collect();
        changer
    }

    /// Changes links until told to stop. What was changed, by code.
    pub(super) fn run(mut self, stop: &Stop) -> HashMap<String, Vec<Change>> {
        while !stop.is_told() {
            self.change();
            std::thread::sleep(PAUSE);
        }
        self.changes
    }

    fn change(&mut self) {
        let which = self.roll(self.own.len());
        let plan = self.plan(which);
        let body = if plan.body.is_null() {
            String::new()
        } else {
            plan.body.to_string()
        };
        let replica = self.roll(self.doors.len());
        let sent_at = self.clock.elapsed();
        let answer = self.doors[replica].ask(plan.method, &plan.path, "", &body);
        let answered_at = self.clock.elapsed();
        let is_done = answer.as_ref().is_some_and(|answer| answer.status < 300);
        if let Some(answer) = &answer {
            let is_expected = is_done || answer.status == 503;
            assert!(
                is_expected,
                "{} {} {body}: {} {}",
                plan.method, plan.path, answer.status, answer.body
            );
        }
        for (own, state) in &plan.becomes {
            let change = Change {
                sent_at,
                acknowledged_at: is_done.then_some(answered_at),
                state: state.clone(),
            };
            self.changes
                .entry(self.own[*own].code.clone())
                .or_default()
                .push(change);
        }
        if is_done {
            self.take(&plan, &answer.expect("it was done").body);
        } else {
            // Nobody knows what has become of them: nothing that follows would be sure.
            for (own, _) in plan.becomes {
                self.own[own] = self.new_code();
            }
        }
    }

    fn take(&mut self, plan: &Plan, body: &Value) {
        for (own, state) in &plan.becomes {
            let own = &mut self.own[*own];
            match state {
                State::Leads(_) => {
                    own.link = Some(body["id"].as_u64().expect("the link"));
                    own.is_active = true;
                }
                State::Gone => own.is_active = false,
                State::Nothing => own.link = None,
            }
        }
    }

    fn plan(&mut self, which: usize) -> Plan {
        let Own {
            code,
            link,
            is_active,
        } = self.own[which].clone();
        let target = format!(
            "https://example.com/{code}/{}",
            self.changes.get(&code).map_or(0, Vec::len)
        );
        let leads = State::Leads(target.clone());
        let Some(link) = link else {
            return Plan {
                method: "POST",
                path: "/shorten".to_owned(),
                body: json!({ "url": target, "short_code": code }),
                becomes: vec![(which, leads)],
            };
        };
        let of_link = |method, body, becomes| Plan {
            method,
            path: format!("/urls/{link}"),
            body,
            becomes,
        };
        let free = self.own.iter().position(|own| own.link.is_none());
        match (self.dice.roll(8), free) {
            (0, _) => of_link("DELETE", Value::Null, vec![(which, State::Nothing)]),
            (1, _) if is_active => Plan {
                method: "DELETE",
                path: format!("/links/{code}"),
                body: Value::Null,
                becomes: vec![(which, State::Gone)],
            },
            (2 | 3, Some(free)) => {
                let body =
                    json!({ "short_code": self.own[free].code, "original_url": target, "is_active": true });
                of_link("PATCH", body, vec![(which, State::Nothing), (free, leads)])
            }
            _ => {
                let body = json!({ "original_url": target, "is_active": true });
                of_link("PATCH", body, vec![(which, leads)])
            }
        }
    }

    fn new_code(&mut self) -> Own {
        let code = format!("{}x{}", self.name, self.made);
        self.made += 1;
        self.codes.add(&code, &format!("{}x", self.name));
        Own {
            code,
            link: None,
            is_active: false,
        }
    }

    fn roll(&self, sides: usize) -> usize {
        usize::try_from(self.dice.roll(sides as u64)).expect("an index")
    }
}
