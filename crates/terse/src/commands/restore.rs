//! `terse restore`.

use std::path::Path;

use terse_server::config::Config;
use terse_server::data_dir::DataDir;

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
    let database = config.database_file.clone();
    let _data_dir = DataDir::lock(&config.data_dir, &database)?;
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
        std::fs::copy(&file, &copy)?;
        std::fs::File::open(&copy)?.sync_all()?;
        if database.exists() {
            ship_into_the_old(config).await;
        }
        Ok::<_, Failure>(())
    })?;
    // A write-ahead log that stayed behind would be played into the backup.
    for part in DATABASE_PARTS {
        let part = with_suffix(&database, part);
        if part.exists() {
            std::fs::rename(&part, with_suffix(&part, REPLACED_SUFFIX))?;
        }
    }
    std::fs::rename(&copy, &database)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(output::result(format_args!(
        "{} is restored from {}",
        database.display(),
        file.display()
    ))?)
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
