//! The README tells the truth: its commands, typed as they stand, give what it shows.

use std::process::Command;

use crate::server::{Server, repository, terse};

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

#[test]
fn every_setting_of_a_server_has_a_row_in_the_readme_that_agrees_with_its_help() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("a README");
    let rows: Vec<_> = readme.lines().filter(|line| line.starts_with("| `--")).collect();
    let output = terse().args(["serve", "--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let settings: Vec<_> = help.split("\n      --").skip(1).collect();
    assert_eq!(settings.len(), rows.len(), "each row is a setting");
    for setting in settings {
        let told: Vec<_> = setting.split_whitespace().collect();
        let (flag, told) = (format!("| `--{}", told[0]), told.join(" "));
        let of_flag = |row: &&&str| {
            row.strip_prefix(&*flag)
                .is_some_and(|rest| rest.starts_with([' ', '`']))
        };
        let row = rows
            .iter()
            .find(of_flag)
            .unwrap_or_else(|| panic!("{flag} is not in the README"));
        for (start, before, after) in [
            ("[env: ", "| `", "` |"),
            ("[default: ", "| ", " |"),
            ("at least ", "; ", " at least |"),
        ] {
            let word = |text: &str| text.split([']', ',', ';']).next().map(str::to_owned);
            let value = told.split_once(start).and_then(|(_, rest)| word(rest));
            // A default that is a text is explained, each in its place.
            let compared = value.filter(|value| start == "[env: " || value.parse::<u64>().is_ok());
            assert!(
                compared.is_none_or(|value| row.contains(&format!("{before}{value}{after}"))),
                "{told}\n{row}"
            );
        }
    }
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
