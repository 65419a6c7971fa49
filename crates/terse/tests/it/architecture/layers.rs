//! Inside the server: `http` → use-cases → `cache` and `clicks`, and nothing back.

use super::{File, code_lines, production_sources};

const SERVER: &str = "crates/terse-server/src/";
const USE_CASES: [&str; 5] = ["links", "visits", "users", "events", "transfer"];
const BENEATH_USE_CASES: [&str; 2] = ["cache", "clicks"];

/// The modules of the server that the module `importer` must not name.
fn forbidden_to(importer: &str) -> Vec<&'static str> {
    let mut forbidden = Vec::new();
    // lib.rs names the parts, and the server opens the door; nothing else may know how it is called.
    if !["http", "lib", "server"].contains(&importer) {
        forbidden.push("http");
    }
    if BENEATH_USE_CASES.contains(&importer) {
        forbidden.extend(USE_CASES);
    }
    forbidden
}

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let Some(path) = file.path.strip_prefix(SERVER) else {
            continue;
        };
        let importer = path.split(['/', '.']).next().unwrap_or(path);
        let code = code_lines(&file.text).collect::<Vec<_>>().join("\n");
        let named = modules_named(&code, &supers_to_the_top(path));
        for module in forbidden_to(importer) {
            if named.contains(&module) {
                found.push(format!("{} imports {module}", file.path));
            }
        }
    }
    found
}

/// How the top of the crate is reached from the file at `path` without saying `crate::`.
fn supers_to_the_top(path: &str) -> String {
    "super::".repeat(path.split('/').count())
}

/// The top-level modules that `code` names after `crate::` or after `to_the_top`, alone or in braces.
fn modules_named<'a>(code: &'a str, to_the_top: &str) -> Vec<&'a str> {
    let after_crate = code.split("crate::").skip(1);
    let after_supers = code.split(to_the_top).skip(1);
    after_crate
        .chain(after_supers)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => first_segments_of_group(group),
            None => vec![identifier_at_start(rest)],
        })
        .collect()
}

/// `a, b::{c, d}, e}` names `a`, `b` and `e`: only what stands outside inner braces.
fn first_segments_of_group(group: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut depth = 0_u32;
    for part in group.split_inclusive([',', '{', '}']) {
        if depth == 0 {
            segments.push(identifier_at_start(part));
        }
        if part.ends_with('{') {
            depth += 1;
        } else if part.ends_with('}') {
            if depth == 0 {
                break;
            }
            depth -= 1;
        }
    }
    segments
}

fn identifier_at_start(text: &str) -> &str {
    text.trim_start()
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .next()
        .unwrap_or_default()
}

#[test]
fn the_server_imports_in_one_direction() {
    assert_eq!(violations(&production_sources()), Vec::<String>::new());
}

#[test]
fn nothing_but_lib_and_server_imports_http() {
    let import = "use crate::http::router;\n";
    let sample = ["lib.rs", "http.rs", "http/api.rs", "links/create.rs", "app.rs"]
        .map(|path| File::sample(&format!("{SERVER}{path}"), import));
    assert_eq!(
        violations(&sample),
        [
            "crates/terse-server/src/links/create.rs imports http",
            "crates/terse-server/src/app.rs imports http"
        ]
    );
}

#[test]
fn cache_and_clicks_import_no_use_case_however_it_is_spelt() {
    for import in [
        "use crate::links::Links;",
        "use crate::{\n    clicks::{self, Journal},\n    links::Links,\n};",
        "use super::links::Links;",
        "fn of(link: &crate::links::Link) {}",
    ] {
        let sample = [File::sample("crates/terse-server/src/cache.rs", import)];
        assert_eq!(
            violations(&sample),
            ["crates/terse-server/src/cache.rs imports links"],
            "{import}"
        );
    }
    let deeper = [File::sample(
        "crates/terse-server/src/clicks/shipper.rs",
        "use super::super::visits;",
    )];
    assert_eq!(
        violations(&deeper),
        ["crates/terse-server/src/clicks/shipper.rs imports visits"]
    );
}

#[test]
fn what_only_looks_like_a_use_case_is_no_violation() {
    let code = "//! Emptied by crate::links.\nuse crate::{clock::links, cache};\nuse terse_store::links;\nuse super::Entry;";
    let sample = [File::sample("crates/terse-server/src/cache/entry.rs", code)];
    assert_eq!(violations(&sample), Vec::<String>::new());
}
