//! How the schema came to be, step by step. What has been applied is recorded with a checksum of its text, so
//! that a database of a newer program, or of one with another past, is refused instead of guessed at.

use crate::db::{Param, Row, Tx};
use crate::error::{Error, Result};
use crate::fnv::Fnv1a;
use crate::sql::statements;

/// A step: applied in one transaction, and never changed once it was released.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    /// For every engine; the driver fills in the words in braces.
    pub(crate) text: &'static str,
}

/// A step that a database has behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    name: String,
    checksum: i64,
}

/// All steps, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_first",
        text: include_str!("../migrations/0001_first.sql"),
    },
    Migration {
        name: "0002_given_ids",
        text: include_str!("../migrations/0002_given_ids.sql"),
    },
];

/// Run before anything is asked of the database.
pub(crate) const CREATE_RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
     (name TEXT NOT NULL PRIMARY KEY, checksum BIGINT NOT NULL)";

statements! {
    LIST_APPLIED = "SELECT name, checksum FROM schema_migrations ORDER BY name";
    RECORD = "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)";
}

/// The steps that the database still needs.
///
/// # Errors
/// [`Error::Unusable`] when it has been through steps that are not ours.
pub(crate) async fn pending(tx: &mut Tx) -> Result<&'static [Migration]> {
    let applied = tx
        .query(&LIST_APPLIED, &[], |row: &Row<'_>| {
            Ok(Applied {
                name: row.text(0)?,
                checksum: row.int(1)?,
            })
        })
        .await?;
    after(&applied, MIGRATIONS)
}

/// Refuses a database that still needs some, for those who only look at it.
///
/// # Errors
/// [`Error::Unusable`], also as [`pending`].
pub(crate) async fn require_all(tx: &mut Tx) -> Result<()> {
    match pending(tx).await? {
        [] => Ok(()),
        [next, ..] => Err(Error::Unusable(format!(
            "it still needs migration {}: `terse migrate` does that",
            next.name
        ))),
    }
}

impl Migration {
    /// Its text in the terms of an engine: what stands for each of the words in braces.
    pub(crate) fn in_terms_of(&self, words: &[(&str, &str)]) -> String {
        words.iter().fold(self.text.to_owned(), |text, (word, meaning)| {
            text.replace(word, meaning)
        })
    }
}

/// Records that the database went through `migration`, within the transaction that did it.
pub(crate) async fn record(tx: &mut Tx, migration: &Migration) -> Result<()> {
    let params = [Param::from(migration.name), checksum(migration.text).into()];
    tx.execute(&RECORD, &params).await?;
    Ok(())
}

fn after<'m>(applied: &[Applied], known: &'m [Migration]) -> Result<&'m [Migration]> {
    for (index, step) in applied.iter().enumerate() {
        match known.get(index) {
            Some(ours) if ours.name == step.name && checksum(ours.text) == step.checksum => {}
            Some(ours) if ours.name == step.name => {
                return Err(Error::Unusable(format!(
                    "its migration {} differs from this program's",
                    step.name
                )));
            }
            Some(ours) => {
                return Err(Error::Unusable(format!(
                    "it has migration {} where this program has {}",
                    step.name, ours.name
                )));
            }
            None => {
                return Err(Error::Unusable(format!(
                    "it was made by a newer version: this program does not know its migration {}",
                    step.name
                )));
            }
        }
    }
    Ok(known.get(applied.len()..).unwrap_or_default())
}

fn checksum(text: &str) -> i64 {
    let mut sum = Fnv1a::new();
    sum.add(text.as_bytes());
    sum.sum().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration {
        name: "0001",
        text: "one",
    };
    const TWO: Migration = Migration {
        name: "0002",
        text: "two",
    };

    fn applied(migration: Migration) -> Applied {
        Applied {
            name: migration.name.to_owned(),
            checksum: checksum(migration.text),
        }
    }

    fn pending_names(past: &[Applied]) -> Vec<&'static str> {
        let pending = after(past, &[ONE, TWO]).expect("a past of ours");
        pending.iter().map(|migration| migration.name).collect()
    }

    #[test]
    fn only_what_is_missing_is_applied() {
        assert_eq!(pending_names(&[]), ["0001", "0002"]);
        assert_eq!(pending_names(&[applied(ONE)]), ["0002"]);
        assert_eq!(pending_names(&[applied(ONE), applied(TWO)]), [""; 0]);
    }

    #[test]
    fn a_past_that_is_not_ours_is_refused_by_name() {
        let changed = Applied {
            checksum: 1,
            ..applied(ONE)
        };
        for (past, message) in [
            (
                vec![changed],
                "the database cannot be used: its migration 0001 differs from this program's",
            ),
            (
                vec![applied(TWO)],
                "the database cannot be used: it has migration 0002 where this program has 0001",
            ),
        ] {
            assert_eq!(
                after(&past, &[ONE, TWO])
                    .map(<[_]>::len)
                    .map_err(|e| e.to_string()),
                Err(message.to_owned())
            );
        }
        assert_eq!(
            after(&[applied(ONE), applied(TWO)], &[ONE]).map(<[_]>::len).map_err(|e| e.to_string()),
            Err("the database cannot be used: it was made by a newer version: this program does not know its \
                 migration 0002"
                .to_owned())
        );
    }
}
