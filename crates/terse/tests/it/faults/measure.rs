//! What a fault has cost, from what clients wrote down: pure.

use std::time::Duration;

use super::load::{Creation, Record, Via, Visit};
use super::stage::{BEFORE, RECOVERED_WITHIN, Window};
use crate::coherence::OUT_OF_DATE_MAX;
use crate::coherence::history::History;

/// What redirects may take more in a fault, in their slowest hundredth.
const SLOWER_BY_MAX: Duration = Duration::from_millis(100);
/// How long it may take to be told that no link can be made.
const REFUSED_WITHIN: Duration = Duration::from_secs(2);

/// Redirects of known links.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Redirects {
    pub(super) answered: usize,
    pub(super) failed: usize,
    pub(super) p99_before: Duration,
    pub(super) p99: Duration,
    pub(super) slowest: Duration,
}

/// What a fault has cost.
pub(super) struct Cost {
    pub(super) name: &'static str,
    pub(super) through_nginx: Redirects,
    pub(super) at_replicas: Redirects,
    pub(super) made: usize,
    pub(super) refused: usize,
    /// Those that were neither made nor refused: no answer, or nginx does not know.
    pub(super) unsure: usize,
    pub(super) slowest_refusal: Duration,
    pub(super) out_of_date: Duration,
    /// What was most out of date, in words.
    pub(super) oldest: String,
    pub(super) readings: usize,
    /// Until links were made everywhere.
    pub(super) making: Option<Duration>,
    /// Until everything was well.
    pub(super) recovery: Option<Duration>,
}

impl Cost {
    pub(super) fn of(window: &Window, record: &Record, history: &History) -> Self {
        let creations = record.creations.iter().filter(|creation| {
            is_within(creation.sent_at, window) && window.is_there(creation.via, creation.sent_at)
        });
        let creations: Vec<_> = creations.collect();
        let count =
            |is_so: fn(&Creation) -> bool| creations.iter().filter(|creation| is_so(creation)).count();
        let not_made = creations.iter().filter(|creation| creation.status != Some(201));
        let readings = history
            .readings
            .iter()
            .filter(|reading| is_within(reading.began_at, window));
        let oldest = history.oldest(|reading| is_within(reading.began_at, window));
        Self {
            name: window.name,
            through_nginx: redirects(window, record, |via| via == Via::Nginx),
            at_replicas: redirects(window, record, |via| via != Via::Nginx),
            made: count(|creation| creation.status == Some(201)),
            refused: count(|creation| creation.status == Some(503)),
            unsure: count(|creation| !matches!(creation.status, Some(201 | 503))),
            slowest_refusal: not_made.map(|creation| creation.took).max().unwrap_or_default(),
            out_of_date: oldest.map_or(Duration::ZERO, |(age, _)| age),
            oldest: oldest.map_or_else(String::new, |(_, reading)| history.describe(reading)),
            readings: readings.count(),
            making: window.made_at.map(|at| at.saturating_sub(window.ended_at)),
            recovery: window.recovered_at.map(|at| at.saturating_sub(window.ended_at)),
        }
    }

    /// Where it was more than is allowed.
    pub(super) fn excesses(&self) -> Vec<String> {
        let mut excesses = Vec::new();
        for (whose, redirects) in [
            ("through nginx", self.through_nginx),
            ("at replicas", self.at_replicas),
        ] {
            if redirects.failed > 0 {
                excesses.push(format!("{} redirects {whose} failed", redirects.failed));
            }
            if redirects.p99 > redirects.p99_before + SLOWER_BY_MAX {
                excesses.push(format!(
                    "redirects {whose} took {:?} more",
                    redirects.p99.saturating_sub(redirects.p99_before)
                ));
            }
            if redirects.answered == 0 {
                excesses.push(format!("nobody visited {whose}"));
            }
        }
        if self.slowest_refusal > REFUSED_WITHIN {
            excesses.push(format!("a refusal took {:?}", self.slowest_refusal));
        }
        if self.out_of_date > OUT_OF_DATE_MAX {
            excesses.push(format!(
                "an answer was out of date for {:?}: {}",
                self.out_of_date, self.oldest
            ));
        }
        if self.recovery.is_none_or(|recovery| recovery > RECOVERED_WITHIN) {
            excesses.push(format!("recovery took {:?}", self.recovery));
        }
        excesses
    }
}

