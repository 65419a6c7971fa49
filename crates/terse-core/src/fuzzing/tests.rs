use std::path::Path;

use proptest::prelude::*;

use super::*;

/// The inputs of `fuzz/seeds` that are kept for a target.
fn seeds(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let files = std::fs::read_dir(folder).expect("each target has seeds");
    files
        .map(|file| std::fs::read_to_string(file.expect("a seed").path()).expect("a text"))
        .collect()
}

#[test]
fn kept_targets_hold_what_must_hold() {
    for seed in seeds("target_url") {
        target_url(&seed);
    }
}

#[test]
fn kept_codes_hold_what_must_hold() {
    for seed in seeds("short_code") {
        short_code(&seed);
    }
}

proptest! {
    #[test]
    fn any_text_after_a_scheme_holds_what_must_hold_of_targets(rest in "\\PC{0,60}") {
        target_url(&format!("https://example.com{rest}"));
        target_url(&format!("http://{rest}"));
        target_url(&rest);
    }

    #[test]
    fn what_parsers_disagree_about_holds_what_must_hold_of_targets(
        scheme in "[hH]ttps?:[/\\\\]{0,3}",
        host in "[a-z0-9.:@%\\[\\]/\\\\?#\u{3002}\u{ff0e}\u{df}\u{130} \t-]{0,24}",
        rest in "[./\\\\?#%@:a \\x00\r\n\u{85}-]{0,16}",
    ) {
        target_url(&format!("{scheme}{host}{rest}"));
    }

    #[test]
    fn any_text_holds_what_must_hold_of_codes(near in "[-_.A-Za-z0-9é/ ]{0,70}", any in "\\PC{0,8}") {
        short_code(&near);
        short_code(&any);
        short_code(&format!("{near}{any}"));
    }
}
