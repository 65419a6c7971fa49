use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use serde_json::json;

use crate::engine;
use crate::test_app::TestApp;

/// The samples of the page by name and labels, as they are written.
async fn scrape(app: &TestApp) -> BTreeMap<String, f64> {
    let page = app.get("/metrics").await;
    assert_eq!(page.status, StatusCode::OK);
    let samples = page.text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').expect("a name and a value"));
    samples
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

fn assert_counted(samples: &BTreeMap<String, f64>, expected: &[(&str, u32)]) {
    for (name, value) in expected {
        assert_eq!(
            samples.get(*name),
            Some(&f64::from(*value)),
            "{name}: {samples:#?}"
        );
    }
}

/// `name type labels` of everything on the page.
fn exposed(page: &str) -> BTreeSet<String> {
    let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let labels_of = |name: &str, kind: &str| {
        let suffix = if kind == "histogram" { "_count" } else { "" };
        let sample = page.lines().find(|line| {
            let rest = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(suffix));
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let labels = sample
            .and_then(|sample| sample.split_once('{'))
            .map_or("", |(_, labels)| labels);
        let names = labels
            .split(',')
            .filter_map(|label| label.split_once('='))
            .map(|(name, _)| name);
        names.collect::<Vec<_>>().join(",")
    };
    kinds
        .map(|line| {
            let (name, kind) = line.split_once(' ').expect("a name and a type");
            format!("{name} {kind} {}", labels_of(name, kind))
        })
        .collect()
}

/// The same of every row of the document's tables: the first one and those below `headings`.
fn documented(headings: &[&str]) -> BTreeSet<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let document = std::fs::read_to_string(path).expect("the metrics' document");
    let mut sections = document.split("\n## ");
    let first = sections.next().expect("it is not empty");
    let wanted = sections.filter(|section| headings.iter().any(|heading| section.starts_with(heading)));
    let rows = std::iter::once(first)
        .chain(wanted)
        .flat_map(str::lines)
        .filter(|line| line.starts_with("| `terse_"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let labels = cells[3].replace(['`', ' '], "");
        format!("{} {} {labels}", cells[1].trim_matches('`'), cells[2])
    })
    .collect()
}

const WITH_POSTGRES: &str = "With a PostgreSQL database\n";
const WITH_REDIS: &str = "With Redis\n";

/// What a service exposes whose requests have had routes.
async fn exposed_by(app: &TestApp) -> BTreeSet<String> {
    app.get("/health").await;
    exposed(&app.get("/metrics").await.text)
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_metric_is_there() {
    let app = TestApp::new().await;
    let headings: &[&str] = if app.app.store.is_shared() {
        &[WITH_POSTGRES]
    } else {
        &[]
    };
    assert_eq!(exposed_by(&app).await, documented(headings));
}

#[test]
fn every_span_of_traces_is_documented_as_it_is_named() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let document = std::fs::read_to_string(path).expect("the operators' document");
    let (_, traces) = document.split_once("\n## Traces\n").expect("a section");
    let (section, _) = traces.split_once("\n## ").expect("another one follows");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let named = terse_server::telemetry::names::SPANS
        .iter()
        .map(|(name, what)| format!("| `{name}` | {what} |"));
    assert_eq!(rows.collect::<Vec<_>>(), named.collect::<Vec<_>>());
}

#[tokio::test]
async fn replicas_and_redis_have_documented_metrics_of_their_own() {
    let app = TestApp::with(|raw| {
        engine::use_postgres(raw, engine::database());
        raw.redis_url = Some("redis://127.0.0.1:1".to_owned());
    })
    .await;
    let exposed = exposed_by(&app).await;
    assert_eq!(exposed, documented(&[WITH_POSTGRES, WITH_REDIS]));
    let names = terse_server::telemetry::names::ALL;
    assert_eq!(exposed.len(), names.len(), "no name is given twice");
    assert!(names.iter().all(|metric| metric.name.starts_with("terse_")));
    assert_counted(&scrape(&app).await, &[("terse_bus_listening", 0)]);
    app.hear();
    assert_counted(&scrape(&app).await, &[("terse_bus_listening", 1)]);
}

#[tokio::test]
async fn a_pool_of_connections_says_how_many_wait_rest_and_work() {
    let app = TestApp::with(|raw| engine::use_postgres(raw, engine::database())).await;
    app.shorten("https://a.example").await;
    app.get("/urls").await;
    let samples = scrape(&app).await;
    assert_counted(
        &samples,
        &[
            ("terse_store_pool{pool=\"read\",state=\"waiting\"}", 0),
            ("terse_store_pool{pool=\"write\",state=\"waiting\"}", 0),
        ],
    );
    for pool in ["read", "write"] {
        let connections = ["idle", "used"]
            .map(|state| samples[&format!("terse_store_pool{{pool=\"{pool}\",state=\"{state}\"}}")]);
        assert!(connections.iter().sum::<f64>() >= 1.0, "{pool}: {samples:#?}");
    }
}

#[tokio::test]
async fn what_is_answered_without_asking_a_database_that_is_away_is_counted() {
    let app = TestApp::with(|raw| engine::use_postgres(raw, engine::database())).await;
    let code = app.shorten("https://a.example").await;
    let visit = async || app.get(&format!("/{code}")).await.status;
    assert_eq!(visit().await, StatusCode::FOUND);
    assert_counted(&scrape(&app).await, &[("terse_stale_answers_total", 0)]);
    app.app.store.close().await;
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(
        (visit().await, visit().await),
        (StatusCode::FOUND, StatusCode::FOUND)
    );
    assert_counted(&scrape(&app).await, &[("terse_stale_answers_total", 2)]);
}

#[tokio::test]
async fn a_scraper_is_told_the_format_and_that_it_is_not_to_be_kept() {
    let app = TestApp::new().await;
    for mount in ["", "/api/v1"] {
        let page = app.get(&format!("{mount}/metrics")).await;
        assert_eq!(
            page.header("content-type"),
            "text/plain; version=0.0.4; charset=utf-8"
        );
        assert_eq!(page.header("cache-control"), "no-store");
    }
    let posted = app.post("/metrics", json!({})).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn visits_are_counted_by_what_became_of_them() {
    let app = TestApp::new().await;
    let (there, gone) = (
        app.shorten("https://a.example").await,
        app.shorten("https://b.example").await,
    );
    app.delete(&format!("/links/{gone}")).await;
    for code in [&*there, &*there, &*there, &*gone, "nosuch", "nosuch"] {
        app.get(&format!("/{code}")).await;
    }
    assert_counted(
        &scrape(&app).await,
        &[
            ("terse_redirects_total{outcome=\"found\"}", 3),
            ("terse_redirects_total{outcome=\"gone\"}", 1),
            ("terse_redirects_total{outcome=\"not_found\"}", 2),
            ("terse_redirects_total{outcome=\"error\"}", 0),
            ("terse_redirect_duration_seconds_count", 6),
            ("terse_redirect_duration_seconds_bucket{le=\"5e-05\"}", 6),
            ("terse_redirect_duration_seconds_bucket{le=\"+Inf\"}", 6),
            ("terse_cache_misses_total", 3),
            ("terse_cache_hits_total{tier=\"memory\"}", 2),
            ("terse_cache_negative_hits_total", 1),
            ("terse_cache_links", 2),
            ("terse_journal_clicks_appended_total", 3),
        ],
    );
    app.app.store.close().await;
    app.get("/not-in-memory").await;
    assert_counted(
        &scrape(&app).await,
        &[("terse_redirects_total{outcome=\"error\"}", 1)],
    );
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let app = TestApp::new().await;
    for path in [
        "/urls/1",
        "/urls/2",
        "/api/v1/urls/3",
        "/no/such",
        "/api/v1/no/such/path",
        "/api/v1/no",
    ] {
        assert_eq!(app.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    app.shorten("https://a.example").await;
    let samples = scrape(&app).await;
    assert_counted(
        &samples,
        &[
            (
                "terse_http_requests_total{route=\"/urls/{id}\",status=\"4xx\"}",
                3,
            ),
            (
                "terse_http_requests_total{route=\"/urls/{id}\",status=\"2xx\"}",
                0,
            ),
            (
                "terse_http_request_duration_seconds_count{route=\"/urls/{id}\"}",
                3,
            ),
            ("terse_http_requests_total{route=\"/shorten\",status=\"2xx\"}", 1),
            ("terse_http_requests_total{route=\"/{code}\",status=\"4xx\"}", 1),
            ("terse_http_requests_total{route=\"unmatched\",status=\"4xx\"}", 2),
        ],
    );
    assert!(
        !samples
            .keys()
            .any(|name| name.contains("such") || name.contains("/api")),
        "{samples:#?}"
    );
}

#[tokio::test]
async fn a_request_without_a_host_is_counted_too() {
    let app = TestApp::new().await;
    let hostless = http::Request::builder().uri("/urls").body(Body::empty());
    app.send(hostless.expect("a request")).await;
    assert_counted(
        &scrape(&app).await,
        &[("terse_http_requests_total{route=\"unmatched\",status=\"4xx\"}", 1)],
    );
}

#[tokio::test]
async fn clicks_that_the_database_refuses_grow_old() {
    let app = TestApp::new().await;
    let code = app.shorten("https://a.example").await;
    app.get(&format!("/{code}")).await;
    // Brings the click into the database.
    app.get("/events").await;
    assert_counted(
        &scrape(&app).await,
        &[("terse_journal_oldest_click_age_seconds", 0)],
    );
    app.app.store.close().await;
    for _ in 0..2 {
        app.get(&format!("/{code}")).await;
        app.clock.advance(Duration::from_secs(40));
    }
    app.app.shipper.caught_up(Duration::from_secs(2)).await;
    let samples = scrape(&app).await;
    assert_counted(
        &samples,
        &[
            ("terse_journal_oldest_click_age_seconds", 80),
            ("terse_journal_waiting_clicks", 2),
            ("terse_journal_clicks_appended_total", 3),
            ("terse_journal_clicks_shipped_total", 1),
            ("terse_component_up{component=\"database\"}", 0),
            ("terse_component_up{component=\"journal\"}", 1),
            ("terse_ready", 1),
        ],
    );
    assert!(samples["terse_journal_ship_failures_total"] >= 1.0);
    assert!(samples["terse_journal_waiting_bytes"] > 0.0);
}

#[tokio::test]
async fn the_process_tells_what_it_uses() {
    let app = TestApp::new().await;
    let samples = scrape(&app).await;
    for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds"] {
        assert!(samples[&format!("terse_process_{name}")] > 0.0, "{name}");
    }
    let started = samples["terse_process_start_time_seconds"];
    assert!(
        (started - 1_795_512_600.0).abs() < 1.0,
        "{started}: {}",
        crate::test_app::NOW
    );
    let version = format!("terse_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_counted(&samples, &[(&version, 1)]);
}
