//! Guards the house: who may depend on whom, where SQL may stand, how files are cut, and that the documents
//! speak of files that exist.
//!
//! Each rule is a pure function from text to the violations in it. One test shows on a sample that the rule
//! catches what it is for; another holds the repository to it.

use std::fs;
use std::path::{Path, PathBuf};

mod dependencies;
mod documents;
mod layers;
mod sources;

/// A file of the repository: where it is, seen from the root and with `/` between, and what is in it.
struct File {
    path: String,
    text: String,
}

impl File {
    fn sample(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is two folders below the root")
        .to_owned()
}

/// Every file below `folder` whose name ends in `ending`, in no particular order; none where there is no such
/// folder.
fn files_below(folder: &str, ending: &str) -> Vec<File> {
    let root = repository_root();
    let mut folders = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("folders of the repository can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                files.push(read(&root, &path));
            }
        }
    }
    files
}

fn read(root: &Path, path: &Path) -> File {
    let from_root = path
        .strip_prefix(root)
        .expect("only paths below the root are read");
    File {
        path: from_root.to_string_lossy().replace('\\', "/"),
        text: fs::read_to_string(path).expect("sources and documents are readable UTF-8"),
    }
}

/// The Rust files under `crates/*/src` that are not test modules of their own.
fn production_sources() -> Vec<File> {
    let mut files = files_below("crates", ".rs");
    files.retain(|file| is_production(&file.path));
    assert!(!files.is_empty(), "the workspace has sources");
    files
}

fn is_production(path: &str) -> bool {
    let mut parts = path.split('/').skip(2);
    parts.next() == Some("src") && parts.all(|part| part != "tests" && part != "tests.rs")
}

/// The lines of `text` before its inline test module.
fn production_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        let opens_tests = line.trim() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|next| next.trim_start().starts_with("mod tests"));
        (!opens_tests).then_some(line)
    })
}

/// Like [`production_lines`], without the lines that are only comment: what they mention is no code.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    production_lines(text).filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn test_modules_are_no_production_code() {
    assert!(is_production("crates/terse-core/src/email.rs"));
    assert!(!is_production("crates/terse-core/src/email/tests.rs"));
    assert!(!is_production("crates/terse-core/src/email/tests/samples.rs"));
    assert!(!is_production("crates/terse/tests/it/main.rs"));
    assert!(!is_production("crates/terse/build.rs"));

    let text =
        "//! Doc.\nfn one() {}\n#[cfg(test)]\nfn two() {}\n#[cfg(test)]\nmod tests {\n    fn three() {}\n}\n";
    let code: Vec<_> = code_lines(text).collect();
    assert_eq!(code, ["fn one() {}", "#[cfg(test)]", "fn two() {}"]);
}
