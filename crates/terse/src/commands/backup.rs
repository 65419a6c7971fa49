//! `terse backup`.

use std::path::Path;

use terse_store::Store;

use crate::args::BackupArgs;
use crate::copy::{DATABASE_PARTS, DatabaseCopy, folder_of, with_suffix};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{output, runtime};

/// Copies the database, checks the copy, and gives it its name.
pub(super) fn run(args: BackupArgs) -> Result<(), Failure> {
    let BackupArgs { file, force, data } = args;
    let config = data.resolve(None)?;
    let database = super::require_file(&config, "pg_dump, or pg_basebackup for the whole server")?;
    super::require_database(&config)?;
    refuse_the_database_itself(&file, database)?;
    if !force && file.exists() {
        return Err(taken(&file));
    }
    let folder = folder_of(&file);
    let scratch = tempfile::Builder::new().prefix(".backup-").tempdir_in(folder)?;
    let copy = scratch.path().join("backup.db");
    let progress = Progress::of_known_size("copying");
    Store::backup_to(database, &copy, |done, total| {
        progress.set(done, total);
    })?;
    drop(progress);
    verify(&copy, scratch.path())?;
    appear(&copy, &file, force)?;
    std::fs::File::open(folder)?.sync_all()?;
    let bytes = std::fs::metadata(&file)?.len();
    Ok(output::result(format_args!(
        "{} holds a checked copy of {bytes} bytes",
        file.display()
    ))?)
}

/// Over the database, or over the files that belong to it, a backup would take away what a server goes on writing.
fn refuse_the_database_itself(file: &Path, database: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        std::fs::metadata(path)
            .ok()
            .map(|metadata| (metadata.dev(), metadata.ino()))
    };
    let mut own = DATABASE_PARTS.map(|part| with_suffix(database, part));
    let is_own = own
        .iter_mut()
        .any(|own| file == own || (file.exists() && identity(file) == identity(own)));
    if is_own {
        return Err(Failure::usage(format!(
            "{} is the database itself: name another file",
            file.display()
        )));
    }
    Ok(())
}

/// Opening a store brings its schema up to date: what is opened is a copy of the copy, so that the program that serves the
/// original, which may be older than this one, can serve the backup too.
fn verify(copy: &Path, scratch: &Path) -> Result<(), Failure> {
    let problems = runtime::runtime()?.block_on(async {
        let checked = DatabaseCopy::open(copy, scratch, |_, _| ()).await?;
        checked.problems().await
    })?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the database is damaged, so no backup was made; `terse check` says more: {}",
        problems.join("; ")
    )))
}

/// A link, unlike a rename, fails when the name was taken meanwhile.
fn appear(copy: &Path, file: &Path, force: bool) -> Result<(), Failure> {
    if force {
        return Ok(std::fs::rename(copy, file)?);
    }
    std::fs::hard_link(copy, file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => taken(file),
        _ => error.into(),
    })
}

fn taken(file: &Path) -> Failure {
    Failure::new(format!(
        "{} is there already: add --force to replace it",
        file.display()
    ))
}
