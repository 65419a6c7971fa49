//! The command line: what can be written, and what `--help` says about it.

mod copy;
mod data;
mod serve;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::environment::Environment;
use crate::failure::Failure;

pub(crate) use copy::CopyArgs;
pub(crate) use data::DataArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use work::{BackupArgs, ExportArgs, HealthArgs, ImportArgs, RestoreArgs, ShortenArgs};

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  it failed; the message says why
  2  wrong usage or configuration
  3  the data directory, or the database, is in use by another process
  4  `check` found problems

Results go to stdout, messages and logs to stderr. Every setting is a flag or an environment variable; the flag wins, an \
empty variable counts as not set, and an unknown TERSE_… variable is an error.

Examples:
  terse serve
  terse shorten https://example.com/a/long/path
  terse import --users users.csv --urls urls.csv --events events.csv";

/// A URL shortener that never loses a click.
#[derive(Debug, Parser)]
#[command(name = "terse", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// What to log: error, warn, info, debug or trace, also for parts, as info,hyper=debug [default: info when
    /// serving, else warn]
    #[arg(
        long,
        global = true,
        help_heading = "Log",
        env = "TERSE_LOG",
        hide_env_values = true,
        value_name = "FILTER"
    )]
    pub(crate) log: Option<String>,

    /// How to log: auto is human on a terminal and JSON elsewhere
    #[arg(
        long,
        global = true,
        help_heading = "Log",
        env = "TERSE_LOG_FORMAT",
        hide_env_values = true,
        default_value = "auto",
        value_name = "FORMAT"
    )]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer redirects and the API until told to stop
    ///
    /// Everything is kept in the data directory; no other service is needed. SIGTERM or Ctrl-C finishes the requests under
    /// way and ends with code 0; a second one ends at once.
    #[command(
        after_help = "Examples:\n  terse serve\n  terse serve --listen 0.0.0.0:8000 --auth open --base-url https://sho.rt"
    )]
    Serve(Box<ServeArgs>),

    /// Make one short link and print its address
    ///
    /// Talks to --server, or to the server that has the data directory, or else writes to the data directory itself.
    #[command(
        after_help = "Examples:\n  terse shorten https://example.com/a/long/path\n  terse shorten https://example.com --code docs-2026 --server https://sho.rt"
    )]
    Shorten(ShortenArgs),

    /// Take over users, links and events from CSV files
    ///
    /// Rows keep their ids. What cannot be stored is skipped and named with its row and the reason; links and events of a
    /// skipped user go to the one who kept the name. Running it again doubles nothing. When there are rows and every one is
    /// skipped, it fails. The server must be stopped, unless the database is of a PostgreSQL server.
    #[command(after_help = "Example:\n  terse import --users users.csv --urls urls.csv --events events.csv")]
    Import(ImportArgs),

    /// Write users, links and events to CSV files
    ///
    /// The files are users.csv, urls.csv and events.csv, as `terse import` reads them. Also while a server runs, as of the
    /// moment it begins. Clicks that wait in the journals of other running servers are not in them.
    #[command(after_help = "Example:\n  terse export --to ./export")]
    Export(ExportArgs),

    /// Copy the database, also while it is being served
    ///
    /// Of a SQLite file; a PostgreSQL server has `pg_dump` and `pg_basebackup` for that.
    /// The copy is one consistent state, is checked before it gets its name, and is put back by `terse restore`.
    /// Clicks that wait in the journal, those of the last moment, are not in it. Needs free space for two copies.
    #[command(after_help = "Example:\n  terse backup /backups/terse-monday.db")]
    Backup(BackupArgs),

    /// Put a backup in the place of the database
    ///
    /// Of a SQLite file; a PostgreSQL server has `pg_restore` for that. No server may run on the data directory. The backup is
    /// checked first; the database that was there is kept beside the restored one, with .replaced after its name
    /// (.replaced-2 and so on after the first time), and gets the clicks that wait in the journal.
    #[command(after_help = "Example:\n  terse restore /backups/terse-monday.db --force")]
    Restore(RestoreArgs),

    /// Bring the schema of the database up to date and say what that took
    ///
    /// `terse serve` does it by itself when it starts; this is for those who want it done before. With PostgreSQL it may run
    /// while servers of the version before serve.
    #[command(after_help = "Example:\n  terse migrate --data-dir /var/lib/terse")]
    Migrate(DataArgs),

    /// Copy everything into another database, also of another engine
    ///
    /// Users, links, events and clicks keep their ids; the copy is read again and compared, and is there whole or not at all.
    /// Stop the servers first: what they write after it has begun is not in it. Clicks that wait in the journal of a
    /// server are shipped by the server that is started on the same --data-dir afterwards, each once.
    #[command(
        after_help = "Example:\n  terse copy --from sqlite:data/terse.db --to postgres://terse:PASSWORD@db.example/terse"
    )]
    Copy(CopyArgs),

    /// Look for problems in settings and data, without changing anything
    ///
    /// Prints a line for each thing looked at, and ends with code 4 when something is wrong. Also while a server runs: then
    /// the database is looked at as of the moment it begins, and records at the end of journal segments, which may be in
    /// the middle of being written, are not judged. Needs free space for a copy of the database.
    #[command(after_help = "Example:\n  terse check --data-dir /var/lib/terse")]
    Check(Box<ServeArgs>),

    /// Ask a server whether it answers, or takes requests
    ///
    /// Without --url that is the one that `terse serve` with the same settings is.
    /// For whoever watches a process or container: ends with code 0 when it does, else with 1. A server that answers
    /// need not be restarted, also when its database is away; with --ready it has to be fit to be sent requests.
    #[command(after_help = "Examples:\n  terse health\n  terse health --url http://127.0.0.1:8001 --ready")]
    Health(HealthArgs),

    /// Print the description of the API (OpenAPI 3.1, JSON)
    #[command(after_help = "Example:\n  terse openapi > openapi.json")]
    Openapi,
}

/// What came of reading the command line.
pub(crate) enum Invocation {
    /// There is something to do.
    Run(Box<Cli>),
    /// Help, the version, or what is wrong with the usage was printed.
    Answered(ExitCode),
}

/// Reads the command line and the environment.
pub(crate) fn parse() -> Result<Invocation, Failure> {
    let environment = Environment::read();
    let command = environment.without_empty(Cli::command());
    let parsed = command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            environment.refuse_unknown(&Cli::command())?;
            Ok(Invocation::Run(Box::new(cli)))
        }
        Err(answer) => {
            // A reader that went away is not told.
            let _ = answer.print();
            let code = u8::try_from(answer.exit_code()).unwrap_or(1);
            Ok(Invocation::Answered(ExitCode::from(code)))
        }
    }
}
