//! The data directory: one process at a time, and its address for others to find.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use terse_store::Place;

const LOCK_FILE: &str = "terse.lock";
const ADDRESS_BYTES_MAX: u64 = 1024;
/// A command that only takes a moment is waited for this often; a server is not waited for.
const TRIES_MAX: u32 = 20;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A data directory, and the database file that goes with it, that belong to this process until the value is dropped, or
/// the process ends in any way. A database of a server belongs to nobody alone.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
    _database: DatabaseLock,
}

/// A database file that belongs to this process until the value is dropped: another data directory may name the same one.
/// Holds nothing for a database of a server, which keeps its clients apart by itself.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: Option<File>,
}

/// Why a data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("{} is in use by another terse process{}", path.display(), at(address.as_deref()))]
    InUse {
        /// The data directory, or the database.
        path: PathBuf,
        /// Where that process serves, if it does.
        address: Option<String>,
    },
    /// It cannot be created, read or written.
    #[error("{} cannot be used: {source}", path.display())]
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
    /// Takes the directory at `path`, which is created if it is not there, readable for its owner only, and the database
    /// if it is a file.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn lock(path: &Path, database: &Place) -> Result<Self, DataDirError> {
        let io = |source| DataDirError::Io {
            path: path.to_owned(),
            source,
        };
        create_private(path).map_err(io)?;
        let lock = take(&path.join(LOCK_FILE), path)?;
        lock.set_len(0).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            lock,
            _database: DatabaseLock::take(database)?,
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

impl DatabaseLock {
    /// Takes the database for this process alone, if it is a file.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn take(database: &Place) -> Result<Self, DataDirError> {
        let file = match database {
            Place::File(path) => Some(take(&beside(path), path)?),
            Place::Server(_) => None,
        };
        Ok(Self { _file: file })
    }
}

/// The lock of a database, by whatever name the database is known.
fn beside(database_file: &Path) -> PathBuf {
    let real = database_file
        .canonicalize()
        .unwrap_or_else(|_| database_file.to_owned());
    let mut name = real.into_os_string();
    name.push(".lock");
    name.into()
}

/// The lock in `file`, for whoever wants to use `what`.
fn take(file: &Path, what: &Path) -> Result<File, DataDirError> {
    let io = |source| DataDirError::Io {
        path: what.to_owned(),
        source,
    };
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(file);
    let mut lock = open.map_err(io)?;
    for tries_left in (0..TRIES_MAX).rev() {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Err(TryLockError::WouldBlock) => {}
        }
        let address = read_address(&mut lock);
        if address.is_some() || tries_left == 0 {
            return Err(DataDirError::InUse {
                path: what.to_owned(),
                address,
            });
        }
        std::thread::sleep(TRY_AGAIN_AFTER);
    }
    unreachable!("the last try returns")
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
    lock.rewind().ok()?;
    let mut address = String::new();
    lock.take(ADDRESS_BYTES_MAX).read_to_string(&mut address).ok()?;
    Some(address).filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_in(folder: &Path) -> Place {
        Place::File(folder.join("terse.db"))
    }

    #[test]
    fn a_directory_belongs_to_one_process_at_a_time_and_tells_where_it_serves() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let path = scratch.path().join("deep/data");
        let mut first = DataDir::lock(&path, &file_in(&path)).expect("free");
        assert_eq!(first.path(), path);
        let error = DataDir::lock(&path, &file_in(&path))
            .expect_err("taken")
            .to_string();
        assert!(error.ends_with("is in use by another terse process"), "{error}");
        first.announce("http://127.0.0.1:12345").expect("written");
        first.announce("http://127.0.0.1:8000").expect("written");
        let error = DataDir::lock(&path, &file_in(&path))
            .expect_err("taken")
            .to_string();
        assert!(
            error.ends_with("another terse process, serving at http://127.0.0.1:8000"),
            "{error}"
        );
        drop(first);
        drop(DataDir::lock(&path, &file_in(&path)).expect("free again"));
    }

    #[test]
    fn a_path_that_is_no_directory_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a scratch file");
        let error = DataDir::lock(file.path(), &file_in(file.path()))
            .expect_err("a file")
            .to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }

    #[test]
    fn a_database_belongs_to_one_process_whatever_its_data_directory() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let database = scratch.path().join("one/terse.db");
        let first = DataDir::lock(&scratch.path().join("one"), &Place::File(database.clone())).expect("free");
        std::fs::write(&database, b"").expect("ours");
        let alias = scratch.path().join("alias.db");
        std::os::unix::fs::symlink(&database, &alias).expect("made");
        assert!(DataDir::lock(&scratch.path().join("three"), &Place::File(alias)).is_err());
        let error = DataDir::lock(&scratch.path().join("two"), &Place::File(database.clone()))
            .expect_err("taken")
            .to_string();
        assert_eq!(
            error,
            format!("{} is in use by another terse process", database.display())
        );
        drop(first);
        drop(DataDir::lock(&scratch.path().join("two"), &Place::File(database.clone())).expect("free again"));
    }

    #[test]
    fn a_short_command_is_waited_for() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let (path, database) = (scratch.path().to_owned(), file_in(scratch.path()));
        let short = DataDir::lock(&path, &database).expect("free");
        let waiting = std::thread::Builder::new().spawn(move || DataDir::lock(&path, &database).is_ok());
        drop(short);
        assert!(waiting.expect("started").join().expect("no panic"));
    }

    #[test]
    fn a_database_of_a_server_is_shared_by_data_directories_but_none_of_them_is() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let url = "postgres://db.example/links".parse().expect("a URL");
        let database = Place::Server(url);
        let first = DataDir::lock(&scratch.path().join("one"), &database).expect("free");
        drop(DataDir::lock(&scratch.path().join("two"), &database).expect("a directory of its own"));
        assert!(DataDir::lock(first.path(), &database).is_err());
        assert_eq!(
            std::fs::read_dir(first.path()).expect("ours").count(),
            1,
            "the lock file"
        );
    }
}
