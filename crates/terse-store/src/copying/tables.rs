//! Every table that a copy takes along, and the statements that read and write one whole.

use std::fmt::Write;

/// What a column holds, in whatever engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Bool,
    Text,
    Bytes,
}

/// A table, its columns in the order in which they are copied.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// Columns that tell rows apart: both ends of a copy are compared in their order.
    key: &'static [(&'static str, Kind)],
    /// Whether the engine gives ids, which are never given twice.
    pub(crate) has_sequence: bool,
    /// Whether a database without any data has a row here too.
    pub(crate) has_one_row: bool,
}

/// What differs between engines in these statements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    /// The order of texts by their bytes.
    pub(crate) bytewise: &'static str,
    /// What stands before the number of a parameter.
    pub(crate) parameter: char,
}

use Kind::{Bool, Bytes, Int, Text};

/// All of them; a row refers to rows of tables before its own.
pub(crate) const TABLES: &[Table] = &[
    Table {
        has_sequence: true,
        ..Table::new(
            "users",
            &[("id", Int)],
            &[
                ("id", Int),
                ("username", Text),
                ("email", Text),
                ("email_key", Text),
                ("created_at", Int),
            ],
        )
    },
    Table {
        has_sequence: true,
        ..Table::new(
            "links",
            &[("id", Int)],
            &[
                ("id", Int),
                ("user_id", Int),
                ("short_code", Text),
                ("original_url", Text),
                ("title", Text),
                ("search_text", Text),
                ("is_active", Bool),
                ("version", Int),
                ("created_at", Int),
                ("updated_at", Int),
            ],
        )
    },
    Table::new(
        "link_versions",
        &[("link_id", Int), ("version", Int)],
        &[
            ("link_id", Int),
            ("version", Int),
            ("short_code", Text),
            ("original_url", Text),
        ],
    ),
    Table::new(
        "events",
        &[("id", Int)],
        &[
            ("id", Int),
            ("link_id", Int),
            ("user_id", Int),
            ("event_type", Text),
            ("is_counted", Bool),
            ("at", Int),
            ("details", Text),
        ],
    ),
    Table {
        has_one_row: true,
        ..Table::new("event_sequence", &[("last_id", Int)], &[("last_id", Int)])
    },
    Table {
        has_sequence: true,
        ..Table::new(
            "texts",
            &[("id", Int)],
            &[("id", Int), ("digest", Int), ("content", Text)],
        )
    },
    Table::new(
        "click_blocks",
        &[("first_id", Int)],
        &[("first_id", Int), ("clicks", Int), ("body", Bytes)],
    ),
    Table::new(
        "click_runs",
        &[("first_id", Int)],
        &[("first_id", Int), ("last_id", Int), ("clicks", Int)],
    ),
    Table::new(
        "click_postings",
        &[
            ("run_id", Int),
            ("kind", Int),
            ("first_subject", Int),
            ("first_id", Int),
        ],
        &[
            ("run_id", Int),
            ("kind", Int),
            ("first_subject", Int),
            ("first_id", Int),
            ("entries", Int),
            ("body", Bytes),
        ],
    ),
    Table::new(
        "click_totals",
        &[("chunk", Int)],
        &[("chunk", Int), ("body", Bytes)],
    ),
    Table {
        has_one_row: true,
        ..Table::new(
            "click_index",
            &[("indexed_through", Int)],
            &[("indexed_through", Int)],
        )
    },
    Table::new(
        "journal_positions",
        &[("journal_id", Text), ("lane", Int)],
        &[
            ("journal_id", Text),
            ("lane", Int),
            ("segment", Int),
            ("byte_offset", Int),
        ],
    ),
];

impl Table {
    const fn new(
        name: &'static str,
        key: &'static [(&'static str, Kind)],
        columns: &'static [(&'static str, Kind)],
    ) -> Self {
        Self {
            name,
            columns,
            key,
            has_sequence: false,
            has_one_row: false,
        }
    }

    /// All rows in the order of the key.
    pub(crate) fn select(&self, dialect: Dialect) -> String {
        let key = self.key.iter().map(|(name, kind)| match kind {
            Text => format!("{name} COLLATE {}", dialect.bytewise),
            _ => (*name).to_owned(),
        });
        let key: Vec<_> = key.collect();
        format!(
            "SELECT {} FROM {} ORDER BY {}",
            self.column_list(),
            self.name,
            key.join(", ")
        )
    }

    /// One row more.
    pub(crate) fn insert(&self, dialect: Dialect) -> String {
        let mut text = format!("INSERT INTO {} ({}) VALUES (", self.name, self.column_list());
        for number in 1..=self.columns.len() {
            let comma = if number == 1 { "" } else { ", " };
            write!(text, "{comma}{}{number}", dialect.parameter).expect("a String takes everything");
        }
        text + ")"
    }

    pub(crate) fn count(&self) -> String {
        format!("SELECT count(*) FROM {}", self.name)
    }

    pub(crate) fn has_rows(&self) -> String {
        format!("SELECT EXISTS (SELECT 1 FROM {})", self.name)
    }

    /// As a statement lists them.
    pub(crate) fn column_list(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}
