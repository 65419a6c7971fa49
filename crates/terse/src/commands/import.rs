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

/// Imports the files and reports what became of each row. Skipped rows are no failure: the report is there to be read.
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
    Ok(output::result(text)?)
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
