//! What only shows from inside: statements, and the schema beside SQLite's. `scripts/with-servers` starts the server.

use std::collections::BTreeMap;

use futures_util::future::select_all;
use terse_core::{NewLink, Timestamp};

use super::*;
use crate::sql::{ALL, Sql};
use crate::store::{Place, Store, StoreOptions};

/// On a machine that does other things as well.
const LIMITS: Limits = Limits::new(Duration::from_secs(20));

/// A database of its own on the tests' server.
async fn database(name: &str) -> PostgresUrl {
    let server = server();
    let name = format!("unit_{name}_{}", std::process::id());
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
        .await
        .expect("a server");
    let create = async move {
        let text = format!("CREATE DATABASE {name}");
        client.batch_execute(&text).await.expect("a database");
        name
    };
    let (closed, name) = tokio::join!(connection, create);
    closed.expect("an orderly end");
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{base}/{name}").parse().expect("a URL")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way in which a script can tell tests where its servers are"
)]
fn server() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .expect("tests need a PostgreSQL: `scripts/with-servers cargo test …` starts one")
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let url = database("statements").await;
    let pool = connection::pool(&url, 1, LIMITS).expect("a pool");
    schema::migrate(&pool, LIMITS).await.expect("an empty database");
    let mut tx = Tx::between(
        connection::get(&pool).await.expect("a connection"),
        LIMITS.of(Patience::Quick),
    );
    for sql in ALL.iter().copied().flatten() {
        if let Err(error) = tx.check(sql).await {
            panic!("{}: {error}", sql.name());
        }
    }
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let url = database("together").await;
    let options = || {
        let mut options = StoreOptions::at(Place::Server(url.clone()));
        options.server_within = Duration::from_secs(20);
        options
    };
    let (one, two, three) = tokio::join!(
        Store::open(options()),
        Store::open(options()),
        Store::open(options())
    );
    for store in [one, two, three] {
        store.expect("a store").close().await;
    }
}

static ONE: Sql = Sql::both("postgres::tests::ONE", "SELECT 1");

#[tokio::test]
async fn a_savepoint_that_could_not_be_made_spoils_the_whole_group() {
    let url = database("spoiled").await;
    let pool = connection::pool(&url, 1, LIMITS).expect("a pool");
    let limit = LIMITS.of(Patience::Quick);
    let mut tx = writer::begin(&pool, LIMITS).await.expect("a transaction");
    tx.open_with("SAVEPOINT task".to_owned(), limit);
    tx.execute(&ONE, &[]).await.expect("a statement");
    assert!(tx.opened().expect("a sound transaction"));
    // As when the server cancels what ends one task and begins the next.
    tx.open_with("SELECT 1 / 0; RELEASE task; SAVEPOINT task".to_owned(), limit);
    tx.execute(&ONE, &[])
        .await
        .expect_err("nothing can be done in it");
    assert!(tx.opened().is_err(), "or the task before it would pass for done");
}

#[tokio::test]
async fn a_connection_that_did_not_answer_is_used_by_nobody_else() {
    let url = database("silent").await;
    let pool = connection::pool(&url, 1, LIMITS).expect("a pool");
    let connection = connection::get(&pool).await.expect("a connection");
    let mut tx = Tx::opened_by(connection, "BEGIN".to_owned(), Duration::ZERO);
    tx.execute(&SLEEP, &[]).await.expect_err("no answer in time");
    tx.end();
    assert_eq!(pool.status().size, 0);
}

#[tokio::test]
async fn the_writer_sees_what_was_committed_before_its_turn_whatever_the_server_prefers() {
    let url = database("isolation").await;
    let pool = connection::pool(&url, 2, LIMITS).expect("a pool");
    let other = connection::get(&pool).await.expect("a connection");
    let set = "ALTER ROLE CURRENT_USER IN DATABASE ";
    let database: String = other
        .query_one("SELECT current_database()", &[])
        .await
        .expect("a name")
        .get(0);
    let set = format!("{set}{database} SET default_transaction_isolation = 'repeatable read'");
    other.batch_execute(&set).await.expect("a setting");
    connection::forget_idle(&pool);
    let tx = writer::begin(&pool, LIMITS).await.expect("a transaction");
    let mut tx = db::Tx::Postgres(tx);
    let level = tx.query_one(&LEVEL, &[], |row| row.text(0)).await;
    assert_eq!(level.expect("a level"), "read committed");
}

