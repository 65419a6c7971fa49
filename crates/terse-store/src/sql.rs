//! Statements: text with a name, written once for every engine.
//!
//! The text keeps to what all engines understand: no functions of one of them, no ambient time, conditions that
//! may be absent as `(column = $n OR $n IS NULL)` in this order, from which PostgreSQL can tell the type of `$n`.

use std::sync::OnceLock;

/// A statement: `$1`, `$2`, … are its parameters.
#[derive(Debug)]
pub(crate) struct Sql {
    name: &'static str,
    text: &'static str,
    for_sqlite: OnceLock<String>,
}

/// Every statement of the crate, so that a test can prepare each on each engine.
#[cfg(test)]
pub(crate) static ALL: &[&[&Sql]] = &[
    crate::clicks::STATEMENTS,
    crate::clicks::blocks::STATEMENTS,
    crate::clicks::check::STATEMENTS,
    crate::clicks::fold::STATEMENTS,
    crate::clicks::postings::STATEMENTS,
    crate::clicks::texts::STATEMENTS,
    crate::events::STATEMENTS,
    crate::events::sequence::STATEMENTS,
    crate::import::events::STATEMENTS,
    crate::import::links::STATEMENTS,
    crate::import::users::STATEMENTS,
    crate::links::STATEMENTS,
    crate::links::change::STATEMENTS,
    crate::links::versions::STATEMENTS,
    crate::maintenance::STATEMENTS,
    crate::migrations::STATEMENTS,
    crate::totals::STATEMENTS,
    crate::users::STATEMENTS,
];

impl Sql {
    /// A statement whose text suits every engine.
    pub(crate) const fn both(name: &'static str, text: &'static str) -> Self {
        Self {
            name,
            text,
            for_sqlite: OnceLock::new(),
        }
    }

    /// What the statement is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// PostgreSQL takes the text as it is.
    pub(crate) fn for_postgres(&self) -> &'static str {
        self.text
    }

    /// SQLite numbers `$1` by its first appearance, as any other name; only `?1` means the first parameter.
    pub(crate) fn for_sqlite(&self) -> &str {
        self.for_sqlite.get_or_init(|| number_parameters(self.text))
    }
}

fn number_parameters(text: &str) -> String {
    let mut in_literal = false;
    text.chars()
        .map(|c| {
            in_literal ^= c == '\'';
            if c == '$' && !in_literal { '?' } else { c }
        })
        .collect()
}

/// Defines statements, and registers them in the module's `STATEMENTS`, which [`ALL`] lists.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* static $name: $crate::sql::Sql = $crate::sql::Sql::both(
            concat!(module_path!(), "::", stringify!($name)),
            $text,
        );)+

        #[cfg(test)]
        pub(crate) static STATEMENTS: &[&$crate::sql::Sql] = &[$(&$name),+];
    };
}
pub(crate) use statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_numbers_and_literals_their_text() {
        assert_eq!(
            number_parameters("SELECT $2, '$1 it''s $3', $1 LIKE $10 ESCAPE '\\'"),
            "SELECT ?2, '$1 it''s $3', ?1 LIKE ?10 ESCAPE '\\'"
        );
    }

    #[test]
    fn no_two_statements_share_a_name() {
        let mut names: Vec<_> = ALL.iter().copied().flatten().map(|sql| sql.name()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
