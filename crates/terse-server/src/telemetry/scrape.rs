//! What a scrape reads, part by part. A part that is new has its function in [`PARTS`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text};
use prometheus_client::registry::Registry;

use super::connections::Refusal;
use super::durations::{Counted, REDIRECT_BOUNDS_US, REQUEST_BOUNDS_US};
use super::page::{Page, Value};
use super::visits::{Outcome, Sum};
use super::{names, process};
use crate::app::App;
use crate::health::Report;
use crate::second_cache::SecondCache;

pub use prometheus_text::CONTENT_TYPE;

type Part = fn(&Scrape, &mut Page<'_>) -> fmt::Result;

/// The page, from top to bottom. A part that a server need not have puts nothing there where it is missing.
const PARTS: [Part; 10] = [
    health,
    visits,
    requests,
    connections,
    journal,
    cache,
    replicas,
    redis,
    store,
    process,
];

/// All that is looked at.
struct Scrape {
    app: Arc<App>,
    health: Report,
    visits: Sum,
}

/// The metrics as they are now, in Prometheus' text format.
///
/// # Errors
/// Never, as all of it is memory.
pub fn scrape(app: Arc<App>, health: Report) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let visits = app.telemetry.visits.sum();
    registry.register_collector(Box::new(Scrape { app, health, visits }));
    let mut page = String::new();
    prometheus_text::encode(&mut page, &registry)?;
    Ok(page)
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        PARTS.iter().try_for_each(|part| part(self, &mut page))
    }
}

fn health(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let version = env!("CARGO_PKG_VERSION");
    page.put_each(&names::BUILD_INFO, [([version], 1_u64)])?;
    page.put(&names::READY, scrape.health.takes_requests())?;
    let components = scrape.health.components();
    page.put_each(
        &names::COMPONENT_UP,
        components.map(|(name, component)| ([name], component.is_up())),
    )
}

fn visits(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let outcomes = Outcome::ALL.map(|outcome| ([outcome.label()], scrape.visits.outcomes[outcome as usize]));
    page.put_each(&names::REDIRECTS, outcomes)?;
    let durations = in_seconds(&scrape.visits.durations, &REDIRECT_BOUNDS_US);
    page.put(&names::REDIRECT_DURATION, durations)
}

fn requests(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let routes = scrape.app.telemetry.requests.routes();
    let statuses = routes.iter().flat_map(|route| {
        let classes = route.classes.iter();
        classes.map(|(class, count)| ([&*route.template, *class], *count))
    });
    page.put_each(&names::HTTP_REQUESTS, statuses)?;
    let durations = routes.iter().map(|route| {
        (
            [&*route.template],
            in_seconds(&route.durations, &REQUEST_BOUNDS_US),
        )
    });
    page.put_each(&names::HTTP_REQUEST_DURATION, durations)
}

fn connections(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let connections = &scrape.app.telemetry.connections;
    page.put(&names::CONNECTIONS_OPEN, connections.open_now())?;
    page.put(&names::CONNECTIONS_ACCEPTED, connections.opened())?;
    let refused = Refusal::ALL.map(|reason| ([reason.label()], connections.refusals(reason)));
    page.put_each(&names::CONNECTIONS_REFUSED, refused)
}

fn journal(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let app = &scrape.app;
    let (journal, shipper) = (app.journal.stats(), app.shipper.stats());
    let age_ms = app.shipper.oldest_unshipped().map_or(0, |oldest| {
        app.clock.now().as_millis().saturating_sub(oldest.as_millis())
    });
    let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0));
    page.put(&names::JOURNAL_WAITING_BYTES, shipper.unshipped_bytes)?;
    page.put(&names::JOURNAL_WAITING_CLICKS, shipper.unshipped_clicks)?;
    page.put(&names::JOURNAL_OLDEST, age.as_secs_f64())?;
    page.put(&names::JOURNAL_APPENDED, journal.appended)?;
    page.put(&names::JOURNAL_SHIPPED, shipper.shipped_clicks)?;
    let shed = [
        (["limit"], journal.shed - journal.shed_by_disk),
        (["disk"], journal.shed_by_disk),
    ];
    page.put_each(&names::JOURNAL_SHED, shed)?;
    let segments = [
        (["own"], journal.segments),
        (["leftover"], shipper.leftover_segments),
        (["unreadable"], shipper.blocked_segments),
    ];
    page.put_each(&names::JOURNAL_SEGMENTS, segments)?;
    page.put(&names::JOURNAL_MISSING, shipper.missing_segments)?;
    page.put(&names::JOURNAL_DISK, journal.disk_bytes)?;
    page.put(&names::JOURNAL_DISK_MAX, journal.disk_bytes_max)?;
    page.put(&names::JOURNAL_SYNC_FAILURES, journal.sync_failures)?;
    page.put(&names::JOURNAL_SHIP_FAILURES, shipper.failures)
}

fn cache(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let cache = scrape.app.cache.stats();
    page.put(&names::CACHE_LINKS, cache.links)?;
    page.put(&names::CACHE_BYTES, cache.bytes)?;
    let redis = scrape.app.second_cache.as_ref();
    let hits = [
        (["near"], scrape.visits.near_hits),
        (["memory"], scrape.visits.memory_hits + cache.hits),
    ];
    let hits = hits
        .into_iter()
        .chain(redis.map(|redis| (["redis"], redis.stats().hits)));
    page.put_each(&names::CACHE_HITS, hits)?;
    page.put(&names::CACHE_MISSES, cache.misses)?;
    page.put(&names::CACHE_NEGATIVE_HITS, cache.negative_hits)?;
    page.put(&names::CACHE_EVICTIONS, cache.evictions)
}

fn replicas(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    if !scrape.app.store.is_shared() {
        return Ok(());
    }
    page.put(&names::BUS_LISTENING, scrape.app.cache.is_vouched_for())?;
    page.put(&names::STALE_ANSWERS, scrape.app.cache.stats().stale_answers)
}

fn redis(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let Some(redis) = scrape.app.second_cache.as_ref().map(SecondCache::stats) else {
        return Ok(());
    };
    page.put(&names::REDIS_BREAKER_OPEN, redis.is_open)?;
    let lookups = [
        (["hit"], redis.hits),
        (["miss"], redis.misses),
        (["failure"], redis.failures),
    ];
    page.put_each(&names::REDIS_LOOKUPS, lookups)?;
    page.put(&names::REDIS_WRITE_FAILURES, redis.write_failures)
}

fn store(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    let uses = scrape.app.store.pool_uses().into_iter();
    let uses = uses.map(|used| ([used.pool.as_str(), used.state.as_str()], used.count));
    page.put_each(&names::STORE_POOL, uses)
}

fn process(scrape: &Scrape, page: &mut Page<'_>) -> fmt::Result {
    page.put_known(&names::PROCESS_MEMORY, process::resident_bytes())?;
    page.put(&names::PROCESS_CPU, process::cpu_seconds())?;
    page.put_known(&names::PROCESS_FDS, process::open_fds())?;
    page.put_known(&names::PROCESS_FDS_MAX, process::max_fds())?;
    let started_ms = u64::try_from(scrape.app.telemetry.started_at.as_millis()).unwrap_or(0);
    page.put(
        &names::PROCESS_START,
        Duration::from_millis(started_ms).as_secs_f64(),
    )
}

fn in_seconds<const BOUNDS: usize>(durations: &Counted<BOUNDS>, bounds_us: &[u64; BOUNDS]) -> Value {
    Value::Durations {
        sum: durations.sum(),
        count: durations.count(),
        buckets: durations.buckets(bounds_us),
    }
}
