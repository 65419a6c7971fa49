//! Documents name files that exist, and every decision record has the three parts that make it one.

use super::{File, files_below, read, repository_root};

/// The documents at the root; those that are not there are not checked.
const AT_THE_ROOT: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];

/// What a path of the repository begins with.
const FOLDERS: [&str; 6] = ["crates/", "docs/", "deploy/", "scripts/", ".ci/", ".github/"];

/// What stands for something else: `crates/*`, `docs/adr/NNNN-….md`, `crates/<name>`.
const PLACEHOLDERS: [&str; 6] = ["*", "<", "{", "…", "...", "NNNN"];

const ADR_HEADINGS: [&str; 3] = ["## Context", "## Decision", "## Consequences"];

/// The paths of the repository that `text` names in backticks outside of code blocks.
fn paths_named(text: &str) -> Vec<&str> {
    let mut in_code_block = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            in_code_block ^= is_fence;
            !is_fence && !in_code_block
        })
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter_map(|quoted| quoted.split_whitespace().next())
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !PLACEHOLDERS.iter().any(|placeholder| word.contains(placeholder)))
        .collect()
}

fn dangling(document: &File, exists: impl Fn(&str) -> bool) -> Vec<String> {
    paths_named(&document.text)
        .into_iter()
        .filter(|path| !exists(path))
        .map(|path| format!("{} names {path}", document.path))
        .collect()
}

fn headings_missing(record: &File) -> Vec<String> {
    ADR_HEADINGS
        .into_iter()
        .filter(|heading| !record.text.lines().any(|line| line == *heading))
        .map(|heading| format!("{} has no \"{heading}\"", record.path))
        .collect()
}

fn documents() -> Vec<File> {
    let root = repository_root();
    let at_the_root = AT_THE_ROOT.map(|name| root.join(name));
    let mut documents = files_below("docs", ".md");
    documents.extend(
        at_the_root
            .iter()
            .filter(|path| path.exists())
            .map(|path| read(&root, path)),
    );
    documents
}

#[test]
fn documents_name_files_that_exist() {
    let root = repository_root();
    let dangling: Vec<_> = documents()
        .iter()
        .flat_map(|document| dangling(document, |path| root.join(path).exists()))
        .collect();
    assert_eq!(dangling, Vec::<String>::new());
}

#[test]
fn decision_records_have_context_decision_and_consequences() {
    let records = files_below("docs/adr", ".md");
    assert!(!records.is_empty(), "decisions are recorded");
    let missing: Vec<_> = records.iter().flat_map(headings_missing).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_path_that_does_not_exist_is_caught() {
    let text = "See `crates/terse-core/src/lib.rs`, `docs/gone.md`, `scripts/run-tests html`, `crates/*`, crates/none\n\
                ```\nls `docs/in-a-block.md`\n```\nand `application/json`, then `scripts/gone now`.\n";
    let document = File::sample("README.md", text);
    let exists = |path: &str| !path.contains("gone");
    assert_eq!(
        paths_named(text),
        [
            "crates/terse-core/src/lib.rs",
            "docs/gone.md",
            "scripts/run-tests",
            "scripts/gone"
        ]
    );
    assert_eq!(
        dangling(&document, exists),
        ["README.md names docs/gone.md", "README.md names scripts/gone"]
    );
}

#[test]
fn a_record_without_consequences_is_caught() {
    let record = File::sample("docs/adr/0009-x.md", "# X\n\n## Context\n\n## Decision\n");
    assert_eq!(
        headings_missing(&record),
        ["docs/adr/0009-x.md has no \"## Consequences\""]
    );
}
