//! Requests that the router answers: by route and status, and how long they took.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;

use super::durations::{Counted, Durations, REQUEST_BOUNDS_US, add_shared};

/// The route of a request that has none.
pub const UNMATCHED: &str = "unmatched";

/// More routes than the table has. Should somebody count by paths one day, memory stays bounded.
const ROUTES_MAX: usize = 100;
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Requests, by route. A lock is nothing beside what the router does.
#[derive(Debug, Default)]
pub struct Requests {
    routes: Mutex<BTreeMap<Box<str>, Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    classes: [u64; CLASSES.len()],
    durations: Durations<{ REQUEST_BOUNDS_US.len() }>,
}

/// A route as it was at a moment.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) template: Box<str>,
    /// How often it answered with a status of each class.
    pub(super) classes: Vec<(&'static str, u64)>,
    pub(super) durations: Counted<{ REQUEST_BOUNDS_US.len() }>,
}

impl Requests {
    /// Counts a request of `route`, which is a template and not a path: `/urls/{id}`.
    pub fn note(&self, route: &str, status: StatusCode, took: Duration) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = if routes.len() < ROUTES_MAX || routes.contains_key(route) {
            route
        } else {
            UNMATCHED
        };
        let counts = match routes.get_mut(known) {
            Some(counts) => counts,
            None => routes.entry(known.into()).or_default(),
        };
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        counts.classes[class - 1] += 1;
        counts.durations.note(&REQUEST_BOUNDS_US, took, 1, add_shared);
    }

    pub(super) fn routes(&self) -> Vec<Route> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = routes.iter().map(|(route, counts)| {
            let mut durations = Counted::default();
            durations.add(&counts.durations);
            Route {
                template: route.clone(),
                classes: CLASSES.into_iter().zip(counts.classes).collect(),
                durations,
            }
        });
        routes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_routes_than_memory_is_meant_for() {
        let requests = Requests::default();
        for number in 0..2 * ROUTES_MAX {
            requests.note(&format!("/{number}"), StatusCode::OK, Duration::ZERO);
        }
        let routes = requests.routes();
        assert_eq!(routes.len(), ROUTES_MAX + 1);
        let rest = routes.iter().find(|route| &*route.template == UNMATCHED);
        let counted = rest.map(|route| route.durations.count());
        assert_eq!(counted, Some(ROUTES_MAX as u64));
    }
}
