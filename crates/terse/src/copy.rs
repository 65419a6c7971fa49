//! A copy of a database to look at: the original may be served meanwhile, and is neither migrated nor changed.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use terse_server::config::Config;
use terse_store::{Store, StoreOptions};

use crate::failure::Failure;

/// What comes after the name of a database in the names of the files that it consists of: SQLite keeps the last changes beside
/// the file.
pub(crate) const DATABASE_PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// An open copy; removed when it is dropped.
pub(crate) struct DatabaseCopy {
    pub(crate) store: Store,
    _folder: TempDir,
}

impl DatabaseCopy {
    /// Copies `database`, one consistent state, into a scratch folder in `beside`, where there should be room for it.
    pub(crate) async fn open(
        database: &Path,
        beside: &Path,
        progress: impl FnMut(u64, u64),
    ) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix(".copy-").tempdir_in(beside)?;
        let file = folder.path().join("copy.db");
        Store::backup_to(database, &file, progress)?;
        let store = Store::open(StoreOptions::new(file)).await?;
        Ok(Self {
            store,
            _folder: folder,
        })
    }

    /// What is wrong with it; closes it.
    pub(crate) async fn problems(self) -> Result<Vec<String>, Failure> {
        let problems = self.store.integrity_problems().await;
        self.store.close().await;
        Ok(problems?)
    }
}

/// A server's database as it is now, to look at: the same for all that is read of it, whatever is written meanwhile.
pub(crate) async fn frozen(config: &Config) -> Result<Store, Failure> {
    let mut options = config.database.store_options();
    options.is_frozen = true;
    Ok(Store::open(options).await?)
}

/// The folder of `file`.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// `path` with `suffix` after its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
