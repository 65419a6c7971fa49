//! What only shows from inside: statements, plans, groups, panics.

use super::*;
use crate::sql::ALL;

#[test]
fn every_statement_is_one_that_sqlite_understands() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = StoreOptions::new(folder.path().join("terse.sqlite"));
    let tx = worker::open_alone(&options).expect("an empty database");
    let crate::db::Tx::Sqlite(tx) = &tx;
    for sql in ALL.iter().copied().flatten() {
        if let Err(error) = tx.check(sql) {
            panic!("{}: {error:?}\n{}", sql.name(), sql.for_sqlite());
        }
    }
}
