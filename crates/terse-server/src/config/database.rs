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
const WHAT_TO_WRITE: &str = "write postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:FILE";

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
        let listen_at = raw.database_listen_url.as_deref().map(listen_at).transpose()?;
        if listen_at.is_some() && matches!(place, Place::File(_)) {
            let why = "nobody else changes what is in a file";
            return Err(ConfigError::NeedsPostgres("--database-listen-url", why));
        }
        Ok(Self {
            place,
            listen_at,
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
    let setting = "--database-listen-url";
    postgres(setting, url).unwrap_or_else(|| {
        let problem = "is not supported: it needs postgres://USER:PASSWORD@HOST/DATABASE";
        Err(value_error(setting, scheme_only(url), problem))
    })
}

/// The server that `url` means; `None` if it means something else.
fn postgres(setting: &'static str, url: &str) -> Option<Result<PostgresUrl, ConfigError>> {
    let refused = |problem: &dyn std::fmt::Display| value_error(setting, scheme_only(url), problem);
    if PostgresUrl::is_meant_by(url) {
        let parsed = url.parse::<PostgresUrl>();
        return Some(parsed.map_err(|problem| refused(&problem)));
    }
    let lacks_slashes = matches!(scheme_only(url), "postgres" | "postgresql");
    lacks_slashes.then(|| {
        Err(refused(
            &"lacks `//` after its `:`: write postgres://USER:PASSWORD@HOST/DATABASE",
        ))
    })
}

/// The database that `url` means, as it was written for `setting`.
///
/// # Errors
/// [`ConfigError`], which never quotes what may be a password.
pub fn place(setting: &'static str, url: &str) -> Result<Place, ConfigError> {
    if let Some(server) = postgres(setting, url) {
        return server.map(Place::Server);
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
