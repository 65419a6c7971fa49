//! How the server is, component by component: for load balancers and people who watch. `docs/operations.md` says which
//! answer follows from what, and why.
//!
//! Nothing here asks the database more than once a second, however many ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::app::App;
use crate::clicks::{NoRoom, ShipperStats};
use crate::second_cache::SecondCacheStats;

/// A database that has not answered after this long is called unavailable.
pub const DATABASE_WITHIN: Duration = Duration::from_millis(500);
/// How long its answer is remembered.
pub const DATABASE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is known between two reports.
#[derive(Debug, Default)]
pub struct Health {
    is_stopping: AtomicBool,
    /// Locked while the database is asked: who comes meanwhile takes the same answer.
    database: Mutex<Option<Answer>>,
}

/// Whether the database answered, and when that was found, by the clock's elapsed time.
#[derive(Debug, Clone, Copy)]
struct Answer {
    is_there: bool,
    at: Duration,
}

/// How everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The process itself.
    pub server: Component,
    /// Where links and shipped clicks are.
    pub database: Component,
    /// Where clicks are until they are shipped.
    pub journal: Component,
    /// Links in memory.
    pub cache: Component,
    /// What is heard of other replicas, where there can be some.
    pub bus: Option<Component>,
    /// The second cache, where it is set.
    pub redis: Option<Component>,
}

/// How a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// It does all that it should.
    Ok,
    /// It does not, and what needs it is done otherwise, later or not at all; other replicas may be no better off.
    Degraded(&'static str),
    /// It does not, and another replica may: requests should be sent there.
    Unavailable(&'static str),
    /// It is left alone, and nothing is promised that needs it: says nothing of the whole.
    Missing(&'static str),
}

/// Whether requests should be sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// Yes, though not everything is as it should be: known links redirect.
    Degraded,
    /// No.
    NotReady,
}

impl Health {
    /// From now on, requests should be sent elsewhere.
    pub fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// How everything is now.
    pub async fn report(&self, app: &App) -> Report {
        let clicks = app.shipper.stats();
        let database = database(self.is_database_there(app).await, &clicks);
        Report {
            server: self.server(),
            database,
            journal: journal(app, &clicks, database),
            cache: Component::Ok,
            bus: app.store.is_shared().then(|| bus(app.cache.is_vouched_for())),
            redis: app.second_cache.as_ref().map(|redis| redis_of(redis.stats())),
        }
    }

    fn server(&self) -> Component {
        if self.is_stopping.load(Ordering::Relaxed) {
            Component::Unavailable("the server is stopping")
        } else {
            Component::Ok
        }
    }

    async fn is_database_there(&self, app: &App) -> bool {
        let mut remembered = self.database.lock().await;
        if let Some(answer) = *remembered
            && app.clock.elapsed() < answer.at + DATABASE_AGAIN_AFTER
        {
            return answer.is_there;
        }
        let pinged = tokio::time::timeout(DATABASE_WITHIN, app.store.ping()).await;
        let is_there = matches!(pinged, Ok(Ok(())));
        let at = app.clock.elapsed();
        *remembered = Some(Answer { is_there, at });
        is_there
    }
}

/// Without the database known links redirect and their clicks are safe; every replica has the same one.
fn database(is_there: bool, clicks: &ShipperStats) -> Component {
    match (is_there, clicks.is_store_away) {
        (false, _) => Component::Degraded("the database does not answer"),
        (true, true) => Component::Degraded("the database takes no clicks: they wait in the journal"),
        (true, false) => Component::Ok,
    }
}

/// A replica that cannot record clicks gives way to others, unless it is the database that keeps its journal full: then
/// theirs fill as well, and a visitor who is redirected uncounted is better than one who is not.
fn journal(app: &App, clicks: &ShipperStats, database: Component) -> Component {
    match app.journal.starved() {
        Some(NoRoom::Disk) => Component::Unavailable("clicks are not recorded: the disk is full or fails"),
        Some(NoRoom::Limit) if database == Component::Ok => {
            Component::Unavailable("clicks are not recorded: the journal has reached its limit")
        }
        Some(NoRoom::Limit) => Component::Degraded(
            "clicks are not recorded: the database has taken none for so long that the journal is full",
        ),
        None if clicks.blocked_segments > 0 => {
            Component::Degraded("segments of an earlier run cannot be read: the log says which")
        }
        None => Component::Ok,
    }
}

/// Without it links are as true as with it, and cost more.
fn bus(is_heard: bool) -> Component {
    if is_heard {
        Component::Ok
    } else {
        Component::Degraded("changes of other replicas are not heard: links are asked for again every moment")
    }
}

fn redis_of(redis: SecondCacheStats) -> Component {
    if redis.is_open {
        Component::Missing("left alone as it could not be asked: links are looked up in the database")
    } else {
        Component::Ok
    }
}

impl Component {
    /// Whether it does all that it should.
    pub fn is_up(self) -> bool {
        self == Self::Ok
    }

    /// Why it does not, for a person.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Ok => None,
            Self::Degraded(reason) | Self::Unavailable(reason) | Self::Missing(reason) => Some(reason),
        }
    }
}

impl Report {
    /// All components that there are, by name.
    pub fn components(self) -> impl Iterator<Item = (&'static str, Component)> {
        [
            ("server", Some(self.server)),
            ("database", Some(self.database)),
            ("journal", Some(self.journal)),
            ("cache", Some(self.cache)),
            ("bus", self.bus),
            ("redis", self.redis),
        ]
        .into_iter()
        .filter_map(|(name, component)| Some((name, component?)))
    }

    /// The worst component decides, of those that are needed.
    pub fn readiness(self) -> Readiness {
        let is_any =
            |matches: fn(Component) -> bool| self.components().any(|(_, component)| matches(component));
        if is_any(|component| matches!(component, Component::Unavailable(_))) {
            Readiness::NotReady
        } else if is_any(|component| matches!(component, Component::Degraded(_))) {
            Readiness::Degraded
        } else {
            Readiness::Ready
        }
    }

    /// Whether requests should be sent here.
    pub fn takes_requests(self) -> bool {
        self.readiness() != Readiness::NotReady
    }
}
