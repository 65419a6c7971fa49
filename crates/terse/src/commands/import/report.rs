//! What became of an import, for people and for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use terse_server::transfer::FileReport;
use terse_server::transfer::import::ImportReport;

/// A line per file, and one per skipped row.
pub(super) fn text(report: &ImportReport) -> String {
    let mut text = String::new();
    for (_, name, file) in files(report) {
        append(&mut text, name, file).expect("writing into memory");
    }
    text.truncate(text.trim_end().len());
    text
}

/// An object with a member per file.
pub(super) fn json(report: &ImportReport) -> Value {
    let members = files(report).map(|(key, _, file)| (key.to_owned(), of_file(file)));
    Value::Object(Map::from_iter(members))
}

fn files(report: &ImportReport) -> impl Iterator<Item = (&'static str, &'static str, &FileReport)> {
    [
        ("users", "users", &report.users),
        ("urls", "links", &report.urls),
        ("events", "events", &report.events),
    ]
    .into_iter()
    .filter_map(|(key, name, file)| Some((key, name, file.as_ref()?)))
}

fn append(text: &mut String, name: &str, file: &FileReport) -> std::fmt::Result {
    writeln!(
        text,
        "{name}: {} rows read, {} imported, {} already there, {} skipped",
        file.read, file.inserted, file.already_there, file.skipped.total
    )?;
    if file.reassigned > 0 {
        writeln!(
            text,
            "  {} of skipped users went to the users who kept the name",
            file.reassigned
        )?;
    }
    for skipped in &file.skipped.listed {
        writeln!(text, "  row {} skipped: {}", skipped.row, skipped.reason)?;
    }
    if file.skipped.unlisted() > 0 {
        writeln!(text, "  and {} more rows skipped", file.skipped.unlisted())?;
    }
    Ok(())
}

fn of_file(file: &FileReport) -> Value {
    let skipped = file.skipped.listed.iter();
    let skipped: Vec<_> = skipped
        .map(|skipped| json!({ "row": skipped.row, "reason": skipped.reason }))
        .collect();
    json!({
        "read": file.read,
        "inserted": file.inserted,
        "already_there": file.already_there,
        "reassigned": file.reassigned,
        "skipped_total": file.skipped.total,
        "skipped": skipped,
    })
}
