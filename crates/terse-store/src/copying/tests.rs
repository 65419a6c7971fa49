//! The list of tables beside the schema. That both engines have the same one is tested with the drivers.

use std::collections::BTreeMap;

use super::tables::{Kind, TABLES};
use crate::store::{Store, StoreOptions};

/// Table and column, in the table's own order of columns; kind, and whether the column tells rows apart.
type Columns = BTreeMap<String, Vec<(String, Kind)>>;

fn columns_of_the_schema(connection: &rusqlite::Connection) -> Columns {
    let mut statement = connection
        .prepare(
            "SELECT tables.name, columns.name, columns.type FROM sqlite_schema AS tables \
             JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' \
             AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tables.name <> 'schema_migrations' \
             ORDER BY tables.name, columns.cid",
        )
        .expect("a statement");
    let mut columns = Columns::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().expect("a schema") {
        let declared: String = row.get(2).expect("a type");
        let kind = match declared.as_str() {
            "INTEGER" | "BIGINT" => Kind::Int,
            "BOOLEAN" => Kind::Bool,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Bytes,
            other => panic!("a column of a kind that no copy knows: {other}"),
        };
        let column = (row.get(1).expect("a name"), kind);
        columns
            .entry(row.get(0).expect("a name"))
            .or_default()
            .push(column);
    }
    columns
}

#[tokio::test]
async fn every_table_and_column_of_the_schema_is_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("terse.sqlite");
    Store::migrate(StoreOptions::new(&file))
        .await
        .expect("an empty folder");
    let connection = rusqlite::Connection::open(&file).expect("a database");
    let copied = TABLES.iter().map(|table| {
        let columns = table
            .columns
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind));
        (table.name.to_owned(), columns.collect())
    });
    assert_eq!(copied.collect::<Columns>(), columns_of_the_schema(&connection));
}
