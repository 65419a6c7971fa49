//! What people watch a server with agrees with itself: alerts, their runbook, the dashboard, and the metrics that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::server::repository;

/// What the samples of a histogram have behind its name.
const HISTOGRAM_SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The metrics that `docs/metrics.md` lists.
fn documented() -> BTreeSet<String> {
    let document = read("docs/metrics.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The metrics that `text` asks for.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let metrics = words.filter(|word| word.starts_with("terse_"));
    metrics.map(|word| family(word).to_owned()).collect()
}

fn family(name: &str) -> &str {
    let mut stems = HISTOGRAM_SUFFIXES
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix));
    stems
        .find(|stem| stem.ends_with("_duration_seconds"))
        .unwrap_or(name)
}

/// Every expression in a dashboard, however deep.
fn expressions(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("expr").and_then(Value::as_str);
            own.into_iter()
                .chain(members.values().flat_map(expressions))
                .collect()
        }
        Value::Array(values) => values.iter().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

/// The values of every `key: value` in a YAML text.
fn values_of<'a>(yaml: &'a str, key: &str) -> Vec<&'a str> {
    yaml.lines()
        .filter_map(|line| {
            line.trim_start()
                .trim_start_matches("- ")
                .strip_prefix(key)?
                .strip_prefix(": ")
        })
        .collect()
}

#[test]
fn alerts_ask_for_metrics_that_there_are() {
    let alerts = read("deploy/prometheus/alerts.yml");
    let rules: String = alerts
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let known = documented();
    let asked = metrics_in(&rules);
    assert!(asked.len() > 8, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

#[test]
fn every_alert_has_its_section_in_the_runbook_and_a_test() {
    let (alerts, tests) = (
        read("deploy/prometheus/alerts.yml"),
        read("deploy/prometheus/alerts.test.yml"),
    );
    let document = read("docs/operations.md");
    let names = values_of(&alerts, "alert");
    let runbooks = values_of(&alerts, "runbook");
    assert_eq!(names.len(), runbooks.len());
    for (name, runbook) in names.iter().zip(runbooks) {
        assert_eq!(runbook, format!("docs/operations.md#{}", name.to_lowercase()));
        assert!(
            document.lines().any(|line| line == format!("### {name}")),
            "docs/operations.md has no section {name}"
        );
        // As one that fires, not only among those that do not.
        let fires = tests.contains(&format!("alertname: {name}\n        exp_alerts:"));
        assert!(fires, "no test sees {name} fire");
    }
    let sections = document.lines().filter_map(|line| line.strip_prefix("### Terse"));
    assert_eq!(
        sections.count(),
        names.len(),
        "a section for each alert and no more"
    );
}

#[test]
fn the_dashboard_asks_for_metrics_that_are_documented() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/terse.json")).expect("JSON");
    let expressions = expressions(&dashboard);
    assert!(expressions.len() > 10, "{expressions:?}");
    let documented = documented();
    for expression in expressions {
        let asked = metrics_in(expression);
        assert!(!asked.is_empty(), "{expression}");
        let unknown: Vec<_> = asked.difference(&documented).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{expression}");
    }
}

#[test]
fn names_are_found_in_expressions() {
    let found = metrics_in("sum(rate(terse_redirect_duration_seconds_bucket{le=\"1\"}[5m])) / terse_ready");
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["terse_ready", "terse_redirect_duration_seconds"]
    );
}
