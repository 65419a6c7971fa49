//! How source files are cut and named, and where SQL may stand.

use super::{File, code_lines, files_below, production_lines, production_sources};

/// Above this a file does more than one thing.
const PRODUCTION_LINES_MAX: usize = 400;

/// Names that say nothing of what is inside, and so attract everything.
const EMPTY_NAMES: [&str; 4] = ["utils", "helpers", "common", "manager"];

/// What statements begin with. Upper case, as we write SQL, so that prose is not meant.
const SQL: [&str; 8] = [
    "SELECT ",
    "INSERT INTO ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
];

fn sql_outside_the_store(files: &[File]) -> Vec<String> {
    files
        .iter()
        .filter(|file| !file.path.starts_with("crates/terse-store/"))
        .flat_map(|file| {
            code_lines(&file.text)
                .filter(|line| has_sql(line))
                .map(|line| format!("{}: {}", file.path, line.trim()))
        })
        .collect()
}

fn has_sql(line: &str) -> bool {
    SQL.iter().any(|keyword| line.contains(keyword))
        || line
            .split_once("UPDATE ")
            .is_some_and(|(_, rest)| rest.contains("SET "))
}

fn too_long(files: &[File]) -> Vec<String> {
    files
        .iter()
        .map(|file| (&file.path, production_lines(&file.text).count()))
        .filter(|(_, lines)| *lines > PRODUCTION_LINES_MAX)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

fn misnamed(files: &[File]) -> Vec<&str> {
    let is_misnamed = |path: &str| {
        path.ends_with("/mod.rs")
            || path
                .split('/')
                .any(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs")))
    };
    files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| is_misnamed(path))
        .collect()
}

#[test]
fn sql_stands_in_the_store_only() {
    assert_eq!(sql_outside_the_store(&production_sources()), Vec::<String>::new());
}

#[test]
fn files_are_short() {
    assert_eq!(too_long(&production_sources()), Vec::<String>::new());
}

#[test]
fn modules_have_names_that_say_something() {
    assert_eq!(misnamed(&files_below("crates", ".rs")), Vec::<&str>::new());
}

#[test]
fn a_statement_outside_the_store_is_caught() {
    let select = "/// SELECT would be wrong here.\nconst FIND: &str = \"SELECT id FROM links\";\n";
    let update = "let sql = \"UPDATE links SET title = $1\";\nlet update = \"UPDATE \";\n";
    let sample = [
        File::sample("crates/terse-store/src/links.rs", select),
        File::sample("crates/terse-server/src/links.rs", select),
        File::sample("crates/terse/src/import.rs", update),
    ];
    assert_eq!(
        sql_outside_the_store(&sample),
        [
            "crates/terse-server/src/links.rs: const FIND: &str = \"SELECT id FROM links\";",
            "crates/terse/src/import.rs: let sql = \"UPDATE links SET title = $1\";"
        ]
    );
}

#[test]
fn a_file_over_the_limit_is_caught_and_its_tests_do_not_count() {
    let code = "fn f() {}\n".repeat(PRODUCTION_LINES_MAX);
    let sample = [
        File::sample("a.rs", &format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n")),
        File::sample("b.rs", &format!("{code}fn g() {{}}\n")),
    ];
    assert_eq!(too_long(&sample), ["b.rs has 401 lines"]);
}

#[test]
fn a_name_that_says_nothing_is_caught() {
    let sample = [
        "crates/a/src/cache/mod.rs",
        "crates/a/src/utils.rs",
        "crates/a/src/helpers/text.rs",
        "crates/a/src/commonplace.rs",
    ]
    .map(|path| File::sample(path, ""));
    assert_eq!(
        misnamed(&sample),
        [
            "crates/a/src/cache/mod.rs",
            "crates/a/src/utils.rs",
            "crates/a/src/helpers/text.rs"
        ]
    );
}
