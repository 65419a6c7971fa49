//! `terse export`.

use std::path::Path;

use terse_server::config::Config;
use terse_server::data_dir::{DataDir, DataDirError};
use terse_server::transfer::export::{Audience, ExportReport, export};
use terse_store::Store;

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
    match DataDir::lock(&config.data_dir, &config.database_file) {
        Ok(_data_dir) => {
            let app = runtime::app_with_all_clicks(config).await?;
            let report = write(&app.store, to, audience).await;
            app.store.close().await;
            report
        }
        Err(DataDirError::InUse { .. }) => {
            let beside = folder_of(&config.database_file);
            let copy = DatabaseCopy::open(&config.database_file, beside, |_, _| ()).await?;
            let report = write(&copy.store, to, audience).await;
            copy.store.close().await;
            report
        }
        Err(error) => Err(error.into()),
    }
}

async fn write(store: &Store, to: &Path, audience: Audience) -> Result<ExportReport, Failure> {
    let progress = Progress::of_unknown_size("exporting rows");
    Ok(export(store, to, audience, &mut |rows| progress.add(rows)).await?)
}
