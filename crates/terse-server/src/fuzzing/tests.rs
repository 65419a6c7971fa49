use std::path::Path;

use proptest::prelude::*;

use super::*;

/// The inputs of `fuzz/seeds` that are kept for a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let files = std::fs::read_dir(folder).expect("each target has seeds");
    files
        .map(|file| std::fs::read(file.expect("a seed").path()).expect("its bytes"))
        .collect()
}

#[test]
fn kept_segments_hold_what_must_hold() {
    for seed in seeds("segment") {
        segment(&seed);
    }
}

#[test]
fn kept_heads_hold_what_must_hold() {
    for seed in seeds("head") {
        head(&seed);
    }
}

proptest! {
    #[test]
    fn any_bytes_hold_what_must_hold_of_segments(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        segment(&bytes);
    }

    /// Mostly zeros, as a segment is before it is written, and small lengths, as records have.
    #[test]
    fn sparse_bytes_hold_what_must_hold_of_segments(
        bytes in prop::collection::vec(prop_oneof![4 => Just(0), 2 => 1..48_u8, 1 => any::<u8>()], 0..600),
    ) {
        segment(&bytes);
    }
}
