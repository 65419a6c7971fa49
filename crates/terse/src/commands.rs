//! What each command does, a file each.

mod backup;
mod check;
mod export;
mod import;
mod openapi;
mod restore;
mod serve;
mod shorten;

use terse_server::config::Config;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::logging;

/// Does what was asked for.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let log_default = match cli.command {
        Command::Serve(_) => "info",
        _ => "warn",
    };
    logging::start(cli.log.as_deref().unwrap_or(log_default), cli.log_format)?;
    match cli.command {
        Command::Serve(args) => serve::run(*args),
        Command::Shorten(args) => shorten::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Check(args) => check::run(*args),
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
