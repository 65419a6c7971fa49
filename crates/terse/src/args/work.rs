//! What the commands beside `serve` take.

use std::path::PathBuf;

use clap::Args;

use super::DataArgs;

/// `terse shorten`.
#[derive(Debug, Args)]
pub(crate) struct ShortenArgs {
    /// Where the link is to lead: an http or https URL
    pub(crate) url: String,

    /// The code to use: 1 to 64 letters, digits, - and _ [default: a generated one]
    #[arg(long)]
    pub(crate) code: Option<String>,

    /// What to call the link
    #[arg(long)]
    pub(crate) title: Option<String>,

    /// The server to ask, by its URL [default: the one that has the data directory, if any]
    #[arg(long, env = "TERSE_SERVER", hide_env_values = true, value_name = "URL")]
    pub(crate) server: Option<String>,

    /// What the short URL starts with when no server is asked [default: the address of `terse serve`]
    #[arg(long, env = "TERSE_BASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `terse import`.
#[derive(Debug, Args)]
#[group(id = "files", required = true, multiple = true, args = ["users", "urls", "events"])]
pub(crate) struct ImportArgs {
    /// The users.
    #[arg(long, value_name = "FILE", help = "CSV with id, username, email, created_at")]
    pub(crate) users: Option<PathBuf>,

    /// The links.
    #[arg(
        long,
        value_name = "FILE",
        help = "CSV with id, user_id, short_code, original_url, title, is_active, created_at, updated_at"
    )]
    pub(crate) urls: Option<PathBuf>,

    /// The log of events.
    #[arg(
        long,
        value_name = "FILE",
        help = "CSV with id, url_id, user_id, event_type, timestamp, details"
    )]
    pub(crate) events: Option<PathBuf>,

    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `terse export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder to write to; files of an earlier export are replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,

    /// Put a ' before texts that a spreadsheet would run as a formula (they start with = + - @ or a tab); such files do not
    /// read back as they were
    #[arg(long)]
    pub(crate) safe_for_spreadsheets: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `terse backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write
    pub(crate) file: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `terse restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    pub(crate) file: PathBuf,

    /// Replace the database that is there; it is kept beside, with .replaced after its name, and a number
    /// where that is taken
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `terse health`.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// The server to ask [default: the one that `terse serve` with the same settings is]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Where the server listens, if there is no --url [default: 127.0.0.1:8000]
    #[arg(long, env = "TERSE_LISTEN", hide_env_values = true, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,

    /// The port that the server was given; --listen wins
    #[arg(long, env = "PORT", hide_env_values = true, value_name = "PORT")]
    pub(crate) port: Option<String>,

    /// Who may call the server, which decides on which addresses a port alone is listened on
    #[arg(long, env = "TERSE_AUTH", hide_env_values = true, value_name = "open")]
    pub(crate) auth: Option<String>,

    /// Ask /readyz, whether requests should be sent there, instead of /livez
    #[arg(long)]
    pub(crate) ready: bool,
}
