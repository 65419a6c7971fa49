//! Where a fault takes place: begins, lasts, ends, and what it is expected to take away meanwhile.

use std::sync::Arc;
use std::time::Duration;

use terse_core::{Clock, SystemClock};

use super::cluster::{Cluster, REPLICAS};
use super::load::{Load, Via};

/// What is measured before each fault, to compare with.
pub(super) const BEFORE: Duration = Duration::from_secs(3);
/// How long a fault lasts that has no end of its own.
const LASTS: Duration = Duration::from_secs(6);
/// When everything must be as before.
pub(super) const RECOVERED_WITHIN: Duration = Duration::from_secs(10);
/// Then nobody waits any longer for it.
const RECOVERED_NEVER: Duration = Duration::from_secs(40);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// More clicks than that in a journal are a backlog.
const UNSHIPPED_MAX: u64 = 1_000;

/// When what happened.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) name: &'static str,
    pub(super) began_at: Duration,
    pub(super) ended_at: Duration,
    /// When links were made everywhere again.
    pub(super) made_at: Option<Duration>,
    /// When everything was well; `None` if it was not within a time that is much too long.
    pub(super) recovered_at: Option<Duration>,
    /// Replicas that were not there, from when and until when.
    pub(super) down: Vec<(usize, Duration, Duration)>,
    /// When a replica was killed.
    pub(super) kills: Vec<Duration>,
}

impl Window {
    /// When it is over, whether everything recovered or not.
    pub(super) fn over_at(&self) -> Duration {
        self.recovered_at.unwrap_or(self.ended_at + RECOVERED_NEVER)
    }

    /// Whether whoever asked `via` at that time asked something that was to be there.
    pub(super) fn is_there(&self, via: Via, at: Duration) -> bool {
        let is_down = |(replica, from, until): &(usize, Duration, Duration)| {
            via == Via::Replica(*replica) && *from <= at && at <= *until
        };
        !self.down.iter().any(is_down)
    }
}

/// A fault under way.
pub(super) struct Stage<'a> {
    pub(super) cluster: &'a Cluster,
    clock: &'a Arc<SystemClock>,
    window: Window,
    went_down: [Option<Duration>; REPLICAS],
}

impl<'a> Stage<'a> {
    /// Lets a fault happen, and waits until everything is well again.
    pub(super) fn play(
        name: &'static str,
        fault: fn(&mut Stage<'_>),
        cluster: &'a Cluster,
        clock: &'a Arc<SystemClock>,
        load: &Load,
    ) -> Window {
        std::thread::sleep(BEFORE);
        let now = clock.elapsed();
        let window = Window {
            name,
            began_at: now,
            ended_at: Duration::MAX,
            made_at: None,
            recovered_at: None,
            down: Vec::new(),
            kills: Vec::new(),
        };
        let mut stage = Stage {
            cluster,
            clock,
            window,
            went_down: [None; REPLICAS],
        };
        fault(&mut stage);
        stage.ends();
        let mut window = stage.window;
        while clock.elapsed() < window.ended_at + RECOVERED_NEVER {
            let has_made = load.has_made_everywhere(window.ended_at, REPLICAS);
            if has_made && window.made_at.is_none() {
                window.made_at = Some(clock.elapsed());
            }
            if has_made && is_well(cluster) {
                window.recovered_at = Some(clock.elapsed());
                break;
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
        }
        window
    }

    /// It begins now, and not when its preparations did.
    pub(super) fn begins(&mut self) {
        self.window.began_at = self.clock.elapsed();
    }

    /// It goes on for a while, and ends: what still follows is recovery.
    pub(super) fn lasts(&mut self) {
        std::thread::sleep(LASTS);
        self.ends();
    }

    /// It ends now, unless it has ended already.
    pub(super) fn ends(&mut self) {
        self.window.ended_at = self.window.ended_at.min(self.clock.elapsed());
    }

    pub(super) fn kill_replica(&mut self, replica: usize) {
        self.went_down[replica] = Some(self.clock.elapsed());
        self.window.kills.push(self.clock.elapsed());
        self.cluster.shell(&format!("replica_kill {}", replica + 1));
    }

    pub(super) fn stop_replica(&mut self, replica: usize) {
        self.went_down[replica] = Some(self.clock.elapsed());
        self.cluster.shell(&format!("replica_stop {}", replica + 1));
    }

    pub(super) fn start_replica(&mut self, replica: usize) {
        self.start_replica_with("", replica);
    }

    pub(super) fn start_replica_with(&mut self, environment: &str, replica: usize) {
        self.cluster.start_replica_with(environment, replica);
        let from = self.went_down[replica].take().expect("it was stopped");
        self.window.down.push((replica, from, self.clock.elapsed()));
    }
}

/// Whether every replica says that it is.
fn is_well(cluster: &Cluster) -> bool {
    (0..REPLICAS).all(|replica| {
        let is_ready = cluster
            .page(replica, "/readyz")
            .is_some_and(|(_, page)| page["status"] == "ready");
        is_ready
            && cluster.page(replica, "/health").is_some_and(|(_, page)| {
                page["unshipped_clicks"]
                    .as_u64()
                    .is_some_and(|clicks| clicks <= UNSHIPPED_MAX)
            })
    })
}
