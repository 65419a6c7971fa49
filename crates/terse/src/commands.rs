//! What each command does, a file each.

mod backup;
mod check;
mod copy;
mod export;
mod health;
mod import;
mod migrate;
mod openapi;
mod restore;
mod serve;
mod shorten;

use std::path::Path;

use terse_server::config::Config;
use terse_store::Place;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::logging;

/// Does what was asked for.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let (log, format) = (cli.log.as_deref(), cli.log_format);
    // A server starts logging itself, for its spans may go elsewhere too.
    if !matches!(cli.command, Command::Serve(_)) {
        logging::start(log.unwrap_or("warn"), format, None)?;
    }
    match cli.command {
        Command::Serve(args) => serve::run(*args, log.unwrap_or("info"), format),
        Command::Shorten(args) => shorten::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Migrate(args) => migrate::run(args),
        Command::Copy(args) => copy::run(&args),
        Command::Check(args) => check::run(*args),
        Command::Health(args) => health::run(&args),
        Command::Openapi => openapi::run(),
    }
}

/// Refuses to work on nothing: a misspelt `--data-dir` would look like an empty one. A server says itself what it has.
fn require_database(config: &Config) -> Result<(), Failure> {
    match &config.database.place {
        Place::File(file) if !file.exists() => Err(Failure::new(format!(
            "there is no database at {}: name the data directory with --data-dir",
            file.display()
        ))),
        _ => Ok(()),
    }
}

/// The database, which must be a file: `instead` says what does for others what the command does for files.
fn require_file<'c>(config: &'c Config, instead: &str) -> Result<&'c Path, Failure> {
    match &config.database.place {
        Place::File(file) => Ok(file),
        Place::Server(url) => Err(Failure::usage(format!(
            "{url} is a PostgreSQL database, and this command is for SQLite files: use {instead}"
        ))),
    }
}

/// What a person calls a database; no password.
fn name_of(place: &Place) -> String {
    match place {
        Place::File(file) => file.display().to_string(),
        Place::Server(url) => url.to_string(),
    }
}
