//! Which engine the suite runs on: SQLite, or PostgreSQL when `TEST_ENGINE` says so. `scripts/run-tests` runs it on both.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use terse_server::config::RawConfig;

/// Settings of an empty database of the engine, as patient as a machine that does other things as well needs.
pub(crate) fn settings() -> RawConfig {
    match variable("TEST_ENGINE").as_deref() {
        None | Some("sqlite") => RawConfig::default(),
        Some("postgres") => RawConfig {
            database_url: Some(database()),
            database_connections: Some("4".to_owned()),
            database_timeout_ms: Some("20000".to_owned()),
            ..RawConfig::default()
        },
        Some(other) => panic!("TEST_ENGINE is sqlite or postgres, not {other}"),
    }
}

/// One of the server that `scripts/with-servers` has started; it goes with the server.
fn database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = variable("TEST_POSTGRES_URL")
        .expect("PostgreSQL is needed: `scripts/with-servers cargo test …` starts one");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("server_{}_{count}", std::process::id());
    let done = Command::new("psql")
        .args([&*server, "--no-psqlrc", "--quiet", "--command"])
        .arg(format!("CREATE DATABASE {name}"))
        .output()
        .expect("psql comes with the server");
    assert!(done.status.success(), "{done:?}");
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{base}/{name}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way in which a script can tell tests where its servers are"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