fn is_within(at: Duration, window: &Window) -> bool {
    window.began_at <= at && at <= window.over_at()
}

fn redirects(window: &Window, record: &Record, is_meant: impl Fn(Via) -> bool) -> Redirects {
    let (mut before, mut during, mut failed) = (Vec::new(), Vec::new(), 0);
    for visits in record.visits.iter().filter(|visits| is_meant(visits.via)) {
        for Visit {
            sent_at,
            took,
            is_redirected,
        } in &visits.all
        {
            if *sent_at < window.began_at && *sent_at + BEFORE >= window.began_at {
                before.push(*took);
            } else if is_within(*sent_at, window) && window.is_there(visits.via, *sent_at) {
                during.push(*took);
                // Asked before it went down, not answered any more.
                let was_cut = !is_redirected && !window.is_there(visits.via, *sent_at + *took);
                failed += usize::from(!is_redirected && !was_cut);
            }
        }
    }
    Redirects {
        answered: during.len() - failed,
        failed,
        p99_before: p99(&mut before),
        p99: p99(&mut during),
        slowest: during.last().copied().unwrap_or_default(),
    }
}

/// Sorts as well.
fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times
        .get((times.len() * 99 / 100).min(last))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::load::Visits;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn window() -> Window {
        Window {
            name: "a fault",
            began_at: ms(5_000),
            ended_at: ms(9_000),
            made_at: Some(ms(9_200)),
            recovered_at: Some(ms(9_500)),
            down: vec![(1, ms(5_000), ms(9_400))],
            kills: Vec::new(),
        }
    }

    fn visit(sent: u64, took: u64, is_redirected: bool) -> Visit {
        Visit {
            sent_at: ms(sent),
            took: ms(took),
            is_redirected,
        }
    }

    fn cost(via: Via, all: Vec<Visit>) -> Cost {
        let visits = vec![Visits {
            name: "v0".to_owned(),
            via,
            all,
        }];
        let record = Record {
            visits,
            creations: Vec::new(),
        };
        Cost::of(&window(), &record, &History::default())
    }

    #[test]
    fn what_fails_or_takes_longer_in_the_fault_is_its_cost_and_nothing_else_is() {
        let visits = vec![
            visit(1_000, 900, false),
            visit(4_000, 2, true),
            visit(5_100, 150, true),
            visit(6_000, 1, false),
            visit(10_000, 900, false),
        ];
        let cost = cost(Via::Nginx, visits);
        let redirects = cost.through_nginx;
        assert_eq!((redirects.answered, redirects.failed), (1, 1));
        assert_eq!((redirects.p99_before, redirects.p99), (ms(2), ms(150)));
        let excesses = cost.excesses().join("; ");
        assert!(
            excesses.contains("1 redirects through nginx failed"),
            "{excesses}"
        );
        assert!(
            excesses.contains("redirects through nginx took 148ms more"),
            "{excesses}"
        );
        assert_eq!(cost.recovery, Some(ms(500)));
    }

    #[test]
    fn a_replica_that_is_away_is_not_blamed_for_that_and_one_that_is_there_is() {
        let visits = || vec![visit(4_999, 5, false), visit(6_000, 1, false)];
        assert_eq!(cost(Via::Replica(1), visits()).at_replicas.failed, 0);
        assert_eq!(cost(Via::Replica(0), visits()).at_replicas.failed, 1);
    }

    #[test]
    fn a_hundredth_may_be_slower() {
        let mut times: Vec<_> = (1..=200).map(ms).rev().collect();
        assert_eq!(p99(&mut times), ms(199));
        assert_eq!(p99(&mut []), Duration::ZERO);
    }
}
