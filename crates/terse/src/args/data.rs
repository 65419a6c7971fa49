//! Where the data is: what every command that works on it takes.

use std::path::PathBuf;

use clap::Args;
use terse_server::config::{Config, ConfigError, RawConfig};

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataArgs {
    /// Folder of everything that must survive: database, click journal; one process at a time [default: ./data]
    #[arg(long, env = "TERSE_DATA_DIR", hide_env_values = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Database, as sqlite:FILE [default: terse.db in the data directory]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
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
            ..Self::default()
        }
    }
}