mod writes;

static SLEEP: Sql = Sql::both("postgres::tests::SLEEP", "SELECT pg_sleep(5)");
static LEVEL: Sql = Sql::both(
    "postgres::tests::LEVEL",
    "SELECT current_setting('transaction_isolation')",
);

type Columns = BTreeMap<(String, String), String>;

/// The kind of a column, in both engines' words for it.
fn kind(declared: &str) -> &'static str {
    match declared.to_ascii_uppercase().as_str() {
        "INTEGER" | "BIGINT" => "integer",
        "TEXT" => "text",
        "BOOLEAN" => "boolean",
        "BLOB" | "BYTEA" => "bytes",
        _ => "unknown",
    }
}

async fn columns_of_postgres() -> Columns {
    let url = database("schema").await;
    let pool = connection::pool(&url, 1, LIMITS).expect("a pool");
    schema::migrate(&pool, LIMITS).await.expect("an empty database");
    let connection = connection::get(&pool).await.expect("a connection");
    let rows = connection
        .query(
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = 'public'",
            &[],
        )
        .await
        .expect("columns");
    let columns = rows.iter().map(|row| {
        let declared: String = row.get(2);
        ((row.get(0), row.get(1)), kind(&declared).to_owned())
    });
    columns.collect()
}

async fn columns_of_sqlite() -> Columns {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("terse.sqlite");
    let store = Store::open(StoreOptions::new(&path)).await.expect("a store");
    store.close().await;
    let connection = rusqlite::Connection::open(path).expect("a file");
    let mut statement = connection
        .prepare(
            "SELECT objects.name, columns.name, columns.type FROM sqlite_schema AS objects \
             JOIN pragma_table_info(objects.name) AS columns \
             WHERE objects.type IN ('table', 'view') AND objects.name NOT LIKE 'sqlite_%'",
        )
        .expect("a statement");
    let rows = statement
        .query_map([], |row| {
            let declared: String = row.get(2)?;
            Ok(((row.get(0)?, row.get(1)?), kind(&declared).to_owned()))
        })
        .expect("columns");
    let mut columns: Columns = rows.map(|row| row.expect("a column")).collect();
    // SQLite knows no type of what a view reckons.
    columns.insert(
        ("link_sequence".to_owned(), "highest_id".to_owned()),
        "integer".to_owned(),
    );
    columns
}

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    assert_eq!(columns_of_postgres().await, columns_of_sqlite().await);
}

fn link(short_code: &str) -> NewLink {
    NewLink {
        id: None,
        owner: None,
        short_code: short_code.parse().expect("a code"),
        target: "https://example.com".parse().expect("a target"),
        title: None,
        is_active: true,
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
    }
}

/// Creates links in vain, so often.
async fn be_refused(store: &Store, name: &str, times: u32) {
    for number in 0..times {
        let refused = store.create_link(link(&format!("{name}{number}"))).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn nobody_waits_for_a_locked_table_while_others_come_and_are_refused_again_and_again() {
    const OTHERS: u32 = 12;
    const OFTEN: u32 = 5;
    let url = database("locked").await;
    let mut options = StoreOptions::at(Place::Server(url.clone()));
    options.server_within = LIMITS.of(Patience::Quick);
    Store::open(options.clone()).await.expect("a store").close().await;
    options.server_within = Duration::from_millis(200);
    let store = Store::open(options).await.expect("a store");
    let (client, connection) = url
        .config()
        .connect(tokio_postgres::NoTls)
        .await
        .expect("a server");
    let lock = client.batch_execute("BEGIN; LOCK TABLE links IN ACCESS EXCLUSIVE MODE");
    let refused = async {
        lock.await.expect("nobody else has it");
        let others = (0..OTHERS).map(|other| {
            let store = &store;
            Box::pin(async move { be_refused(store, &format!("other{other}x"), OFTEN).await })
        });
        let others = select_all(others);
        tokio::select! {
            biased;
            () = be_refused(&store, "first", 1) => true,
            _ = others => false,
        }
    };
    tokio::select! {
        refused = refused => assert!(refused, "the first one waits while the others are refused"),
        ended = connection => panic!("the lock is lost: {ended:?}"),
    }
}
