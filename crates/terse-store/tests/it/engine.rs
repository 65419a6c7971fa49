//! The engines that every case runs on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use terse_store::{Place, PostgresUrl, Store, StoreOptions};

/// Makes a test of each case, on each engine. A new engine is one more module here.
macro_rules! on_every_engine {
    [$($case:ident),+ $(,)?] => {
        mod sqlite {
            $(#[test]
            fn $case() {
                $crate::engine::run_on($crate::engine::Database::sqlite(), super::$case);
            })+
        }
        mod postgres {
            $(#[test]
            fn $case() {
                $crate::engine::run_on($crate::engine::Database::postgres(), super::$case);
            })+
        }
    };
}
pub(crate) use on_every_engine;

/// An empty database of an engine, which goes with it.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(PostgresUrl),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    /// One of the server that `scripts/with-servers` has started; it goes with the server.
    pub(crate) fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = test_postgres_url();
        let name = format!(
            "store_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        on_a_thread_of_its_own(create_database(server.clone(), name.clone()));
        let (base, _) = server.rsplit_once('/').expect("a URL with a database");
        Self::Postgres(format!("{base}/{name}").parse().expect("a URL"))
    }

    pub(crate) fn options(&self) -> StoreOptions {
        match self {
            Self::Sqlite(folder) => StoreOptions::new(folder.path().join("terse.sqlite")),
            Self::Postgres(url) => {
                let mut options = StoreOptions::at(Place::Server(url.clone()));
                options.connections_max = 5;
                // The machine does other things as well.
                options.server_within = Duration::from_secs(20);
                options
            }
        }
    }
}

/// Runs `case` on an empty store of `database`, and sees to it that it left a sound one.
pub(crate) fn run_on<F: Future<Output = ()>>(database: Database, case: impl FnOnce(Store) -> F) {
    run(async {
        let store = Store::open(database.options()).await.expect("an empty database");
        case(store.clone()).await;
        assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
        store.close().await;
    });
    drop(database);
}

pub(crate) fn run(case: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(case);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way in which a script can tell tests where its servers are"
)]
pub(crate) fn test_postgres_url() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .expect("tests need a PostgreSQL: `scripts/with-servers cargo test …` starts one")
}

async fn create_database(server: String, name: String) {
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
        .await
        .expect("a server");
    let create = async move {
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("a database");
    };
    let (closed, ()) = tokio::join!(connection, create);
    closed.expect("an orderly end");
}

/// Some who want a database are within a runtime already.
fn on_a_thread_of_its_own(work: impl Future<Output = ()> + Send + 'static) {
    std::thread::Builder::new()
        .spawn(move || run(work))
        .expect("a thread")
        .join()
        .expect("no panic");
}
