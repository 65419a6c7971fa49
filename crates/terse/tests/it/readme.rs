//! The README tells the truth: its commands, typed as they stand, give what it shows.

use std::process::Command;

use crate::server::{Server, repository};

#[test]
fn the_commands_of_the_readme_give_what_it_shows() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("a README");
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let mut commands = 0;
    for (command, shown) in console_lines(&readme) {
        commands += 1;
        let command = command.replace("127.0.0.1:8000", &server.address);
        let output = Command::new("bash")
            .args(["-c", &command])
            .output()
            .expect("bash");
        let printed = String::from_utf8_lossy(&output.stdout).replace(&server.address, "127.0.0.1:8000");
        assert_eq!(settled(printed.trim_end()), settled(&shown), "{command}");
    }
    assert!(commands >= 8, "the README shows {commands} commands");
}

/// Every `$ command` in a `console` block, with the lines printed after it.
fn console_lines(markdown: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let blocks = markdown
        .split("```console\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or(""));
    for line in blocks.flat_map(str::lines) {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), String::new())),
            (None, Some((_, shown))) if shown.is_empty() => line.clone_into(shown),
            (None, Some((_, shown))) => *shown = format!("{shown}\n{line}"),
            (None, None) => panic!("a console block starts with a command, not with {line:?}"),
        }
    }
    found
}

/// The text with what differs each time replaced: times, and curl's version.
fn settled(text: &str) -> String {
    let mut settled = String::new();
    for word in text.split_inclusive(['"', '/']) {
        let (word, end) = word.split_at(word.len() - 1);
        let is_time = word.len() >= 20 && word.starts_with("20") && word.ends_with('Z');
        let is_version = settled.ends_with("curl/") && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        settled.push_str(if is_time || is_version { "…" } else { word });
        settled.push_str(end);
    }
    settled
}
