//! Ordinary and hostile files, against a store in a scratch directory.

use terse_store::{Store, StoreOptions};

mod round_trip;
mod uploads;
mod whole_imports;

/// A store that is gone with the value.
struct Scratch {
    store: Store,
    folder: tempfile::TempDir,
}

impl Scratch {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch directory");
        let options = StoreOptions::new(folder.path().join("terse.db"));
        let store = Store::open(options).await.expect("a fresh file");
        Self { store, folder }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a scratch file");
        path
    }
}
