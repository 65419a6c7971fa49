//! `terse import`.

mod report;

use terse_server::config::Config;
use terse_server::data_dir::DataDir;
use terse_server::transfer::import::{ImportFiles, ImportReport, import};
use terse_store::{Place, Store};

use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{output, runtime};

/// Imports the files and reports what became of each row. Skipped rows are no failure, for the report is there to be read; but
/// when there is nothing else, a script must not go on as if there were.
pub(super) fn run(args: ImportArgs) -> Result<(), Failure> {
    let config = args.data.resolve(None)?;
    let files = ImportFiles {
        users: args.users,
        urls: args.urls,
        events: args.events,
    };
    let report = runtime::runtime()?.block_on(import_into(&config, &files))?;
    let text = if args.json {
        report::json(&report).to_string()
    } else {
        report::text(&report)
    };
    output::result(text)?;
    if has_only_skips(&report) {
        return Err(Failure::new(
            "nothing was imported: every row was skipped, the report says why",
        ));
    }
    Ok(())
}

/// Of all files together: users who are all there under other ids are skipped, and their links are what is imported.
fn has_only_skips(report: &ImportReport) -> bool {
    let files = || {
        [&report.users, &report.urls, &report.events]
            .into_iter()
            .flatten()
    };
    files().any(|file| file.read > 0) && files().all(|file| file.inserted + file.already_there == 0)
}

async fn import_into(config: &Config, files: &ImportFiles) -> Result<ImportReport, Failure> {
    // A server's database has writers beside us anyway; the journal in the data directory is not looked at.
    let _data_dir = match &config.database.place {
        Place::File(_) => Some(DataDir::lock(&config.data_dir, &config.database.place)?),
        Place::Server(_) => None,
    };
    let store = Store::open(config.database.store_options()).await?;
    let bar = Progress::of_known_size("importing");
    let imported = import(&store, files, &mut |progress| {
        bar.set(progress.bytes_done, progress.bytes_total);
    })
    .await;
    store.close().await;
    Ok(imported?)
}
