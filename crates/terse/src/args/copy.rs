//! What moves a service to another engine takes.

use clap::Args;

/// `terse copy`.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The source.
    #[arg(
        long,
        help = "The database to copy: sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE",
        env = "TERSE_COPY_FROM",
        hide_env_values = true,
        value_name = "URL",
        required = true
    )]
    pub(crate) from: String,

    /// The database to copy to, which is empty, or made if it is a file that is not there; no server may be using it
    #[arg(
        long,
        env = "TERSE_COPY_TO",
        hide_env_values = true,
        value_name = "URL",
        required = true
    )]
    pub(crate) to: String,

    /// Take everything out of the target first, for good; refused as well while a server uses it
    #[arg(long)]
    pub(crate) force: bool,
}
