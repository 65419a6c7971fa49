//! Where the database is, and how patient we are with it.

use std::path::Path;
use std::time::Duration;

use terse_store::{Place, PostgresUrl, StoreOptions};

use super::{ConfigError, RawConfig, number, scheme_only, value_error};

/// Connections to a PostgreSQL server, of this process.
pub const DATABASE_CONNECTIONS_DEFAULT: usize = terse_store::CONNECTIONS_DEFAULT;
/// One writes, one reads at length, one reads what visitors wait for.
pub const DATABASE_CONNECTIONS_MIN: usize = 3;
/// The most that `--database-connections` may ask for.
pub const DATABASE_CONNECTIONS_MAX: usize = 1_000;
/// Milliseconds that a PostgreSQL server has for a connection, a short statement, and a turn to write, each.
pub const DATABASE_TIMEOUT_MS_DEFAULT: u64 = 600;
/// The least that `--database-timeout-ms` may ask for.
pub const DATABASE_TIMEOUT_MS_MIN: u64 = 50;
/// The most that `--database-timeout-ms` may ask for.
pub const DATABASE_TIMEOUT_MS_MAX: u64 = 60_000;

const SQLITE_FILE: &str = "terse.db";
const WHAT_TO_WRITE: &str = "write postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:FILE, or leave it out";

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Where it is. Shown without password.
    pub place: Place,
    /// Where changes of other replicas are listened for, if not there. Shown without password.
    pub listen_at: Option<PostgresUrl>,
    /// Connections to a server at most.
    pub connections_max: usize,
    /// How long a server has for each of: a connection, a short statement, a turn to write.
    pub within: Duration,
}

impl DatabaseConfig {
    pub(super) fn resolve(raw: &RawConfig, data_dir: &Path) -> Result<Self, ConfigError> {
        let place = match raw.database_url.as_deref() {
            Some(url) => place("--database-url", url)?,
            None => Place::File(data_dir.join(SQLITE_FILE)),
        };
        Ok(Self {
            place,
            listen_at: raw.database_listen_url.as_deref().map(listen_at).transpose()?,
            connections_max: number(
                "--database-connections",
                raw.database_connections.clone(),
                DATABASE_CONNECTIONS_DEFAULT,
                DATABASE_CONNECTIONS_MIN..=DATABASE_CONNECTIONS_MAX,
            )?,
            within: Duration::from_millis(number(
                "--database-timeout-ms",
                raw.database_timeout_ms.clone(),
                DATABASE_TIMEOUT_MS_DEFAULT,
                DATABASE_TIMEOUT_MS_MIN..=DATABASE_TIMEOUT_MS_MAX,
            )?),
        })
    }

    /// What opens it.
    pub fn store_options(&self) -> StoreOptions {
        let mut options = StoreOptions::at(self.place.clone());
        options.listen_at.clone_from(&self.listen_at);
        options.connections_max = self.connections_max;
        options.server_within = self.within;
        options
    }
}

fn listen_at(url: &str) -> Result<PostgresUrl, ConfigError> {
    url.parse().map_err(|problem: terse_store::InvalidPostgresUrl| {
        value_error("--database-listen-url", scheme_only(url), problem)
    })
}

/// The database that `url` means, as it was written for `setting`.
///
/// # Errors
/// [`ConfigError`], which never quotes what may be a password.
pub fn place(setting: &'static str, url: &str) -> Result<Place, ConfigError> {
    if PostgresUrl::is_meant_by(url) {
        let parsed = url.parse().map(Place::Server);
        return parsed.map_err(|problem| value_error(setting, scheme_only(url), problem));
    }
    let path = url
        .strip_prefix("sqlite:")
        .map(|path| path.strip_prefix("//").unwrap_or(path));
    let Some(path) = path else {
        let problem = format!("is not supported: {WHAT_TO_WRITE}");
        return Err(value_error(setting, scheme_only(url), problem));
    };
    // A query would be taken for a part of the name.
    if path.is_empty() || path == ":memory:" || path.contains('?') {
        let problem = format!("names no file: {WHAT_TO_WRITE}");
        return Err(value_error(setting, url, problem));
    }
    Ok(Place::File(path.into()))
}
