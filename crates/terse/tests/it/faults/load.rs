//! What clients do all the time: visit links that every replica knows, and make new ones; each through nginx, or at one replica, so
//! that what nginx mends is not taken for what a replica does.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use terse_core::{Clock, Seeded, SystemClock};

use super::cluster::Cluster;
use crate::coherence::Stop;
use crate::coherence::door::{Door, Place};
use crate::torture::Dice;
use crate::torture::load::spawn;

/// Somebody who gets no answer comes again after this.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const VISITORS_OF_NGINX: usize = 3;
const VISITORS_OF_REPLICA: usize = 2;
const VISITOR_PAUSE: Duration = Duration::from_millis(18);
const CREATOR_PAUSE: Duration = Duration::from_millis(120);
const KNOWN_LINKS: usize = 40;

/// Whom a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    Nginx,
    Replica(usize),
}

/// One visit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) sent_at: Duration,
    pub(super) took: Duration,
    /// To where it should.
    pub(super) is_redirected: bool,
}

/// The visits of one visitor: number `n` of them had the user agent `{name}n{n}`.
#[derive(Debug)]
pub(super) struct Visits {
    pub(super) name: String,
    pub(super) via: Via,
    pub(super) all: Vec<Visit>,
}

/// The making of one link.
#[derive(Debug, Clone)]
pub(super) struct Creation {
    pub(super) via: Via,
    pub(super) code: String,
    pub(super) sent_at: Duration,
    pub(super) took: Duration,
    /// Of the answer, if there was one.
    pub(super) status: Option<u16>,
}

/// What was done.
pub(super) struct Record {
    pub(super) visits: Vec<Visits>,
    pub(super) creations: Vec<Creation>,
}

/// Clients at work.
pub(super) struct Load {
    stop: Stop,
    visitors: Vec<JoinHandle<Visits>>,
    creators: Vec<JoinHandle<()>>,
    creations: Arc<Mutex<Vec<Creation>>>,
}

/// Where a new link leads.
pub(super) fn target_of(code: &str) -> String {
    format!("https://example.com/{code}")
}

impl Load {
    /// Makes links, has every replica know them, and sets clients to work.
    pub(super) fn start(clock: &Arc<SystemClock>, cluster: &Cluster, seed: u64) -> Self {
        let codes: Arc<[String]> = (0..KNOWN_LINKS).map(|number| format!("known{number}")).collect();
        let creations = Arc::default();
        let creator = |via, place: &Place| Creator {
            via,
            clock: Arc::clone(clock),
            door: Door::to(place, ANSWER_WITHIN),
            creations: Arc::clone(&creations),
        };
        let mut first = creator(Via::Nginx, &cluster.nginx());
        for code in &*codes {
            assert!(first.make(code), "{code}");
        }
        let mut places = vec![(Via::Nginx, cluster.nginx(), VISITORS_OF_NGINX)];
        let replicas = cluster.replicas().into_iter().enumerate();
        places.extend(replicas.map(|(number, place)| (Via::Replica(number), place, VISITORS_OF_REPLICA)));
        let stop = Stop::default();
        let mut creators = Vec::new();
        let mut visitors = Vec::new();
        for (via, place, count) in &places {
            let mut creator = creator(*via, place);
            let told = stop.clone();
            let name = format!("made{}", creators.len());
            creators.push(spawn(move || creator.run(&name, &told)));
            for _ in 0..*count {
                let number = visitors.len();
                let visitor = Visitor {
                    clock: Arc::clone(clock),
                    door: Door::to(place, ANSWER_WITHIN),
                    codes: Arc::clone(&codes),
                    dice: Dice(Seeded::new(seed.wrapping_sub(1 + number as u64))),
                };
                let visits = Visits {
                    name: format!("v{number}"),
                    via: *via,
                    all: Vec::new(),
                };
                let told = stop.clone();
                visitors.push(spawn(move || visitor.run(visits, &told)));
            }
        }
        Self {
            stop,
            visitors,
            creators,
            creations,
        }
    }

    /// Whether a link was made at each of `replicas` and through nginx, all sent at `since` or later.
    pub(super) fn has_made_everywhere(&self, since: Duration, replicas: usize) -> bool {
        let creations = self.creations.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = creations
            .iter()
            .rev()
            .take_while(|creation| creation.sent_at + ANSWER_WITHIN * 2 > since);
        let made: Vec<_> = recent
            .filter(|creation| creation.sent_at >= since && creation.status == Some(201))
            .map(|creation| creation.via)
            .collect();
        made.contains(&Via::Nginx) && (0..replicas).all(|replica| made.contains(&Via::Replica(replica)))
    }

    /// What they did.
    pub(super) fn finish(self) -> Record {
        self.stop.tell();
        let join = "a client saw no wrong answer";
        let visits = self
            .visitors
            .into_iter()
            .map(|visitor| visitor.join().expect(join))
            .collect();
        self.creators
            .into_iter()
            .for_each(|creator| creator.join().expect(join));
        let creations = std::mem::take(&mut *self.creations.lock().unwrap_or_else(PoisonError::into_inner));
        Record { visits, creations }
    }
}

struct Visitor {
    clock: Arc<SystemClock>,
    door: Door,
    codes: Arc<[String]>,
    dice: Dice,
}

impl Visitor {
    fn run(mut self, mut visits: Visits, stop: &Stop) -> Visits {
        while !stop.is_told() {
            let code =
                &self.codes[usize::try_from(self.dice.roll(self.codes.len() as u64)).expect("an index")];
            let agent = format!("{}n{}", visits.name, visits.all.len());
            let sent_at = self.clock.elapsed();
            let answer = self.door.ask("GET", &format!("/{code}"), &agent, "");
            visits.all.push(Visit {
                sent_at,
                took: self.clock.elapsed().saturating_sub(sent_at),
                is_redirected: answer
                    .is_some_and(|answer| answer.status == 302 && answer.location == target_of(code)),
            });
            std::thread::sleep(VISITOR_PAUSE);
        }
        visits
    }
}

struct Creator {
    via: Via,
    clock: Arc<SystemClock>,
    door: Door,
    creations: Arc<Mutex<Vec<Creation>>>,
}

impl Creator {
    fn run(&mut self, name: &str, stop: &Stop) {
        for number in 0.. {
            if stop.is_told() {
                return;
            }
            self.make(&format!("{name}x{number}"));
            std::thread::sleep(CREATOR_PAUSE);
        }
    }

    /// Whether that was acknowledged.
    fn make(&mut self, code: &str) -> bool {
        let body = json!({ "url": target_of(code), "short_code": code }).to_string();
        let sent_at = self.clock.elapsed();
        let status = self
            .door
            .ask("POST", "/shorten", "", &body)
            .map(|answer| answer.status);
        let creation = Creation {
            via: self.via,
            code: code.to_owned(),
            sent_at,
            took: self.clock.elapsed().saturating_sub(sent_at),
            status,
        };
        self.creations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(creation);
        status == Some(201)
    }
}
