//! What only shows from inside: statements, and the schema beside SQLite's. `scripts/with-servers` starts the server.

use std::collections::BTreeMap;

use super::*;
use crate::sql::ALL;
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
