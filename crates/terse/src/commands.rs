//! What each command does, a file each.

mod backup;

mod export;
mod import;
mod openapi;
mod serve;
mod shorten;

use terse_server::config::Config;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::logging;

/// Does what was asked for.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    logging::start(&cli.log, cli.log_format)?;
    match cli.command {
        Command::Serve(args) => serve::run(*args),
        Command::Shorten(args) => shorten::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Check(_) => Ok(()),
        Command::Openapi => openapi::run(),
    }
}

/// Refuses to work on nothing: a misspelt `--data-dir` would look like an empty one.
fn require_database(config: &Config) -> Result<(), Failure> {
    let file = &config.database_file;
    if file.exists() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "there is no database at {}: name the data directory with --data-dir",
        file.display()
    )))
}
