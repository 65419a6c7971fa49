//! Which engine the suite runs on: SQLite, or PostgreSQL when `TEST_ENGINE` says so. `scripts/run-tests` runs it on both.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use terse_server::config::RawConfig;

/// Settings of an empty database of the engine.
pub(crate) fn settings() -> RawConfig {
    let mut raw = RawConfig::default();
    match variable("TEST_ENGINE").as_deref() {
        None | Some("sqlite") => {}
        Some("postgres") => use_postgres(&mut raw, database()),
        Some(other) => panic!("TEST_ENGINE is sqlite or postgres, not {other}"),
    }
    raw
}

/// Has a service use a database of a server, as patiently as a machine that does other things as well needs.
pub(crate) fn use_postgres(raw: &mut RawConfig, url: String) {
    raw.database_url = Some(url);
    raw.database_connections = Some("4".to_owned());
    raw.database_timeout_ms = Some("20000".to_owned());
}

/// An empty database of the server that `scripts/with-servers` has started; it goes with the server.
pub(crate) fn database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = server("TEST_POSTGRES_URL");
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

/// A database of the Redis that `scripts/with-servers` has started, which has sixteen of them. Empty: what another test
/// has left may look newer than what is true here.
pub(crate) async fn redis() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    assert!(count < 16, "two services on different databases share no Redis");
    let url = format!("{}{count}", server("TEST_REDIS_URL"));
    let client = redis::Client::open(&*url).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a server");
    let emptied = redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await;
    emptied.expect("nobody else has it");
    url
}

fn server(name: &str) -> String {
    variable(name).expect("servers are needed: `scripts/with-servers cargo test …` starts them")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way in which a script can tell tests where its servers are"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
