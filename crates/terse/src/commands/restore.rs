//! `terse restore`.

use std::path::Path;

use terse_server::config::Config;
use terse_server::data_dir::DataDir;
use terse_store::Store;

use crate::args::RestoreArgs;
use crate::copy::{DATABASE_PARTS, DatabaseCopy, folder_of, with_suffix};
use crate::failure::Failure;
use crate::{output, runtime};

/// What the database that was there is called afterwards.
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
            with_suffix(&database, REPLACED_SUFFIX).display()
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
    set_aside(&database)?;
    std::fs::rename(&copy, &database)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(output::result(format_args!(
        "{} is restored from {}",
        database.display(),
        file.display()
    ))?)
}

/// Renames the database with all its parts: a write-ahead log that stayed behind would be played into the backup, and one of
/// an earlier restore into the database that is set aside now.
fn set_aside(database: &Path) -> Result<(), Failure> {
    let replaced = with_suffix(database, REPLACED_SUFFIX);
    for part in DATABASE_PARTS {
        let (from, to) = (with_suffix(database, part), with_suffix(&replaced, part));
        if from.exists() {
            std::fs::rename(from, to)?;
        } else if to.exists() {
            std::fs::remove_file(to)?;
        }
    }
    Ok(())
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
    fn a_database_is_set_aside_with_its_own_log_and_no_other() {
        let folder = tempfile::tempdir().expect("a scratch directory");
        let database = folder.path().join("terse.db");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("ours");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        write("terse.db", "first");
        write("terse.db-wal", "first's log");
        set_aside(&database).expect("set aside");
        assert_eq!(read("terse.db.replaced").as_deref(), Some("first"));
        assert_eq!(read("terse.db.replaced-wal").as_deref(), Some("first's log"));
        assert_eq!((read("terse.db"), read("terse.db-wal")), (None, None));
        write("terse.db", "second");
        set_aside(&database).expect("set aside");
        assert_eq!(read("terse.db.replaced").as_deref(), Some("second"));
        assert_eq!(read("terse.db.replaced-wal"), None);
    }
}
