//! `terse restore`.

use std::path::{Path, PathBuf};

use terse_server::config::Config;
use terse_server::data_dir::DataDir;
use terse_store::Store;

use crate::args::RestoreArgs;
use crate::copy::{DATABASE_PARTS, DatabaseCopy, folder_of, with_suffix};
use crate::failure::Failure;
use crate::{output, runtime};

/// What the database that was there is called afterwards, with a number where that name is taken.
const REPLACED_SUFFIX: &str = ".replaced";

/// Puts a backup in the place of the database.
pub(super) fn run(args: RestoreArgs) -> Result<(), Failure> {
    let RestoreArgs { file, force, data } = args;
    let config = data.resolve(None)?;
    let database = super::require_file(&config, "pg_restore, or psql")?.to_owned();
    let _data_dir = DataDir::lock(&config.data_dir, &config.database.place)?;
    if database.exists() && !force {
        return Err(Failure::new(format!(
            "{} is there already: add --force to replace it (it is kept as {})",
            database.display(),
            free_name(&database).display()
        )));
    }
    let folder = folder_of(&database);
    let scratch = tempfile::Builder::new().prefix(".restore-").tempdir_in(folder)?;
    let copy = scratch.path().join("restored.db");
    runtime::runtime()?.block_on(async {
        check(&file, scratch.path()).await?;
        // Not a plain copy: the file may have changes beside it that are not in it yet.
        Store::backup_to(&file, &copy, |_, _| ())?;
        if database.exists() {
            ship_into_the_old(config).await;
        }
        Ok::<_, Failure>(())
    })?;
    let replaced = set_aside(&database)?;
    std::fs::rename(&copy, &database)?;
    std::fs::File::open(folder)?.sync_all()?;
    let kept = replaced.map_or_else(String::new, |replaced| {
        format!("; what was there is kept as {}", replaced.display())
    });
    Ok(output::result(format_args!(
        "{} is restored from {}{kept}",
        database.display(),
        file.display()
    ))?)
}

/// Renames the database with all its parts, for a write-ahead log that stayed behind would be played into the backup. Gives the
/// new name, if there was anything to rename.
fn set_aside(database: &Path) -> Result<Option<PathBuf>, Failure> {
    let replaced = free_name(database);
    let mut has_moved = false;
    for part in DATABASE_PARTS {
        let from = with_suffix(database, part);
        if from.exists() {
            std::fs::rename(from, with_suffix(&replaced, part))?;
            has_moved = true;
        }
    }
    Ok(has_moved.then_some(replaced))
}

/// The first name of which no part exists: what an earlier restore set aside may be the only copy of it, and a log of that
/// would be played into the database that is set aside now.
fn free_name(database: &Path) -> PathBuf {
    let is_free = |name: &PathBuf| !DATABASE_PARTS.iter().any(|part| with_suffix(name, part).exists());
    let first = with_suffix(database, REPLACED_SUFFIX);
    let numbered = (2_u64..).map(|number| with_suffix(&first, &format!("-{number}")));
    std::iter::once(first.clone())
        .chain(numbered)
        .find(is_free)
        .expect("a folder has fewer files than there are numbers")
}

async fn check(file: &Path, scratch: &Path) -> Result<(), Failure> {
    if !file.is_file() {
        return Err(Failure::new(format!("{} is no file", file.display())));
    }
    let problems = DatabaseCopy::open(file, scratch, |_, _| ())
        .await?
        .problems()
        .await?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is damaged, nothing was changed: {}",
        file.display(),
        problems.join("; ")
    )))
}

/// Clicks that wait in the journal belong to the database that is replaced. When it does not take them, it may be why it is
/// replaced: then they stay in the journal, and the restored one gets them.
async fn ship_into_the_old(config: Config) {
    let shipped = async {
        runtime::app_with_all_clicks(config).await?.store.close().await;
        Ok::<_, Failure>(())
    };
    if let Err(error) = shipped.await {
        output::message(&format!(
            "clicks that wait in the journal go to the restored database: {error}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_set_aside_one_beside_the_other_each_with_its_own_log() {
        let folder = tempfile::tempdir().expect("a scratch directory");
        let database = folder.path().join("terse.db");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("ours");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        let replaced = || {
            let name = set_aside(&database).expect("set aside");
            name.map(|name| name.file_name().expect("a name").to_owned())
        };
        assert_eq!(replaced(), None, "there is nothing yet");
        write("terse.db", "first");
        write("terse.db-wal", "first's log");
        assert_eq!(replaced(), Some("terse.db.replaced".into()));
        write("terse.db", "second");
        assert_eq!(replaced(), Some("terse.db.replaced-2".into()));
        write("terse.db.replaced-3-wal", "somebody's");
        write("terse.db", "third");
        assert_eq!(replaced(), Some("terse.db.replaced-4".into()));
        for (name, text) in [
            ("terse.db.replaced", "first"),
            ("terse.db.replaced-wal", "first's log"),
            ("terse.db.replaced-2", "second"),
            ("terse.db.replaced-3-wal", "somebody's"),
            ("terse.db.replaced-4", "third"),
        ] {
            assert_eq!(read(name).as_deref(), Some(text), "{name}");
        }
        for name in ["terse.db", "terse.db-wal", "terse.db.replaced-2-wal"] {
            assert_eq!(read(name), None, "{name}");
        }
    }
}
