//! Coherence, judged by history: links are changed at random by one replica and read at all of them while faults come and go, and
//! no reading may show what a change had superseded that was acknowledged more than a second before.
//!
//! This is the short form, two replicas on one database; `make faults` holds a whole cluster to the same in every fault.

mod change;
pub(crate) mod door;
pub(crate) mod history;
mod read;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use terse_core::{Seeded, SystemClock};

use crate::postgres::{database, folder, redis_url};
use crate::server::Server;
use crate::torture::load::spawn;
use crate::torture::{Dice, random_seed, setting};
use crate::way::{Flow, Way};
use change::{Changer, Codes};
use door::Place;
use history::{Change, History, Reading};
use read::Reader;

/// What a reading may be out of date at most.
pub(crate) const OUT_OF_DATE_MAX: Duration = Duration::from_secs(1);
/// Somebody who gets no answer comes again after this.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CHANGERS: u64 = 2;
const READERS_OF_EACH: usize = 2;
/// How long something fails, and is well again: longer than a replica believes what it has heard.
const PHASE: Duration = Duration::from_millis(1_500);
const SLOW: Duration = Duration::from_millis(200);
/// What the planted fault believes itself for.
const PLANTED: Duration = Duration::from_secs(3);

/// Tells threads to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn tell(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Changers and readers at work.
pub(crate) struct Play {
    stop: Stop,
    changers: Vec<JoinHandle<HashMap<String, Vec<Change>>>>,
    readers: Vec<JoinHandle<Vec<Reading>>>,
}

impl Play {
    /// Sets them to work at these replicas, and one more who is wrong at the first of them. Readers are numbered by
    /// replica: [`Play::replica_of`].
    pub(crate) fn start(
        clock: &Arc<SystemClock>,
        replicas: &[Place],
        seed: u64,
        with_planted_fault: bool,
    ) -> Self {
        let (stop, codes) = (Stop::default(), Codes::default());
        let dice = |number: u64| Dice(Seeded::new(seed.wrapping_add(number)));
        let changers = (0..CHANGERS).map(|number| {
            let (stop, clock, codes) = (stop.clone(), Arc::clone(clock), codes.clone());
            let changer = Changer::new(format!("coherent{number}"), clock, dice(number), codes, replicas);
            spawn(move || changer.run(&stop))
        });
        let changers = changers.collect();
        let mut places: Vec<_> = replicas
            .iter()
            .flat_map(|place| [(place, Duration::ZERO); READERS_OF_EACH])
            .collect();
        places.extend(with_planted_fault.then_some((&replicas[0], PLANTED)));
        let readers = places
            .into_iter()
            .enumerate()
            .map(|(number, (place, believes_himself_for))| {
                let reader = Reader {
                    number,
                    clock: Arc::clone(clock),
                    dice: dice(CHANGERS + number as u64),
                    codes: codes.clone(),
                    place: place.clone(),
                    believes_himself_for,
                };
                let stop = stop.clone();
                spawn(move || reader.run(&stop))
            });
        let readers = readers.collect();
        Self {
            stop,
            changers,
            readers,
        }
    }

    /// The replica that this reader asks, beginning with 0.
    pub(crate) fn replica_of(reader: usize) -> usize {
        reader / READERS_OF_EACH
    }

    /// What they did.
    pub(crate) fn finish(self) -> History {
        self.stop.tell();
        let join = "nobody saw a wrong answer";
        let mut history = History::default();
        for changer in self.changers {
            let changes = changer.join().expect(join);
            history.extend(History {
                changes,
                readings: Vec::new(),
            });
        }
        for reader in self.readers {
            history.readings.extend(reader.join().expect(join));
        }
        history
    }
}

/// A server, and the ways from it to the database and to Redis.
struct Replica<'a> {
    data: &'a Path,
    database: &'a Way,
    redis: &'a Way,
    database_name: &'a str,
}

impl Replica<'_> {
    fn start(&self) -> Server {
        let database = format!(
            "postgres://postgres@{}/{}",
            self.database.address(),
            self.database_name
        );
        let redis = format!("redis://{}/", self.redis.address());
        Server::start_with(self.data, &["--database-url", &database, "--redis-url", &redis])
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "shown when the test fails: what repeats it")]
fn no_reading_is_out_of_date_for_a_second_whatever_fails_between_replicas() {
    let seed = setting("TORTURE_SEED").unwrap_or_else(random_seed);
    println!("to repeat: TORTURE_SEED={seed}");
    let url = database();
    let (_, server_and_name) = url.rsplit_once('@').expect("a user");
    let (postgres, database_name) = server_and_name.split_once('/').expect("a database");
    let redis = redis_address();
    let (data, ways) = (
        [folder(), folder()],
        [postgres, &redis, postgres, &redis].map(Way::to),
    );
    let [first, second] = [0, 1].map(|number| Replica {
        data: data[number].path(),
        database: &ways[2 * number],
        redis: &ways[2 * number + 1],
        database_name,
    });
    let (mut one, two) = (first.start(), second.start());
    let places = [&one, &two].map(|server| Place::at(&server.address));
    let clock = Arc::new(SystemClock::new());
    let play = Play::start(&clock, &places, seed, true);
    std::thread::sleep(PHASE);
    for flow in [Flow::Silent, Flow::Shut] {
        second.database.set_bus(flow);
        std::thread::sleep(PHASE);
        second.database.set_bus(Flow::Open);
        std::thread::sleep(PHASE / 2);
    }
    for redis in [first.redis, second.redis] {
        redis.set(Flow::Slow(SLOW));
    }
    one.kill();
    one = first.start();
    places[0].move_to(&one.address);
    std::thread::sleep(PHASE);
    for redis in [first.redis, second.redis] {
        redis.set(Flow::Silent);
    }
    assert_eq!(one.stop().code(), Some(0));
    one = first.start();
    places[0].move_to(&one.address);
    std::thread::sleep(PHASE);
    let history = play.finish();

    let is_planted = |reading: &Reading| Play::replica_of(reading.reader) == places.len();
    for replica in 0..places.len() {
        let readings = history
            .readings
            .iter()
            .filter(|reading| Play::replica_of(reading.reader) == replica);
        println!("replica {replica}: {} readings", readings.count());
    }
    let changes: usize = history.changes.values().map(Vec::len).sum();
    println!("{} codes, {changes} changes", history.changes.len());
    let (age, reading) = history
        .oldest(|reading| !is_planted(reading))
        .expect("somebody read");
    println!("the most out of date, for {age:?}: {reading:?}");
    let described = history.describe(reading);
    assert!(age <= OUT_OF_DATE_MAX, "out of date for {age:?}: {described}");
    let (age, _) = history.oldest(is_planted).expect("somebody read");
    assert!(
        age > OUT_OF_DATE_MAX,
        "whoever believes himself for seconds is caught"
    );
    drop(one);
}

fn redis_address() -> String {
    let url = redis_url();
    let (_, address) = url.split_once("://").expect("a URL");
    address.trim_end_matches('/').to_owned()
}
