//! `terse migrate`.

use terse_server::data_dir::DataDir;
use terse_store::{Place, Store};

use crate::args::DataArgs;
use crate::failure::Failure;
use crate::{output, runtime};

/// Brings the schema of the database up to date, and names the steps that took.
pub(super) fn run(args: DataArgs) -> Result<(), Failure> {
    let config = args.resolve(None)?;
    super::require_database(&config)?;
    // Of a file only one process at a time may change anything; a server's replicas may do it together.
    let _data_dir = match &config.database.place {
        Place::File(_) => Some(DataDir::lock(&config.data_dir, &config.database.place)?),
        Place::Server(_) => None,
    };
    let options = config.database.store_options();
    let steps = runtime::runtime()?.block_on(Store::migrate(options))?;
    let name = super::name_of(&config.database.place);
    Ok(match steps.as_slice() {
        [] => output::result(format_args!("{name} is up to date: there was nothing to do")),
        steps => output::result(format_args!("{name} is up to date after {}", steps.join(", "))),
    }?)
}
