//! The data directory: one process at a time, and its address for others to find.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "terse.lock";
const ADDRESS_BYTES_MAX: u64 = 1024;

/// A data directory that belongs to this process until the value is dropped, or the process ends in any way.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("data directory {} is in use by another terse process{}", path.display(), at(address.as_deref()))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Where that process serves, if it does.
        address: Option<String>,
    },
    /// It cannot be created, read or written.
    #[error("data directory {} cannot be used: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn at(address: Option<&str>) -> String {
    address.map_or_else(String::new, |address| format!(", serving at {address}"))
}

impl DataDir {
    /// Takes the directory at `path`, which is created if it is not there, readable for its owner only.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        let io = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        create_private(path).map_err(io)?;
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE));
        let mut lock = open.map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::InUse {
                    path: path.to_owned(),
                    address: read_address(&mut lock),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        lock.set_len(0).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// Writes down where this process serves, so that commands on this directory find it.
    ///
    /// # Errors
    /// The disk's.
    pub fn announce(&mut self, address: &str) -> io::Result<()> {
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(address.as_bytes())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Clicks tell who read what and when: nobody else on the machine may read them.
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

fn read_address(lock: &mut File) -> Option<String> {
    let mut address = String::new();
    lock.take(ADDRESS_BYTES_MAX).read_to_string(&mut address).ok()?;
    Some(address).filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_belongs_to_one_process_at_a_time_and_tells_where_it_serves() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let path = scratch.path().join("deep/data");
        let mut first = DataDir::lock(&path).expect("free");
        assert_eq!(first.path(), path);
        let error = DataDir::lock(&path).expect_err("taken").to_string();
        assert!(error.ends_with("is in use by another terse process"), "{error}");
        first.announce("http://127.0.0.1:12345").expect("written");
        first.announce("http://127.0.0.1:8000").expect("written");
        let error = DataDir::lock(&path).expect_err("taken").to_string();
        assert!(
            error.ends_with("another terse process, serving at http://127.0.0.1:8000"),
            "{error}"
        );
        drop(first);
        drop(DataDir::lock(&path).expect("free again"));
    }

    #[test]
    fn a_path_that_is_no_directory_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a scratch file");
        let error = DataDir::lock(file.path()).expect_err("a file").to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
