//! Where the data is: what every command that works on it takes.

use std::path::PathBuf;

use clap::Args;
use terse_server::config::{Config, ConfigError, RawConfig};

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataArgs {
    /// Folder of everything that must survive: database if it is a file, click journal; one process at a time
    /// [default: ./data]
    #[arg(long, env = "TERSE_DATA_DIR", hide_env_values = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// The database.
    #[arg(
        long,
        help = "Database: sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE [default: terse.db in the data directory]",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,

    /// Connections to a PostgreSQL server at most, of this process [default: 16]
    #[arg(
        long,
        env = "TERSE_DATABASE_CONNECTIONS",
        hide_env_values = true,
        value_name = "NUMBER"
    )]
    pub(crate) database_connections: Option<String>,

    /// Milliseconds that a PostgreSQL server has for a connection, a short statement, a turn to write, each; what takes longer
    /// is refused [default: 600]
    #[arg(
        long,
        env = "TERSE_DATABASE_TIMEOUT_MS",
        hide_env_values = true,
        value_name = "MS"
    )]
    pub(crate) database_timeout_ms: Option<String>,

    /// Where changes of other replicas are listened for, if `--database-url` leads to a pooler, which does not pass them on
    /// [default: the same]
    #[arg(
        long,
        env = "TERSE_DATABASE_LISTEN_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_listen_url: Option<String>,
}

impl DataArgs {
    /// The settings of a command that serves nothing.
    pub(crate) fn resolve(self, base_url: Option<String>) -> Result<Config, ConfigError> {
        Config::resolve(RawConfig {
            base_url,
            ..self.into()
        })
    }
}

impl From<DataArgs> for RawConfig {
    fn from(args: DataArgs) -> Self {
        Self {
            data_dir: args.data_dir,
            database_url: args.database_url,
            database_connections: args.database_connections,
            database_timeout_ms: args.database_timeout_ms,
            database_listen_url: args.database_listen_url,
            ..Self::default()
        }
    }
}
