//! The crates import one another in one direction, and each keeps away from what is not its concern.

use std::process::Command;

use serde_json::{Value, json};

/// Our crates; each may depend on those before it.
const ORDER: [&str; 4] = ["terse-core", "terse-store", "terse-server", "terse"];

/// What a crate never sees. Its tests may: they need something to test it with.
const FOREIGN: [(&str, &[&str]); 3] = [
    (
        "terse-core",
        &["axum", "http", "hyper", "rusqlite", "tokio", "tokio-postgres"],
    ),
    ("terse-store", &["axum", "http", "hyper"]),
    (
        "terse-server",
        &["clap", "deadpool-postgres", "rusqlite", "tokio-postgres"],
    ),
];

/// What is wrong with the dependencies in the output of `cargo metadata --no-deps`.
fn violations(metadata: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for package in array(&metadata["packages"]) {
        let name = text(&package["name"]);
        let Some(place) = place_of(name) else {
            found.push(format!("{name} has no place in the order of the crates"));
            continue;
        };
        for dependency in array(&package["dependencies"]) {
            let other = text(&dependency["name"]);
            let wrong_way = place_of(other).is_some_and(|other| other >= place);
            if wrong_way || (dependency["kind"] != "dev" && is_foreign_to(name, other)) {
                found.push(format!("{name} depends on {other}"));
            }
        }
    }
    found
}

fn place_of(name: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == name)
}

fn is_foreign_to(name: &str, other: &str) -> bool {
    FOREIGN
        .iter()
        .any(|(known, foreign)| *known == name && foreign.contains(&other))
}

fn array(value: &Value) -> &[Value] {
    value
        .as_array()
        .expect("cargo metadata has a list of packages, each with its dependencies")
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .expect("packages and dependencies in cargo metadata have names")
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--locked",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(super::repository_root())
        .output()
        .expect("cargo, which built this test, can be started");
    serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON")
}

#[test]
fn crates_depend_in_one_direction() {
    let metadata = metadata();
    assert_eq!(array(&metadata["packages"]).len(), ORDER.len());
    assert_eq!(violations(&metadata), Vec::<String>::new());
}

#[test]
fn a_dependency_against_the_direction_is_caught() {
    let sample = json!({"packages": [
        {"name": "terse-store", "dependencies": [
            {"name": "terse-core", "kind": null},
            {"name": "terse-server", "kind": "dev"},
        ]},
        {"name": "terse-utils", "dependencies": []},
    ]});
    assert_eq!(
        violations(&sample),
        [
            "terse-store depends on terse-server",
            "terse-utils has no place in the order of the crates"
        ]
    );
}

#[test]
fn a_foreign_dependency_is_caught_except_in_tests() {
    let sample = json!({"packages": [
        {"name": "terse-core", "dependencies": [{"name": "tokio", "kind": null}, {"name": "axum", "kind": "dev"}]},
        {"name": "terse-store", "dependencies": [{"name": "http", "kind": "build"}]},
        {"name": "terse-server", "dependencies": [{"name": "rusqlite", "kind": null}]},
        {"name": "terse", "dependencies": [{"name": "clap", "kind": null}]},
    ]});
    assert_eq!(
        violations(&sample),
        [
            "terse-core depends on tokio",
            "terse-store depends on http",
            "terse-server depends on rusqlite"
        ]
    );
}
