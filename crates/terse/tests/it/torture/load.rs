//! What clients do until the server dies: visit, create, change; each remembers what it sent and what was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

use terse_core::Seeded;

use super::Dice;
use super::client::Client;
use super::model::Model;
use crate::server::Server;

const VISITORS: u64 = 4;

/// Clients at work.
pub(crate) struct Load {
    answers: Arc<AtomicU64>,
    visitors: Vec<JoinHandle<Visits>>,
    creator: JoinHandle<Creations>,
    changer: JoinHandle<Vec<Change>>,
}

/// What the clients of one round did.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) visits: Vec<Visits>,
    pub(crate) creations: Creations,
    pub(crate) changes: Vec<Change>,
}

/// One visitor's visits: number `n` of them had the user agent `{name}n{n}`.
#[derive(Clone)]
pub(crate) struct Visits {
    pub(crate) name: String,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
}

/// Codes in the order in which their creation was sent; all but perhaps the last were acknowledged.
#[derive(Default)]
pub(crate) struct Creations {
    pub(crate) codes: Vec<String>,
    pub(crate) acknowledged: usize,
}

/// A new target for a link.
pub(crate) struct Change {
    pub(crate) link: usize,
    pub(crate) target: String,
    pub(crate) is_acknowledged: bool,
}

impl Load {
    /// Sets clients to work on the links of `model`; `seed` decides what they choose.
    pub(crate) fn start(server: &Server, model: &Model, round: u64, seed: u64) -> Self {
        let answers = Arc::new(AtomicU64::new(0));
        let codes: Arc<[String]> = model.links().iter().map(|link| link.code.clone()).collect();
        // All of them before the first request: that one may be what the server dies of.
        let (for_creator, for_changer) = (Client::of(server), Client::of(server));
        let clients: Vec<_> = (0..VISITORS)
            .map(|_| [Client::of(server), Client::of(server)])
            .collect();
        let visitors = (0..).zip(clients).map(|(visitor, clients)| {
            let (answers, codes) = (Arc::clone(&answers), Arc::clone(&codes));
            let dice = Dice(Seeded::new(seed.wrapping_add(visitor)));
            spawn(move || visit(clients, &answers, &codes, &dice, format!("r{round}v{visitor}")))
        });
        let visitors = visitors.collect();
        let counted = Arc::clone(&answers);
        let creator = spawn(move || create(for_creator, &counted, round));
        let counted = Arc::clone(&answers);
        let ids = model.links().iter().map(|link| link.id).collect::<Vec<_>>();
        let dice = Dice(Seeded::new(seed.wrapping_sub(1)));
        let changer = spawn(move || change(for_changer, &counted, &ids, &dice, round));
        Self {
            answers,
            visitors,
            creator,
            changer,
        }
    }

    /// Returns when there were so many answers.
    pub(crate) fn wait_for(&self, answers: u64) {
        while self.answers.load(Ordering::Relaxed) < answers {
            std::thread::yield_now();
        }
    }

    /// Returns when there were so many answers, or the server has died. Whether there were.
    pub(crate) fn wait_for_or_for_death(&self, answers: u64) -> bool {
        loop {
            if self.answers.load(Ordering::Relaxed) >= answers {
                return true;
            }
            if self.changer.is_finished() {
                return false;
            }
            std::thread::yield_now();
        }
    }

    /// What was done. To be called when the server is dead: the clients go on until then.
    pub(crate) fn finish(self) -> History {
        let join = "a client saw no wrong answer";
        History {
            visits: self
                .visitors
                .into_iter()
                .map(|visitor| visitor.join().expect(join))
                .collect(),
            creations: self.creator.join().expect(join),
            changes: self.changer.join().expect(join),
        }
    }
}

pub(crate) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new()
        .name("client".to_owned())
        .spawn(work)
        .expect("a thread can be started")
}

/// Visits in turn over a connection that stays in the express lane and one that the router has: the two keep step, or nearly
/// all answers would come from the faster one.
fn visit(
    [mut express, mut general]: [Client; 2],
    answers: &AtomicU64,
    codes: &[String],
    dice: &Dice,
    name: String,
) -> Visits {
    let (mut sent, mut answered) = (0, 0);
    loop {
        let code = pick(codes, dice);
        let agent = format!("{name}n{sent}");
        let answer = if sent % 2 == 0 {
            express.request("GET", &format!("/{code}"), &agent, "")
        } else {
            general.request("GET", &format!("/urls/{code}/redirect"), &agent, "")
        };
        sent += 1;
        let Some(answer) = answer else {
            return Visits { name, sent, answered };
        };
        assert_eq!(answer.status, 302, "{code}");
        answered += 1;
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

fn create(mut client: Client, answers: &AtomicU64, round: u64) -> Creations {
    let mut codes = Vec::new();
    loop {
        let acknowledged = codes.len();
        let code = format!("r{round}c{acknowledged}");
        let body = serde_json::json!({ "url": Model::first_target(&code), "short_code": code }).to_string();
        codes.push(code);
        let Some(answer) = client.request("POST", "/shorten", "", &body) else {
            return Creations { codes, acknowledged };
        };
        assert_eq!(answer.status, 201, "{}", answer.body);
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

fn change(mut client: Client, answers: &AtomicU64, ids: &[u64], dice: &Dice, round: u64) -> Vec<Change> {
    let mut changes = Vec::new();
    loop {
        let link = usize::try_from(dice.roll(ids.len() as u64)).expect("an index");
        let target = format!("https://example.com/r{round}/{}", changes.len());
        let body = serde_json::json!({ "original_url": target }).to_string();
        let answer = client.request("PATCH", &format!("/urls/{}", ids[link]), "", &body);
        let is_acknowledged = answer.is_some();
        changes.push(Change {
            link,
            target,
            is_acknowledged,
        });
        let Some(answer) = answer else { return changes };
        assert_eq!(answer.status, 200, "{}", answer.body);
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

fn pick<'a>(codes: &'a [String], dice: &Dice) -> &'a str {
    &codes[usize::try_from(dice.roll(codes.len() as u64)).expect("an index")]
}
