//! `terse export`.

use std::path::Path;

use terse_server::config::Config;
use terse_server::data_dir::{DataDir, DataDirError};
use terse_server::transfer::export::{Audience, ExportReport, export};
use terse_store::{Place, Store};

use crate::args::ExportArgs;
use crate::copy::{DatabaseCopy, folder_of};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{output, runtime};

/// Writes the three files.
pub(super) fn run(args: ExportArgs) -> Result<(), Failure> {
    let config = args.data.resolve(None)?;
    let audience = if args.safe_for_spreadsheets {
        Audience::Spreadsheets
    } else {
        Audience::Programs
    };
    super::require_database(&config)?;
    let report = runtime::runtime()?.block_on(export_from(config, &args.to, audience))?;
    Ok(output::result(format_args!(
        "exported {} users, {} links and {} events to {}",
        report.users,
        report.urls,
        report.events,
        args.to.display()
    ))?)
}

async fn export_from(config: Config, to: &Path, audience: Audience) -> Result<ExportReport, Failure> {
    if matches!(config.database.place, Place::Server(_)) && !config.data_dir.is_dir() {
        // No journal of this machine to look at, and no reason to begin one.
        return write_frozen(&config, to, audience).await;
    }
    let lock = DataDir::lock(&config.data_dir, &config.database.place);
    match (lock, &config.database.place) {
        (Ok(_data_dir), Place::File(_)) => {
            let app = runtime::app_with_all_clicks(config).await?;
            write(&app.store, to, audience).await
        }
        (Err(DataDirError::InUse { .. }), Place::File(file)) => {
            let copy = DatabaseCopy::open(file, folder_of(file), |_, _| ()).await?;
            write(&copy.store, to, audience).await
        }
        (Ok(_data_dir), Place::Server(_)) => {
            runtime::app_with_all_clicks(config.clone())
                .await?
                .store
                .close()
                .await;
            write_frozen(&config, to, audience).await
        }
        (Err(DataDirError::InUse { .. }), Place::Server(_)) => write_frozen(&config, to, audience).await,
        (Err(error), _) => Err(error.into()),
    }
}

/// As of this moment: other servers write on meanwhile.
async fn write_frozen(config: &Config, to: &Path, audience: Audience) -> Result<ExportReport, Failure> {
    write(&crate::copy::frozen(config).await?, to, audience).await
}

async fn write(store: &Store, to: &Path, audience: Audience) -> Result<ExportReport, Failure> {
    let progress = Progress::of_unknown_size("exporting rows");
    let report = export(store, to, audience, &mut |rows| progress.add(rows)).await;
    store.close().await;
    Ok(report?)
}
